package checkout_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

// instants is how many orders are completed by their client and by a webhook at the same instant; make soak-checkout has more.
var instants = flag.Int("instants", 200, "how many orders are completed by client and webhook at the same instant")

// meeting is a provider that holds an answer until its webhook has come as well, and lets both go on at the same instant.
type meeting struct {
	payment.Provider

	meet func(kind, intent string)
}

func (m meeting) ConfirmIntent(ctx context.Context, id, returnURL, key string) (payment.Intent, error) {
	intent, err := m.Provider.ConfirmIntent(ctx, id, returnURL, key)
	m.meet("payment_intent.amount_capturable_updated", id)
	return intent, err
}

func (m meeting) CaptureIntent(ctx context.Context, id, key string) (payment.Intent, error) {
	intent, err := m.Provider.CaptureIntent(ctx, id, key)
	m.meet("payment_intent.succeeded", id)
	return intent, err
}

// instant is two servers, of which the first has the client and the second the webhooks and the jobs.
type instant struct {
	*shop
	second *domaintest.World

	met  atomic.Int64
	wait sync.WaitGroup // for those who came with an answer
	mu   sync.Mutex
	errs []error
}

// meet has the webhook come for an intent, and a job look at it, as soon as it returns: that is, while the client's own call goes on.
func (i *instant) meet(kind, intent string) {
	i.met.Add(1)
	event, err := i.second.Webhook(kind, intent) // it is kept, and not acted on yet
	i.fails(err)
	var p uuid.UUID
	i.fails(i.second.Pool.QueryRow(i.Ctx(), `SELECT id FROM order_payment WHERE provider_id = $1`, intent).Scan(&p))
	start := make(chan struct{})
	i.wait.Go(func() {
		<-start
		_ = i.second.Payment.HandleEvent(i.Ctx(), event) // that its seller has begun to send it is a reason to look again: see settle
	})
	i.wait.Go(func() {
		<-start
		_, err := i.second.Payment.AdvanceOrderPayment(i.Ctx(), p)
		i.fails(err)
	})
	close(start)
}

func (i *instant) fails(err error) {
	if err == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.errs = append(i.errs, err)
}

// settle has the webhooks that met a payment on its way to the next step handled again, as their jobs do.
func (i *instant) settle() {
	i.T.Helper()
	i.wait.Wait()
	if n := i.Int(`SELECT count(*) FROM provider_event WHERE status = 'FAILED'`); n != 0 {
		i.T.Errorf("%d webhooks failed", n)
	}
	rows, err := i.Admin.Query(i.Ctx(), `SELECT id FROM provider_event WHERE status = 'RECEIVED'`)
	i.Must(err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	i.Must(err)
	for _, event := range events {
		i.fails(i.second.Payment.HandleEvent(i.Ctx(), event))
	}
	for _, err := range i.errs[:min(len(i.errs), 10)] {
		i.T.Errorf("of %d: %v", len(i.errs), err)
	}
}

// buys has a quote confirmed, by two calls with one key at two servers, and what it made sent: both while the webhook of it comes.
func (i *instant) buys(who customer, shirt uuid.UUID) error {
	if _, _, err := i.Carts.Add(i.Ctx(), cart.Owner{User: who.id}, shirt, 1); err != nil {
		return err
	}
	q, err := i.Checkout.Quote(i.Ctx(), who.id, checkout.QuoteInput{Address: &who.home, IdempotencyKey: uuid.NewString()})
	if err != nil {
		return err
	}
	in := agreed(q)
	in.Card, in.Wallet = &who.visa, new(domaintest.EUR(4_00))
	answers := make([][]order.Order, 2)
	for n, err := range domaintest.AtOnce(2, func(n int) (err error) {
		answers[n], err = []*domaintest.World{i.World, i.second}[n].Checkout.Confirm(i.Ctx(), who.id, in)
		return err
	}) {
		if err != nil || len(answers[n]) != 1 || answers[n][0].ID != q.Groups[0].OrderID {
			return fmt.Errorf("answer %d: %+v, %w", n, answers[n], err)
		}
	}
	sent, err := i.Orders.Ship(i.Ctx(), i.seller, q.Groups[0].OrderID, "LX")
	if err != nil || sent.Payment != order.Paid || sent.Fulfilment != order.Sent {
		return fmt.Errorf("sent: %+v, %w", sent, err)
	}
	return nil
}

// A card's yes comes to the client's own call, to the webhook at another server and to the job at the same instant, and so does the capture's: there is one order,
// authorised once, charged once, sent once.
func TestClientAndWebhookAtOnce(t *testing.T) {
	t.Parallel()
	i := &instant{}
	w := domaintest.NewWithHurriedCards(t, func(p payment.Provider) payment.Provider { return meeting{p, i.meet} })
	i.shop, i.second = &shop{World: w.World}, w.Another(t)
	i.seller = i.User(identity.Seller)
	rounds := *instants
	shirt := i.shirts(i.seller, 1, rounds)[0]
	var customers []customer
	for _, method := range []string{"visa", "mastercard", "amex", "discover"} {
		buyer := i.Buyer(int64(rounds) * 4_00)
		customers = append(customers, customer{id: buyer, home: *i.home(buyer), visa: w.Card(buyer, "pm_card_"+method)})
	}
	for n, err := range domaintest.AtOnce(len(customers), func(lane int) error {
		for n := lane; n < rounds; n += len(customers) {
			if err := i.buys(customers[lane], shirt); err != nil {
				return fmt.Errorf("round %d: %w", n, err)
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("customer %d: %v", n, err)
		}
	}
	i.settle()
	for what, query := range map[string]string{
		"orders":                  `SELECT count(*) FROM orders WHERE payment = 'PAID' AND fulfilment = 'SENT'`,
		"payments":                `SELECT count(*) FROM order_payment WHERE status = 'CAPTURED'`,
		"of any kind":             `SELECT count(*) FROM orders JOIN order_payment p ON p.order_id = orders.id`,
		"events":                  `SELECT count(*) / 4 FROM event WHERE topic LIKE 'order:%' AND kind IN ('CREATED', 'AUTHORISED', 'PAID', 'SENT')`,
		"events of any kind":      `SELECT count(*) / 4 FROM event WHERE topic LIKE 'order:%'`,
		"events that were told":   `SELECT count(DISTINCT topic) FROM event WHERE topic LIKE 'order:%'`,
		"captures":                `SELECT count(*) FROM ledger.entry WHERE flow = 'capture'`,
		"webhooks, two each":      `SELECT count(*) / 2 FROM provider_event WHERE status = 'DONE'`,
		"webhooks of any outcome": `SELECT count(*) / 2 FROM provider_event`,
	} {
		if n := i.Int(query); n != int64(rounds) {
			t.Errorf("%s: %d, want %d", what, n, rounds)
		}
	}
	for _, intent := range w.Intents() {
		if intent.Status != "succeeded" || intent.AmountReceived != 6_00 {
			t.Errorf("the card's payment: %+v", intent)
		}
	}
	if n := len(w.Stripe.Journal()); n != rounds || i.met.Load() < int64(2*rounds) || i.onHand(shirt) != 0 {
		t.Errorf("%d charges, %d answers met their webhook, %d shirts are left", n, i.met.Load(), i.onHand(shirt))
	}
	for _, c := range customers {
		i.WantWallet(c.id, int64(rounds)*4_00-int64(rounds/len(customers))*4_00, 0)
	}
	i.Audited()
}
