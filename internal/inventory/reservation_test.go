package inventory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

func (s *shop) consume(r uuid.UUID) error {
	return postgres.InTx(s.Ctx(), s.Pool, func(tx pgx.Tx) error {
		_, err := s.Inventory.ConsumeTx(s.Ctx(), tx, r)
		return err
	})
}

// A reservation holds until it ends, in one of three ways.
func TestLifeOfAReservation(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, pot, buyer := s.product(3), s.single(), s.User(identity.Buyer)
	in := wants(tee, pot)
	in.Wants[0].Quantity = 2
	r, err := s.Inventory.Reserve(t.Context(), buyer, in)
	if err != nil || r.Status != inventory.Open || r.ExpiresAt.Sub(r.CreatedAt).Round(time.Minute) != inventory.DefaultTTL {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := s.on(tee, s.place.ID); got != [2]int64{3, 2} || s.available(tee) != 1 || s.available(pot) != 0 {
		t.Errorf("reserved: %v, %d free", got, s.available(tee))
	}
	if lines, err := s.Inventory.Lines(t.Context(), r.ID); err != nil || len(lines) != 2 || *lines[1].LocationID != s.place.ID || lines[0].LocationID != nil {
		t.Errorf("%+v, %v", lines, err)
	}
	if again, err := s.Inventory.Reserve(t.Context(), buyer, in); err != nil || again.ID != r.ID {
		t.Errorf("the same key: %+v, %v", again, err)
	}
	other := in
	other.Wants = other.Wants[:1]
	if _, err := s.Inventory.Reserve(t.Context(), buyer, other); !errors.Is(err, inventory.ErrKeyReused) {
		t.Errorf("another wish by the same key: %v", err)
	}
	if released, err := s.Inventory.Release(t.Context(), buyer, r.ID); err != nil || released.Status != inventory.Released {
		t.Errorf("%+v, %v", released, err)
	}
	if got := s.on(tee, s.place.ID); got != [2]int64{3, 0} || s.available(pot) != 1 {
		t.Errorf("released: %v", got)
	}
	if err := s.consume(r.ID); !errors.Is(err, inventory.ErrReservationOver) {
		t.Errorf("what was released is paid: %v", err)
	}
	in.IdempotencyKey = "second"
	r, err = s.Inventory.Reserve(t.Context(), buyer, in)
	s.Must(err)
	s.Must(s.consume(r.ID))
	if got := s.on(tee, s.place.ID); got != [2]int64{1, 0} || s.available(pot) != 0 || s.available(tee) != 1 {
		t.Errorf("paid: %v", got)
	}
	if l, err := s.Catalog.Get(t.Context(), pot); err != nil || l.Status != catalog.Sold {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := s.Inventory.Release(t.Context(), buyer, r.ID); !errors.Is(err, inventory.ErrReservationOver) {
		t.Errorf("what was paid is released: %v", err)
	}
	if err := s.consume(r.ID); !errors.Is(err, inventory.ErrReservationOver) {
		t.Errorf("paid twice: %v", err)
	}
	if _, err := s.Inventory.Release(t.Context(), s.User(identity.Buyer), r.ID); !errors.Is(err, inventory.ErrReservationNotFound) {
		t.Errorf("by another: %v", err)
	}
}

// What is beyond its time is free at once: the job need not have been there, for stock and for what exists once, for buyers and for lots.
func TestExpiredIsFreeBeforeTheJob(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, pot, jar := s.product(1), s.single(), s.single()
	late, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee, pot, jar))
	s.Must(err)
	if _, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee)); !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("while it holds: %v", err)
	}
	s.expire(late.ID)
	if s.available(tee) != 1 || s.available(pot) != 1 {
		t.Errorf("%d and %d are free", s.available(tee), s.available(pot))
	}
	if r, err := s.Inventory.Get(t.Context(), late.UserID, late.ID); err != nil || r.Status != inventory.Expired {
		t.Errorf("%+v, %v", r, err)
	}
	if err := s.consume(late.ID); !errors.Is(err, inventory.ErrReservationOver) {
		t.Errorf("paid too late: %v", err)
	}
	s.Must2(s.Auctions.Start(t.Context(), s.seller, auction.StartInput{Listing: jar, StartPrice: domaintest.EUR(1_00), Duration: time.Hour}))
	next, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(pot))
	s.Must(err)
	s.Must2(s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee)))
	if n, err := s.Inventory.ExpireDue(t.Context()); err != nil || n > 1 {
		t.Errorf("%d were left for the job, %v", n, err)
	}
	if l, err := s.Catalog.Get(t.Context(), jar); err != nil || l.Status != catalog.Reserved {
		t.Errorf("the lot's listing is %s, %v", l.Status, err)
	}
	s.Must(s.consume(next.ID))
}

// expire brings a reservation's time to an end.
func (s *shop) expire(r uuid.UUID) {
	s.T.Helper()
	s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = $1`, r)
	s.Exec(`UPDATE listing SET reserved_until = clock_timestamp() WHERE reserved_by = $1`, r)
}

func TestExpireDue(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee := s.product(150)
	for range 120 { // more than a batch
		r, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee))
		s.Must(err)
		s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = $1`, r.ID)
	}
	s.Must2(s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee)))
	if n, err := s.Inventory.ExpireDue(t.Context()); err != nil || n != 120 || s.on(tee, s.place.ID) != [2]int64{150, 1} {
		t.Errorf("%d, %v, %v", n, err, s.on(tee, s.place.ID))
	}
}

func TestReserveRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, pot, buyer := s.product(5), s.single(), s.User(identity.Buyer)
	draft, hidden, lot, unpriced := s.single(), s.single(), s.Listing(s.seller), s.Listing(s.seller)
	s.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, draft)
	s.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden)
	s.Must2(s.Auctions.Start(t.Context(), s.seller, auction.StartInput{Listing: lot, StartPrice: domaintest.EUR(1_00), Duration: time.Hour}))
	of := func(n int32, variants ...uuid.UUID) inventory.ReserveInput {
		in := wants(variants...)
		in.Wants[0].Quantity = n
		return in
	}
	region := wants(tee)
	region.Region = "fr"
	many := wants()
	for range 51 {
		many.Wants = append(many.Wants, inventory.Want{Variant: id.New(), Quantity: 1})
	}
	before := s.Digest()
	for name, c := range map[string]struct {
		in   inventory.ReserveInput
		want error
	}{
		"nothing":                 {wants(), inventory.ErrReservationLines},
		"51 lines":                {many, inventory.ErrReservationLines},
		"a variant twice":         {wants(tee, tee), inventory.ErrReservationLines},
		"none of it":              {of(0, tee), inventory.ErrQuantity},
		"less than none":          {of(-1, tee), inventory.ErrQuantity},
		"a million and one":       {of(1_000_001, tee), inventory.ErrQuantity},
		"more than there is":      {of(6, tee), inventory.ErrOutOfStock},
		"two of what exists once": {of(2, pot), inventory.ErrOutOfStock},
		"in small letters":        {region, inventory.ErrRegion},
		"what does not exist":     {wants(id.New()), catalog.ErrVariantNotFound},
		"what is hidden":          {wants(hidden), catalog.ErrVariantNotFound},
		"what has ended":          {wants(draft), inventory.ErrOutOfStock},
		"without a price":         {wants(unpriced), catalog.ErrVariantNotFound},
		"all or nothing":          {of(5, tee, pot, draft), inventory.ErrOutOfStock},
	} {
		if _, err := s.Inventory.Reserve(t.Context(), buyer, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if s.Digest() != before {
		t.Error("a refusal left something")
	}
}

// A mixed cart is split, and falls back on another region.
func TestReserveSplits(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far := s.location("Far", "MA")
	tee := s.product(2)
	s.receive(tee, far.ID, 3)
	in := wants(tee)
	in.Wants[0].Quantity = 5
	s.Must2(s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), in))
	if s.on(tee, s.place.ID) != [2]int64{2, 2} || s.on(tee, far.ID) != [2]int64{3, 3} {
		t.Errorf("%v and %v", s.on(tee, s.place.ID), s.on(tee, far.ID))
	}
}

// A refusal leaves the payment's transaction usable.
func TestConsumeTooLateLeavesTheTransaction(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee := s.product(1)
	quick := s.InventoryAt(clock.System{}, time.Microsecond)
	r, err := quick.Reserve(t.Context(), s.User(identity.Buyer), wants(tee))
	s.Must(err)
	s.Must(postgres.InTx(t.Context(), s.Pool, func(tx pgx.Tx) error {
		if _, err := s.Inventory.ConsumeTx(t.Context(), tx, r.ID); !errors.Is(err, inventory.ErrReservationOver) {
			t.Errorf("%v", err)
		}
		return tx.QueryRow(t.Context(), `SELECT 1`).Scan(new(int))
	}))
}
