package inventory_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
)

// What is asked for at one time is opened together, and given back together; each has the answer that it would have alone.
func TestReservedTogether(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far := s.location("Far", "MA")
	tees, mug, once, never := s.product(30), s.product(3), s.single(), uuid.New()
	s.receive(tees, far.ID, 30)
	servers, buyers := []*domaintest.World{s.World, s.Another(t)}, s.crowd(60)
	var got [300]inventory.Reservation
	codes := domaintest.Codes(domaintest.AtOnce(300, func(i int) (err error) {
		buyer, server := buyers[i/5], servers[i%2]
		in := wants([]uuid.UUID{tees, mug, once, never, tees}[i%5])
		in.IdempotencyKey = strconv.Itoa(i)
		if i%5 == 4 {
			in.IdempotencyKey = strconv.Itoa(i - 4) // the tee once more: by a retry, or before the first
		}
		got[i], err = server.Inventory.Reserve(t.Context(), buyer, in)
		return err
	}))
	if want := map[string]int{"": 60 + 60 + 3 + 1, "OUT_OF_STOCK": 57 + 59, "VARIANT_NOT_FOUND": 60}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", codes, want)
	}
	for i := 0; i < len(got); i += 5 {
		if got[i].ID != got[i+4].ID {
			t.Errorf("one key has two reservations")
		}
	}
	if here, there := s.on(tees, s.place.ID), s.on(tees, far.ID); here[1]+there[1] != 60 || s.on(mug, s.place.ID)[1] != 3 {
		t.Errorf("%v, %v and %v are reserved", here, there, s.on(mug, s.place.ID))
	}

	codes = domaintest.Codes(domaintest.AtOnce(300, func(i int) error {
		r, buyer := got[i], buyers[i/5]
		if i%5 == 3 { // another's
			r, buyer = got[i-3], buyers[(i/5+1)%60]
		}
		released, err := servers[i%2].Inventory.Release(t.Context(), buyer, r.ID)
		if err == nil && released.Status != inventory.Released {
			err = fmt.Errorf("it is %s", released.Status)
		}
		return err
	}))
	if want := map[string]int{"": 60 + 60 + 3 + 1, "RESERVATION_NOT_FOUND": 300 - 124}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", codes, want)
	}
	for _, variant := range []uuid.UUID{tees, mug} {
		if s.on(variant, s.place.ID)[1] != 0 || s.on(variant, far.ID)[1] != 0 {
			t.Errorf("%v and %v stay reserved", s.on(variant, s.place.ID), s.on(variant, far.ID))
		}
	}
	s.Must2(s.Inventory.Reserve(t.Context(), buyers[0], wants(once)))
}

// Who wants what a payment holds waits for it; who wants something else at the same time does not, though it was to be taken together.
func TestNobodyWaitsForAnothersStock(t *testing.T) {
	t.Parallel()
	s := setup(t)
	held, free := s.product(10), s.product(10)
	buyers := s.crowd(40)
	mine, err := s.Inventory.Reserve(t.Context(), buyers[0], wants(held))
	s.Must(err)
	payment, err := s.Pool.Begin(t.Context())
	s.Must(err)
	defer func() { _ = payment.Rollback(t.Context()) }()
	s.Must2(payment.Exec(t.Context(), `SELECT FROM stock WHERE variant_id = $1 FOR UPDATE`, held))
	waiting := make(chan error, 3)
	go func() {
		_, err := s.Inventory.Release(t.Context(), buyers[0], mine.ID)
		waiting <- err
	}()
	for i := range 2 {
		go func() {
			_, err := s.Inventory.Reserve(t.Context(), buyers[1+i], wants(held))
			waiting <- err
		}()
	}
	others := domaintest.Codes(domaintest.AtOnce(10, func(i int) error {
		r, err := s.Inventory.Reserve(t.Context(), buyers[10+i], wants(free))
		if err == nil {
			_, err = s.Inventory.Release(t.Context(), buyers[10+i], r.ID)
		}
		return err
	}))
	if others[""] != 10 || len(waiting) > 0 {
		t.Errorf("%v, %d did not wait", others, len(waiting))
	}
	s.Must(payment.Rollback(t.Context()))
	for range 3 {
		s.Must(<-waiting)
	}
	if on := s.on(held, s.place.ID); on != [2]int64{10, 2} {
		t.Errorf("%v", on)
	}
}

// Where the database fails the statement for many, each is done alone.
func TestAloneWhereTogetherFails(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee, buyer := s.product(10), s.User(identity.Buyer)
	s.Exec(`CREATE OR REPLACE FUNCTION reservations_release(p_ids uuid[], p_users uuid[]) RETURNS uuid[] LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	s.Exec(`ALTER FUNCTION reservations_open RENAME TO reservations_gone`)
	r, err := s.Inventory.Reserve(t.Context(), buyer, wants(tee))
	s.Must(err)
	if r, err = s.Inventory.Release(t.Context(), buyer, r.ID); err != nil || r.Status != inventory.Released {
		t.Errorf("%v, %v", r, err)
	}
	if on := s.on(tee, s.place.ID); on != [2]int64{10, 0} {
		t.Errorf("%v", on)
	}
}

// Of two that wait for each other, PostgreSQL ends one. Where that is a reservation, it is tried again, and its buyer hears nothing of it.
func TestReservedAfterADeadlock(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one, other, once, buyer := s.product(1), s.product(1), s.single(), s.User(identity.Buyer)
	first, second := min(one.String(), other.String()), max(one.String(), other.String())
	theirs, err := s.Admin.Begin(t.Context())
	s.Must(err)
	lock := func(variant string) {
		s.Must2(theirs.Exec(t.Context(), `SELECT FROM stock WHERE variant_id = $1 FOR UPDATE`, variant))
	}
	s.Must2(theirs.Exec(t.Context(), `SET LOCAL deadlock_timeout = '1min'`)) // so that it is the other who is ended
	lock(second)
	reserved := make(chan error, 1)
	go func() {
		_, err := s.Inventory.Reserve(t.Context(), buyer, wants(once, one, other)) // alone, as one of them exists once
		reserved <- err
	}()
	for s.Int(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		time.Sleep(time.Millisecond)
	}
	lock(first)
	s.Must(theirs.Commit(t.Context()))
	if err := <-reserved; err != nil {
		t.Error(err)
	}
	if n := s.Int(`SELECT count(*) FROM reservation_line`); n != 3 || s.available(one)+s.available(other) != 0 {
		t.Errorf("%d lines", n)
	}
}
