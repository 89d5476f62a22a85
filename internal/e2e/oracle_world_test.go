package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/realtime"
)

// oracleConfig is how much there is of everything.
type oracleConfig struct {
	viewers int
	lots    int           // open at once
	lotFor  time.Duration // how long a lot is open
	pace    time.Duration // between two bids on a lot, on average
	fidget  time.Duration // the longest that a viewer keeps quiet
	stall   time.Duration // the longest that one does not read
}

// oracle is a world of people who sell, bid and write through the API, and of viewers who watch them do so.
type oracle struct {
	*tally
	t      *testing.T
	config oracleConfig
	seed   uint64
	truth  *truth
	seller *member
	buyers []*member
	payer  *member   // whose bank takes payments back
	people []*member // all of them
	desk   *topic    // support's
	idle   idle      // a server that nobody watches

	mu         sync.Mutex
	servers    []*server
	topics     []*topic
	violations map[string][]string // by class
	notes      []string
	abandoned  []*line

	writing sync.WaitGroup
	ended   atomic.Bool // nothing is added to any topic any more
}

// tally counts what happened.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (c *tally) count(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what] += n
}

func (c *tally) counted(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[what]
}

// String has a line for each.
func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var text strings.Builder
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		fmt.Fprintf(&text, "\n%8d %s", c.counts[what], what)
	}
	return text.String()
}

// member is somebody, with their id.
type member struct {
	person
	id uuid.UUID
}

// topic is something that is watched.
type topic struct {
	name    realtime.Topic
	kind    string
	id      string       // the API's; empty where the viewer is meant
	members []*member    // who may watch; nil: everybody
	top     atomic.Int64 // the last version, once there will be no other; -1 before
}

// newOracle signs people up at the first of the servers.
func newOracle(t *testing.T, seed uint64, config oracleConfig, counts *tally, truth *truth, servers ...*server) *oracle {
	t.Helper()
	w := &oracle{
		tally: counts, t: t, config: config, seed: seed, truth: truth, servers: servers, violations: map[string][]string{},
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	join := func(name, role string) *member {
		p := servers[0].signUp(name, role)
		p.HTTP = &http.Client{Transport: transport, Timeout: 5 * time.Second}
		m := &member{person: p}
		if err := truth.pool.QueryRow(t.Context(), `SELECT id FROM app_user WHERE name = $1`, name).Scan(&m.id); err != nil {
			t.Fatal(err)
		}
		w.add(&topic{name: feed.Topic(m.id), kind: aUser, members: []*member{m}})
		w.people = append(w.people, m)
		return m
	}
	w.seller = join("Hana", "SELLER")
	for i := range 6 {
		buyer := join(fmt.Sprintf("Buyer%d", i), "BUYER")
		buyer.topUp(t, 10_000)
		w.buyers = append(w.buyers, buyer)
	}
	w.payer = join("Payer", "BUYER")
	desk := join("Support", "BUYER")
	if _, err := truth.pool.Exec(t.Context(), `UPDATE app_user SET role = 'SUPPORT' WHERE id = $1`, desk.id); err != nil {
		t.Fatal(err)
	}
	w.desk = &topic{name: feed.SupportTopic, kind: theDesk, members: []*member{desk}}
	w.add(w.desk)
	transport.CloseIdleConnections()
	w.idle = measureIdle(t, servers[0])
	return w
}

func (w *oracle) add(t *topic) {
	t.top.Store(-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.topics = append(w.topics, t)
}

// forget drops a topic that has ended; who still reads it has it read anew.
func (w *oracle) forget(t *topic) {
	w.mu.Lock()
	w.topics = slices.DeleteFunc(w.topics, func(other *topic) bool { return other == t })
	w.mu.Unlock()
	w.truth.forget(t.name)
}

// over says that the writing has ended.
func (w *oracle) over() bool { return w.ended.Load() }

// note keeps the newest of what may help to understand a violation.
func (w *oracle) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes[max(0, len(w.notes)-30):], fmt.Sprintf(format, args...))
}

// violate notes what must not be.
func (w *oracle) violate(class, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations[class] = append(w.violations[class], fmt.Sprintf(format, args...))
}

func (w *oracle) violated(class string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.violations[class])
}

// leave cuts a line, unless its viewer has left it as one leaves a lost network.
func (w *oracle) leave(l *line) {
	if via := l.via.Load(); via == nil || !via.swallow.Load() {
		l.cut()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned = append(w.abandoned, l)
}

func (w *oracle) anyServer(rng *mathrand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.servers[rng.IntN(len(w.servers))].url
}

// topicFor is something that this viewer may watch and that goes on; nil where there is nothing just now.
func (w *oracle) topicFor(rng *mathrand.Rand, who *member) *topic {
	w.mu.Lock()
	defer w.mu.Unlock()
	var open []*topic
	for _, t := range w.topics {
		if t.top.Load() < 0 && (t.members == nil || slices.Contains(t.members, who)) {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[rng.IntN(len(open))]
}

// at is somebody at any of the servers.
func (w *oracle) at(p person, rng *mathrand.Rand) person {
	p.URL = w.anyServer(rng)
	return p
}

// writes does something again and again until ctx ends.
func (w *oracle) writes(ctx context.Context, rng *mathrand.Rand, pace time.Duration, do func(*mathrand.Rand) error) {
	w.writing.Go(func() {
		for ctx.Err() == nil {
			if err := do(rng); err != nil {
				w.count("requests that failed", 1)
				w.note("%v", err)
				pause(ctx, 100*time.Millisecond)
			}
			pause(ctx, time.Duration(rng.Int64N(2*int64(pace)+1)))
		}
	})
}

// write begins everything that is written until ctx ends.
func (w *oracle) write(ctx context.Context) {
	source := func(n int) *mathrand.Rand { return mathrand.New(mathrand.NewPCG(w.seed, 1e6+uint64(n))) }
	for n := range w.config.lots {
		first := make(chan struct{})
		opened := sync.OnceFunc(func() { close(first) })
		w.writes(ctx, source(n), 0, func(rng *mathrand.Rand) error { return w.sell(ctx, rng, opened) })
		select {
		case <-first:
		case <-time.After(patience):
			w.t.Fatalf("no lot was opened: %v", w.notes)
		}
	}
	w.writes(ctx, source(100), 500*time.Millisecond, func(rng *mathrand.Rand) error {
		return w.pays(w.at(w.buyers[rng.IntN(len(w.buyers))].person, rng), "pm_card_visa")
	})
	w.writes(ctx, source(101), time.Second, func(rng *mathrand.Rand) error {
		return w.pays(w.at(w.payer.person, rng), "pm_card_createDispute")
	})
	for i, buyer := range w.buyers[:2] {
		c := w.beginsToWrite(buyer, source(200+i))
		w.writes(ctx, source(300+i), 300*time.Millisecond, func(rng *mathrand.Rand) error {
			return w.says(w.at([]*member{buyer, w.seller}[rng.IntN(2)].person, rng), c, rng)
		})
	}
}

func (w *oracle) pays(p person, card string) error {
	var paid any
	return ask(p, tour(w.t, "Pay into the wallet (buyer)"), apitest.Vars{
		"amount": eur(5_000_00), "paymentMethod": card, "idempotencyKey": rand.Text(),
	}, &paid)
}

func (w *oracle) beginsToWrite(buyer *member, rng *mathrand.Rand) *topic {
	var listing string
	if err := w.truth.pool.QueryRow(w.t.Context(), `SELECT id::text FROM listing ORDER BY created_at LIMIT 1`).Scan(&listing); err != nil {
		w.t.Fatal(err)
	}
	got := w.at(buyer.person, rng).Must(w.t, `mutation ($input: ConversationStartInput!) { conversationStart(input: $input) { conversation { id } } }`,
		apitest.Vars{"input": apitest.Vars{"listingId": id.Listing.Encode(uuid.MustParse(listing)), "body": "Is it still there?"}})
	c := &topic{kind: aConversation, id: got.Str("conversationStart.conversation.id"), members: []*member{buyer, w.seller}}
	key, err := id.Conversation.Decode(c.id)
	if err != nil {
		w.t.Fatal(err)
	}
	c.name = chat.Topic(key)
	w.add(c)
	return c
}

func (w *oracle) says(p person, c *topic, rng *mathrand.Rand) error {
	var said any
	body := strings.Repeat("é<\u2028\"", rng.IntN(400)) + rand.Text()
	return ask(p, `mutation ($input: MessageSendInput!) { messageSend(input: $input) { message { id } userErrors { code } } }`,
		apitest.Vars{"conversationId": c.id, "body": body}, &said)
}

// sell opens a lot, has it bid on until it is closed, and lets the order that it becomes take its course.
func (w *oracle) sell(ctx context.Context, rng *mathrand.Rand, opened func()) error {
	lot, err := w.opensLot(rng)
	if err != nil {
		return err
	}
	w.add(lot)
	opened()
	if !w.bidsOn(ctx, lot, rng) {
		return nil
	}
	var top int64
	var o, buyer uuid.UUID
	if err := w.truth.insist(ctx, func() error {
		return w.truth.pool.QueryRow(ctx, `SELECT a.version, o.id, o.buyer_id FROM auction a JOIN orders o ON o.auction_id = a.id
			WHERE 'auction:' || a.id = $1 AND a.status = 'SOLD'`, string(lot.name)).Scan(&top, &o, &buyer)
	}); err != nil {
		return err
	}
	lot.top.Store(top)
	w.count("lots sold", 1)
	winner := w.buyers[slices.IndexFunc(w.buyers, func(m *member) bool { return m.id == buyer })]
	seed := rng.Uint64()
	w.writing.Go(func() {
		w.fulfils(ctx, o, winner, seed)
		w.forget(lot) // hours have more lots than memory
	})
	return nil
}

func (w *oracle) opensLot(rng *mathrand.Rand) (*topic, error) {
	seller := w.at(w.seller.person, rng)
	photo, err := seller.trySendPhoto(w.t)
	if err != nil {
		return nil, err
	}
	var listed struct {
		ListingCreate struct{ Listing struct{ ID string } }
	}
	if err := ask(seller, tour(w.t, "List an item"), apitest.Vars{
		"title": "Pot " + rand.Text(), "condition": "GOOD", "photoIds": []string{photo},
		"description": strings.Repeat("Brass, and very old. ", 150) + rand.Text(),
	}, &listed); err != nil {
		return nil, err
	}
	var started struct {
		AuctionStart struct{ Auction struct{ ID string } }
	}
	if err := ask(seller, tour(w.t, "Start the auction"), apitest.Vars{
		"listingId": listed.ListingCreate.Listing.ID, "startPrice": eur(1000),
		"durationSeconds": int(w.config.lotFor.Seconds()), "extensionSeconds": 0,
	}, &started); err != nil {
		return nil, err
	}
	lot := &topic{kind: aLot, id: started.AuctionStart.Auction.ID}
	key, err := id.Auction.Decode(lot.id)
	lot.name = auction.Topic(key)
	return lot, err
}

// bidsOn has people outbid each other; false says that time was up before the lot was closed.
func (w *oracle) bidsOn(ctx context.Context, lot *topic, rng *mathrand.Rand) bool {
	amount, who := 1000, 0
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rng.Int64N(2*int64(w.config.pace)+1)))
		who = (who + 1 + rng.IntN(len(w.buyers)-1)) % len(w.buyers)
		placed, err := w.at(w.buyers[who].person, rng).place(lot.id, amount, rand.Text())
		switch {
		case err != nil:
			w.count("bids that failed", 1)
			w.note("a bid: %v", err)
			pause(ctx, 50*time.Millisecond)
		case placed.Code == "":
			w.count("bids placed", 1)
			amount = placed.Amount + step(placed.Amount)
		case placed.Code == "BID_TOO_LOW":
			amount = placed.Minimum
		case placed.Code == "AUCTION_CLOSED":
			return true
		default:
			w.count("bids refused with "+placed.Code, 1)
		}
	}
	return false
}

// step is the least by which euros are outbid.
func step(price int) int {
	switch {
	case price < 5_000:
		return 100
	case price < 10_000:
		return 250
	case price < 50_000:
		return 500
	case price < 100_000:
		return 1_000
	}
	return 2_500
}

// fulfils sends what was sold and receives it, while both sides watch.
func (w *oracle) fulfils(ctx context.Context, key uuid.UUID, buyer *member, seed uint64) {
	rng := mathrand.New(mathrand.NewPCG(w.seed, seed))
	o := &topic{name: order.Topic(key), kind: anOrder, id: id.Order.Encode(key), members: []*member{buyer, w.seller}}
	w.add(o)
	pause(ctx, 2*time.Second) // viewers come
	for _, move := range []struct {
		who   *member
		title string
		input apitest.Vars
	}{
		{w.seller, "Ship it", apitest.Vars{"tracking": "SOUK-1"}},
		{buyer, "Confirm receipt", apitest.Vars{}},
	} {
		move.input["orderId"], move.input["idempotencyKey"] = o.id, rand.Text()
		var moved any
		if w.truth.insist(ctx, func() error { return ask(w.at(move.who.person, rng), tour(w.t, move.title), move.input, &moved) }) != nil {
			return
		}
		pause(ctx, time.Second)
	}
	if top, err := w.truth.top(ctx, o.name); err == nil {
		w.count("orders received", 1)
		o.top.Store(top)
		w.forget(o)
	}
}

// watch has viewers watch until everything that is written has been seen, or ctx ends.
func (w *oracle) watch(ctx context.Context) *sync.WaitGroup {
	var watching sync.WaitGroup
	for n := range w.config.viewers {
		v := &audience{
			w: w, n: n, rng: mathrand.New(mathrand.NewPCG(w.seed, uint64(n))), manner: manners[n%len(manners)],
			from: fmt.Sprintf("10.0.%d.%d", n/100, n%100),
		}
		if n%3 == 0 {
			v.who = w.people[n/3%len(w.people)]
		}
		watching.Go(func() { v.run(ctx) })
	}
	return &watching
}

// end waits until nobody writes any more, and tells each topic its end.
func (w *oracle) end(ctx context.Context) {
	w.writing.Wait()
	w.mu.Lock()
	topics := slices.Clone(w.topics)
	w.mu.Unlock()
	for _, t := range topics {
		if t.top.Load() >= 0 {
			continue
		}
		top, err := w.truth.top(ctx, t.name)
		if err != nil {
			w.t.Fatalf("the end of %s: %v", t.name, err)
		}
		t.top.Store(top)
	}
	w.ended.Store(true)
}

// hangUp closes the lines that were left half open. Nobody watches from then on.
func (w *oracle) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.abandoned {
		l.cut()
	}
	w.abandoned = nil
}
