package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// A top-up that waits for its card's holder is completed by the play Stripe's webhook alone, and its owner is told.
func TestTheWebhookCompletesATopUp(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	nobody := apitest.Client{URL: start(t, environ, "serve").url(t)}
	buyer := nobody.As(nobody.Must(t, `mutation { signUp(input: {email: "a@example.test", password: "a long enough password", name: "Amal", role: BUYER}) {
		session { token } userErrors { code } } }`, nil).Str("signUp.session.token"))
	events := buyer.Subscribe(t, `subscription { viewerEvents(afterVersion: 0) { version kind object { ... on TopUp { status } } } }`, nil)
	top := buyer.Must(t, `mutation { walletTopUp(input: {amount: {amount: "20", currencyCode: "EUR"}, paymentMethod: "pm_card_authenticationRequired",
		idempotencyKey: "once"}) { topUp { nextActionUrl } userErrors { code } } }`, nil)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, top.Str("walletTopUp.topUp.nextActionUrl"), strings.NewReader(url.Values{"outcome": {"succeed"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	back, err := http.DefaultClient.Do(r) // follows the way back to this server
	if err != nil {
		t.Fatal(err)
	}
	_ = back.Body.Close()
	if back.StatusCode != http.StatusOK || back.Request.URL.Path != "/payments/return" {
		t.Errorf("came back to %s: %s", back.Request.URL, back.Status)
	}
	events.Next() // it waits
	if e := events.Next(); e.Int("viewerEvents.version") != 2 || e.Str("viewerEvents.object.status") != "SUCCEEDED" {
		t.Errorf("told %s", e.Raw())
	}
	if got := buyer.Must(t, `{ viewer { wallets { available { minor } } } }`, nil); got.Str("viewer.wallets.0.available.minor") != "2000" {
		t.Errorf("got %s", got.Raw())
	}
	if got := post(t, nobody.URL+"/webhooks/stripe", "{}"); got.code != http.StatusBadRequest || !strings.Contains(got.body, "WEBHOOK_SIGNATURE_INVALID") {
		t.Errorf("a forged webhook: %+v", got)
	}
}
