package stripefake

import (
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

func (b *bundle) customer(t *testing.T) string {
	t.Helper()
	c, err := b.api.Customers.New(&stripe.CustomerParams{Email: new("nadia@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func setupParameters(customer, card string) *stripe.SetupIntentParams {
	return &stripe.SetupIntentParams{
		Customer: &customer, PaymentMethod: &card, PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Usage: new("off_session"), Confirm: new(true), ReturnURL: new(back),
	}
}

// saved sets a card up for a customer, authenticating where it asks, and returns the payment method's id.
func (b *bundle) saved(t *testing.T, customer, card string) string {
	t.Helper()
	intent, err := b.api.SetupIntents.New(setupParameters(customer, card))
	if err != nil {
		t.Fatal(err)
	}
	if intent.Status == stripe.SetupIntentStatusRequiresAction {
		b.press(t, intent.NextAction.RedirectToURL.URL, "succeed")
		if intent, err = b.api.SetupIntents.Get(intent.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
	if intent.Status != stripe.SetupIntentStatusSucceeded {
		t.Fatalf("the setup is %s", intent.Status)
	}
	return intent.PaymentMethod.ID
}

func (b *bundle) cards(customer string) []string {
	var ids []string
	for i := b.api.PaymentMethods.List(&stripe.PaymentMethodListParams{Customer: &customer, Type: new("card")}); i.Next(); {
		ids = append(ids, i.PaymentMethod().ID)
	}
	return ids
}

func TestSaveListPayRemove(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer, other := b.customer(t), b.customer(t)
	card := b.saved(t, customer, "pm_card_visa")
	second := b.saved(t, customer, "pm_card_mastercard")
	if got := b.cards(customer); len(got) != 2 || got[0] != second || got[1] != card {
		t.Fatalf("cards %v, want %s and %s", got, second, card)
	}
	if got := b.cards(other); len(got) != 0 {
		t.Errorf("somebody else's cards: %v", got)
	}
	n := 0
	for i := b.api.Customers.ListPaymentMethods(&stripe.CustomerListPaymentMethodsParams{Customer: &customer}); i.Next(); n++ {
	}
	if n != 2 {
		t.Errorf("%d cards at the customer", n)
	}
	if _, err := b.api.Customers.RetrievePaymentMethod(card, &stripe.CustomerRetrievePaymentMethodParams{Customer: &other}); stripeErr(t, err, 404) == nil {
		t.Error("somebody else's card was shown")
	}

	pay := payment(card)
	pay.Customer, pay.OffSession = &customer, new(true)
	if intent := mustPay(t, b, pay); intent.Status != stripe.PaymentIntentStatusSucceeded || intent.PaymentMethod.ID != card {
		t.Errorf("paid off session: %+v", intent)
	}
	stolen := payment(card)
	stolen.Customer = &other
	_, err := b.api.PaymentIntents.New(stolen)
	_ = stripeErr(t, err, http.StatusBadRequest)

	if gone, err := b.api.PaymentMethods.Detach(card, nil); err != nil || gone.Customer != nil {
		t.Errorf("removed: %+v, %v", gone, err)
	}
	_, err = b.api.PaymentIntents.New(payment(card))
	_ = stripeErr(t, err, http.StatusBadRequest)
	_, err = b.api.PaymentMethods.Attach(card, &stripe.PaymentMethodAttachParams{Customer: &customer})
	_ = stripeErr(t, err, http.StatusBadRequest)
	_, err = b.api.PaymentMethods.Detach(card, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
	if got := b.cards(customer); len(got) != 1 || got[0] != second {
		t.Errorf("left: %v", got)
	}
}

func TestSetupStepByStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.customer(t)
	p := &stripe.SetupIntentParams{Customer: &customer, PaymentMethodTypes: stripe.StringSlice([]string{"card"})}
	p.AddMetadata("user", "usr_1")
	intent, err := b.api.SetupIntents.New(p)
	if err != nil || intent.Status != stripe.SetupIntentStatusRequiresPaymentMethod || intent.Usage != "off_session" ||
		intent.ClientSecret == "" || intent.Metadata["user"] != "usr_1" {
		t.Fatalf("created: %+v, %v", intent, err)
	}
	_, err = b.api.SetupIntents.Confirm(intent.ID, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
	_, err = b.api.SetupIntents.Confirm(intent.ID, &stripe.SetupIntentConfirmParams{PaymentMethod: new("pm_card_visa_chargeDeclined")})
	e := stripeErr(t, err, http.StatusPaymentRequired)
	if e.SetupIntent == nil || e.SetupIntent.LastSetupError.DeclineCode != "generic_decline" {
		t.Errorf("declined: %+v", e)
	}
	intent, err = b.api.SetupIntents.Confirm(intent.ID, &stripe.SetupIntentConfirmParams{
		PaymentMethod: new("pm_card_authenticationRequiredOnSetup"), ReturnURL: new(back),
	})
	if err != nil || intent.Status != stripe.SetupIntentStatusRequiresAction {
		t.Fatalf("asked: %+v, %v", intent, err)
	}
	_, location := b.press(t, intent.NextAction.RedirectToURL.URL, "fail")
	if q := location.Query(); q.Get("setup_intent") != intent.ID || q.Get("redirect_status") != "failed" {
		t.Errorf("came back with %v", q)
	}
	intent, err = b.api.SetupIntents.Get(intent.ID, nil)
	if err != nil || intent.Status != stripe.SetupIntentStatusRequiresPaymentMethod || intent.LastSetupError.Code != "setup_intent_authentication_failure" {
		t.Errorf("failed: %+v, %v", intent, err)
	}
	if got := b.cards(customer); len(got) != 0 {
		t.Errorf("a card was saved: %v", got)
	}
	intent, err = b.api.SetupIntents.Confirm(intent.ID, &stripe.SetupIntentConfirmParams{PaymentMethod: new("pm_card_chargeCustomerFail")})
	if err != nil || intent.Status != stripe.SetupIntentStatusSucceeded || len(b.cards(customer)) != 1 {
		t.Errorf("set up: %+v, %v", intent, err)
	}
	_, err = b.api.SetupIntents.Cancel(intent.ID, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
	declines := payment(intent.PaymentMethod.ID)
	declines.Customer, declines.OffSession = &customer, new(true)
	_, err = b.api.PaymentIntents.New(declines)
	_ = stripeErr(t, err, http.StatusPaymentRequired)
}

func TestSetupCancelAndList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.customer(t)
	b.saved(t, customer, "pm_card_visa")
	p := setupParameters(customer, "pm_card_visa")
	p.Confirm, p.ReturnURL = nil, nil
	open, err := b.api.SetupIntents.New(p)
	if err != nil || open.Status != stripe.SetupIntentStatusRequiresConfirmation {
		t.Fatalf("open: %+v, %v", open, err)
	}
	gone, err := b.api.SetupIntents.Cancel(open.ID, &stripe.SetupIntentCancelParams{CancellationReason: new("abandoned")})
	if err != nil || gone.Status != stripe.SetupIntentStatusCanceled {
		t.Errorf("cancelled: %+v, %v", gone, err)
	}
	_, err = b.api.SetupIntents.Confirm(open.ID, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
	n := 0
	for i := b.api.SetupIntents.List(&stripe.SetupIntentListParams{Customer: &customer}); i.Next(); n++ {
	}
	if n != 2 {
		t.Errorf("%d setups listed", n)
	}
	for name, change := range map[string]func(*stripe.SetupIntentParams){
		"usage":    func(p *stripe.SetupIntentParams) { p.Usage = new("sometimes") },
		"types":    func(p *stripe.SetupIntentParams) { p.PaymentMethodTypes = stripe.StringSlice([]string{"sepa_debit"}) },
		"redirect": func(p *stripe.SetupIntentParams) { p.PaymentMethodTypes, p.ReturnURL = nil, nil },
		"unknown":  func(p *stripe.SetupIntentParams) { p.AddExtra("colour", "red") },
	} {
		p := setupParameters(customer, "pm_card_visa")
		change(p)
		_, err := b.api.SetupIntents.New(p)
		if e := stripeErr(t, err, http.StatusBadRequest); e.Param == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A payment may save the card that it is made with.
func TestPaymentSavesCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.customer(t)
	p := asking("pm_card_authenticationRequiredOnSetup")
	p.Customer, p.SetupFutureUsage = &customer, new("off_session")
	intent := mustPay(t, b, p)
	b.press(t, intent.NextAction.RedirectToURL.URL, "succeed")
	cards := b.cards(customer)
	if len(cards) != 1 {
		t.Fatalf("saved: %v", cards)
	}
	again := payment(cards[0])
	again.Customer, again.OffSession = &customer, new(true)
	if got := mustPay(t, b, again); got.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("paid again: %s", got.Status)
	}
}

func TestCardsByNumberAndToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := func(number, token string) *stripe.PaymentMethodParams {
		p := &stripe.PaymentMethodParams{Type: new("card"), Card: &stripe.PaymentMethodCardParams{}}
		if token != "" {
			p.Card.Token = &token
			return p
		}
		p.Card.Number, p.Card.ExpMonth, p.Card.ExpYear, p.Card.CVC = &number, stripe.Int64(12), stripe.Int64(2034), new("123")
		return p
	}
	for number, token := range map[string]string{
		"4242424242424242": "tok_visa", "4000000000009995": "tok_chargeDeclinedInsufficientFunds", "4000000000000259": "tok_createDispute",
	} {
		byNumber, err := b.api.PaymentMethods.New(card(number, ""))
		if err != nil {
			t.Fatal(err)
		}
		byToken, err := b.api.PaymentMethods.New(card("", token))
		if err != nil || byNumber.Card.Fingerprint != byToken.Card.Fingerprint || byNumber.ID == byToken.ID {
			t.Errorf("%s and %s: %+v, %v", number, token, byToken, err)
		}
	}
	_, err := b.api.PaymentMethods.New(card("4242424242424241", ""))
	if e := stripeErr(t, err, http.StatusPaymentRequired); e.Code != "incorrect_number" {
		t.Errorf("a wrong number: %s", e.Code)
	}
	_, err = b.api.PaymentMethods.New(card("", "tok_no"))
	_ = stripeErr(t, err, http.StatusNotFound)
}
