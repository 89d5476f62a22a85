package listingfile_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/listingfile"
)

// A run that has to stop is gone on with, by whichever server, and every row is imported once.
func TestGoingOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 430
	imp := b.sent(file(n))
	runs := 0
	for more := true; more; runs++ {
		var err error
		more, err = b.Run(b.Ctx(), imp, b.clock.Now().Add(-time.Second)) // a batch each
		b.Must(err)
	}
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, n, 0, 0)
	if runs < n/50 {
		t.Errorf("it took %d runs", runs)
	}
	if distinct := b.Int(`SELECT count(DISTINCT title) FROM listing`); distinct != n {
		t.Errorf("%d listings", distinct)
	}
}

// However many work at an import at once, and however they are cut off, every row is imported once.
func TestManyAtOneImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 300
	imp := b.sent(file(n))
	errs := domaintest.AtOnce(4, func(i int) error {
		for attempt := range 5 { // the last of them has the time that it takes
			ctx, cancel := context.WithTimeout(b.Ctx(), time.Duration(10+20*i)*time.Millisecond)
			if attempt == 4 {
				ctx = b.Ctx()
			}
			_, err := b.Run(ctx, imp, time.Now().Add(time.Hour))
			cut := ctx.Err() != nil
			cancel()
			if err != nil && !cut {
				return err
			}
		}
		return nil
	})
	b.Must(errors.Join(errs...))
	b.Must2(b.Run(b.Ctx(), imp, time.Now().Add(time.Hour))) // whoever was last may have left it to another
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, n, 0, 0)
	if listings := b.Int(`SELECT count(*) FROM listing`); listings != n {
		t.Errorf("%d listings", listings)
	}
}

// A server that is gone leaves its import to the sweep, and what is old is forgotten.
func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.sent(file(3))
	b.Must(b.Sweep(b.Ctx(), time.Hour))
	if got, err := b.Get(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Running {
		t.Errorf("somebody is at it, and the sweep made it %+v, %v", got, err)
	}
	b.Exec(`UPDATE listing_import SET touched_at = touched_at - interval '2 hours'`)
	for range 2 { // of two sweeps, one hands it on
		b.Must(b.Sweep(b.Ctx(), time.Hour))
	}
	if len(b.jobs.imports) != 2 || b.jobs.imports[1] != imp { // the upload's own is the first
		t.Errorf("enqueued are %v", b.jobs.imports)
	}
	b.Must2(b.Run(b.Ctx(), imp, b.clock.Now().Add(time.Hour)))
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, 3, 0, 0)

	_, _, err = b.Begin(b.Ctx(), b.seller, 10)
	b.Must(err)
	b.Exec(`UPDATE listing_import SET created_at = created_at - interval '2 days', ended_at = ended_at - interval '91 days'`)
	b.Must(b.Sweep(b.Ctx(), time.Hour))
	if n := b.Int(`SELECT count(*) FROM listing_import`); n != 0 {
		t.Errorf("%d imports are left", n)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.sent(file(120))
	_, err := b.Run(b.Ctx(), imp, b.clock.Now().Add(-time.Second))
	b.Must(err)
	if _, err := b.Cancel(b.Ctx(), b.User(identity.Seller), imp); domaintest.Code(err) != "IMPORT_NOT_FOUND" {
		t.Errorf("another's: %v", err)
	}
	for range 2 {
		if got, err := b.Cancel(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Cancelled || got.Created != 50 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if more, err := b.Run(b.Ctx(), imp, b.clock.Now().Add(time.Hour)); more || err != nil {
		t.Errorf("it goes on: %v, %v", more, err)
	}
	if _, err := b.Cancel(b.Ctx(), b.seller, b.imported(file(1)).ID); domaintest.Code(err) != "IMPORT_OVER" {
		t.Errorf("one that is done: %v", err)
	}
}

// A product that fails each time by a fault of ours is refused after some tries, and the others are imported; what is no product's fault
// refuses none.
func TestAFaultThatStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const raise = `CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.title = 'Cup' THEN RAISE EXCEPTION 'broken' USING ERRCODE = '%s'; END IF; RETURN NEW; END $$`
	b.Exec(fmt.Sprintf(raise, "53100")) // a disk that is full
	b.Exec(`CREATE TRIGGER broken BEFORE INSERT ON listing FOR EACH ROW EXECUTE FUNCTION broken()`)
	imp := b.sent("title,price,currency\nVase,1,EUR\nCup,1,EUR\nBowl,1,EUR\n")
	run := func() error {
		_, err := b.Run(b.Ctx(), imp, b.clock.Now())
		return err
	}
	for range 7 {
		if run() == nil {
			t.Fatal("it is done without a disk")
		}
	}
	if titles := b.titles(); titles != "" {
		t.Errorf("the listings are %s", titles)
	}
	b.Exec(fmt.Sprintf(raise, "XX000"))
	b.Must(run())
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, 2, 0, 1, "3 - IMPORT_BROKEN")

	imp = b.sent("title,price,currency\nVase,1,EUR\nCup,1,EUR\n")
	for range 5 {
		if run() == nil {
			t.Fatal("it is refused at once")
		}
	}
	b.Exec(`UPDATE listing_import SET tries = 120 WHERE status = 'RUNNING'`)
	b.Must(run())
	if got, err = b.Get(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Failed || got.Failure != "IMPORT_BROKEN" || got.Created != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
