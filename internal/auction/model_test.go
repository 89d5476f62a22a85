package auction_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
)

// model is a lot as one would play it with coins on a table.
type model struct {
	free   map[uuid.UUID]int64
	price  int64
	leader uuid.UUID
	bids   int
	open   bool
}

// step is the least step over a price, from the table of euros.
func step(price int64) int64 {
	switch {
	case price < 50_00:
		return 1_00
	case price < 100_00:
		return 2_50
	default:
		return 5_00
	}
}

// bid gives the code of the refusal, or "" and plays it.
func (m *model) bid(who uuid.UUID, seller bool, cents int64) string {
	minimum := m.price + step(m.price)
	if m.bids == 0 {
		minimum = 10_00
	}
	switch {
	case !m.open:
		return "AUCTION_CLOSED"
	case seller:
		return "BID_ON_OWN_LOT"
	case m.bids > 0 && m.leader == who:
		return "ALREADY_LEADING"
	case cents < minimum:
		return "BID_TOO_LOW"
	case cents > m.free[who]:
		return "INSUFFICIENT_FUNDS"
	}
	if m.bids > 0 {
		m.free[m.leader] += m.price
	}
	m.free[who] -= cents
	m.price, m.leader = cents, who
	m.bids++
	return ""
}

// One lot beside its model: whatever is bid by whomever, then or after the close, both agree.
func TestLotAgainstModel(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	rapid.Check(t, func(t *rapid.T) {
		lot := w.Lot()
		m := &model{free: make(map[uuid.UUID]int64), open: true}
		people := []uuid.UUID{lot.SellerID}
		w.Fund(lot.SellerID, eur(100_00))
		m.free[lot.SellerID] = 100_00
		for range rapid.IntRange(1, 4).Draw(t, "buyers") {
			cents := rapid.Int64Range(0, 200_00).Draw(t, "cents")
			buyer := w.Buyer(cents)
			people, m.free[buyer] = append(people, buyer), cents
		}
		steps := rapid.IntRange(1, 15).Draw(t, "steps")
		closeAt := rapid.IntRange(0, steps).Draw(t, "close at")
		for i := range steps {
			if i == closeAt {
				a := w.Close(lot.ID)
				m.open = false
				if sold := a.Status == auction.Sold; sold != (m.bids > 0) {
					t.Fatalf("%s after %d bids", a.Status, m.bids)
				}
			}
			who := rapid.SampledFrom(people).Draw(t, "who")
			cents := max(1, m.price+rapid.Int64Range(-5_00, 40_00).Draw(t, "over"))
			_, err := w.Bid(lot.ID, who, cents)
			if want := m.bid(who, who == lot.SellerID, cents); domaintest.Code(err) != want {
				t.Fatalf("%d over %d: %v, want %q", cents, m.price, err, want)
			}
		}
		m.agrees(t, w, lot.ID)
	})
	w.Audited()
}

func (m *model) agrees(t *rapid.T, w *domaintest.World, lot uuid.UUID) {
	a, err := w.Auctions.Get(w.Ctx(), lot)
	if err != nil || int(a.BidCount) != m.bids || (a.Status == auction.Open) != m.open {
		t.Fatalf("%+v, %v; the model has %d bids", a, err, m.bids)
	}
	if m.bids > 0 && (a.Price.Minor != m.price || *a.LeaderID != m.leader) {
		t.Fatalf("%v led by %s, the model has %d led by %s", a.Price, a.LeaderID, m.price, m.leader)
	}
	for who, free := range m.free {
		held := int64(0)
		if m.open && m.bids > 0 && m.leader == who {
			held = m.price
		}
		if f, h := w.Balance(ledger.Wallet, who), w.Balance(ledger.WalletHeld, who); f != free || h != held {
			t.Fatalf("the wallet has %d and %d held, the model %d and %d", f, h, free, held)
		}
	}
	if m.bids > 0 && !m.open {
		if o := w.OrderOf(lot, m.leader); o.Total.Minor != m.price || w.Balance(ledger.Escrow, o.ID) != m.price {
			t.Fatalf("%+v", o)
		}
	}
}
