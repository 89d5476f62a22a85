package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// 64 people bid on one lot at once, each up to a limit of their own. One leads in the end, the one with the highest
// limit; nobody else has money held, and the books are right.
func TestRivals(t *testing.T) {
	t.Parallel()
	const n = 64
	site := newSite(t)
	srv := site.start()
	lot := srv.signUp("Hana", "SELLER").openLot(t, 600, 0)
	rivals := srv.crowd(n)
	viewer, watching := srv.opens(lot)

	begin := make(chan struct{})
	var all sync.WaitGroup
	for i, r := range rivals {
		all.Go(func() {
			<-begin
			if err := r.bidUpTo(lot, limitOf(i, n)); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
	if err := rivals[n-1].bidUpTo(lot, limitOf(n-1, n)); err != nil { // who may have given up while leading
		t.Error(err)
	}

	bids := site.bids(lot)
	if len(bids) == 0 {
		t.Fatal("nobody has bid")
	}
	if err := viewer.read(watching, viewer.reached(len(bids)+1)); err != nil {
		t.Errorf("the viewer: %v", err)
	}
	site.checkBids(lot, viewer, rivals)
	held := site.number(`SELECT leader_maximum FROM auction WHERE id = $1`, lot)
	for i, r := range rivals {
		want := 0
		if i == n-1 {
			want = held
		}
		if available, held := r.wallet(t); held != want || available != 50_000-want {
			t.Errorf("%s has %d free and %d held, want %d held", r.name, available, held, want)
		}
	}
	last := bids[len(bids)-1].Amount
	t.Logf("%d bids, the last of %s", len(bids), decimal(last))
	watching.Cut()
	site.checkLedger()
}

// limitOf rises evenly from 30 to 93 euros; the last one's stands out by more than a step.
func limitOf(i, n int) int {
	if i == n-1 {
		return 15_000
	}
	return 3000 + 100*i
}

// crowd signs n people up and gives each 500 euros.
func (s *server) crowd(n int) []*bidder {
	s.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	s.t.Cleanup(transport.CloseIdleConnections)
	people := make([]*bidder, n)
	for i := range people {
		p := s.signUp(fmt.Sprintf("Rival%d", i), "BUYER")
		p.HTTP = &http.Client{Transport: transport, Timeout: patience}
		p.topUp(s.t, 500)
		people[i] = &bidder{person: p}
	}
	return people
}

// bidUpTo bids what is asked for until that is above the limit. Whoever leads raises what they will bid next.
func (b *bidder) bidUpTo(auction string, limit int) error {
	for amount := 1000; amount <= limit; {
		placed, err := b.place(auction, amount, rand.Text())
		if err != nil {
			return err
		}
		switch placed.Code {
		case "":
			if placed.Number > 0 { // a raise is nobody else's business
				b.acknowledged = append(b.acknowledged, placed)
			}
			amount = max(amount, placed.Amount) + 100
		case "BID_TOO_LOW":
			amount = placed.Minimum
		case "ALREADY_LEADING":
			amount += 100
		default:
			return fmt.Errorf("%s's bid of %d: %s", b.name, amount, placed.Code)
		}
	}
	return nil
}
