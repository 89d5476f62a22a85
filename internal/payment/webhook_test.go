package payment

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/stripefake"
)

const (
	testSecret   = "whsec_of_tests"
	cardWith3DS  = "pm_card_authenticationRequired"
	comeBackTo   = "https://souk.example/payments/return"
	unheardOf    = `{"id":"evt_%s","object":"event","api_version":"2023-10-16","created":1700000000,"type":"%s","data":{"object":{"id":"%s"}}}`
	patienceWith = 30 * time.Second
)

// listening is a bundle that the fake sends its events to.
func listening(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.webhookSecret = testSecret
	b.returnURL = func() string { return comeBackTo }
	endpoint := httptest.NewServer(b.WebhookHandler())
	t.Cleanup(endpoint.Close)
	t.Cleanup(func() { _ = b.fake.Close() })
	b.fake.Notify(stripefake.Endpoint{URL: endpoint.URL, Secret: testSecret})
	return b
}

// hears waits until the inbox has so many events of a kind.
func (b *bundle) hears(kind string, n int) {
	b.t.Helper()
	for deadline := time.Now().Add(patienceWith); b.count("SELECT count(*) FROM provider_event WHERE kind = $1", kind) < n; {
		if time.Now().After(deadline) {
			b.t.Fatalf("fewer than %d events %s were delivered", n, kind)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// handles acts on whatever is in the inbox.
func (b *bundle) handles() {
	b.t.Helper()
	if err := b.handleOpenEvents(b.t.Context(), -time.Hour); err != nil {
		b.t.Fatal(err)
	}
}

// eventStatus is what became of the newest event of a kind.
func (b *bundle) eventStatus(kind string) (status, reason string) {
	b.t.Helper()
	err := b.data.Admin.QueryRow(b.t.Context(),
		"SELECT status, coalesce(error, '') FROM provider_event WHERE kind = $1 ORDER BY received_at DESC LIMIT 1", kind).Scan(&status, &reason)
	if err != nil {
		b.t.Fatal(err)
	}
	return status, reason
}

// authenticates is the card's holder at the page: outcome is succeed or fail.
func (b *bundle) authenticates(page *string, outcome string) {
	b.t.Helper()
	if page == nil {
		b.t.Fatal("there is no page to authenticate at")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, *page, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), comeBackTo) {
		b.t.Fatalf("the page answered %d, to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// waits is a top-up that waits for its card's holder.
func (b *bundle) waits() TopUp {
	b.t.Helper()
	top, err := b.TopUp(b.t.Context(), b.user, input(cardWith3DS, 20_00))
	if err != nil || top.Status != RequiresAction || top.NextActionURL() == nil {
		b.t.Fatalf("got %+v, %v", top, err)
	}
	return top
}

func (b *bundle) post(method string, body, signature string) (status int, text string) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, WebhookPath, strings.NewReader(body))
	r.Header.Set("Stripe-Signature", signature)
	w := httptest.NewRecorder()
	b.WebhookHandler().ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Result().Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Code, string(answer)
}

func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhookSecret = testSecret
	now := time.Now()
	good := fmt.Sprintf(unheardOf, "1", "payment_intent.succeeded", "pi_1")
	sign := func(body string) string { return stripefake.Sign([]byte(body), testSecret, now) }
	long := strings.Repeat(" ", 1<<20) + good
	for name, test := range map[string]struct {
		method, body, signature string
		status                  int
		code                    string
	}{
		"get":             {http.MethodGet, good, sign(good), 405, "METHOD_NOT_ALLOWED"},
		"no signature":    {http.MethodPost, good, "", 400, "WEBHOOK_SIGNATURE_INVALID"},
		"nonsense":        {http.MethodPost, good, "t=now,v1=zz", 400, "WEBHOOK_SIGNATURE_INVALID"},
		"another secret":  {http.MethodPost, good, stripefake.Sign([]byte(good), "whsec_other", now), 400, "WEBHOOK_SIGNATURE_INVALID"},
		"no secret":       {http.MethodPost, good, stripefake.Sign([]byte(good), "", now), 400, "WEBHOOK_SIGNATURE_INVALID"},
		"another body":    {http.MethodPost, good + " ", sign(good), 400, "WEBHOOK_SIGNATURE_INVALID"},
		"stale":           {http.MethodPost, good, stripefake.Sign([]byte(good), testSecret, now.Add(-6*time.Minute)), 400, "WEBHOOK_STALE"},
		"no JSON":         {http.MethodPost, "{", sign("{"), 400, "WEBHOOK_MALFORMED"},
		"no event":        {http.MethodPost, "{}", sign("{}"), 400, "WEBHOOK_MALFORMED"},
		"a NUL in the id": {http.MethodPost, fmt.Sprintf(unheardOf, `\u0000`, "x.y", "z"), sign(fmt.Sprintf(unheardOf, `\u0000`, "x.y", "z")), 400, "WEBHOOK_MALFORMED"},
		"too long":        {http.MethodPost, long, sign(long), 413, "BODY_TOO_LARGE"},
	} {
		if status, text := b.post(test.method, test.body, test.signature); status != test.status || !strings.Contains(text, `"`+test.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, status, text, test.status, test.code)
		}
	}
	if n := b.count("SELECT count(*) FROM provider_event"); n != 0 {
		t.Errorf("refused webhooks left %d events", n)
	}
	b.webhookSecret = ""
	if status, text := b.post(http.MethodPost, good, stripefake.Sign([]byte(good), "", now)); status != 503 || !strings.Contains(text, "WEBHOOKS_OFF") {
		t.Errorf("without a secret: %d %s", status, text)
	}
}

func TestWebhookIsKeptOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhookSecret = testSecret
	for _, test := range []struct{ id, kind, object, status, reason string }{
		{"1", "payment_intent.succeeded", "pi_of_nobody", eventIgnored, "no top-up and no order payment is pi_of_nobody"},
		{"2", "setup_intent.succeeded", "seti_of_nobody", eventIgnored, "no saving of a card is seti_of_nobody"},
		{"3", "payment_method.detached", "pm_of_nobody", eventIgnored, "no card is pm_of_nobody"},
		{"4", "product.created", "prod_1", eventIgnored, "nothing follows from this kind"},
	} {
		body := fmt.Sprintf(unheardOf, test.id, test.kind, test.object)
		for range 3 {
			if status, text := b.post(http.MethodPost, body, stripefake.Sign([]byte(body), testSecret, time.Now())); status != 200 || text != "" {
				t.Fatalf("%s: %d %s", test.kind, status, text)
			}
		}
		b.handles()
		if status, reason := b.eventStatus(test.kind); status != test.status || reason != test.reason {
			t.Errorf("%s is %s: %s", test.kind, status, reason)
		}
	}
	if n := b.count("SELECT count(*) FROM provider_event"); n != 4 {
		t.Errorf("%d events are kept", n)
	}
	if n := b.count("SELECT count(*) FROM river_job WHERE kind = 'provider_event_handle'"); n != 3 {
		t.Errorf("%d jobs for three events that may matter", n)
	}
}

// A webhook of another API version is read: nothing but ids is taken from it.
func TestWebhookOfAnotherVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhookSecret = testSecret
	body := strings.Replace(fmt.Sprintf(unheardOf, "1", "payment_intent.succeeded", "pi_1"), "2023-10-16", "2031-01-01.acacia", 1)
	if status, text := b.post(http.MethodPost, body, stripefake.Sign([]byte(body), testSecret, time.Now())); status != 200 {
		t.Errorf("%d %s", status, text)
	}
}

func TestHolderAuthenticates(t *testing.T) {
	t.Parallel()
	b := listening(t)
	top := b.waits()
	b.wants(b.user, 0, 0)
	b.authenticates(top.NextActionURL(), "succeed")
	b.hears("payment_intent.succeeded", 1)
	b.handles()
	done, err := b.TopUpOf(t.Context(), b.user, top.ID)
	if err != nil || done.Status != TopUpSucceeded || done.NextActionURL() != nil {
		t.Errorf("got %+v, %v", done, err)
	}
	if status, reason := b.eventStatus("payment_intent.succeeded"); status != eventDone {
		t.Errorf("the event is %s: %s", status, reason)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

func TestHolderFailsToAuthenticate(t *testing.T) {
	t.Parallel()
	b := listening(t)
	top := b.waits()
	b.authenticates(top.NextActionURL(), "fail")
	b.hears("payment_intent.payment_failed", 1)
	b.handles()
	for range 2 {
		if done, err := b.RefreshTopUp(t.Context(), b.user, top.ID); code(err) != "AUTHENTICATION_FAILED" || done.Status != TopUpFailed {
			t.Errorf("got %+v, %v", done, err)
		}
	}
	b.wants(b.user, 0, 0)
	b.agrees()
}

// Without any webhook the client's own question finds out.
func TestRefreshFindsOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.returnURL = func() string { return comeBackTo }
	top := b.waits()
	if same, err := b.RefreshTopUp(t.Context(), b.user, top.ID); err != nil || same.Status != RequiresAction || *same.NextActionURL() != *top.NextActionURL() {
		t.Errorf("before: %+v, %v", same, err)
	}
	if _, err := b.RefreshTopUp(t.Context(), b.newUser(), top.ID); code(err) != "TOP_UP_NOT_FOUND" {
		t.Errorf("a stranger: %v", err)
	}
	b.authenticates(top.NextActionURL(), "succeed")
	if done, err := b.RefreshTopUp(t.Context(), b.user, top.ID); err != nil || done.Status != TopUpSucceeded {
		t.Errorf("got %+v, %v", done, err)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// TestDeliveriesGoWrong lets each mishap happen to each delivery of good, bad and slow cards: the books
// end the same.
func TestDeliveriesGoWrong(t *testing.T) {
	t.Parallel()
	for _, mishap := range stripefake.Mishaps() {
		t.Run(string(mishap), func(t *testing.T) {
			t.Parallel()
			b := listening(t)
			b.fake.Deliveries().Add(stripefake.MishapRule{Mishap: mishap, Times: -1, Wait: 20 * time.Millisecond})
			passed, refused := b.waits(), b.waits()
			b.authenticates(passed.NextActionURL(), "succeed")
			b.authenticates(refused.NextActionURL(), "fail")
			if mishap != stripefake.Drop {
				b.hears("payment_intent.succeeded", 1)
				b.hears("payment_intent.payment_failed", 1)
			}
			if b.fake.Deliveries().Fired()[mishap] == 0 {
				t.Fatal("the mishap never happened")
			}
			for range 2 { // the list brings what was dropped, and nothing that was not
				if err := b.sweepProvider(t.Context(), -time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if n := b.count("SELECT count(*) FROM provider_event WHERE status <> 'DONE' AND kind LIKE 'payment_intent.%' AND kind <> 'payment_intent.created'"); n != 0 {
				t.Errorf("%d events are not done", n)
			}
			for top, want := range map[uuid.UUID]TopUpStatus{passed.ID: TopUpSucceeded, refused.ID: TopUpFailed} {
				if now, err := b.TopUpOf(t.Context(), b.user, top); err != nil || now.Status != want {
					t.Errorf("got %+v, %v; want %s", now, err, want)
				}
			}
			b.wants(b.user, 20_00, 0)
			b.agrees()
		})
	}
}

// An event that comes again, days late, changes nothing.
func TestWebhookDaysLate(t *testing.T) {
	t.Parallel()
	b := listening(t)
	if top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 20_00)); err != nil || top.Status != TopUpSucceeded {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.hears("payment_intent.succeeded", 1)
	if err := b.fake.Advance(72 * time.Hour); err != nil {
		t.Fatal(err)
	}
	var event string
	if err := b.data.Admin.QueryRow(t.Context(), "DELETE FROM provider_event WHERE kind = 'payment_intent.succeeded' RETURNING id").Scan(&event); err != nil {
		t.Fatal(err)
	}
	if err := b.fake.Redeliver(event); err != nil {
		t.Fatal(err)
	}
	b.hears("payment_intent.succeeded", 1)
	b.handles()
	if status, reason := b.eventStatus("payment_intent.succeeded"); status != eventDone {
		t.Errorf("the event is %s: %s", status, reason)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// The webhook comes while the request that it answers is still under way.
func TestWebhookBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	b := listening(t)
	release := make(chan struct{})
	b.fake.Faults().Add(stripefake.Rule{Path: "/v1/payment_intents/*/confirm", Fault: stripefake.DelayAfter, Until: release})
	done := make(chan TopUp, 1)
	go func() {
		top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 20_00))
		if err != nil {
			t.Error(err)
		}
		done <- top
	}()
	b.hears("payment_intent.succeeded", 1)
	b.handles()
	b.wants(b.user, 20_00, 0)
	close(release)
	if top := <-done; top.Status != TopUpSucceeded {
		t.Errorf("got %+v", top)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	b := listening(t)
	top := b.waits()
	b.authenticates(top.NextActionURL(), "succeed")
	b.hears("payment_intent.succeeded", 1)
	var event string
	if err := b.data.Admin.QueryRow(t.Context(), "SELECT id FROM provider_event WHERE kind = 'payment_intent.succeeded'").Scan(&event); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if err := b.HandleEvent(t.Context(), event); err != nil {
				t.Errorf("the webhook: %v", err)
			}
		})
		group.Go(func() {
			if _, err := b.Resolve(t.Context(), top.ID); err != nil {
				t.Errorf("the resolver: %v", err)
			}
		})
		group.Go(func() {
			if _, err := b.RefreshTopUp(t.Context(), b.user, top.ID); err != nil {
				t.Errorf("the client: %v", err)
			}
		})
	}
	group.Wait()
	b.wants(b.user, 20_00, 0)
	b.agrees()
	if n := b.count("SELECT count(*) FROM event WHERE topic = $1", "user:"+b.user.String()); n != 2 { // it waits, it succeeded
		t.Errorf("the user was told %d times", n)
	}
}

// TestWebhookJob lets River itself do what a webhook asks for, with a listener who is told.
func TestWebhookJob(t *testing.T) {
	t.Parallel()
	b := listening(t)
	told := make(hub, 16)
	b.hub = told
	workers := river.NewWorkers()
	Workers(workers, b.Service)
	worker, err := river.NewClient(riverpgxv5.New(b.data.Pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Stop(context.Background()) }()
	top := b.waits()
	told.wants(t, 1)
	b.authenticates(top.NextActionURL(), "succeed")
	told.wants(t, 2)
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// hub hears what is published.
type hub chan realtime.Event

func (h hub) Publish(_ context.Context, events ...realtime.Event) {
	for _, e := range events {
		h <- e
	}
}

// wants the next event, by its version.
func (h hub) wants(t *testing.T, version int64) realtime.Event {
	t.Helper()
	select {
	case e := <-h:
		if e.Version != version {
			t.Errorf("version %d, want %d", e.Version, version)
		}
		return e
	case <-time.After(patienceWith):
		t.Fatal("nobody was told")
	}
	return realtime.Event{}
}

// A key that was sent with another address to come back to says nothing about what it did: the server has moved.
func TestKeyOfAnotherAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent, err := b.provider.CreateIntent(t.Context(), IntentRequest{Key: "a", Amount: eur(5_00), PaymentMethod: "pm_card_visa", Reference: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.provider.ConfirmIntent(t.Context(), intent.ID, comeBackTo, "b"); err != nil {
		t.Fatal(err)
	}
	_, err = b.provider.ConfirmIntent(t.Context(), intent.ID, comeBackTo+"/elsewhere", "b")
	if err == nil || asProviderError(err).Outcome != Poisoned {
		t.Errorf("got %v", err)
	}
}
