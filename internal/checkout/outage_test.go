package checkout_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/stripefake"
)

// outages is how many checkouts there are while the provider is out of order; make soak-checkout has a thousand.
var outages = flag.Int("outages", 360, "how many checkouts there are while the provider is out of order")

// An outage is how the provider is for a while.
type outage struct {
	name  string
	fault stripefake.Fault
	late  time.Duration // of a delay
	wait  time.Duration // for how long we wait
	rates bool          // some requests fail, each kind of fault among them
}

func outagesOfEveryKind() []outage {
	const patience = 10 * time.Second
	return []outage{
		{name: "cut before the effect", fault: stripefake.CutBefore, wait: patience},
		{name: "cut after the effect", fault: stripefake.CutAfter, wait: patience},
		{name: "time-out, the effect comes late", fault: stripefake.Delay, late: time.Minute, wait: 25 * time.Millisecond},
		{name: "time-out after the effect", fault: stripefake.DelayAfter, late: time.Minute, wait: 25 * time.Millisecond},
		{name: "500 before the effect", fault: stripefake.ErrorBefore, wait: patience},
		{name: "500 after the effect", fault: stripefake.ErrorAfter, wait: patience},
		{name: "too many requests", fault: stripefake.RateLimit, wait: patience},
		{name: "slow", fault: stripefake.Delay, late: 20 * time.Millisecond, wait: patience},
		{name: "some of everything", rates: true, late: time.Second, wait: 50 * time.Millisecond},
	}
}

// customer buys again and again, one thing after the other.
type customer struct {
	id             uuid.UUID
	home           uuid.UUID
	visa, declines uuid.UUID
}

// crowd is a shop that customers keep buying at, whatever becomes of the provider.
type crowd struct {
	*shop
	cards     *domaintest.CardWorld
	other     uuid.UUID // another seller
	mine      uuid.UUID // a shirt of the shop's seller, one of the other's, a code
	theirs    uuid.UUID
	game      uuid.UUID
	customers []customer

	mu        sync.Mutex
	answers   map[string]int
	confirmed int
	problems  []string
}

func newCrowd(t *testing.T, checkouts int) *crowd {
	t.Helper()
	w := domaintest.NewWithHurriedCards(t)
	c := &crowd{shop: &shop{World: w.World}, cards: w, answers: make(map[string]int)}
	c.seller, c.other = c.User(identity.Seller), c.User(identity.Seller)
	c.mine, c.theirs = c.shirts(c.seller, 1, checkouts)[0], c.shirts(c.other, 1, checkouts)[0]
	c.game = c.stocked(1, checkouts)[0]
	for _, methods := range [][2]string{
		{"visa", "chargeCustomerFail"}, {"mastercard", "chargeDeclined"}, {"amex", "chargeDeclinedInsufficientFunds"}, {"discover", "chargeDeclinedLostCard"},
		{"diners", "chargeDeclinedStolenCard"}, {"jcb", "chargeDeclinedVelocityLimitExceeded"}, {"unionpay", "chargeDeclinedFraudulent"}, {"visa_debit", "visa_chargeDeclined"},
	} {
		buyer := c.Buyer(int64(checkouts) * 20_00)
		c.customers = append(c.customers, customer{buyer, *c.home(buyer), w.Card(buyer, "pm_card_"+methods[0]), w.Card(buyer, "pm_card_"+methods[1])})
	}
	w.Listens()
	return c
}

func (c *crowd) problem(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// buys is one checkout: of one seller or two, with a code or without, from the wallet, a card, both, or a card that declines.
func (c *crowd) buys(who customer, n int) {
	variants := [][]uuid.UUID{{c.mine}, {c.mine}, {c.mine, c.theirs}, {c.game, c.theirs}, {c.theirs, c.mine}}[n%5]
	for _, v := range variants {
		if _, _, err := c.Carts.Add(c.Ctx(), cart.Owner{User: who.id}, v, 1); err != nil {
			c.problem("the cart: %v", err)
			return
		}
	}
	q, err := c.Checkout.Quote(c.Ctx(), who.id, checkout.QuoteInput{Address: &who.home, IdempotencyKey: uuid.NewString()})
	if err != nil {
		c.problem("the quote: %v", err)
		return
	}
	in := agreed(q)
	switch n % 5 {
	case 1, 3:
		in.Card = &who.visa
	case 2:
		in.Card, in.Wallet = &who.visa, new(domaintest.EUR(5_00))
	case 4:
		in.Card = &who.declines
	}
	orders, err := c.Checkout.Confirm(c.Ctx(), who.id, in)
	code := domaintest.Code(err)
	c.mu.Lock()
	c.answers[code]++
	c.mu.Unlock()
	if code != "" && (code != "CARD_DECLINED" || n%5 != 4) {
		c.problem("checkout %d is answered with %v", n, err)
		return
	}
	c.mu.Lock()
	c.confirmed++
	c.mu.Unlock()
	if n%3 == 0 { // a client that is not sure
		again, err := c.Checkout.Confirm(c.Ctx(), who.id, in)
		if err != nil || len(again) != len(orders) || again[0].ID != orders[0].ID {
			c.problem("checkout %d again: %+v, %v", n, again, err)
		}
	}
	if n%11 == 1 { // and one who thinks better of it
		if _, err := c.Orders.Cancel(c.Ctx(), order.Actor{User: who.id}, orders[0].ID, ""); err != nil && domaintest.Code(err) != order.ErrMove.Code {
			c.problem("cancelling %d: %v", n, err)
		}
	}
}

// everybody buys so often at once, while sellers send what is authorised, or cancel it.
func (c *crowd) everybody(from, to int) {
	var all sync.WaitGroup
	for lane, who := range c.customers {
		all.Go(func() {
			for n := from + lane; n < to; n += len(c.customers) {
				c.buys(who, n)
			}
		})
	}
	all.Go(func() { c.sends(20) })
	all.Wait()
}

// sends has sellers send what may be sent, and cancel each fifth of it.
func (c *crowd) sends(most int) {
	rows, err := c.Admin.Query(c.Ctx(), `SELECT id, seller_id FROM orders WHERE payment IN ('AUTHORISED', 'PAID') AND fulfilment = 'PENDING' ORDER BY payment, id LIMIT $1`, most)
	if err != nil {
		c.problem("%v", err)
		return
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		var o, seller uuid.UUID
		if err := rows.Scan(&o, &seller); err != nil {
			c.problem("%v", err)
			return
		}
		if n%5 == 4 {
			_, err = c.Orders.Cancel(c.Ctx(), order.Actor{User: seller}, o, "Gone")
		} else {
			_, err = c.Orders.Ship(c.Ctx(), seller, o, "LX")
		}
		if code := domaintest.Code(err); code != "" && code != order.ErrMove.Code {
			c.problem("order %s is answered with %v", o, err)
		}
	}
}

// Whatever is wrong at the provider, for as long as it lasts, each checkout is answered with its orders or with a clean refusal. Once the provider is back the
// jobs resolve all that was left open; nobody was charged twice, or for what they have not; and stock, ledger, provider and orders agree.
func TestCheckoutsThroughOutages(t *testing.T) {
	t.Parallel()
	kinds := outagesOfEveryKind()
	c := newCrowd(t, *outages)
	for i, kind := range kinds {
		began, plan := time.Now(), c.cards.Stripe.Faults()
		before := plan.Fired()
		if kind.rates {
			rates := make(map[stripefake.Fault]float64)
			for _, f := range stripefake.Faults() {
				rates[f] = 0.08
			}
			plan.Rates(rates, kind.late)
		} else {
			plan.Add(stripefake.Rule{Path: "/v1/payment_intents", Fault: kind.fault, Times: -1, Wait: kind.late})
		}
		c.cards.Line.Wait(kind.wait)
		c.everybody(i**outages/len(kinds), (i+1)**outages/len(kinds))
		plan.Clear()
		if !kind.rates && plan.Fired()[kind.fault] == before[kind.fault] {
			t.Errorf("%s: it never was", kind.name)
		}
		c.cards.Line.Wait(10 * time.Second)
		open := c.Int(openPayments)
		for tries := 0; c.Int(openPayments) > 0; tries++ {
			if tries == 3 {
				t.Fatalf("%s: %d payments are never resolved", kind.name, c.Int(openPayments))
			}
			c.cards.Works()
		}
		t.Logf("%s: %d payments were open at its end, %s", kind.name, open, time.Since(began).Round(time.Millisecond))
	}
	c.sends(*outages * 2)
	c.cards.Works()
	for _, p := range c.problems[:min(len(c.problems), 10)] {
		t.Error(p)
	}
	if len(c.problems) > 0 || c.confirmed != *outages {
		t.Errorf("%d problems, %d of %d checkouts were confirmed", len(c.problems), c.confirmed, *outages)
	}
	t.Logf("answers: %v", c.answers)
	c.agrees()
	c.Audited()
}

const openPayments = `SELECT count(*) FROM order_payment WHERE status IN ('PROCESSING', 'CAPTURING', 'VOIDING')`

// agrees compares what the provider has with what we have, and what was sold with what is there.
func (c *crowd) agrees() {
	c.T.Helper()
	if n := c.Int(`SELECT count(*) FROM checkout`); n != int64(c.confirmed) {
		c.T.Errorf("%d checkouts are kept of %d", n, c.confirmed)
	}
	if n := c.Int(`SELECT count(*) FROM quote_group g JOIN checkout USING (quote_id) LEFT JOIN orders o ON o.id = g.order_id WHERE o.id IS NULL`); n != 0 {
		c.T.Errorf("%d orders are missing", n)
	}
	if n := c.Int(`SELECT count(*) FROM orders WHERE payment IN ('AUTHORISED', 'PAID') AND fulfilment = 'PENDING'`); n != 0 {
		c.T.Errorf("%d orders could not be sent", n)
	}
	type kept struct {
		status string
		amount int64
		intent *string
	}
	ours := make(map[string]kept)
	rows, err := c.Admin.Query(c.Ctx(), `SELECT 'order_payment:' || id, status, card_amount, provider_id FROM order_payment WHERE card_amount > 0`)
	c.Must(err)
	for rows.Next() {
		var (
			name string
			k    kept
		)
		c.Must(rows.Scan(&name, &k.status, &k.amount, &k.intent))
		ours[name] = k
	}
	c.Must(rows.Err())
	taken, aside := make(map[string]int64), make(map[string]int64)
	for _, i := range c.cards.Intents() {
		name := i.Metadata["reference"]
		switch k := ours[name]; i.Status {
		case "succeeded":
			if taken[name] += i.AmountReceived; k.intent == nil || *k.intent != i.ID || k.status != "CAPTURED" || k.amount != i.AmountReceived {
				c.T.Errorf("the card paid %d for %s, which is %+v", i.AmountReceived, name, k)
			}
		case "requires_capture":
			aside[name]++
		}
	}
	if len(aside) > 0 {
		c.T.Errorf("cards keep money aside for nothing: %v", aside)
	}
	captured := 0
	for name, k := range ours {
		if k.status != "CAPTURED" {
			continue
		}
		if captured++; taken[name] != k.amount {
			c.T.Errorf("%s is %+v, the card has paid %d", name, k, taken[name])
		}
	}
	var charged []string
	for _, txn := range c.cards.Stripe.Journal() {
		charged = append(charged, txn.Type)
	}
	if n := strings.Count(strings.Join(charged, " "), "charge"); n != captured || captured == 0 {
		c.T.Errorf("cards were charged %d times for %d payments", n, captured)
	}
	for _, v := range []uuid.UUID{c.mine, c.theirs, c.game} {
		sold := c.Int(`SELECT coalesce(sum(l.quantity), 0) FROM order_line l JOIN orders o ON o.id = l.order_id WHERE l.variant_id = $1 AND o.fulfilment <> 'CANCELLED'`, v)
		if left := c.onHand(v); left != int64(*outages)-sold {
			c.T.Errorf("%d are left of %d, of which %d are sold", left, *outages, sold)
		}
	}
}
