package stripefake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// press plays the card's holder at the 3-D Secure page and says where they were sent afterwards.
func (b *bundle) press(t *testing.T, page, outcome string) (status int, location *url.URL) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader("outcome="+outcome))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	location, _ = answer.Location()
	return answer.StatusCode, location
}

func page(t *testing.T, address string) (status int, text string) {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

const back = "https://souk.example/back?order=7"

// asking is a payment by a card, with an address to come back to.
func asking(card string) *stripe.PaymentIntentParams {
	p := payment(card)
	p.ReturnURL = new(back)
	return p
}

func TestAuthenticationSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, asking("pm_card_authenticationRequired"))
	if intent.Status != stripe.PaymentIntentStatusRequiresAction || intent.NextAction.Type != "redirect_to_url" || len(b.server.Journal()) != 0 {
		t.Fatalf("asked: %s, %+v, %v", intent.Status, intent.NextAction, b.server.Journal())
	}
	address := intent.NextAction.RedirectToURL.URL
	if status, text := page(t, address); status != http.StatusOK || !strings.Contains(text, "12.50 EUR") || strings.Count(text, "<button") != 2 {
		t.Fatalf("the page: %d %s", status, text)
	}
	status, location := b.press(t, address, "succeed")
	if status != http.StatusSeeOther || location.Host != "souk.example" {
		t.Fatalf("sent to %d %v", status, location)
	}
	q := location.Query()
	if q.Get("order") != "7" || q.Get("payment_intent") != intent.ID || q.Get("redirect_status") != "succeeded" ||
		q.Get("payment_intent_client_secret") != intent.ClientSecret {
		t.Errorf("came back with %v", q)
	}
	paid, err := b.api.PaymentIntents.Get(intent.ID, nil)
	if err != nil || paid.Status != stripe.PaymentIntentStatusSucceeded || paid.NextAction != nil || len(b.server.Journal()) != 1 {
		t.Errorf("paid: %+v, %v", paid, err)
	}
	if status, _ := b.press(t, address, "succeed"); status != http.StatusConflict || len(b.server.Journal()) != 1 {
		t.Errorf("pressed twice: %d", status)
	}
	if _, text := page(t, address); strings.Contains(text, "<button") {
		t.Error("the page still has buttons")
	}
}

func TestAuthenticationFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, asking("pm_card_threeDSecure2Required"))
	if _, location := b.press(t, intent.NextAction.RedirectToURL.URL, "fail"); location.Query().Get("redirect_status") != "failed" {
		t.Errorf("sent to %v", location)
	}
	refused, err := b.api.PaymentIntents.Get(intent.ID, nil)
	if err != nil || refused.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || refused.LatestCharge != nil ||
		refused.LastPaymentError.Code != "payment_intent_authentication_failure" || len(b.server.Journal()) != 0 {
		t.Fatalf("refused: %+v, %v", refused, err)
	}
	retried, err := b.api.PaymentIntents.Confirm(intent.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: new("pm_card_visa")})
	if err != nil || retried.Status != stripe.PaymentIntentStatusSucceeded || retried.LastPaymentError != nil {
		t.Errorf("another card: %+v, %v", retried, err)
	}
}

func TestDeclinedAfterAuthentication(t *testing.T) {
	t.Parallel()
	for card, decline := range map[string]string{
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_threeDSecureRequiredChargeDeclined":                    "generic_decline",
	} {
		b := setup(t)
		intent := mustPay(t, b, asking(card))
		if _, location := b.press(t, intent.NextAction.RedirectToURL.URL, "succeed"); location.Query().Get("redirect_status") != "failed" {
			t.Errorf("%s: sent to %v", card, location)
		}
		refused, err := b.api.PaymentIntents.Get(intent.ID, nil)
		if err != nil || refused.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || string(refused.LastPaymentError.DeclineCode) != decline {
			t.Errorf("%s: %+v, %v", card, refused, err)
		}
	}
}

func TestAuthenticationThenCapture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_authenticationRequired")
	p.CaptureMethod = new("manual")
	intent := mustPay(t, b, p)
	if intent.NextAction.Type != "use_stripe_sdk" {
		t.Fatalf("without an address to come back to: %+v", intent.NextAction)
	}
	var raw struct {
		NextAction nextAction `json:"next_action"`
	}
	if err := json.Unmarshal(intent.LastResponse.RawJSON, &raw); err != nil {
		t.Fatal(err)
	}
	address, _ := raw.NextAction.UseStripeSDK["stripe_js"].(string)
	if status, _ := b.press(t, address, "succeed"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	held, err := b.api.PaymentIntents.Get(intent.ID, nil)
	if err != nil || held.Status != stripe.PaymentIntentStatusRequiresCapture || held.AmountCapturable != 1250 {
		t.Errorf("held: %+v, %v", held, err)
	}
}

func TestAuthenticationPageRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, asking("pm_card_authenticationRequired"))
	address := intent.NextAction.RedirectToURL.URL
	for _, wrong := range []string{address + "x", b.url + pagePrefix + "pi_no/secret", b.url + pagePrefix + intent.ID, b.url + pagePrefix} {
		if status, _ := page(t, wrong); status != http.StatusNotFound {
			t.Errorf("%s: status %d", wrong, status)
		}
	}
	if status, _ := b.press(t, address, "perhaps"); status != http.StatusBadRequest {
		t.Errorf("neither button: %d", status)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, address, http.NoBody)
	if status, _ := send(t, r); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", status)
	}
	for _, evil := range []string{"javascript:alert(1)", "data:text/html,x", "/relative", "http://a b"} {
		p := payment("pm_card_authenticationRequired")
		p.ReturnURL = new(evil)
		_, err := b.api.PaymentIntents.New(p)
		if e := stripeErr(t, err, http.StatusBadRequest); e.Param != "return_url" {
			t.Errorf("%s: %+v", evil, e)
		}
	}
	if _, err := b.api.PaymentIntents.Cancel(intent.ID, nil); err != nil {
		t.Fatal(err)
	}
	if status, _ := b.press(t, address, "succeed"); status != http.StatusConflict || len(b.server.Journal()) != 0 {
		t.Errorf("a cancelled intent went on: %d", status)
	}
}

// TestWhenCardsAsk holds the documented table of the cards that authenticate: on session, off session
// when fresh, off session once set up.
func TestWhenCardsAsk(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		card                    string
		onSession, fresh, setUp string
	}{
		{"pm_card_visa", "succeeded", "succeeded", "succeeded"},
		{"pm_card_authenticationRequiredOnSetup", "requires_action", "declined", "succeeded"},
		{"pm_card_authenticationRequired", "requires_action", "declined", "declined"},
		{"pm_card_authenticationRequiredSetupForOffSession", "requires_action", "succeeded", "succeeded"},
		{"pm_card_threeDSecureOptional", "succeeded", "succeeded", "succeeded"},
	} {
		t.Run(test.card, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			customer := b.customer(t)
			outcome := func(p *stripe.PaymentIntentParams) string {
				intent, err := b.api.PaymentIntents.New(p)
				if err != nil {
					if e := stripeErr(t, err, http.StatusPaymentRequired); e.Code != "authentication_required" {
						t.Errorf("code %s", e.Code)
					}
					return "declined"
				}
				return string(intent.Status)
			}
			if got := outcome(asking(test.card)); got != test.onSession {
				t.Errorf("on session: %s", got)
			}
			fresh := payment(test.card)
			fresh.OffSession = new(true)
			if got := outcome(fresh); got != test.fresh {
				t.Errorf("off session: %s", got)
			}
			saved := payment(b.saved(t, customer, test.card))
			saved.Customer, saved.OffSession = &customer, new(true)
			if got := outcome(saved); got != test.setUp {
				t.Errorf("off session, set up: %s", got)
			}
		})
	}
}
