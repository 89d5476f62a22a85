package domaintest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
	"github.com/souklive/souk/internal/stripefake/spectest"
)

const (
	stripeKey     = "sk_test_souk_0123456789abcdef"
	webhookSecret = "whsec_domaintest"
)

// CardWorld is a world whose cards are charged by a Stripe of its own.
type CardWorld struct {
	*World

	Stripe *stripefake.Server
	Line   *Impatient // to it, where the world was made by NewWithHurriedCards
}

// NewWithCards makes a world with a Stripe; between payment and it come the providers that wrap it, if any.
func NewWithCards(t testing.TB, wraps ...func(payment.Provider) payment.Provider) *CardWorld {
	t.Helper()
	return withCards(t, nil, func(fake http.Handler) http.Handler { return fake }, wraps...)
}

// NewWithHurriedCards is NewWithCards with a line to the Stripe that asks once, and waits for as long as the test says.
func NewWithHurriedCards(t testing.TB, wraps ...func(payment.Provider) payment.Provider) *CardWorld {
	t.Helper()
	line := &Impatient{}
	w := withCards(t, line.Client(), func(fake http.Handler) http.Handler { return fake }, wraps...)
	w.Line = line
	return w
}

// NewWithWatchedCards is NewWithCards with a Stripe whose requests and answers are held against the official description.
func NewWithWatchedCards(t testing.TB) *CardWorld {
	t.Helper()
	return withCards(t, nil, func(fake http.Handler) http.Handler { return spectest.Watch(t, fake) })
}

func withCards(t testing.TB, line *http.Client, watch func(http.Handler) http.Handler, wraps ...func(payment.Provider) payment.Provider) *CardWorld {
	t.Helper()
	fake, err := stripefake.New(stripefake.Config{Key: stripeKey, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(watch(fake))
	t.Cleanup(listener.Close)
	return &CardWorld{Stripe: fake, World: NewPaying(t, func(c *payment.Config) {
		jobs, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{})
		if err != nil {
			t.Fatal(err)
		}
		c.Jobs, c.Provider = jobs, payment.NewStripe(stripeKey, listener.URL, line)
		for _, wrap := range wraps {
			c.Provider = wrap(c.Provider)
		}
		c.WebhookSecret, c.ReturnURL = webhookSecret, func() string { return "http://souk.example/back" }
	})}
}

// Card is a saved card of a user's: one of Stripe's test cards, also those that could not be saved because
// they decline.
func (w *CardWorld) Card(user uuid.UUID, method string) uuid.UUID {
	w.T.Helper()
	customer, err := w.Payment.StartCardSetup(w.Ctx(), user, "") // the user is a customer of the fake's from here on
	w.Must(err)
	if customer.Status != payment.Processing {
		w.T.Fatalf("the setup is %s", customer.Status)
	}
	card := id.New()
	w.Exec(`INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
		VALUES ($1, $2, 'stripe', $3, 'visa', '4242', 12, 2040)`, card, user, method)
	return card
}

// Owed is the unpaid order of a lot in euros that a new buyer won with a card; some cents are in their wallet beside it.
func (w *CardWorld) Owed(cents, wallet int64, method string) (_ order.Order, card uuid.UUID) {
	w.T.Helper()
	buyer := w.Buyer(wallet)
	card = w.Card(buyer, method)
	return w.OwedBy(buyer, card, EUR(cents)), card
}

// OwedBy is the unpaid order of a lot that a buyer won with a card.
func (w *CardWorld) OwedBy(buyer, card uuid.UUID, price money.Amount) order.Order {
	w.T.Helper()
	seller := w.User(identity.Seller)
	a, err := w.Auctions.Start(w.Ctx(), seller, auction.StartInput{
		Listing: w.Listing(seller), Backing: auction.ByCard, StartPrice: price, Duration: time.Hour,
	})
	w.Must(err)
	_, err = w.Auctions.Place(w.Ctx(), buyer, auction.PlaceInput{Auction: a.ID, Amount: price, Card: &card, IdempotencyKey: uuid.NewString()})
	w.Must(err)
	w.Close(a.ID)
	return w.OrderOf(a.ID, buyer)
}

// Pay pays an order with a card and so much of the wallet, under a fresh key.
func (w *CardWorld) Pay(o order.Order, card uuid.UUID, wallet int64) (order.Order, payment.OrderPayment, error) {
	part := money.New(wallet, o.Total.Currency)
	return w.Orders.Pay(w.Ctx(), o.BuyerID, order.PayInput{Order: o.ID, Card: &card, Wallet: &part, IdempotencyKey: uuid.NewString()})
}

// PaymentOf is an order's newest payment as it is now.
func (w *CardWorld) PaymentOf(o order.Order) payment.OrderPayment {
	w.T.Helper()
	payments, err := w.Payment.OrderPayments(w.Ctx(), o.BuyerID, []uuid.UUID{o.ID})
	w.Must(err)
	if len(payments[o.ID]) == 0 {
		w.T.Fatalf("the order %s has no payment", o.ID)
	}
	return payments[o.ID][0]
}

// CaptureByHand is somebody of ours who takes a payment's money in the provider's dashboard; only so many cents of it where they are not 0.
func (w *CardWorld) CaptureByHand(p uuid.UUID, cents int64) {
	w.T.Helper()
	var intent string
	w.Must(w.Admin.QueryRow(w.Ctx(), "SELECT provider_id FROM order_payment WHERE id = $1", p).Scan(&intent))
	form := url.Values{}
	if cents > 0 {
		form.Set("amount_to_capture", strconv.FormatInt(cents, 10))
	}
	r := httptest.NewRequestWithContext(w.Ctx(), http.MethodPost, "/v1/payment_intents/"+intent+"/capture", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	answer := httptest.NewRecorder()
	if w.Stripe.ServeHTTP(answer, r); answer.Code != http.StatusOK {
		w.T.Fatalf("capture by hand: %s", answer.Body)
	}
}

// Advance has a payment looked at, as the job does, until that changes nothing any more; some faults need more than one look.
func (w *CardWorld) Advance(p uuid.UUID) (now payment.OrderPayment) {
	w.T.Helper()
	for range 5 {
		var err error
		now, err = w.Payment.AdvanceOrderPayment(w.Ctx(), p)
		w.Must(err)
	}
	return now
}

// Broken makes one step of card payments fail until the plan is cleared.
func (w *CardWorld) Broken(step string, fault stripefake.Fault) {
	rule := stripefake.Rule{Method: http.MethodPost, Path: "/v1/payment_intents/*/" + step, Fault: fault, Times: -1}
	switch step {
	case "create":
		rule.Path = "/v1/payment_intents"
	case "fetch":
		rule.Method, rule.Path = http.MethodGet, "/v1/payment_intents/*"
	}
	w.Stripe.Faults().Add(rule)
}

// Mended ends all faults, and insists that this one has happened.
func (w *CardWorld) Mended(fault stripefake.Fault) {
	w.T.Helper()
	if w.Stripe.Faults().Fired()[fault] == 0 {
		w.T.Fatalf("%s never fired", fault)
	}
	w.Stripe.Faults().Clear()
}

// Listens has the fake send its events to payment.
func (w *CardWorld) Listens() {
	endpoint := httptest.NewServer(w.Payment.WebhookHandler())
	w.T.Cleanup(endpoint.Close)
	w.T.Cleanup(func() { _ = w.Stripe.Close() })
	w.Stripe.Notify(stripefake.Endpoint{URL: endpoint.URL, Secret: webhookSecret})
}

// Hears waits for an event of a kind, and acts on all that have come.
func (w *CardWorld) Hears(kind string) {
	w.T.Helper()
	for deadline := time.Now().Add(time.Minute); w.Int("SELECT count(*) FROM provider_event WHERE kind = $1", kind) == 0; {
		if time.Now().After(deadline) {
			w.T.Fatalf("no event %s came", kind)
		}
		time.Sleep(2 * time.Millisecond)
	}
	rows, err := w.Admin.Query(w.Ctx(), "SELECT id FROM provider_event WHERE status IN ('RECEIVED', 'FAILED')")
	w.Must(err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.Must(err)
	for _, event := range events {
		w.Must(w.Payment.HandleEvent(w.Ctx(), event))
	}
}

// Holder is the card's holder at the bank's page: outcome is succeed or fail.
func (w *CardWorld) Holder(page *string, outcome string) {
	w.T.Helper()
	if page == nil {
		w.T.Fatal("there is no page to authenticate at")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := strings.NewReader(url.Values{"outcome": {outcome}}.Encode())
	r, err := http.NewRequestWithContext(w.Ctx(), http.MethodPost, *page, form)
	w.Must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	w.Must(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		w.T.Fatalf("the page answered %s", answer.Status)
	}
}

// WantEvents insists on the kinds of an order's events.
func (w *World) WantEvents(o uuid.UUID, kinds string) {
	w.T.Helper()
	var got []string
	for _, e := range w.Events(order.Topic(o)) {
		got = append(got, e.Kind)
	}
	if strings.Join(got, " ") != kinds {
		w.T.Errorf("the order tells %v, want %s", got, kinds)
	}
}

// Declined is a refusal's code, and the decline code that it shows, if it does.
func Declined(err error) string {
	refusal, ok := fault.As(err)
	if !ok {
		return Code(err)
	}
	shown, _ := refusal.Data["declineCode"].(string)
	return strings.TrimSpace(refusal.Code + " " + shown)
}
