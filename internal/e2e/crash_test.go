package e2e

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/id"
)

// bidder bids on one lot until a bid's fate is unknown, which is when the server dies.
type bidder struct {
	person
	user         uuid.UUID // of those whom people makes
	acknowledged []bid
	key          string // of the bid whose fate is unknown
	amount       int    // and its amount
	over         int    // what they bid is the next minimum and so many cents
}

// run bids the next minimum, and what it bids over it, again and again. It gives an error only for an answer that must not be.
func (b *bidder) run(auction string, wanted func() bool) error {
	amount := 1000
	for wanted() {
		b.key, b.amount = rand.Text(), amount
		placed, err := b.place(auction, amount, b.key)
		if err != nil {
			return nil //nolint:nilerr // the server is gone, as it should
		}
		switch placed.Code {
		case "":
			if placed.Number > 0 { // a raise is nobody else's business
				b.acknowledged = append(b.acknowledged, placed)
			}
			amount = placed.Amount + 100 + b.over
		case "BID_TOO_LOW":
			amount = placed.Minimum + b.over
		case "ALREADY_LEADING": // until somebody else bids
		default:
			return fmt.Errorf("%s's bid of %d: %s", b.name, amount, placed.Code)
		}
		b.key = ""
	}
	return nil
}

// Kill -9 while four people bid, one watches, and another lot is about to end. The next server on the same
// database finds everything that was acknowledged, closes what ended meanwhile, and the viewer goes on.
func TestKilledWhileBidding(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	first := site.start()
	hana := first.signUp("Hana", "SELLER")
	bidders := make([]*bidder, 4)
	for i := range bidders {
		bidders[i] = &bidder{person: first.signUp(fmt.Sprintf("Bidder%d", i), "BUYER")}
		bidders[i].topUp(t, 10_000)
	}
	long, short := hana.openLot(t, 600, 0), hana.openLot(t, 5, 0)
	if placed, err := bidders[0].place(short, 1000, "short"); err != nil || placed.Code != "" {
		t.Fatalf("a bid on the short lot: %+v, %v", placed, err)
	}
	viewer, watching := first.opens(long)
	seen := make(chan error, 1)
	halfway := make(chan struct{})
	go func() {
		err := viewer.read(watching, viewer.reached(40))
		close(halfway)
		if err == nil {
			err = viewer.read(watching, viewer.closed)
		}
		seen <- err
	}()

	bidding := bidAll(t, bidders, long, func() bool { return true })
	<-halfway
	first.kill()
	bidding()
	if err := <-seen; err == nil {
		t.Fatal("the lot ended before the server did")
	}
	before := viewer.version
	site.awaitEnd(short)

	site.claimsEnd()
	second := site.start()
	for _, b := range bidders {
		b.person = b.at(second)
		if err := b.retry(long); err != nil {
			t.Fatal(err)
		}
	}
	watching = second.client().Subscribe(t, watch, viewer.resume())
	var enough atomic.Bool
	bidding = bidAll(t, bidders, long, func() bool { return !enough.Load() })
	err := viewer.read(watching, viewer.reached(before+20))
	enough.Store(true)
	bidding()
	if err != nil {
		t.Fatalf("the viewer who came back after version %d: %v", before, err)
	}
	site.checkBids(long, viewer, bidders)
	site.checkSold(second, short)
	watching.Cut()
	site.checkLedger()
	second.stop()
}

// bidAll has everybody bid; the function that it gives waits for the end of that.
func bidAll(t *testing.T, bidders []*bidder, auction string, wanted func() bool) (wait func()) {
	t.Helper()
	var all sync.WaitGroup
	for _, b := range bidders {
		all.Go(func() {
			if err := b.run(auction, wanted); err != nil {
				t.Error(err)
			}
		})
	}
	return all.Wait
}

// retry sends the bid whose fate is unknown again, as a client does. Its answer is the first one, or a refusal:
// either way there is one bid at most.
func (b *bidder) retry(auction string) error {
	if b.key == "" {
		return nil
	}
	for range 2 {
		placed, err := b.place(auction, b.amount, b.key)
		if err != nil {
			return fmt.Errorf("%s's retry: %w", b.name, err)
		}
		if placed.Code != "" {
			continue
		}
		if n := len(b.acknowledged); placed.Number > 0 && (n == 0 || b.acknowledged[n-1].ID != placed.ID) {
			b.acknowledged = append(b.acknowledged, placed)
		}
	}
	b.key = ""
	return nil
}

// number asks the database for one whole number about an auction.
func (s *site) number(query, auction string) (n int) {
	s.t.Helper()
	key, err := id.Auction.Decode(auction)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.db.Pool.QueryRow(s.t.Context(), query, key).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// claimsEnd is the minute after which keys that a dead server had under way are free again.
func (s *site) claimsEnd() {
	s.t.Helper()
	if _, err := s.db.Admin.Exec(s.t.Context(), `UPDATE idempotency_answer SET locked_until = clock_timestamp() WHERE answer IS NULL`); err != nil {
		s.t.Fatal(err)
	}
}

// awaitEnd waits until an auction's time is over by the database's clock.
func (s *site) awaitEnd(auction string) {
	s.t.Helper()
	eventually(s.t, "the lot's end", func() bool {
		return s.number(`SELECT count(*) FROM auction WHERE id = $1 AND ends_at < clock_timestamp()`, auction) == 1
	})
}

// checkBids compares what is stored with what bidders were told and what a viewer saw, up to the viewer's version.
func (s *site) checkBids(auction string, viewer *diary, bidders []*bidder) {
	s.t.Helper()
	stored := s.bids(auction)
	byNumber := map[int]bid{}
	for i, b := range stored {
		if b.Number != i+1 {
			s.t.Fatalf("the %dth bid has number %d", i+1, b.Number)
		}
		if i > 0 && b.Amount <= stored[i-1].Amount {
			s.t.Errorf("bid %d is of %d after one of %d", b.Number, b.Amount, stored[i-1].Amount)
		}
		byNumber[b.Number] = b
	}
	for _, b := range bidders {
		for _, told := range b.acknowledged {
			if byNumber[told.Number] != told {
				s.t.Errorf("%s was told of %+v, stored is %+v", b.name, told, byNumber[told.Number])
			}
		}
	}
	for i, saw := range viewer.bids {
		if saw != stored[i] {
			s.t.Errorf("the viewer's %dth bid is %+v, stored is %+v", i+1, saw, stored[i])
		}
	}
	open := s.number(`SELECT count(*) FROM hold WHERE status = 'OPEN' AND cause_kind = 'auction' AND cause_id = $1`, auction)
	leading := s.number(`SELECT count(*) FROM auction a JOIN hold h ON h.id = a.leader_hold AND h.status = 'OPEN'
		AND h.user_id = a.leader_id AND h.amount = a.leader_maximum WHERE a.id = $1`, auction)
	if open != 1 || leading != 1 {
		s.t.Errorf("%d holds are open, want the leader's alone (%d)", open, leading)
	}
}

// bids are the stored bids in the order of their numbers.
func (s *site) bids(auction string) (all []bid) {
	s.t.Helper()
	key, err := id.Auction.Decode(auction)
	if err != nil {
		s.t.Fatal(err)
	}
	rows, err := s.db.Pool.Query(s.t.Context(), `SELECT id::text, number, least(amount, price) FROM bid WHERE auction_id = $1 AND number IS NOT NULL ORDER BY number`, key)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b bid
		if err := rows.Scan(&b.ID, &b.Number, &b.Amount); err != nil {
			s.t.Fatal(err)
		}
		b.ID = bidID(s.t, b.ID)
		all = append(all, b)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// checkSold waits until a lot is closed, and looks at the order that it became.
func (s *site) checkSold(srv *server, auction string) {
	s.t.Helper()
	closing := diary{auction: auction}
	stream := srv.client().Subscribe(s.t, watch, closing.resume())
	defer stream.Cut()
	if err := closing.read(stream, closing.closed); err != nil {
		s.t.Fatalf("the lot's end: %v", err)
	}
	paid := s.number(`SELECT count(*) FROM orders WHERE auction_id = $1 AND payment = 'PAID'`, auction)
	consumed := s.number(`SELECT count(*) FROM hold WHERE status = 'CONSUMED' AND cause_id = $1`, auction)
	if closing.status != "SOLD" || paid != 1 || consumed != 1 {
		s.t.Errorf("the lot is %s with %d paid orders and %d consumed holds", closing.status, paid, consumed)
	}
}
