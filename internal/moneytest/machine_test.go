package moneytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/stripefake"
)

// machine drives the product and the model side by side.
type machine struct {
	*world
	t    *rapid.T
	seen *tally

	parts   []part // of what happens, the most frequent first
	steps   int    // since the jobs ran
	will    will   // of the scene that is played
	asked   map[string]bool
	books   books
	buyers  []uuid.UUID
	sellers []uuid.UUID
	topUps  []*topUp
	lots    []*lot
	sales   []*sale
	post    mailbag

	withdrawals []*withdrawal
	refunds     []*refund
	exchanges   []exchange
	admin       uuid.UUID
	frozen      map[uuid.UUID]bool
	purse       map[owned]uuid.UUID // the saved cards
	homes       map[resident]uuid.UUID
	merchants   []uuid.UUID // who have stalls, and no lots
	stalls      map[uuid.UUID]*stall
	confirmed   []confirmed
	gifts       []*gift
	campaign    campaign
	disputes    []*dispute
	brought     []*brought
}

// newMachine is a market of a few people, each of whom has some money to begin with.
func newMachine(run *rapid.T, w *world, parts []part) *machine {
	m := &machine{
		world: w, t: run, seen: new(tally), parts: parts, books: w.ledger(), admin: w.User(identity.Admin),
		frozen: make(map[uuid.UUID]bool), purse: make(map[owned]uuid.UUID), homes: make(map[resident]uuid.UUID), stalls: make(map[uuid.UUID]*stall),
	}
	for range 2 {
		m.buyers = append(m.buyers, m.User(identity.Buyer))
	}
	m.join(m.buyers[0])
	for range 2 {
		m.sellers, m.merchants = append(m.sellers, m.User(identity.Seller)), append(m.merchants, m.User(identity.Seller))
	}
	for i, buyer := range m.buyers {
		card := []string{pays, pends, returns}[i%3]
		in := payment.TopUpInput{Amount: eur(80_00), PaymentMethod: cards[card][0], IdempotencyKey: uuid.NewString()}
		top, err := m.Payment.TopUp(m.Ctx(), buyer, in)
		m.Must(err)
		m.topUps = append(m.topUps, newTopUp(top.ID, buyer, in, card))
		for _, cash := range []money.Amount{eur(20_00), money.New(20_000, "TND"), money.New(8_000, "JPY")} { // which no card has paid in
			m.Fund(buyer, cash)
			m.books.move(leg(ledger.Bank, uuid.Nil, minus(cash)), leg(ledger.Wallet, buyer, cash))
		}
	}
	m.merchants = append(m.merchants, m.User(identity.Seller), m.User(identity.Seller))
	m.offer()
	m.collect()
	m.post.waiting = nil // what is still on its way from other runs is lost
	return m
}

// action is something that may happen next. What is likelier is more often in the list.
type action struct {
	name     string
	possible func() bool
	do       func()
}

// part is what people do with one kind of money.
type part string

// The parts.
const (
	toppingUp   part = "topping up"
	hearing     part = "hearing"
	bidding     part = "bidding"
	paying      part = "paying"
	selling     part = "selling"
	checkingOut part = "checking out"
	disputing   part = "disputing"
	bringing    part = "bringing"
	withdrawing part = "withdrawing"
	minding     part = "minding"
	waiting     part = "waiting"
)

func (m *machine) actions() map[part][]action {
	always := func() bool { return true }
	return map[part][]action{
		toppingUp: m.topUpActions(), hearing: m.webhookActions(), bidding: m.lotActions(), paying: m.payActions(), selling: slices.Concat(m.saleActions(), m.returnActions()), checkingOut: m.checkoutActions(), disputing: m.disputeActions(), bringing: m.referralActions(),
		withdrawing: m.withdrawalActions(), minding: m.walletActions(),
		waiting: {{"time passes", always, m.timePasses}, {"time passes", always, m.timePasses}, {"finish midway", m.rested, m.finish}},
	}
}

// drawParts draws an order for the parts: what comes first in it is what most happens in the run. So runs differ more than if
// each had a little of everything.
func drawParts(t *rapid.T) []part {
	all := []part{toppingUp, hearing, bidding, paying, selling, checkingOut, disputing, bringing, withdrawing, minding, waiting}
	return rapid.Permutation(all).Draw(t, "parts")
}

// rested says that the jobs have not run for a while: that takes as long as thirty of the other actions.
func (m *machine) rested() bool { return m.steps > 30 }

// step does one of the actions that are possible now.
func (m *machine) step(*rapid.T) {
	all := m.actions()
	possible := make(map[part][]action)
	var parts []part
	for i, of := range m.parts {
		for _, a := range all[of] {
			if a.possible() {
				possible[of] = append(possible[of], a)
			}
		}
		if len(possible[of]) == 0 {
			continue
		}
		if parts = append(parts, of); i < 2 {
			parts = append(parts, of)
		}
	}
	of := draw(m, rapid.SampledFrom(parts), "part")
	names := make([]string, len(possible[of]))
	for i, a := range possible[of] {
		names[i] = a.name
	}
	name := draw(m, rapid.SampledFrom(names), "action")
	m.steps++
	possible[of][slices.Index(names, name)].do()
}

// agree compares the books after each step.
func (m *machine) agree(*rapid.T) {
	m.observe()
	if lines := differ(m.ledger(), m.books); len(lines) > 0 {
		m.t.Fatalf("the books:\n%s", strings.Join(lines, "\n"))
	}
}

// observe takes in what became of whatever is open: of that, and of nothing else, the product chooses the moment.
func (m *machine) observe() {
	before := maps.Clone(m.books)
	m.lookAtDisputes()
	m.observeTopUps()
	m.observePayments()
	m.observeRefunds()
	m.observeReferrals()
	m.observeDisputes(before)
	m.observeSales()
}

// finish has the product's jobs do what is left, after which nothing may be in doubt.
func (m *machine) finish() {
	m.steps = 0
	if draw(m, rapid.Bool(), "the jobs are lost") {
		m.Exec(`DELETE FROM river_job`)
		m.seen.add("jobs lost")
	}
	if n := draw(m, rapid.IntRange(0, 2), "faults in the jobs' requests"); n > 0 {
		m.fake.Faults().Add(stripefake.Rule{Path: "/v1/", Fault: stripefake.CutAfter, Times: n})
	}
	m.pass(5 * time.Minute) // so that the sweeps believe that the jobs are lost
	var open []string
	for range 4 {
		m.work()
		m.fake.Faults().Clear()
		m.agree(m.t)
		if open = m.open(); len(open) == 0 {
			m.reconcile()
			m.returned()
			m.audit()
			return
		}
		m.pass(5 * time.Minute)
	}
	m.t.Fatalf("the jobs leave in doubt:\n%s", strings.Join(open, "\n"))
}

// open says what is left for the jobs. Who has to authenticate may take a day, and a card that keeps money aside a week.
func (m *machine) open() (open []string) {
	left := func(what any, is bool) {
		if is {
			open = append(open, fmt.Sprintf("%+v", what))
		}
	}
	for _, top := range m.topUps {
		left(*top, !top.final() && (top.status != payment.RequiresAction || top.holder != ""))
	}
	for _, p := range m.tried((*try).undecided) {
		left(*p, (!p.waiting() || p.age >= patience) && (p.status != payment.OrderAuthorised || p.aside >= asideFor))
	}
	for _, r := range m.refunds {
		left(*r, r.onWay() || r.sentBack() && r.status != payment.RefundFailed)
	}
	for _, b := range m.brought {
		left(*b, b.due())
	}
	for _, d := range m.disputes {
		left(*d, d.known != meaning[d.state])
	}
	return append(open, m.texts(`SELECT e::text FROM provider_event e WHERE status IN ('RECEIVED', 'FAILED')`)...)
}

// reconcile compares what we booked with Stripe's own journal.
func (m *machine) reconcile() {
	rows, err := m.Admin.Query(m.Ctx(), `SELECT id, currency, gross, fee FROM provider_txn`)
	m.Must(err)
	defer rows.Close()
	type movement struct {
		currency   string
		gross, fee int64
	}
	booked, net := make(map[string]movement), make(map[money.Currency]int64)
	for rows.Next() {
		var (
			id string
			t  movement
		)
		m.Must(rows.Scan(&id, &t.currency, &t.gross, &t.fee))
		booked[id] = t
	}
	m.Must(rows.Err())
	journal := m.fake.Journal()
	for _, txn := range journal {
		currency := strings.ToUpper(txn.Currency)
		net[money.Currency(currency)] += txn.Net
		if got, want := booked[txn.ID], (movement{currency, txn.Amount, txn.Fee}); got != want {
			m.t.Fatalf("Stripe's %s %s is %+v, we booked %+v", txn.Type, txn.ID, want, got)
		}
	}
	if len(booked) != len(journal) {
		m.t.Fatalf("%d of Stripe's movements are booked, there are %d", len(booked), len(journal))
	}
	for currency, sum := range net {
		if clearing := m.books[account(ledger.PSPClearing, uuid.Nil, currency)]; clearing != -sum {
			m.t.Fatalf("Stripe owes us %d %s, our books say %d", sum, currency, -clearing)
		}
	}
}

func (m *machine) audit() {
	_, err := audit.Run(m.Ctx(), m.Pool, audit.Options{}, func(r audit.Result) {
		if !r.OK() {
			m.t.Fatalf("audit %s: %d rows: %v", r.Name, r.Count, r.Findings)
		}
	})
	m.Must(err)
}

// refused insists that a refusal is the one that the model gives, and that it leaves no trace.
func (m *machine) refused(code string, do func() error) { m.refusedAs([]string{code}, do) }

// refusedAs is where several refusals stand against one thing: any of them is right.
func (m *machine) refusedAs(codes []string, do func() error) {
	before := m.digest()
	got := domaintest.Code(do())
	if !slices.Contains(codes, got) {
		m.t.Fatalf("answered with %q, the model says %q", got, codes)
	}
	if m.digest() != before {
		m.t.Fatalf("%s left a trace", got)
	}
	m.seen.add("refused " + got)
}

// allowed insists that what the model allows is done.
func (m *machine) allowed(what string, err error) {
	if err != nil {
		m.t.Fatalf("%s: %v, and the model allows it", what, err)
	}
	m.seen.add(what)
}

// timePasses lets a minute go by, or more than the life of Stripe's keys.
func (m *machine) timePasses() {
	d := draw(m, rapid.SampledFrom([]time.Duration{time.Minute, time.Minute, time.Minute, 25 * time.Hour, asideFor + time.Hour, domaintest.ReturnWindow}), "time")
	m.pass(d)
	if d > time.Hour {
		m.seen.add("a day passed")
	}
}

// pass lets time go by, for the model too.
func (m *machine) pass(d time.Duration) {
	m.world.pass(d)
	for _, top := range m.topUps {
		top.old = top.old || d > patience
	}
	for _, b := range m.brought {
		if b.status == referral.Pending {
			b.age += d
		}
	}
	for _, s := range m.sales {
		if s.received {
			s.age += d
		}
	}
	for _, p := range m.tried(each) {
		if p.age += d; p.status == payment.OrderAuthorised {
			p.aside += d
		}
	}
}

// The requests to Stripe at which something may go wrong.
var (
	creating   = stripefake.Rule{Method: "POST", Path: "/v1/payment_intents"}
	confirming = stripefake.Rule{Method: "POST", Path: "/v1/payment_intents/*/confirm"}
	looking    = stripefake.Rule{Method: "GET", Path: "/v1/payment_intents/*"}
	refunding  = stripefake.Rule{Method: "POST", Path: "/v1/refunds"}
	capturing  = stripefake.Rule{Method: "POST", Path: "/v1/payment_intents/*/capture"}
	cancelling = stripefake.Rule{Method: "POST", Path: "/v1/payment_intents/*/cancel"}
	searching  = stripefake.Rule{Method: "GET", Path: "/v1/refunds"}
)

// troubled runs a call that speaks to Stripe, with something going wrong there as often as not, and says whether it did.
// While Stripe's answer is late, others go on.
func (m *machine) troubled(call func(), spots ...stripefake.Rule) (fired bool) {
	if draw(m, rapid.Bool(), "all goes well") {
		call()
		return false
	}
	rule := anyOf(m, spots, "spot")
	rule.Fault = draw(m, rapid.SampledFrom(stripefake.Faults()), "fault")
	plan := m.fake.Faults()
	defer plan.Clear()
	before := plan.Fired()
	if rule.Fault != stripefake.Delay && rule.Fault != stripefake.DelayAfter {
		rule.Times = draw(m, rapid.IntRange(1, 2), "times")
		plan.Add(rule)
		call()
	} else {
		release, done := make(chan struct{}), make(chan struct{})
		rule.Until = release
		plan.Add(rule)
		go func() {
			defer close(done)
			call()
		}()
		defer func() { <-done }()
		defer close(release)
		if m.reached(rule.Fault, before[rule.Fault], done) {
			m.meanwhile()
		}
	}
	if n := plan.Fired()[rule.Fault] - before[rule.Fault]; n > 0 {
		m.seen.add("fault " + string(rule.Fault))
		return true
	}
	return false
}

// reached waits until a fault has struck, or its call has ended without.
func (m *machine) reached(fault stripefake.Fault, before int, done <-chan struct{}) bool {
	for m.fake.Faults().Fired()[fault] == before {
		select {
		case <-done:
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

// meanwhile is what others do while a call waits for Stripe.
func (m *machine) meanwhile() {
	switch draw(m, rapid.SampledFrom([]string{"resolvers", "webhooks", "nothing"}), "meanwhile") {
	case "resolvers":
		for _, top := range m.ids(`SELECT id FROM top_up WHERE resolved_at IS NULL ORDER BY created_at, id`) {
			_, err := m.Payment.Resolve(m.Ctx(), top)
			m.Must(err)
		}
		for _, order := range m.ids(`SELECT id FROM order_payment WHERE resolved_at IS NULL ORDER BY created_at, id`) {
			_, err := m.Payment.AdvanceOrderPayment(m.Ctx(), order)
			m.Must(err)
		}
		for _, refund := range m.ids(`SELECT id FROM refund WHERE status = 'PROCESSING' ORDER BY created_at, id`) {
			_, err := m.Payment.PushRefund(m.Ctx(), refund)
			m.Must(err)
		}
		m.seen.add("resolved while the answer was late")
	case "webhooks":
		for _, e := range m.collect() {
			m.hand(e)
		}
		m.seen.add("webhooks while the answer was late")
	}
}

// tally counts what all runs together have met.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = make(map[string]int)
	}
	c.times[what]++
}

// count is how often something was met.
func (c *tally) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times[what]
}

// copy is all that was met until now.
func (c *tally) copy() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.times)
}

// sum adds what a run has met to what others have.
func (c *tally) sum(run *tally) {
	for what, n := range run.times {
		if c.times == nil {
			c.times = make(map[string]int)
		}
		c.times[what] += n
	}
}

func (c *tally) String() string {
	var text strings.Builder
	for _, what := range slices.Sorted(maps.Keys(c.times)) {
		fmt.Fprintf(&text, "%6d %s\n", c.times[what], what)
	}
	return text.String()
}
