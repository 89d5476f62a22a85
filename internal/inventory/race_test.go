package inventory_test

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

// expiries is how often TestExpiryAgainstPayment plays; make soak-stock plays ten thousand.
var expiries = flag.Int("expiries", 100, "how many reservations are paid at the instant of their end")

// A thousand buyers at once, on two servers, for ten units in two places: ten get one, nobody else, and no unit is left.
func TestAThousandBuyersForTen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far, tee := s.location("Far", "MA"), s.product(6)
	s.receive(tee, far.ID, 4)
	servers := []*domaintest.World{s.World, s.Another(t)}
	buyers := s.crowd(1000)
	var won [1000]uuid.UUID
	errs := domaintest.AtOnce(1000, func(i int) error {
		r, err := servers[i%2].Inventory.Reserve(t.Context(), buyers[i], wants(tee))
		won[i] = r.ID
		return err
	})
	codes := domaintest.Codes(errs)
	if codes[""] != 10 || codes["OUT_OF_STOCK"] != 990 {
		t.Errorf("%v", codes)
	}
	if s.available(tee) != 0 || s.on(tee, s.place.ID) != [2]int64{6, 6} || s.on(tee, far.ID) != [2]int64{4, 4} {
		t.Errorf("%v and %v", s.on(tee, s.place.ID), s.on(tee, far.ID))
	}
	for i, err := range errs {
		if err == nil {
			s.Must(s.consume(won[i]))
		}
	}
	if s.on(tee, s.place.ID) != [2]int64{} || s.on(tee, far.ID) != [2]int64{} {
		t.Errorf("sold: %v and %v", s.on(tee, s.place.ID), s.on(tee, far.ID))
	}
}

// crowd is many buyers, by one statement.
func (s *shop) crowd(n int) (buyers []uuid.UUID) {
	s.T.Helper()
	rows, err := s.Admin.Query(s.Ctx(), `INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT u, u || '@souk.example', 'Somebody', 'BUYER', 'x' FROM (SELECT gen_random_uuid() AS u FROM generate_series(1, $1)) c RETURNING id`, n)
	s.Must(err)
	buyers, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	s.Must(err)
	return buyers
}

// The same for ten units that all lie in reservations beyond their time: those are free for the first ten.
func TestACrowdForWhatIsBeyondItsTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee := s.product(10)
	for range 5 {
		in := wants(tee)
		in.Wants[0].Quantity = 2
		r, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), in)
		s.Must(err)
		s.expire(r.ID)
	}
	servers, buyers := []*domaintest.World{s.World, s.Another(t)}, s.crowd(100)
	codes := domaintest.Codes(domaintest.AtOnce(101, func(i int) error {
		if i == 100 {
			return second(s.Inventory.ExpireDue(t.Context()))
		}
		return second(servers[i%2].Inventory.Reserve(t.Context(), buyers[i], wants(tee)))
	}))
	if codes[""] != 11 || codes["OUT_OF_STOCK"] != 90 || s.on(tee, s.place.ID) != [2]int64{10, 10} {
		t.Errorf("%v, %v", codes, s.on(tee, s.place.ID))
	}
}

// Carts with the same things in other orders do not wait for each other in a circle, whoever gives back meanwhile.
func TestMixedCartsDoNotLockEachOther(t *testing.T) {
	t.Parallel()
	s := setup(t)
	things := []uuid.UUID{s.product(7), s.product(7), s.product(7), s.single(), s.single()}
	buyers := s.crowd(60)
	codes := domaintest.Codes(domaintest.AtOnce(60, func(i int) error {
		a, b, c := things[i%5], things[(i+1+i%3)%5], things[(i+4)%5]
		cart := []uuid.UUID{a}
		for _, v := range []uuid.UUID{b, c} {
			if v != a && v != cart[len(cart)-1] {
				cart = append(cart, v)
			}
		}
		r, err := s.Inventory.Reserve(t.Context(), buyers[i], wants(cart...))
		if err != nil {
			return err
		}
		if i%2 == 0 {
			return second(s.Inventory.Release(t.Context(), buyers[i], r.ID))
		}
		return s.consume(r.ID)
	}))
	if codes[""] == 0 || codes[""]+codes["OUT_OF_STOCK"] != 60 {
		t.Errorf("%v", codes)
	}
}

// One key at once is one reservation.
func TestOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, buyer := s.product(3), s.User(identity.Buyer)
	in := wants(tee)
	var ids [20]uuid.UUID
	for _, err := range domaintest.AtOnce(20, func(i int) error {
		r, err := s.Inventory.Reserve(t.Context(), buyer, in)
		ids[i] = r.ID
		return err
	}) {
		s.Must(err)
	}
	for _, r := range ids {
		if r != ids[0] {
			t.Fatalf("%v", ids)
		}
	}
	if s.on(tee, s.place.ID) != [2]int64{3, 1} {
		t.Errorf("%v", s.on(tee, s.place.ID))
	}
}

// What exists once is in an auction or a buyer's, never both, however both want it at once.
func TestOneOffInAnAuctionAndForSale(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.Another(t)
	for range 25 {
		pot := s.single()
		buyers := s.crowd(3)
		errs := domaintest.AtOnce(4, func(i int) error {
			if i == 3 {
				return second(other.Auctions.Start(t.Context(), s.seller, auction.StartInput{Listing: pot, StartPrice: domaintest.EUR(1_00), Duration: time.Hour}))
			}
			return second(s.Inventory.Reserve(t.Context(), buyers[i], wants(pot)))
		})
		codes := domaintest.Codes(errs)
		if codes[""] != 1 || codes["OUT_OF_STOCK"]+codes["LISTING_NOT_AVAILABLE"] != 3 {
			t.Errorf("%v", codes)
		}
	}
}

// A payment at the instant at which the reservation ends: one of the two is first, and the stock knows which.
func TestExpiryAgainstPayment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, buyer := s.product(*expiries), s.User(identity.Buyer)
	paid := 0
	for i := range *expiries {
		in := wants(tee)
		if i%2 == 0 {
			in.Wants = append(in.Wants, inventory.Want{Variant: s.single(), Quantity: 1})
		}
		r, err := s.Inventory.Reserve(t.Context(), buyer, in)
		s.Must(err)
		// The end lies some milliseconds ahead, and both wait for it.
		s.Exec(`WITH due AS (UPDATE reservation SET expires_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE id = $1 RETURNING id, expires_at)
			UPDATE listing SET reserved_until = due.expires_at FROM due WHERE reserved_by = due.id`, r.ID, 3000+i%5*1500)
		var consumed error
		expired := domaintest.AtOnce(2, func(who int) error {
			if who == 0 {
				consumed = s.consumeAfter(r.ID, time.Duration(i%7)*500*time.Microsecond)
				return nil
			}
			return s.untilOver(r.ID)
		})
		s.Must(expired[1])
		if consumed != nil && !errors.Is(consumed, inventory.ErrReservationOver) {
			t.Fatal(consumed)
		}
		if consumed == nil {
			paid++
		}
		status := s.Int(`SELECT count(*) FROM reservation WHERE id = $1 AND status = $2`, r.ID, map[bool]string{true: "CONSUMED", false: "EXPIRED"}[consumed == nil])
		if status != 1 {
			t.Fatalf("round %d: paid %v, and the reservation says otherwise", i, consumed == nil)
		}
	}
	if got := s.on(tee, s.place.ID); got != [2]int64{int64(*expiries - paid), 0} {
		t.Errorf("%d were paid, and the stock is %v", paid, got)
	}
	t.Logf("%d of %d were paid in time", paid, *expiries)
}

// consumeAfter pays a little later.
func (s *shop) consumeAfter(r uuid.UUID, wait time.Duration) error {
	return postgres.InTx(s.Ctx(), s.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.Ctx(), `SELECT pg_sleep($1)`, wait.Seconds()); err != nil {
			return err
		}
		_, err := s.Inventory.ConsumeTx(s.Ctx(), tx, r)
		return err
	})
}

// untilOver expires what is due until a reservation is over.
func (s *shop) untilOver(r uuid.UUID) error {
	for {
		if _, err := s.Inventory.ExpireDue(s.Ctx()); err != nil {
			return err
		}
		var over bool
		err := s.Admin.QueryRow(context.WithoutCancel(s.Ctx()), `SELECT status <> 'OPEN' FROM reservation WHERE id = $1`, r).Scan(&over)
		if over || err != nil {
			return err
		}
	}
}
