package stripefake

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

func TestPaymentSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, payment("pm_card_visa"))
	if intent.Status != stripe.PaymentIntentStatusSucceeded || intent.AmountReceived != 1250 {
		t.Fatalf("got %s with %d received", intent.Status, intent.AmountReceived)
	}
	txn := intent.LatestCharge.BalanceTransaction
	// 1.5 % of 12.50 is 0.1875, rounded to 0.19, and 0.25.
	if txn == nil || txn.Amount != 1250 || txn.Fee != 44 || txn.Net != 1206 {
		t.Fatalf("balance transaction: %+v", txn)
	}
	if intent.PaymentMethod.ID == "pm_card_visa" || !strings.HasPrefix(intent.PaymentMethod.ID, "pm_") {
		t.Errorf("the test id was not made into a payment method: %q", intent.PaymentMethod.ID)
	}
	fetched, err := b.api.PaymentIntents.Get(intent.ID, nil)
	if err != nil || fetched.Status != intent.Status || fetched.LatestCharge.ID != intent.LatestCharge.ID {
		t.Fatalf("fetched %+v, %v", fetched, err)
	}
	if journal := b.server.Journal(); len(journal) != 1 || journal[0].ID != txn.ID || *journal[0].Source != intent.LatestCharge.ID {
		t.Errorf("journal: %+v", journal)
	}
}

func TestDeclines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ card, code, decline string }{
		{"pm_card_visa_chargeDeclined", "card_declined", "generic_decline"},
		{"pm_card_chargeDeclined", "card_declined", "generic_decline"},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"},
		{"pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"},
		{"pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"},
		{"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"},
		{"pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"},
		{"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"},
		{"pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"},
		{"pm_card_radarBlock", "card_declined", "fraudulent"},
		{"pm_card_chargeCustomerFail", "card_declined", "generic_decline"},
	} {
		t.Run(test.card, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, err := b.api.PaymentIntents.New(payment(test.card))
			e := stripeErr(t, err, http.StatusPaymentRequired)
			if e.Type != stripe.ErrorTypeCard || string(e.Code) != test.code || string(e.DeclineCode) != test.decline {
				t.Errorf("got %s %s %s", e.Type, e.Code, e.DeclineCode)
			}
			if e.PaymentIntent == nil || e.PaymentIntent.Status != stripe.PaymentIntentStatusRequiresPaymentMethod {
				t.Fatalf("the error's intent: %+v", e.PaymentIntent)
			}
			kept, err := b.api.PaymentIntents.Get(e.PaymentIntent.ID, nil)
			if err != nil || string(kept.LastPaymentError.DeclineCode) != test.decline {
				t.Errorf("kept: %+v, %v", kept, err)
			}
			charge, err := b.api.Charges.Get(e.ChargeID, nil)
			if err != nil || charge.Status != stripe.ChargeStatusFailed || charge.FailureCode != test.code {
				t.Errorf("charge: %+v, %v", charge, err)
			}
			if journal := b.server.Journal(); len(journal) != 0 {
				t.Errorf("a decline moved money: %+v", journal)
			}
		})
	}
}

func TestDeclinedIntentTakesAnotherCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.api.PaymentIntents.New(payment("pm_card_visa_chargeDeclined"))
	id := stripeErr(t, err, http.StatusPaymentRequired).PaymentIntent.ID
	if _, err := b.api.PaymentIntents.Confirm(id, nil); stripeErr(t, err, http.StatusBadRequest).Code != "payment_intent_unexpected_state" {
		t.Errorf("confirmed without a method: %v", err)
	}
	intent, err := b.api.PaymentIntents.Confirm(id, &stripe.PaymentIntentConfirmParams{PaymentMethod: new("pm_card_mastercard")})
	if err != nil || intent.Status != stripe.PaymentIntentStatusSucceeded || intent.LastPaymentError != nil {
		t.Fatalf("got %+v, %v", intent, err)
	}
}

func TestManualCapture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_visa")
	p.CaptureMethod = new("manual")
	intent := mustPay(t, b, p)
	if intent.Status != stripe.PaymentIntentStatusRequiresCapture || intent.AmountCapturable != 1250 || len(b.server.Journal()) != 0 {
		t.Fatalf("authorised: %s, %d, %v", intent.Status, intent.AmountCapturable, b.server.Journal())
	}
	_, err := b.api.PaymentIntents.Capture(intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1251)})
	_ = stripeErr(t, err, http.StatusBadRequest)
	captured, err := b.api.PaymentIntents.Capture(intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1000)})
	if err != nil || captured.Status != stripe.PaymentIntentStatusSucceeded || captured.AmountReceived != 1000 {
		t.Fatalf("captured: %+v, %v", captured, err)
	}
	_, err = b.api.PaymentIntents.Capture(intent.ID, nil)
	if e := stripeErr(t, err, http.StatusBadRequest); e.Code != "payment_intent_unexpected_state" {
		t.Errorf("captured twice: %s", e.Code)
	}
	if journal := b.server.Journal(); len(journal) != 1 || journal[0].Amount != 1000 {
		t.Errorf("journal: %+v", journal)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_visa")
	p.CaptureMethod = new("manual")
	intent := mustPay(t, b, p)
	gone, err := b.api.PaymentIntents.Cancel(intent.ID, nil)
	if err != nil || gone.Status != stripe.PaymentIntentStatusCanceled || gone.CanceledAt == 0 {
		t.Fatalf("cancelled: %+v, %v", gone, err)
	}
	if _, err = b.api.PaymentIntents.Confirm(intent.ID, nil); stripeErr(t, err, 400).Code != "payment_intent_unexpected_state" {
		t.Error("a cancelled intent was confirmed")
	}
	paid := mustPay(t, b, payment("pm_card_visa"))
	_, err = b.api.PaymentIntents.Cancel(paid.ID, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, test := range map[string]struct {
		change func(*stripe.PaymentIntentParams)
		status int
		code   string
		param  string
	}{
		"no amount":        {func(p *stripe.PaymentIntentParams) { p.Amount = nil }, 400, "parameter_missing", "amount"},
		"zero":             {func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(0) }, 400, "parameter_invalid_integer", "amount"},
		"negative":         {func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(-5) }, 400, "parameter_invalid_integer", "amount"},
		"below minimum":    {func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(49) }, 400, "amount_too_small", "amount"},
		"above maximum":    {func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(100_000_000) }, 400, "amount_too_large", "amount"},
		"unknown currency": {func(p *stripe.PaymentIntentParams) { p.Currency = new("xyz") }, 400, "", "currency"},
		"upper case":       {func(p *stripe.PaymentIntentParams) { p.Currency = new("EUR") }, 400, "", "currency"},
		"unknown method":   {func(p *stripe.PaymentIntentParams) { p.PaymentMethod = new("pm_no") }, 404, "resource_missing", "payment_method"},
		"unknown customer": {func(p *stripe.PaymentIntentParams) { p.Customer = new("cus_no") }, 404, "resource_missing", "customer"},
		"no method":        {func(p *stripe.PaymentIntentParams) { p.PaymentMethod = nil }, 400, "payment_intent_unexpected_state", "payment_method"},
		"redirects":        {func(p *stripe.PaymentIntentParams) { p.PaymentMethodTypes = nil }, 400, "", "return_url"},
		"other parameter":  {func(p *stripe.PaymentIntentParams) { p.AddExtra("colour", "red") }, 400, "parameter_unknown", "colour"},
		"bad expansion":    {func(p *stripe.PaymentIntentParams) { p.AddExpand("latest_charge.colour") }, 400, "", "expand"},
		"millimes": {func(p *stripe.PaymentIntentParams) {
			p.Currency, p.Amount = new("tnd"), stripe.Int64(5_001)
		}, 400, "parameter_invalid_integer", "amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := payment("pm_card_visa")
			test.change(p)
			_, err := b.api.PaymentIntents.New(p)
			e := stripeErr(t, err, test.status)
			if e.Type != stripe.ErrorTypeInvalidRequest || string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("got %s %q %q: %s", e.Type, e.Code, e.Param, e.Msg)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(b.server.store.byID); n != 0 {
			t.Errorf("refused requests left %d resources", n)
		}
	})
}

func TestKeyAndVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := stripeClient(b.url, "sk_test_wrong_key_of_somebody").PaymentIntents.New(payment("pm_card_visa"))
	if e := stripeErr(t, err, http.StatusUnauthorized); strings.Contains(e.Msg, "wrong_key_of") {
		t.Errorf("the answer repeats the key: %s", e.Msg)
	}
	for header, value := range map[string]string{"Authorization": "", "Stripe-Version": "2019-01-01"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v1/balance", nil)
		r.Header.Set("Authorization", "Bearer "+testKey)
		r.Header.Set(header, value)
		if status, _ := send(t, r); status != http.StatusUnauthorized && status != http.StatusBadRequest {
			t.Errorf("%s %q: status %d", header, value, status)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v1/unicorns", nil)
	r.SetBasicAuth(testKey, "")
	if status, body := send(t, r); status != http.StatusNotFound || !strings.Contains(body, "Unrecognized request URL") {
		t.Errorf("unknown URL: %d %s", status, body)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, body := range map[string]string{
		"too large":         "description=" + strings.Repeat("x", maxBody),
		"bad escape":        "amount=%zz",
		"unclosed bracket":  "amount=1250&currency=eur&metadata[a=b",
		"no number":         "amount=twelve&currency=eur",
		"beyond int64":      "amount=92233720368547758080&currency=eur",
		"no boolean":        "amount=1250&currency=eur&confirm=perhaps",
		"long metadata key": "amount=1250&currency=eur&metadata[" + strings.Repeat("k", 41) + "]=v",
		"deep":              "amount=1250&currency=eur&a[b][c][d][e][f][g][h][i]=1",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/payment_intents", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(testKey, "")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if status, answer := send(t, r); status != http.StatusBadRequest || !strings.Contains(answer, `"invalid_request_error"`) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if n := len(b.server.store.byID); n != 0 {
		t.Errorf("refused bodies left %d resources", n)
	}
}

func TestWritesAfterCloseFail(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Config{StateFile: t.TempDir() + "/stripe.json"})
	if err := b.server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := b.api.PaymentIntents.New(payment("pm_card_visa"))
	_ = stripeErr(t, err, http.StatusInternalServerError)
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/stripe.json"
	b := setupWith(t, Config{Seed: 7, StateFile: path})
	paid := mustPay(t, b, keyed(payment("pm_card_visa"), "k"))
	waiting := payment("pm_card_visa_chargeDeclined")
	waiting.Confirm = nil
	open := mustPay(t, b, waiting)
	if _, err := New(Config{Key: testKey, StateFile: path}); err == nil {
		t.Fatal("two fakes opened one file")
	}
	// No Close before the copy: what a kill -9 leaves, and the start of a line that it cut short.
	cutShort := copyWith(t, path, `{"next_id":99,"resources":[{"id":"pi_`)

	again := setupWith(t, Config{Seed: 7, StateFile: cutShort})
	replay := mustPay(t, again, keyed(payment("pm_card_visa"), "k"))
	if replay.ID != paid.ID || replay.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the key was forgotten: %s, was %s", replay.ID, paid.ID)
	}
	if _, err := again.api.PaymentIntents.Confirm(open.ID, nil); stripeErr(t, err, 402).DeclineCode != "generic_decline" {
		t.Errorf("the card's behaviour was forgotten: %v", err)
	}
	if fresh := mustPay(t, again, payment("pm_card_visa")); fresh.ID == paid.ID || fresh.ID == open.ID {
		t.Error("an id was given twice")
	}
	if n := len(again.server.Journal()); n != 2 {
		t.Errorf("%d movements, want 2", n)
	}
}

func TestListsPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made []string
	for range 7 {
		made = append([]string{mustPay(t, b, payment("pm_card_visa")).ID}, made...)
		b.clock.advance(time.Minute)
	}
	params := &stripe.PaymentIntentListParams{}
	params.Limit = stripe.Int64(3)
	params.AddExpand("data.latest_charge")
	var got []string
	for i := b.api.PaymentIntents.List(params); i.Next(); {
		got = append(got, i.PaymentIntent().ID)
		if i.PaymentIntent().LatestCharge.Amount != 1250 {
			t.Error("data.latest_charge was not expanded")
		}
	}
	if strings.Join(got, " ") != strings.Join(made, " ") {
		t.Errorf("got %v, want %v", got, made)
	}
	since := &stripe.BalanceTransactionListParams{CreatedRange: &stripe.RangeQueryParams{
		GreaterThanOrEqual: time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC).Unix()}}
	n := 0
	for i := b.api.BalanceTransactions.List(since); i.Next(); n++ {
	}
	if n != 2 {
		t.Errorf("%d movements since 12:05, want 2", n)
	}
	back := url.Values{"limit": {"2"}, "ending_before": {made[4]}}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v1/payment_intents?"+back.Encode(), nil)
	r.SetBasicAuth(testKey, "")
	_, body := send(t, r)
	var page struct {
		HasMore bool `json:"has_more"`
		Data    []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Data) != 2 || page.Data[0].ID != made[2] || page.Data[1].ID != made[3] || !page.HasMore {
		t.Errorf("the page before: %+v, %v", page, err)
	}
}

func TestEventsAndBalance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, keyed(payment("pm_card_visa"), "k"))
	var types []string
	for i := b.api.Events.List(&stripe.EventListParams{}); i.Next(); {
		e := i.Event()
		types = append(types, string(e.Type))
		if e.APIVersion != APIVersion || e.Request.IdempotencyKey != "k" {
			t.Errorf("event: %+v", e)
		}
		if e.Type == "payment_intent.succeeded" && e.Data.Object["id"] != intent.ID {
			t.Errorf("the event tells of %v", e.Data.Object["id"])
		}
	}
	if want := "payment_intent.succeeded charge.succeeded payment_intent.created"; strings.Join(types, " ") != want {
		t.Errorf("got %v, newest first; want %s", types, want)
	}
	balance, err := b.api.Balance.Get(nil)
	if err != nil || len(balance.Available) != 0 || balance.Pending[0].Amount != 1206 {
		t.Errorf("pending: %+v, %v", balance, err)
	}
	b.clock.advance(settlement)
	if balance, err = b.api.Balance.Get(nil); err != nil || balance.Available[0].Amount != 1206 || len(balance.Pending) != 0 {
		t.Errorf("available: %+v, %v", balance, err)
	}
}

func TestCustomersAndSavedCards(t *testing.T) {
	t.Parallel()
	b := setup(t)
	params := &stripe.CustomerParams{Email: new("nadia@example.com")}
	params.AddMetadata("user", "usr_1")
	customer, err := b.api.Customers.New(params)
	if err != nil || customer.Metadata["user"] != "usr_1" {
		t.Fatalf("customer: %+v, %v", customer, err)
	}
	attach := &stripe.PaymentMethodAttachParams{Customer: &customer.ID}
	card, err := b.api.PaymentMethods.Attach("pm_card_mastercard", attach)
	if err != nil || card.Card.Last4 != "4444" || card.Customer.ID != customer.ID {
		t.Fatalf("card: %+v, %v", card, err)
	}
	_, err = b.api.PaymentMethods.Attach("pm_card_visa_chargeDeclined", attach)
	_ = stripeErr(t, err, http.StatusPaymentRequired)
	foreign := payment(card.ID)
	_, err = b.api.PaymentIntents.New(foreign)
	_ = stripeErr(t, err, http.StatusBadRequest)
	own := payment(card.ID)
	own.Customer = &customer.ID
	mustPay(t, b, own)
	n := 0
	for i := b.api.PaymentMethods.List(&stripe.PaymentMethodListParams{Customer: &customer.ID}); i.Next(); n++ {
	}
	if n != 1 {
		t.Errorf("%d saved cards", n)
	}
	if _, err := b.api.PaymentMethods.Detach(card.ID, nil); err != nil {
		t.Error(err)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	server, err := New(Config{Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stripeClient(url, testKey).Balance.Get(nil); err != nil {
		t.Error(err)
	}
	if err := stop(context.Background()); err != nil {
		t.Error(err)
	}
}
