package stripefake

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
)

const hookSecret = "whsec_of_the_tests"

// receiver is our side of the webhooks: it verifies with stripe-go and keeps what came.
type receiver struct {
	t      *testing.T
	url    string
	events chan stripe.Event

	mu      sync.Mutex
	refuse  int // so many deliveries are answered 500 first
	refused int
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, events: make(chan stripe.Event, 1000)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Error(err)
	}
	header := request.Header.Get("Stripe-Signature")
	event, err := webhook.ConstructEvent(body, header, hookSecret)
	if err != nil {
		r.t.Errorf("the signature: %v", err)
	}
	if _, err := webhook.ConstructEvent(body, header, "whsec_of_somebody_else"); err == nil {
		r.t.Error("another secret verifies as well")
	}
	if _, err := webhook.ConstructEvent(append(body, ' '), header, hookSecret); err == nil {
		r.t.Error("another body verifies as well")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		r.refused++
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.events <- event
}

// next waits for so many events and gives their types.
func (r *receiver) next(n int) (types []string) {
	r.t.Helper()
	for range n {
		select {
		case e := <-r.events:
			types = append(types, string(e.Type))
		case <-time.After(20 * time.Second):
			r.t.Fatalf("only %v came", types)
		}
	}
	return types
}

// hooked is a fake that tells a receiver.
func hooked(t *testing.T) (*bundle, *receiver) {
	t.Helper()
	r := receive(t)
	return setupWith(t, Config{Seed: 7, WebhookRetry: time.Millisecond, Webhooks: []Endpoint{{URL: r.url, Secret: hookSecret}}}), r
}

// undelivered waits until so many events are left that no endpoint has taken, and gives their types.
func (b *bundle) undelivered(t *testing.T, n int) (types []string) {
	t.Helper()
	for range 2000 {
		types = nil
		p := &stripe.EventListParams{DeliverySuccess: new(false)}
		for i := b.api.Events.List(p); i.Next(); {
			types = append(types, string(i.Event().Type))
		}
		if len(types) == n {
			return types
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("not delivered: %v, want %d", types, n)
	return nil
}

var paidEvents = []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	intent := mustPay(t, b, payment("pm_card_visa"))
	for _, want := range paidEvents {
		e := <-r.events
		if string(e.Type) != want || e.Data.Object["id"] == "" || e.PendingWebhooks != 1 {
			t.Errorf("got %s with %d pending, want %s", e.Type, e.PendingWebhooks, want)
		}
		if want == "payment_intent.succeeded" && e.Data.Object["id"] != intent.ID {
			t.Errorf("it tells of %v", e.Data.Object["id"])
		}
	}
	b.undelivered(t, 0)
}

func TestWebhooksAreRetried(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	r.mu.Lock()
	r.refuse = 4
	r.mu.Unlock()
	mustPay(t, b, payment("pm_card_visa"))
	got := r.next(3)
	slices.Sort(got)
	if want := []string{"charge.succeeded", "payment_intent.created", "payment_intent.succeeded"}; !slices.Equal(got, want) || r.refused != 4 {
		t.Errorf("got %v after %d refusals", got, r.refused)
	}
	b.undelivered(t, 0)
}

func TestMishaps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule MishapRule
		want []string
	}{
		{MishapRule{Mishap: Duplicate, Type: "charge."}, []string{paidEvents[0], paidEvents[1], paidEvents[1], paidEvents[2]}},
		{MishapRule{Mishap: Reorder, Type: "payment_intent.created"}, []string{paidEvents[1], paidEvents[0], paidEvents[2]}},
		{MishapRule{Mishap: Drop, Type: "payment_intent.succeeded"}, paidEvents[:2]},
		{MishapRule{Mishap: Reorder, Type: "payment_intent.succeeded"}, paidEvents}, // nothing follows that could overtake it
	} {
		t.Run(string(test.rule.Mishap), func(t *testing.T) {
			t.Parallel()
			b, r := hooked(t)
			b.server.Deliveries().Add(test.rule)
			mustPay(t, b, payment("pm_card_visa"))
			if got := r.next(len(test.want)); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			b.undelivered(t, 0)
			if b.server.Deliveries().Fired()[test.rule.Mishap] != 1 || len(r.events) != 0 {
				t.Errorf("fired %v, %d more events", b.server.Deliveries().Fired(), len(r.events))
			}
		})
	}
}

func TestLateWebhook(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	b.server.Deliveries().Add(MishapRule{Mishap: Late, Type: "charge.", Wait: time.Hour}, MishapRule{Mishap: Late, Wait: time.Millisecond})
	mustPay(t, b, payment("pm_card_visa"))
	got := r.next(2)
	slices.Sort(got)
	if !slices.Equal(got, []string{"payment_intent.created", "payment_intent.succeeded"}) || b.server.Deliveries().Fired()[Late] != 2 {
		t.Errorf("got %v, %v", got, b.server.Deliveries().Fired())
	}
	if late := b.undelivered(t, 1); late[0] != "charge.succeeded" {
		t.Errorf("late is %v", late)
	}
}

// An event that was never delivered is found in the list, and may come days later.
func TestDroppedEventComesLate(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	b.server.Deliveries().Add(MishapRule{Mishap: Drop, Times: -1})
	mustPay(t, b, payment("pm_card_visa"))
	b.undelivered(t, 0)
	b.server.Deliveries().Clear()
	b.clock.advance(3 * 24 * time.Hour)
	i := b.api.Events.List(&stripe.EventListParams{Types: stripe.StringSlice([]string{"charge.succeeded", "charge.failed"})})
	if !i.Next() {
		t.Fatal("the event is not in the list")
	}
	if err := b.server.Redeliver(i.Event().ID); err != nil {
		t.Fatal(err)
	}
	if got := r.next(1); got[0] != "charge.succeeded" || len(r.events) != 0 {
		t.Errorf("got %v and %d more", got, len(r.events))
	}
	if b.server.Redeliver("evt_no") == nil {
		t.Error("an unknown event was delivered")
	}
}

func TestWebhookStorm(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	rates := make(map[Mishap]float64)
	for _, each := range Mishaps() {
		rates[each] = 0.15
	}
	b.server.Deliveries().Rates(rates, time.Millisecond)
	r.mu.Lock()
	r.refuse = 7
	r.mu.Unlock()
	const payments = 30
	for range payments {
		mustPay(t, b, payment("pm_card_visa"))
	}
	b.undelivered(t, 0)
	fired := b.server.Deliveries().Fired()
	for _, each := range Mishaps() {
		if fired[each] == 0 {
			t.Errorf("%s never happened", each)
		}
	}
	seen := make(map[string]int)
	for range 3*payments - fired[Drop] + fired[Duplicate] {
		seen[(<-r.events).ID]++
	}
	if len(seen) != 3*payments-fired[Drop] || len(r.events) != 0 {
		t.Errorf("%d events came of %d, %d dropped; %d too many", len(seen), 3*payments, fired[Drop], len(r.events))
	}
}

// A webhook may come before the answer to the call that caused it.
func TestWebhookBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	release := make(chan struct{})
	b.server.Faults().Add(Rule{Fault: DelayAfter, Until: release})
	answered := make(chan *stripe.PaymentIntent, 1)
	go func() {
		intent, err := b.api.PaymentIntents.New(payment("pm_card_visa"))
		if err != nil {
			t.Error(err)
		}
		answered <- intent
	}()
	r.next(2)
	succeeded := <-r.events
	select {
	case <-answered:
		t.Error("the answer came first")
	default:
	}
	close(release)
	if intent := <-answered; intent.ID != succeeded.Data.Object["id"] {
		t.Errorf("paid %s, told of %v", intent.ID, succeeded.Data.Object["id"])
	}
}

func TestWebhooksSurviveARestart(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/stripe.json"
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	b := setupWith(t, Config{Seed: 7, StateFile: path, WebhookRetry: time.Hour, Webhooks: []Endpoint{{URL: nobody.URL, Secret: hookSecret}}})
	mustPay(t, b, payment("pm_card_visa"))
	b.undelivered(t, 3)
	if err := b.server.Close(); err != nil {
		t.Fatal(err)
	}
	again := setupWith(t, Config{Seed: 7, StateFile: copyWith(t, path, "")})
	r := receive(t)
	again.server.Notify(Endpoint{URL: r.url, Secret: hookSecret})
	if got := r.next(3); !slices.Equal(got, paidEvents) {
		t.Errorf("got %v", got)
	}
	again.undelivered(t, 0)
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := &hook{server: b.server, wake: make(chan struct{}, 1)}
	for range maxQueue + 5 {
		h.push(delivery{event: "evt"})
	}
	if n := len(h.queue); n != maxQueue {
		t.Errorf("%d wait", n)
	}
}

func TestCloseEndsDeliveries(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}))
	t.Cleanup(stuck.Close)
	t.Cleanup(func() { close(release) })
	b := setupWith(t, Config{Webhooks: []Endpoint{{URL: stuck.URL, Secret: hookSecret}}})
	mustPay(t, b, payment("pm_card_visa"))
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- b.server.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(deliveryTimeout / 2):
		t.Fatal("Close waits for an endpoint that does not answer")
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	b := setup(t)
	charge := mustPay(t, b, payment("pm_card_visa")).LatestCharge.ID
	post := func(path string, form url.Values) (int, string) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(testKey, "")
		return send(t, r)
	}
	for _, bad := range []struct {
		path string
		form url.Values
	}{
		{"/souk/disputes", url.Values{"charge": {"ch_no"}}},
		{"/souk/disputes", url.Values{"charge": {charge}, "amount": {"lots"}}},
		{"/souk/disputes", url.Values{"charge": {charge}, "inquiry": {"perhaps"}}},
		{"/souk/disputes", url.Values{"charge": {charge}, "reason": {"mood"}}},
		{"/souk/disputes/dp_no", url.Values{"outcome": {"won"}}},
		{"/souk/clock", url.Values{"advance": {"-1h"}}},
		{"/souk/clock", url.Values{"advance": {"soon"}}},
	} {
		if status, body := post(bad.path, bad.form); status != http.StatusBadRequest && status != http.StatusNotFound {
			t.Errorf("%s %v: %d %s", bad.path, bad.form, status, body)
		}
	}
	if status, body := post("/souk/disputes", url.Values{"charge": {charge}, "amount": {"1000"}}); status != http.StatusOK {
		t.Fatalf("disputed: %d %s", status, body)
	}
	i := b.api.Disputes.List(&stripe.DisputeListParams{Charge: &charge})
	if !i.Next() {
		t.Fatal("no dispute")
	}
	id := i.Dispute().ID
	if status, body := post("/souk/clock", url.Values{"advance": {"216h"}}); status != http.StatusOK {
		t.Fatalf("advanced: %d %s", status, body)
	}
	if d := b.dispute(t, id); d.Status != stripe.DisputeStatusLost {
		t.Errorf("after the deadline: %s", d.Status)
	}
	for _, c := range []struct {
		outcome string
		want    int
	}{{"lost", http.StatusBadRequest}, {"won", http.StatusOK}, {"lost", http.StatusBadRequest}, {"won", http.StatusBadRequest}} {
		if status, _ := post("/souk/disputes/"+id, url.Values{"outcome": {c.outcome}}); status != c.want {
			t.Errorf("%s, after the dispute was closed: %d, want %d", c.outcome, status, c.want)
		}
	}
	second := mustPay(t, b, payment("pm_card_visa")).LatestCharge.ID
	d, err := b.server.OpenDispute(second, "fraudulent", 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := post("/souk/disputes/"+d.ID, url.Values{"outcome": {"needs_response"}}); status != http.StatusOK || !strings.Contains(body, `"chargeback"`) {
		t.Errorf("escalated: %d %s", status, body)
	}
}
