package auction_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

func TestCloseMakesTheWinnersOrder(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 10_00)
	w.MustBid(lot.ID, ben, 33_33)
	w.WantWallet(ben, 66_67, 33_33)
	a := w.Close(lot.ID)
	if a.Status != auction.Sold || a.ClosedAt == nil || *a.LeaderID != ben || a.Version != 4 {
		t.Errorf("%+v", a)
	}
	o := w.OrderOf(lot.ID, ben)
	if o.BuyerID != ben || o.SellerID != lot.SellerID || o.ListingID != lot.ListingID || o.Total != eur(11_00) || o.Payment != order.Paid {
		t.Errorf("%+v", o)
	}
	w.WantWallet(ada, 100_00, 0)
	w.WantWallet(ben, 89_00, 0)
	if escrow := w.Balance(ledger.Escrow, o.ID); escrow != 11_00 {
		t.Errorf("escrow holds %d", escrow)
	}
	if l, err := w.Catalog.Get(t.Context(), lot.ListingID); err != nil || l.Status != catalog.Sold {
		t.Errorf("the listing is %s, %v", l.Status, err)
	}
	events := w.Events(auction.Topic(lot.ID))
	if last := events[len(events)-1]; last.Kind != auction.EventSold {
		t.Errorf("the last event is %s", last.Kind)
	}
	if events := w.Events(order.Topic(o.ID)); len(events) != 2 || events[0].Kind != order.EventCreated || events[1].Kind != order.EventPaid {
		t.Errorf("the order's events: %+v", events)
	}
	if _, err := w.Auctions.Start(t.Context(), lot.SellerID, auction.StartInput{
		Listing: lot.ListingID, StartPrice: eur(1), Duration: time.Minute,
	}); !errors.Is(err, catalog.ErrListingTaken) {
		t.Errorf("what is sold was auctioned again: %v", err)
	}
	w.Audited()
}

func TestNothingClosesBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	before := w.Digest()
	if closed, err := w.Auctions.Close(t.Context(), lot.ID); closed || err != nil {
		t.Errorf("closed %t, %v", closed, err)
	}
	if n, err := w.Auctions.CloseDue(t.Context(), slog.New(slog.DiscardHandler)); n != 0 || err != nil {
		t.Errorf("%d closed, %v", n, err)
	}
	if w.Digest() != before {
		t.Error("something changed")
	}
	if _, err := w.Auctions.Close(t.Context(), id.New()); !errors.Is(err, auction.ErrNotFound) {
		t.Errorf("an unknown lot: %v", err)
	}
}

func TestUnsoldGoesBackOnTheMarket(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	a := w.Close(lot.ID)
	if a.Status != auction.Unsold || a.LeaderID != nil || a.Price != nil {
		t.Errorf("%+v", a)
	}
	if events := w.Events(auction.Topic(lot.ID)); len(events) != 2 || events[1].Kind != auction.EventUnsold {
		t.Errorf("%+v", events)
	}
	again, err := w.Auctions.Start(t.Context(), lot.SellerID, auction.StartInput{
		Listing: lot.ListingID, StartPrice: eur(5_00), Duration: time.Minute,
	})
	w.Must(err)
	latest, err := w.Auctions.LatestByListing(t.Context(), []uuid.UUID{lot.ListingID})
	if err != nil || latest[lot.ListingID].ID != again.ID {
		t.Errorf("the listing's newest lot is %+v, %v", latest, err)
	}
	ada := w.Buyer(10_00)
	w.MustBid(again.ID, ada, 5_00)
	if a := w.Close(again.ID); a.Status != auction.Sold {
		t.Errorf("the second time it is %s", a.Status)
	}
	w.Audited()
}

func TestManyCloseAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada := w.Buyer(100_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 10_00)
	w.End(lot.ID)
	did := make([]bool, 12)
	for _, err := range domaintest.AtOnce(len(did), func(i int) (err error) {
		did[i], err = w.Auctions.Close(t.Context(), lot.ID)
		return err
	}) {
		w.Must(err)
	}
	closed := 0
	for _, d := range did {
		if d {
			closed++
		}
	}
	if orders := w.Int(`SELECT count(*) FROM orders`); closed != 1 || orders != 1 {
		t.Errorf("%d closed it, %d orders", closed, orders)
	}
	w.Events(auction.Topic(lot.ID))
	w.Audited()
}

// lose makes the books of a lot wrong: its leader's hold is released behind its back.
func lose(w *domaintest.World, lot uuid.UUID) {
	w.T.Helper()
	w.Exec(`UPDATE hold SET status = 'RELEASED', resolved_at = clock_timestamp()
		WHERE id = (SELECT leader_hold FROM auction WHERE id = $1)`, lot)
}

// A lot whose leader's hold is gone takes no bid and does not close, and says that the fault is ours.
func TestLotWithoutItsHold(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 10_00)
	lose(w, lot.ID)
	before, told := w.Digest(), w.Told.Count()
	_, err := w.Bid(lot.ID, ben, 20_00)
	if !errors.Is(err, payment.ErrHoldResolved) || fault.KindOf(err) != fault.Internal {
		t.Errorf("a bid: %v", err)
	}
	if w.Digest() != before {
		t.Error("the bid left something")
	}
	w.End(lot.ID)
	before = w.Digest()
	if closed, err := w.Auctions.Close(t.Context(), lot.ID); closed || fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("the close: %t, %v", closed, err)
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("the close left something")
	}
}

// More lots than one batch that can't close do not keep the one behind them from closing.
func TestBrokenLotsDontStopTheOthers(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	w.Broken = true
	ada := w.Buyer(100_00)
	broken := w.Lot()
	w.MustBid(broken.ID, ada, 10_00)
	lose(w, broken.ID)
	w.End(broken.ID)
	w.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition)
		SELECT gen_random_uuid(), $1, 'ONE_OFF', 'broken', '', 'GOOD' FROM generate_series(1, 230)`, broken.SellerID)
	w.Exec(`UPDATE listing SET status = 'RESERVED' WHERE title = 'broken'`)
	w.Exec(`INSERT INTO auction (id, listing_id, seller_id, currency, start_price, price, bid_count, bid_seq, leader_id, leader_maximum, leader_hold, duration, opened_at, ends_at, extension, status, version)
		SELECT gen_random_uuid(), l.id, a.seller_id, a.currency, a.start_price, a.price, a.bid_count, a.bid_seq, a.leader_id, a.leader_maximum, a.leader_hold, a.duration, a.opened_at, a.ends_at, 0, 'OPEN', 2
		FROM auction a, listing l WHERE l.title = 'broken'`)
	good, unsold := w.Lot(), w.Lot()
	w.MustBid(good.ID, ada, 10_00)
	w.End(good.ID)
	w.End(unsold.ID)
	n, err := w.Auctions.CloseDue(t.Context(), slog.New(slog.DiscardHandler))
	if n != 2 || err != nil {
		t.Errorf("%d closed, %v", n, err)
	}
	for _, lot := range []auction.Auction{good, unsold} {
		if a, err := w.Auctions.Get(t.Context(), lot.ID); err != nil || a.Status == auction.Open {
			t.Errorf("%s, %v", a.Status, err)
		}
	}
}

func TestCloseLoopClosesAndEnds(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	w.End(lot.ID)
	ctx, cancel := contextWithCancel(t)
	done := make(chan error, 1)
	go func() { done <- w.Auctions.CloseLoop(ctx, slog.New(slog.DiscardHandler)) }()
	deadline := time.After(time.Minute)
	for {
		a, err := w.Auctions.Get(t.Context(), lot.ID)
		w.Must(err)
		if a.Status == auction.Unsold {
			break
		}
		select {
		case <-deadline:
			t.Fatal("the loop did not close the lot in a minute")
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the loop ended with %v", err)
	}
}
