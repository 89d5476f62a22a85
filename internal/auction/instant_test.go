package auction_test

import (
	"errors"
	"flag"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
)

var closes = flag.Int("closes", 300, "how many lots close at the instant of a bid; make soak-close has ten thousand")

// A bid and the close at the same instant, at two servers: the bid is in, and the order is its bidder's, or it is refused; never both.
// Order and hold agree.
func TestBidAgainstClose(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	other := w.Another(t)
	const hosts = 4 // who sell side by side
	var in, out atomic.Int32
	people := make([]uuid.UUID, 0, 2*hosts)
	for range 2 * hosts {
		people = append(people, w.Buyer(int64(*closes)*20_00))
	}
	for _, err := range domaintest.AtOnce(hosts, func(host int) error {
		first, late := people[2*host], people[2*host+1]
		for range *closes / hosts {
			taken, err := instant(w, other, w.Lot().ID, first, late)
			if err != nil {
				return err
			}
			if taken {
				in.Add(1)
			} else {
				out.Add(1)
			}
		}
		return nil
	}) {
		w.Must(err)
	}
	t.Logf("%d bids were in, %d came too late", in.Load(), out.Load())
	for _, p := range people {
		if held := w.Balance("wallet_held", p); held != 0 {
			t.Errorf("%d is still held", held)
		}
	}
	if open := w.Int(`SELECT count(*) FROM hold WHERE status = 'OPEN'`); open != 0 {
		t.Errorf("%d holds are open", open)
	}
	if wrong := w.Int(`SELECT count(*) FROM auction a WHERE a.status <> 'SOLD'
		OR (SELECT count(*) FROM orders o WHERE o.auction_id = a.id AND o.buyer_id = a.leader_id AND o.total = a.price) <> 1
		OR (SELECT count(*) FROM orders o WHERE o.auction_id = a.id) <> 1
		OR (SELECT count(*) FROM bid b WHERE b.auction_id = a.id) <> a.bid_count`); wrong != 0 {
		t.Errorf("%d lots do not agree with their order", wrong)
	}
	w.Audited()
}

// instant ends a lot that somebody leads while somebody else bids on it at another server, and says whether that bid was taken.
func instant(w, other *domaintest.World, lot, first, late uuid.UUID) (taken bool, err error) {
	if _, err := w.Bid(lot, first, 10_00); err != nil {
		return false, err
	}
	errs := domaintest.AtOnce(3, func(i int) error {
		switch i {
		case 0: // the end comes when it comes
			_, err := w.Admin.Exec(w.Ctx(), `UPDATE auction SET ends_at = clock_timestamp() WHERE id = $1`, lot)
			return err
		case 1:
			for {
				if closed, err := w.Auctions.Close(w.Ctx(), lot); closed || err != nil {
					return err
				}
			}
		default:
			_, err := other.Bid(lot, late, 11_00)
			return err
		}
	})
	winner, price := late, int64(11_00)
	if taken = errs[2] == nil; !taken {
		winner, price = first, 10_00
		if !errors.Is(errs[2], auction.ErrClosed) {
			return false, errs[2]
		}
	}
	if err := errors.Join(errs[:2]...); err != nil {
		return false, err
	}
	if o := w.OrderOf(lot, winner); o.BuyerID != winner || o.Total.Minor != price {
		return taken, errors.New("the order is another's, or of another price")
	}
	return taken, nil
}
