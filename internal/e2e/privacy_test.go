package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

// What everybody sends, letter for letter: two private operations and one that is shared.
const (
	ownEvents = `subscription { viewerEvents { version kind object { id ... on TopUp { amount { minor } } } } }`
	ownOrder  = `subscription ($lot: ID!) { auctionEvents(auctionId: $lot) { version kind
		auction { status order { id buyer { name } availableActions } } } }`
	price = `subscription ($lot: ID!) { auctionEvents(auctionId: $lot) { version kind auction { status price { minor } } } }`
)

// Many people at once send the same operations with the same ids and variables, of which some answer to each what is
// theirs alone. Nobody ever sees what is another's, though all of them share the groups of what is everybody's.
func TestNobodySeesWhatIsAnothers(t *testing.T) {
	t.Parallel()
	const people, lots, payments = 24, 4, 3
	site := newSite(t)
	site.settings["SOUK_TRUSTED_PROXIES"] = "127.0.0.0/8"
	srv := site.start()
	hana := srv.signUp("Hana", "SELLER")
	rivals := srv.crowd(people)
	sale := make([]string, lots)
	for i := range sale {
		sale[i] = hana.openLot(t, 12, 0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	var watching, begun sync.WaitGroup
	everybody := append([]*bidder{{person: hana}}, rivals...)
	witnesses := make([]*witness, len(everybody))
	for i, p := range everybody {
		w := &witness{name: p.name, amount: strconv.Itoa(100_00 + i), sale: sale, payments: payments, orders: map[string]seenOrder{}, topUps: map[string]bool{}}
		if i == 0 {
			w.payments = 0
		}
		witnesses[i] = w
		begun.Add(1)
		watching.Go(func() {
			if err := w.watch(ctx, srv.url, p.Token, manners[i%len(manners)], fmt.Sprintf("10.1.0.%d", i), begun.Done); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		})
	}
	begun.Wait()

	var acting sync.WaitGroup
	for i, p := range rivals {
		acting.Go(func() {
			for range payments {
				input := apitest.Vars{"amount": eur(100_00 + i + 1), "paymentMethod": "pm_card_visa", "idempotencyKey": rand.Text()}
				var paid any
				if err := ask(p.person, tour(t, "Pay into the wallet (buyer)"), input, &paid); err != nil {
					t.Errorf("%s pays: %v", p.name, err)
				}
			}
			if _, err := p.place(sale[i%lots], 1000+100*(i/lots), rand.Text()); err != nil { // some are outbid before they bid
				t.Errorf("%s bids: %v", p.name, err)
			}
		})
	}
	acting.Wait()
	for i, lot := range sale { // each lot has a winner of its own
		if placed, err := rivals[i].place(lot, 50_00, rand.Text()); err != nil || placed.Code != "" {
			t.Fatalf("%s wins: %+v, %v", rivals[i].name, placed, err)
		}
	}
	watching.Wait()

	for i, w := range witnesses {
		if len(w.topUps) != w.payments {
			t.Errorf("%s saw %d top-ups", w.name, len(w.topUps))
		}
		for n, lot := range sale {
			saw, there := w.orders[lot]
			mine := i == 0 || i == n+1
			switch {
			case there != mine:
				t.Errorf("%s and the order of lot %d: %+v", w.name, n, saw)
			case mine && (saw.buyer != rivals[n].name || slices.Contains(saw.actions, "SHIP") != (i == 0)):
				t.Errorf("%s saw the order of lot %d as %+v", w.name, n, saw)
			}
		}
	}
	checkOwners(t, site, witnesses)
}

// witness watches everything that everybody watches, and keeps what came.
type witness struct {
	name     string
	amount   string // of each of their top-ups, which nobody else's is of
	sale     []string
	payments int

	ids    map[string]string // of operations: "own", or a lot
	first  map[string]bool   // operations that have answered
	closed int
	topUps map[string]bool
	orders map[string]seenOrder // by their lots
}

type seenOrder struct {
	id, buyer string
	actions   []string
}

// watch ends when all there is to see was seen; begun is called once each operation has answered.
func (w *witness) watch(ctx context.Context, server, token, manner, from string, begun func()) error {
	begun = sync.OnceFunc(begun)
	defer begun()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.ids, w.first = map[string]string{"own": ""}, map[string]bool{}
	for i, lot := range w.sale {
		w.ids[fmt.Sprint("private", i)], w.ids[fmt.Sprint("shared", i)] = lot, lot
	}
	in, starting := make(chan heard), make(chan error, 1)
	go func() { starting <- w.ask(ctx, caller{from: from, token: token}, manner, server, in) }()
	for w.closed < 2*len(w.sale) || len(w.topUps) < w.payments {
		select {
		case h := <-in:
			if h.kind != "next" {
				return fmt.Errorf("%s of %q: %s %w", h.kind, h.id, h.payload, h.err)
			}
			if err := w.takes(h); err != nil {
				return err
			}
			if len(w.first) == len(w.ids) {
				begun()
			}
		case err := <-starting:
			if err != nil {
				return err
			}
			starting = nil
		case <-ctx.Done():
			return fmt.Errorf("after %d ends of lots and %d top-ups: %w", w.closed, len(w.topUps), ctx.Err())
		}
	}
	return nil
}

// ask begins all operations, over one line where the manner has room for them; what they answer comes in.
func (w *witness) ask(ctx context.Context, c caller, manner, server string, in chan<- heard) error {
	var l *line
	for name, lot := range w.ids {
		if l == nil || manner == bySSE {
			opened, err := c.open(ctx, manner, server)
			if err != nil {
				return err
			}
			l = opened
			context.AfterFunc(ctx, opened.cut)
			go opened.pour(ctx, in)
		}
		query, vars := ownEvents, apitest.Vars{}
		switch {
		case strings.HasPrefix(name, "private"):
			query, vars["lot"] = ownOrder, lot
		case strings.HasPrefix(name, "shared"):
			query, vars["lot"] = price, lot
		}
		if err := l.start(name, query, vars, ""); err != nil {
			return err
		}
	}
	return nil
}

// pour hands on what is heard, so that several lines are heard at once.
func (l *line) pour(ctx context.Context, in chan<- heard) {
	for {
		select {
		case h := <-l.heard:
			select {
			case in <- h:
			case <-ctx.Done():
				return
			}
		case <-l.ended:
			return
		}
	}
}

// takes reads an answer, and refuses what is not theirs.
func (w *witness) takes(h heard) error {
	var answer struct {
		Data struct {
			ViewerEvents *struct {
				Object *struct {
					ID     string
					Amount struct{ Minor string }
				}
			}
			AuctionEvents *struct {
				Auction struct {
					Status string
					Order  *struct {
						ID               string
						Buyer            struct{ Name string }
						AvailableActions []string
					}
				}
			}
		}
	}
	if err := json.Unmarshal(h.payload, &answer); err != nil {
		return err
	}
	lot, known := w.ids[h.id]
	if !known {
		return fmt.Errorf("an answer to %q, which was not asked", h.id)
	}
	w.first[h.id] = true
	if own := answer.Data.ViewerEvents; own != nil {
		if lot != "" {
			return fmt.Errorf("an answer to %q: %s", h.id, h.payload)
		}
		if own.Object == nil || slices.Contains(w.sale, own.Object.ID) { // what became of their bids
			return nil
		}
		if own.Object.Amount.Minor != w.amount {
			return fmt.Errorf("a top-up of %s is not theirs, which are of %s", own.Object.Amount.Minor, w.amount)
		}
		w.topUps[own.Object.ID] = true
		return nil
	}
	event := answer.Data.AuctionEvents
	if event == nil || lot == "" {
		return fmt.Errorf("an answer to %q: %s", h.id, h.payload)
	}
	if event.Auction.Status != "OPEN" {
		w.closed++
	}
	if o := event.Auction.Order; o != nil {
		w.orders[lot] = seenOrder{o.ID, o.Buyer.Name, o.AvailableActions}
	}
	return nil
}

// checkOwners asks the database whose the top-ups are that were seen.
func checkOwners(t *testing.T, s *site, witnesses []*witness) {
	t.Helper()
	for _, w := range witnesses {
		for topUp := range w.topUps {
			key, err := id.TopUp.Decode(topUp)
			if err != nil {
				t.Fatal(err)
			}
			var owner string
			const query = `SELECT u.name FROM top_up t JOIN app_user u ON u.id = t.user_id WHERE t.id = $1`
			if err := s.db.Pool.QueryRow(t.Context(), query, key).Scan(&owner); err != nil || owner != w.name {
				t.Errorf("%s saw a top-up of %s's (%v)", w.name, owner, err)
			}
		}
	}
}
