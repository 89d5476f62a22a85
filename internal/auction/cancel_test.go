package auction_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// wantLot insists on who leads a lot, and at what price.
func wantLot(w *domaintest.World, lot, leader uuid.UUID, cents int64) auction.Auction {
	w.T.Helper()
	a, err := w.Auctions.Get(w.Ctx(), lot)
	w.Must(err)
	price, led := int64(0), uuid.Nil
	if a.Price != nil {
		price, led = a.Price.Minor, *a.LeaderID
	}
	if led != leader || price != cents {
		w.T.Errorf("led by %s at %d, want %s at %d", led, price, leader, cents)
	}
	return a
}

func TestCancelledBidCountsNoMore(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	staff, lot := w.User(identity.Support), w.Lot()
	ada, ben, eve := w.Buyer(100_00), w.Buyer(100_00), w.Buyer(100_00)
	w.MustBid(lot.ID, ada, 20_00)
	w.MustBid(lot.ID, ben, 30_00) // the price is 21
	top := w.MustBid(lot.ID, eve, 50_00)
	w.MustBid(lot.ID, eve, 80_00) // a raise, which goes with what it raised
	wantLot(w, lot.ID, eve, 31_00)

	done, err := w.Auctions.Cancel(t.Context(), staff, top.Bid.ID, " A child's. ")
	w.Must(err)
	if done.Bid.ID != top.Bid.ID || done.Bid.CancelledAt == nil || *done.Auction.LeaderID != ben {
		t.Errorf("%+v", done)
	}
	a := wantLot(w, lot.ID, ben, 21_00)
	if a.BidCount != 3 || a.NextMinimum != eur(22_00) {
		t.Errorf("%d bids, %s is next", a.BidCount, a.NextMinimum)
	}
	w.WantWallet(ben, 70_00, 30_00)
	w.WantWallet(eve, 100_00, 0)
	events := w.Events(auction.Topic(lot.ID))
	change, err := auction.FromEvent(events[len(events)-1])
	w.Must(err)
	if events[len(events)-1].Kind != auction.EventBidCancelled || len(change.Bids) != 1 || change.Bids[0].ID != top.Bid.ID || *change.Auction.LeaderID != ben {
		t.Errorf("told: %+v", change)
	}
	if n := w.Int(`SELECT count(*) FROM admin_action WHERE action = 'BID_CANCELLED' AND actor_id = $1 AND reason = 'A child''s.'`, staff); n != 1 {
		t.Errorf("%d actions of staff", n)
	}
	if _, err := w.Auctions.Cancel(t.Context(), staff, top.Bid.ID, "Again"); !errors.Is(err, auction.ErrBidCancelled) {
		t.Errorf("again: %v", err)
	}
	if next := w.MustBid(lot.ID, eve, 22_00); *next.Bid.Number != 4 {
		t.Errorf("the next bid has number %d", *next.Bid.Number)
	}
	w.Close(lot.ID)
	w.Replayed()
	w.Audited()
}

// The bids of who comes to lead again, and can't pay any more, are cancelled as well, until somebody can.
func TestWhoCannotBackLosesTheirBids(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	staff, lot, other := w.User(identity.Support), w.Lot(), w.Lot()
	ada, ben, eve := w.Buyer(100_00), w.Buyer(60_00), w.Buyer(100_00)
	w.MustBid(lot.ID, ada, 20_00)
	w.MustBid(lot.ID, ben, 55_00)
	top := w.MustBid(lot.ID, eve, 90_00)
	w.MustBid(other.ID, ben, 50_00) // ben's money is elsewhere now
	_, err := w.Auctions.Cancel(t.Context(), staff, top.Bid.ID, "Asked for by phone")
	w.Must(err)
	wantLot(w, lot.ID, ada, 10_00)
	w.WantWallet(ada, 80_00, 20_00)
	w.WantWallet(ben, 10_00, 50_00)
	if n := w.Int(`SELECT count(*) FROM bid_cancellation WHERE cause = 'UNBACKED'`); n != 1 {
		t.Errorf("%d bids were not backed", n)
	}
	if told := w.Events(auction.Topic(lot.ID)); len(told) != 5 {
		t.Errorf("%d events", len(told))
	}
	first := w.Int(`SELECT count(*) FROM event WHERE kind = 'BID_CANCELLED' AND json_array_length(payload -> 'bids') = 2`)
	if first != 1 {
		t.Error("not both bids are told of")
	}
	w.Replayed()
	w.Audited()
}

// With the last bid gone the lot is as it was opened, and may be bid on again.
func TestTheOnlyBidCancelled(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	staff, lot, ada := w.User(identity.Admin), w.Lot(), w.Buyer(100_00)
	only := w.MustBid(lot.ID, ada, 40_00)
	_, err := w.Auctions.Cancel(t.Context(), staff, only.Bid.ID, "A mistake")
	w.Must(err)
	if a := wantLot(w, lot.ID, uuid.Nil, 0); a.NextMinimum != eur(10_00) {
		t.Errorf("%s is next", a.NextMinimum)
	}
	w.WantWallet(ada, 100_00, 0)
	w.MustBid(lot.ID, ada, 15_00)
	wantLot(w, lot.ID, ada, 10_00)
	w.Close(lot.ID)
	w.Replayed()
	w.Audited()
}

func TestCancelRefuses(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	staff, lot, closed, ada := w.User(identity.Support), w.Lot(), w.Lot(), w.Buyer(100_00)
	bid, late := w.MustBid(lot.ID, ada, 20_00).Bid.ID, w.MustBid(closed.ID, ada, 20_00).Bid.ID
	w.Close(closed.ID)
	before, told := w.Digest(), w.Told.Count()
	for name, c := range map[string]struct {
		bid    uuid.UUID
		reason string
		err    error
	}{
		"without a reason":     {bid, " ", adminlog.ErrReason},
		"no such bid":          {id.New(), "Why", auction.ErrBidNotFound},
		"of a lot that closed": {late, "Why", auction.ErrClosed},
	} {
		if _, err := w.Auctions.Cancel(t.Context(), staff, c.bid, c.reason); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
}

// A replay names what somebody has changed by hand.
func TestReplayNamesDifferences(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	seller := w.User(identity.Seller)
	reserve, age := eur(25_00), 4*time.Minute
	lot, err := w.Auctions.Start(t.Context(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: eur(10_00), Reserve: &reserve, Duration: time.Minute, Extension: 2 * time.Minute, ExtensionCap: &age,
	})
	w.Must(err)
	for i, cents := range []int64{20_00, 22_00, 30_00, 30_00, 40_00} {
		w.MustBid(lot.ID, []uuid.UUID{ada, ben}[i%2], cents)
	}
	replayed := func() []auction.Difference {
		r, err := w.Auctions.Replay(t.Context(), lot.ID)
		w.Must(err)
		if r.Bids != 5 {
			t.Errorf("%d bids", r.Bids)
		}
		return r.Differences
	}
	if found := replayed(); len(found) != 0 {
		t.Fatalf("%v", found)
	}
	for name, c := range map[string]struct{ wrong, right, what string }{
		"price":  {`UPDATE bid SET price = price + 1 WHERE seq = 2`, `UPDATE bid SET price = price - 1 WHERE seq = 2`, "price"},
		"leader": {`UPDATE bid SET leader_id = bidder_id WHERE seq = 4`, `UPDATE bid SET leader_id = (SELECT bidder_id FROM bid WHERE seq = 3) WHERE seq = 4`, "leader"},
		"end": {`UPDATE bid SET ends_at = ends_at + interval '1 microsecond' WHERE seq = 3`,
			`UPDATE bid SET ends_at = ends_at - interval '1 microsecond' WHERE seq = 3`, "end"},
		"rule": {`UPDATE bid SET rule = 'LEADS' WHERE seq = 3`, `UPDATE bid SET rule = 'MEETS_RESERVE' WHERE seq = 3`, "rule"},
		"lot":  {`UPDATE auction SET price = price + 1`, `UPDATE auction SET price = price - 1`, "price"},
	} {
		byHand(w, c.wrong)
		if found := replayed(); len(found) != 1 || found[0].What != c.what {
			t.Errorf("%s: %v", name, found)
		}
		byHand(w, c.right)
	}
	w.Replayed()
}

// byHand changes what only grows.
func byHand(w *domaintest.World, sql string) {
	w.T.Helper()
	w.Exec(`BEGIN; ALTER TABLE bid DISABLE TRIGGER USER; ` + sql + `; ALTER TABLE bid ENABLE TRIGGER USER; COMMIT`)
}
