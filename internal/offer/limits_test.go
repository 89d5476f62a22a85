package offer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/page"
)

// Limits hold however many are made at once.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	things := make([]uuid.UUID, 25)
	for i := range things {
		things[i] = b.thing()
	}
	servers := []*domaintest.World{b.World, b.Another(t)}
	errs := domaintest.AtOnce(len(things), func(i int) error {
		_, err := servers[i%2].Offers.Make(t.Context(), b.buyer, one(things[i], 60_00))
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 20 || codes["TOO_MANY_OFFERS"] != 5 {
		t.Errorf("%v", codes)
	}
	made, err := b.Offers.Made(t.Context(), b.buyer, true, page.Args{First: new(100)})
	b.Must(err)
	b.moved(b.buyer, does(made.Nodes[0], offer.Withdraw))
	if _, err := b.Offers.Make(t.Context(), b.buyer, one(made.Nodes[0].VariantID, 60_00)); !errors.Is(err, offer.ErrTooMany) {
		t.Errorf("to the same seller on the same day: %v", err)
	}
	b.seller = b.User(identity.Seller)
	b.made(b.thing(), 60_00)
	if _, err := b.Offers.Make(t.Context(), b.buyer, one(b.thing(), 60_00)); !errors.Is(err, offer.ErrTooMany) {
		t.Errorf("a 21st that may come to something: %v", err)
	}
}

// One offer a listing, however many are made at once.
func TestOneOfAListing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing := b.thing()
	errs := domaintest.AtOnce(8, func(i int) error {
		_, err := b.Offers.Make(t.Context(), b.buyer, one(thing, int64(60_00+i)))
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 1 || codes["OFFER_LIVE"] != 7 {
		t.Errorf("%v", codes)
	}
}

// Who names prices without end is slowed down.
func TestPace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paced := offer.New(offer.Config{Pool: b.Pool, Hub: b.Told, Pace: true})
	codes := map[string]int{}
	for range 21 {
		_, err := paced.Make(t.Context(), b.buyer, one(uuid.New(), 60_00))
		codes[domaintest.Code(err)]++
		if f, _ := fault.As(err); f.Code == "OFFER_TOO_FAST" && (f.RetryIn <= 0 || f.RetryIn > 5*time.Second) {
			t.Errorf("in %s again", f.RetryIn)
		}
	}
	if codes["OFFER_TOO_FAST"] != 1 || codes["VARIANT_NOT_FOUND"] != 20 {
		t.Errorf("%v", codes)
	}
}
