package auction_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/auctiontest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
)

// One lot beside its model: whatever is bid by whomever, then or after the close, both agree.
func TestLotAgainstModel(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	rapid.Check(t, func(t *rapid.T) {
		lot := w.Lot()
		m := auctiontest.NewLot(make(map[uuid.UUID]int64))
		people := []uuid.UUID{lot.SellerID}
		w.Fund(lot.SellerID, eur(100_00))
		m.Free[lot.SellerID] = 100_00
		for range rapid.IntRange(1, 4).Draw(t, "buyers") {
			cents := rapid.Int64Range(0, 200_00).Draw(t, "cents")
			buyer := w.Buyer(cents)
			people, m.Free[buyer] = append(people, buyer), cents
		}
		steps := rapid.IntRange(1, 15).Draw(t, "steps")
		closeAt := rapid.IntRange(0, steps).Draw(t, "close at")
		for i := range steps {
			if i == closeAt {
				a := w.Close(lot.ID)
				m.Close()
				if sold := a.Status == auction.Sold; sold != (m.Numbers > 0) {
					t.Fatalf("%s after %d bids", a.Status, m.Numbers)
				}
			}
			who := rapid.SampledFrom(people).Draw(t, "who")
			cents := max(1, m.Price+rapid.Int64Range(-5_00, 40_00).Draw(t, "over"))
			_, err := w.Bid(lot.ID, who, cents)
			if want := m.Bid(who, who == lot.SellerID, cents); domaintest.Code(err) != want {
				t.Fatalf("%d over %d: %v, want %q", cents, m.Price, err, want)
			}
			if wrong := w.Int(holdsAndLeaders); wrong != 0 {
				t.Fatalf("after a bid of %d the holds are not what the leaders owe: by %d", cents, wrong)
			}
		}
		agrees(t, m, w, lot.ID)
	})
	w.Audited()
}

// holdsAndLeaders is by how much the open holds, and what the wallets hold, differ from what the leaders of all lots may owe.
const holdsAndLeaders = `SELECT abs(owed - (SELECT coalesce(sum(amount), 0) FROM hold WHERE status = 'OPEN'))
	+ abs(owed - (SELECT coalesce(sum(b.balance), 0) FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id WHERE a.kind = 'wallet_held'))
	FROM (SELECT coalesce(sum(leader_maximum), 0) AS owed FROM auction WHERE status IN ('OPEN', 'PAUSED') AND leader_id IS NOT NULL) l`

func agrees(t *rapid.T, m *auctiontest.Lot, w *domaintest.World, lot uuid.UUID) {
	leader, maximum, _ := m.Best()
	price := m.Price
	a, err := w.Auctions.Get(w.Ctx(), lot)
	if err != nil || int(a.BidCount) != m.Numbers || (a.Status == auction.Open) != m.Open {
		t.Fatalf("%+v, %v; the model has %d bids", a, err, m.Numbers)
	}
	if m.Numbers > 0 && (a.Price.Minor != price || *a.LeaderID != leader) {
		t.Fatalf("%v led by %s, the model has %d led by %s", a.Price, a.LeaderID, price, leader)
	}
	for who, free := range m.Free {
		held := int64(0)
		if m.Open && who == leader {
			held = maximum
		}
		if who == uuid.Nil {
			continue
		}
		if f, h := w.Balance(ledger.Wallet, who), w.Balance(ledger.WalletHeld, who); f != free || h != held {
			t.Fatalf("the wallet has %d and %d held, the model %d and %d", f, h, free, held)
		}
	}
	if m.Numbers > 0 && !m.Open {
		if o := w.OrderOf(lot, leader); o.Total.Minor != price || w.Balance(ledger.Escrow, o.ID) != price {
			t.Fatalf("%+v", o)
		}
	}
}
