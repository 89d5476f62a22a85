package stripefake

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/souklive/souk/internal/stripefake/spectest"
)

const testKey = "sk_test_souk_0123456789abcdef"

// handClock is the virtual clock of a test.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type bundle struct {
	server *Server
	clock  *handClock
	url    string
	api    *client.API
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupWith(t, Config{Seed: 7})
}

func setupWith(t *testing.T, config Config) *bundle {
	t.Helper()
	clock := &handClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config.Key, config.Clock = testKey, clock
	server, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	watched := spectest.Watch(t, server)
	listener := httptest.NewServer(watched)
	t.Cleanup(listener.Close)
	t.Cleanup(func() { // so that each test's events are checked as well, whatever it tests
		server.Faults().Clear()
		r := httptest.NewRequest(http.MethodGet, "/v1/events?limit=100", http.NoBody)
		r.SetBasicAuth(testKey, "")
		watched.ServeHTTP(httptest.NewRecorder(), r)
	})
	return &bundle{server: server, clock: clock, url: listener.URL, api: stripeClient(listener.URL, testKey)}
}

// stripeClient is stripe-go without retries, so that a test sees each answer.
func stripeClient(url, key string) *client.API {
	config := &stripe.BackendConfig{
		URL: new(url), HTTPClient: &http.Client{Timeout: 10 * time.Second}, MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, EnableTelemetry: new(false),
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	return client.New(key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

// payment is a confirmed intent of 12.50 euros by a test card.
func payment(card string) *stripe.PaymentIntentParams {
	p := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(1250), Currency: new("eur"), PaymentMethod: new(card),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}), Confirm: new(true),
	}
	p.AddExpand("latest_charge.balance_transaction")
	return p
}

func keyed(p *stripe.PaymentIntentParams, key string) *stripe.PaymentIntentParams {
	p.SetIdempotencyKey(key)
	return p
}

func mustPay(t *testing.T, b *bundle, p *stripe.PaymentIntentParams) *stripe.PaymentIntent {
	t.Helper()
	intent, err := b.api.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return intent
}

// stripeErr insists on an error of Stripe's with a status.
func stripeErr(t *testing.T, err error, status int) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an answer with status %d", err, status)
	}
	if e.HTTPStatusCode != status {
		t.Fatalf("got status %d (%s), want %d", e.HTTPStatusCode, e.Msg, status)
	}
	return e
}

func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (b *bundle) claimed(key string) bool {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.server.keys[key] != nil
}
