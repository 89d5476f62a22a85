package auction_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
)

// A server whose clock is wrong, by much more than half a minute, decides as every other: bids, ends, extensions and dates are by the
// database's clock. In a bubble of synctest all of Go's clocks say that it is the year 2000.
func TestServersClocksDoNotMatter(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(1_000_00), w.Buyer(1_000_00)
	seller := w.User(identity.Seller)
	start := func(in auction.StartInput) auction.Auction {
		in.Listing, in.StartPrice = w.Listing(seller), eur(10_00)
		a, err := w.Auctions.Start(t.Context(), seller, in)
		w.Must(err)
		return a
	}
	lot := start(auction.StartInput{Duration: time.Hour})
	late := start(auction.StartInput{Duration: 5 * time.Minute, Extension: 10 * time.Minute})
	ended := start(auction.StartInput{Duration: time.Hour})
	w.MustBid(ended.ID, ada, 10_00)
	w.End(ended.ID)
	w.MustBid(lot.ID, ada, 10_00)

	synctest.Test(t, func(t *testing.T) {
		wrong := w.Another(t)
		if off := time.Until(*lot.OpenedAt); off < time.Hour {
			t.Fatalf("this server's clock is off by %v only", off)
		}
		placed, err := wrong.Bid(lot.ID, ben, 20_00)
		if err != nil || !placed.Leading {
			t.Errorf("a bid on an open lot: %+v, %v", placed, err)
		}
		if at := placed.Bid.PlacedAt; at.Before(*lot.OpenedAt) || at.After(*lot.EndsAt) {
			t.Errorf("it was placed at %v", at)
		}
		if _, err := wrong.Bid(ended.ID, ben, 20_00); !errors.Is(err, auction.ErrClosed) {
			t.Errorf("a bid after the end: %v", err)
		}
		if closed, err := wrong.Auctions.Close(t.Context(), lot.ID); closed || err != nil {
			t.Errorf("an open lot is closed: %t, %v", closed, err)
		}
		if closed, err := wrong.Auctions.Close(t.Context(), ended.ID); !closed || err != nil {
			t.Errorf("a lot that has ended is closed: %t, %v", closed, err)
		}
		if placed, err = wrong.Bid(late.ID, ben, 20_00); err != nil || !placed.Auction.EndsAt.Equal(placed.Bid.PlacedAt.Add(10*time.Minute)) {
			t.Errorf("a late bid: %+v, %v", placed, err)
		}
	})
	w.MustBid(late.ID, ada, 30_00)
	w.WantWallet(ben, 1_000_00-20_00, 20_00)
	w.Events(auction.Topic(lot.ID))
	w.Audited()
}
