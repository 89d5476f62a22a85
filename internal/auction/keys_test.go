package auction_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
)

// sameAnswer says whether a retry was told what its first answer was: what the bid did then.
func sameAnswer(a, b auction.Placed) bool {
	return a.Bid.ID == b.Bid.ID && *a.Bid.Number == *b.Bid.Number && a.Bid.Amount == b.Bid.Amount && a.Bid.PlacedAt.Equal(b.Bid.PlacedAt) &&
		a.Leading == b.Leading && a.Price == b.Price && a.NextMinimum == b.NextMinimum
}

func TestSameKeyIsTheSameBid(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	lot := w.Lot()
	in := auction.PlaceInput{Auction: lot.ID, Amount: eur(10_00), IdempotencyKey: "once"}
	first, err := w.Auctions.Place(t.Context(), ada, in)
	w.Must(err)
	again := func(when string) {
		t.Helper()
		before, told := w.Digest(), w.Told.Count()
		placed, err := w.Auctions.Place(t.Context(), ada, in)
		if err != nil || !sameAnswer(placed, first) {
			t.Errorf("%s: %+v, %v", when, placed, err)
		}
		if w.Digest() != before || w.Told.Count() != told {
			t.Errorf("%s: the retry changed something", when)
		}
	}
	again("at once")
	w.MustBid(lot.ID, ben, 20_00)
	again("after being outbid")
	other := in
	other.Amount = eur(30_00)
	if _, err := w.Auctions.Place(t.Context(), ada, other); !errors.Is(err, auction.ErrKeyReused) {
		t.Errorf("another amount: %v", err)
	}
	other = in
	other.Auction = w.Lot().ID
	if _, err := w.Auctions.Place(t.Context(), ada, other); !errors.Is(err, auction.ErrKeyReused) {
		t.Errorf("another lot: %v", err)
	}
	if _, err := w.Auctions.Place(t.Context(), ben, auction.PlaceInput{Auction: other.Auction, Amount: eur(10_00), IdempotencyKey: "once"}); err != nil {
		t.Errorf("another bidder's same key: %v", err)
	}
	w.Close(lot.ID)
	again("after the close")
	w.Audited()
}

// A refused bid does not use its key up.
func TestKeyOfRefusedBidIsFree(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada := w.Buyer(5_00)
	lot := w.Lot()
	in := auction.PlaceInput{Auction: lot.ID, Amount: eur(10_00), IdempotencyKey: "once"}
	if _, err := w.Auctions.Place(t.Context(), ada, in); domaintest.Code(err) != "INSUFFICIENT_FUNDS" {
		t.Fatal(err)
	}
	w.Fund(ada, eur(5_00))
	if _, err := w.Auctions.Place(t.Context(), ada, in); err != nil {
		t.Errorf("after paying in: %v", err)
	}
}

func TestSameKeyManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada := w.Buyer(100_00)
	lot := w.Lot()
	bids := make([]uuid.UUID, 16)
	errs := domaintest.AtOnce(len(bids), func(i int) error {
		placed, err := w.Auctions.Place(t.Context(), ada, auction.PlaceInput{Auction: lot.ID, Amount: eur(10_00), IdempotencyKey: "once"})
		bids[i] = placed.Bid.ID
		return err
	})
	for i, err := range errs {
		if err != nil || bids[i] != bids[0] {
			t.Errorf("call %d: %s, %v", i, bids[i], err)
		}
	}
	if n := w.Int(`SELECT count(*) FROM bid`); n != 1 {
		t.Errorf("%d bids", n)
	}
	w.WantWallet(ada, 90_00, 10_00)
	w.Events(auction.Topic(lot.ID))
	w.Audited()
}

// The same key on several lots at once is one bid on one of them.
func TestSameKeyOnLotsAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for range 10 {
		ada := w.Buyer(100_00)
		lots := []auction.Auction{w.Lot(), w.Lot(), w.Lot()}
		errs := domaintest.AtOnce(len(lots), func(i int) error {
			_, err := w.Auctions.Place(t.Context(), ada, auction.PlaceInput{Auction: lots[i].ID, Amount: eur(10_00), IdempotencyKey: "once"})
			return err
		})
		if codes := domaintest.Codes(errs); codes[""] != 1 || codes["IDEMPOTENCY_KEY_REUSED"] != 2 {
			t.Errorf("%v", codes)
		}
		w.WantWallet(ada, 90_00, 10_00)
	}
	w.Audited()
}
