package auction_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/realtime"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// 64 bidders at once, each with several bids: one leader, every hold but one released.
func TestManyBidders(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	const bidders, rounds = 64, 4
	lot := w.Lot()
	people := make([]uuid.UUID, bidders)
	for i := range people {
		people[i] = w.Buyer(10_000_00)
	}
	errs := domaintest.AtOnce(bidders, func(i int) error {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		for range rounds {
			_, err := w.Bid(lot.ID, people[i], 10_00+random.Int64N(900_00))
			if err != nil && !errors.Is(err, auction.ErrBidTooLow) && !errors.Is(err, auction.ErrAlreadyLeading) {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		w.Must(err)
	}
	a, err := w.Auctions.Get(t.Context(), lot.ID)
	w.Must(err)
	events := w.Events(auction.Topic(lot.ID))
	if len(events) > int(a.BidCount)+1 || a.BidCount < 1 {
		t.Errorf("%d bids, %d events", a.BidCount, len(events))
	}
	if open := w.Int(`SELECT count(*) FROM hold WHERE status = 'OPEN'`); open != 1 {
		t.Errorf("%d holds are open", open)
	}
	replayed(w, lot, events)
	for _, p := range people {
		if held := w.Balance("wallet_held", p); held != 0 && p != *a.LeaderID || p == *a.LeaderID && held != w.Int(`SELECT leader_maximum FROM auction WHERE id = $1`, lot.ID) {
			t.Errorf("%d is held of somebody, leader %t", held, p == *a.LeaderID)
		}
	}
	w.Close(lot.ID)
	w.Audited()
}

// replayed insists that the events tell every bid once, in the order of its number, and a price that only rises.
func replayed(w *domaintest.World, lot auction.Auction, events []realtime.Event) {
	w.T.Helper()
	price, number := int64(0), int32(0)
	for _, e := range events[1:] {
		change, err := auction.FromEvent(e)
		w.Must(err)
		if len(change.Bids) == 0 || change.Auction.Price.Minor < price || change.Auction.ID != lot.ID {
			w.T.Errorf("after %d came %+v", price, change)
		}
		price = change.Auction.Price.Minor
		for _, b := range change.Bids {
			if number++; *b.Number != number || b.Amount.Minor > price {
				w.T.Errorf("bid %d of %s at a price of %d is told as the %dth", *b.Number, b.Amount, price, number)
			}
		}
	}
}
