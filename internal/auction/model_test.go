package auction_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
)

// model is a lot as one would play it with sealed envelopes on a table: the price is worked out anew from all of them.
type model struct {
	free      map[uuid.UUID]int64
	envelopes []envelope // in the order in which they came
	price     int64      // a raise moves none
	numbers   int
	open      bool
}

type envelope struct {
	who   uuid.UUID
	cents int64
}

// best is who leads, up to what, and at what price.
func (m *model) best() (leader uuid.UUID, maximum, price int64) {
	for _, e := range m.envelopes {
		if e.cents > maximum {
			leader, maximum = e.who, e.cents
		}
	}
	price = min(maximum, 10_00)
	for _, e := range m.envelopes {
		if e.who != leader {
			price = max(price, min(maximum, e.cents+step(e.cents)))
		}
	}
	return leader, maximum, price
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
	leader, maximum, _ := m.best()
	price := m.price
	minimum, has := int64(10_00), m.free[who]
	if maximum > 0 {
		minimum = price + step(price)
	}
	if leader == who {
		has += maximum
	}
	switch {
	case !m.open:
		return "AUCTION_CLOSED"
	case seller:
		return "BID_ON_OWN_LOT"
	case leader == who && cents <= maximum:
		return "ALREADY_LEADING"
	case leader != who && cents < minimum:
		return "BID_TOO_LOW"
	case cents > has:
		return "INSUFFICIENT_FUNDS"
	}
	m.free[leader] += maximum
	m.envelopes = append(m.envelopes, envelope{who, cents})
	if leader != who {
		m.numbers++
	}
	raised := leader == who
	leader, maximum, price = m.best()
	m.free[leader] -= maximum
	if !raised {
		m.price = price
	}
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
				m.closes()
				if sold := a.Status == auction.Sold; sold != (m.numbers > 0) {
					t.Fatalf("%s after %d bids", a.Status, m.numbers)
				}
			}
			who := rapid.SampledFrom(people).Draw(t, "who")
			cents := max(1, m.price+rapid.Int64Range(-5_00, 40_00).Draw(t, "over"))
			_, err := w.Bid(lot.ID, who, cents)
			if want := m.bid(who, who == lot.SellerID, cents); domaintest.Code(err) != want {
				t.Fatalf("%d over %d: %v, want %q", cents, m.price, err, want)
			}
			if wrong := w.Int(holdsAndLeaders); wrong != 0 {
				t.Fatalf("after a bid of %d the holds are not what the leaders owe: by %d", cents, wrong)
			}
		}
		m.agrees(t, w, lot.ID)
	})
	w.Audited()
}

// holdsAndLeaders is by how much the open holds, and what the wallets hold, differ from what the leaders of all lots may owe.
const holdsAndLeaders = `SELECT abs(owed - (SELECT coalesce(sum(amount), 0) FROM hold WHERE status = 'OPEN'))
	+ abs(owed - (SELECT coalesce(sum(b.balance), 0) FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id WHERE a.kind = 'wallet_held'))
	FROM (SELECT coalesce(sum(leader_maximum), 0) AS owed FROM auction WHERE status IN ('OPEN', 'PAUSED') AND leader_id IS NOT NULL) l`

// closes gives the leader back what is held above the price.
func (m *model) closes() {
	leader, maximum, _ := m.best()
	m.open = false
	m.free[leader] += maximum - m.price
}

func (m *model) agrees(t *rapid.T, w *domaintest.World, lot uuid.UUID) {
	leader, maximum, _ := m.best()
	price := m.price
	a, err := w.Auctions.Get(w.Ctx(), lot)
	if err != nil || int(a.BidCount) != m.numbers || (a.Status == auction.Open) != m.open {
		t.Fatalf("%+v, %v; the model has %d bids", a, err, m.numbers)
	}
	if m.numbers > 0 && (a.Price.Minor != price || *a.LeaderID != leader) {
		t.Fatalf("%v led by %s, the model has %d led by %s", a.Price, a.LeaderID, price, leader)
	}
	for who, free := range m.free {
		held := int64(0)
		if m.open && who == leader {
			held = maximum
		}
		if who == uuid.Nil {
			continue
		}
		if f, h := w.Balance(ledger.Wallet, who), w.Balance(ledger.WalletHeld, who); f != free || h != held {
			t.Fatalf("the wallet has %d and %d held, the model %d and %d", f, h, free, held)
		}
	}
	if m.numbers > 0 && !m.open {
		if o := w.OrderOf(lot, leader); o.Total.Minor != price || w.Balance(ledger.Escrow, o.ID) != price {
			t.Fatalf("%+v", o)
		}
	}
}
