package flash_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/redistest"
)

// admitted joins a sale that runs and lets its users in.
func (r *room) admitted(sale flash.Sale, users ...uuid.UUID) (passes []string) {
	r.T.Helper()
	for _, u := range users {
		r.Must2(r.flash.Join(r.Ctx(), u, sale.ID))
	}
	r.Exec(`UPDATE flash_sale SET admitted = joined`)
	for _, u := range users {
		pass, err := r.flash.NewPass(r.Ctx(), u, sale.ID)
		r.Must(err)
		passes = append(passes, pass.Token)
	}
	return passes
}

// wants sets so many aside, and gives their reservation.
func (r *room) wants(w *domaintest.World, buyer uuid.UUID, pass string, n int32) (inventory.Reservation, error) {
	r.T.Helper()
	return w.Inventory.Reserve(r.Ctx(), buyer, inventory.ReserveInput{
		Wants: []inventory.Want{{Variant: r.listing, Quantity: n}}, Pass: pass, IdempotencyKey: uuid.NewString(),
	})
}

// A place is for another reservation once the one before was given back or has run out, with the sale's whole limit, and for none once it was paid.
func TestAPlaceIsThereAgain(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	ann := r.User(identity.Buyer)
	sale := r.sale(flash.FIFO, 0, 600, 3)
	pass := r.admitted(sale, ann)[0]
	place := func() flash.Place {
		t.Helper()
		p, err := r.flash.PlaceOf(t.Context(), ann, sale.ID)
		r.Must(err)
		return p
	}
	want := func(what string, used, sold bool, taken int64) {
		t.Helper()
		p, n := place(), r.Int(`SELECT taken FROM flash_place`)
		if p.Used != used || p.Sold != sold || n != taken {
			t.Errorf("%s: %+v, %d taken", what, p, n)
		}
	}
	want("before", false, false, 0)
	first, err := r.wants(r.World, ann, pass, 2)
	r.Must(err)
	want("set aside", true, false, 2)
	if _, err := r.wants(r.World, ann, pass, 1); domaintest.Code(err) != "ADMISSION_USED" {
		t.Errorf("a second one beside it: %v", err)
	}
	r.Must2(r.Inventory.Release(t.Context(), ann, first.ID))
	want("given back", false, false, 2)
	if _, err := r.wants(r.World, ann, pass, 4); domaintest.Code(err) != "ADMISSION_USED" {
		t.Errorf("more than each may have: %v", err)
	}
	second, err := r.wants(r.World, ann, pass, 3)
	r.Must(err)
	want("again", true, false, 3)
	// Nobody has given back yet what has run out.
	r.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = $1`, second.ID)
	want("run out", false, false, 3)
	third, err := r.wants(r.World, ann, pass, 1)
	r.Must(err)
	want("once more", true, false, 1)
	if n := r.Int(`SELECT sum(reserved) FROM stock`); n != 1 {
		t.Errorf("%d are set aside", n)
	}
	r.Must(postgres.InTx(t.Context(), r.Pool, func(tx pgx.Tx) error { _, err := r.Inventory.ConsumeTx(t.Context(), tx, third.ID); return err }))
	want("paid", true, true, 1)
	if _, err := r.wants(r.World, ann, pass, 1); domaintest.Code(err) != "ADMISSION_USED" {
		t.Errorf("after it was paid: %v", err)
	}
	if _, err := r.flash.NewPass(t.Context(), ann, sale.ID); domaintest.Code(err) != "ADMISSION_USED" {
		t.Errorf("another pass after it was paid: %v", err)
	}
	for _, statement := range []string{
		`UPDATE flash_place SET reservation_id = NULL, taken = 0`,
		`UPDATE flash_place SET reservation_id = '` + first.ID.String() + `'`,
	} {
		if _, err := r.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s: a place that was paid is given again", statement)
		}
	}
	r.Audited()
}

// Who gives back and reserves at several servers at once never has two, nor more than the sale's limit.
func TestAPlaceIsForOneAtATime(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	another := r.Another(t)
	r.serve(another, open{})
	ann, sale := r.User(identity.Buyer), r.sale(flash.FIFO, 0, 600, 2)
	pass := r.admitted(sale, ann)[0]
	last, err := r.wants(r.World, ann, pass, 2)
	r.Must(err)
	for round := range 10 {
		made := make([]inventory.Reservation, 4)
		errs := domaintest.AtOnce(len(made)+1, func(i int) (err error) {
			if i == len(made) {
				_, err = r.Inventory.Release(r.Ctx(), ann, last.ID)
				return err
			}
			made[i], err = r.wants([]*domaintest.World{r.World, another}[i%2], ann, pass, 2)
			return err
		})
		codes := domaintest.Codes(errs[:len(made)])
		if r.Must(errs[len(made)]); codes[""] > 1 || codes[""]+codes["ADMISSION_USED"] != len(made) {
			t.Fatalf("round %d: %v", round, codes)
		}
		if n := r.Int(`SELECT coalesce(sum(reserved), 0) FROM stock`); n != int64(2*codes[""]) {
			t.Fatalf("round %d: %d are set aside, %v", round, n, codes)
		}
		for i, err := range errs[:len(made)] {
			if err == nil {
				last = made[i]
			}
		}
		if codes[""] == 0 { // each came before it was given back
			last, err = r.wants(another, ann, pass, 2)
			r.Must(err)
		}
	}
	r.Audited()
}
