package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
)

// 500 people bid on one lot at two servers, each by so much more than the next minimum as they like, and one of the servers is killed in the middle. Every bid that was acknowledged is there; one whose
// fate was unknown and that was sent again at the other server is there once; each viewer saw every version, also those
// who had to come back elsewhere; and the books are right.
func TestServerKilledUnderACrowd(t *testing.T) {
	t.Parallel()
	const n = 500
	site := newSite(t)
	site.shareStripe()
	doomed, other := site.start(), site.another().start()
	lot := doomed.signUp("Hana", "SELLER").openLot(t, 600, 0)
	people := site.people(n, 100_000)
	for i, p := range people {
		p.person, p.over = p.at([]*server{doomed, other}[i%2]), 500*(i%101)
	}
	viewers := make([]*watcher, 4)
	for i := range viewers {
		viewers[i] = watches([]*server{doomed, other}[i%2], lot)
	}

	var bids atomic.Int32
	halfway := make(chan struct{})
	bidding := bidAll(t, people, lot, func() bool {
		asked := bids.Add(1)
		if asked == 3*n { // everybody has had an answer or two
			close(halfway)
		}
		return asked <= 5*n
	})
	<-halfway
	doomed.kill()
	bidding()
	for _, v := range []*watcher{viewers[0], viewers[2]} {
		if err := <-v.ended; err == nil {
			t.Fatal("the lot ended before the server did")
		}
		v.follow(other.client().Subscribe(t, watch, v.resume()))
	}

	site.claimsEnd()
	unknown := retryAll(t, people, other, lot)
	bids.Store(0)
	bidAll(t, people, lot, func() bool { return bids.Add(1) <= n })() // life goes on
	stored, acknowledged := site.bids(lot), 0
	for _, p := range people {
		acknowledged += len(p.acknowledged)
	}
	if acknowledged != len(stored) {
		t.Errorf("%d bids were acknowledged, %d are stored", acknowledged, len(stored))
	}
	site.checkBids(lot, &diary{}, people)
	site.end(lot)
	for i, v := range viewers {
		if err := <-v.ended; err != nil {
			t.Fatalf("viewer %d, after version %d: %v", i, v.version, err)
		}
		if !slices.Equal(v.bids, stored) {
			t.Errorf("viewer %d saw %d bids of %d, or others", i, len(v.bids), len(stored))
		}
		v.stream.Cut()
	}
	site.checkSold(other, lot)
	t.Logf("%d bids; %d asked again", len(stored), unknown)
	site.checkLedger()
}

// watcher is a viewer who reads on until the lot has ended, or their server.
type watcher struct {
	*diary
	stream *apitest.Stream
	ended  chan error
}

func watches(s *server, lot string) *watcher {
	s.t.Helper()
	d, stream := s.opens(lot)
	w := &watcher{diary: d, ended: make(chan error, 1)}
	w.follow(stream)
	return w
}

func (w *watcher) follow(stream *apitest.Stream) {
	w.stream = stream
	go func() { w.ended <- w.read(stream, w.closed) }()
}

// end brings a lot's end to now.
func (s *site) end(auction string) {
	s.t.Helper()
	key, err := id.Auction.Decode(auction)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.db.Admin.Exec(s.t.Context(), `WITH ended AS (UPDATE auction SET ends_at = clock_timestamp() WHERE id = $1 RETURNING *)
		INSERT INTO auction_end (auction_id, version, seq, ends_at, latest_end) SELECT id, version, bid_seq, ends_at, latest_end FROM ended`, key); err != nil {
		s.t.Fatal(err)
	}
}

// retryAll has everybody bid at one server from now on, who first repeat what they never had an answer to; it says how many those were.
func retryAll(t *testing.T, people []*bidder, at *server, lot string) (unknown int) {
	t.Helper()
	errs := make(chan error, len(people))
	var all sync.WaitGroup
	for _, p := range people {
		p.person = p.at(at)
		if p.key != "" {
			unknown++
		}
		all.Go(func() { errs <- p.retry(lot) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	return unknown
}

// people are buyers with a session and so many euros, made without the work of hashing passwords and of asking for a card.
func (s *site) people(n int, euros int64) []*bidder {
	s.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	s.t.Cleanup(transport.CloseIdleConnections)
	all := make([]*bidder, n)
	err := pgx.BeginFunc(s.t.Context(), s.db.Admin, func(tx pgx.Tx) error {
		for i := range all {
			user, token := id.New(), "souk_"+rand.Text()
			digest := sha256.Sum256([]byte(token))
			if _, err := tx.Exec(s.t.Context(), `INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, $3, 'BUYER', 'none')`,
				user, user.String()+"@example.test", fmt.Sprintf("Bidder %d", i)); err != nil {
				return err
			}
			if _, err := tx.Exec(s.t.Context(), `INSERT INTO session (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')`,
				id.New(), user, digest[:]); err != nil {
				return err
			}
			if _, err := ledger.PostTx(s.t.Context(), tx, ledger.Entry{
				Key: "e2e:" + user.String(), Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "test", ID: user},
				Legs: []ledger.Leg{
					{Account: ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, Amount: -euros * 100},
					{Account: ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: "EUR"}, Amount: euros * 100},
				},
			}); err != nil {
				return err
			}
			all[i] = &bidder{user: user, person: person{apitest.Client{Token: token, HTTP: &http.Client{Transport: transport, Timeout: patience}}, fmt.Sprintf("Bidder %d", i)}}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
