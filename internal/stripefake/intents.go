package stripefake

import (
	"net/http"
	"slices"
)

// PaymentIntent is one purchase on its way through confirmation, authentication and capture.
type PaymentIntent struct {
	base
	Amount                  int64             `json:"amount"`
	AmountCapturable        int64             `json:"amount_capturable"`
	AmountReceived          int64             `json:"amount_received"`
	AutomaticPaymentMethods *automaticMethods `json:"automatic_payment_methods"`
	CanceledAt              *int64            `json:"canceled_at"`
	CancellationReason      *string           `json:"cancellation_reason"`
	CaptureMethod           string            `json:"capture_method"`
	ClientSecret            string            `json:"client_secret"`
	ConfirmationMethod      string            `json:"confirmation_method"`
	Currency                string            `json:"currency"`
	Customer                *string           `json:"customer"`
	Description             *string           `json:"description"`
	LastPaymentError        *apiError         `json:"last_payment_error"`
	LatestCharge            *string           `json:"latest_charge"`
	Metadata                map[string]string `json:"metadata"`
	NextAction              *nextAction       `json:"next_action"`
	PaymentMethod           *string           `json:"payment_method"`
	PaymentMethodTypes      []string          `json:"payment_method_types"`
	SetupFutureUsage        *string           `json:"setup_future_usage"`
	Status                  string            `json:"status"`
}

type automaticMethods struct {
	AllowRedirects string `json:"allow_redirects"`
	Enabled        bool   `json:"enabled"`
}

type nextAction struct {
	Type          string         `json:"type"`
	RedirectToURL *redirectToURL `json:"redirect_to_url,omitempty"`
	UseStripeSDK  map[string]any `json:"use_stripe_sdk,omitempty"`
}

type redirectToURL struct {
	ReturnURL string `json:"return_url"`
	URL       string `json:"url"`
}

// The statuses of an intent.
const (
	needsMethod  = "requires_payment_method"
	needsConfirm = "requires_confirmation"
	needsAction  = "requires_action"
	needsCapture = "requires_capture"
	succeeded    = "succeeded"
	canceled     = "canceled"
)

const (
	intentParams = "amount currency customer description metadata payment_method payment_method_types confirm " +
		"capture_method off_session return_url setup_future_usage automatic_payment_methods receipt_email"
	confirmParams = "payment_method off_session return_url setup_future_usage receipt_email"
)

func createIntent(c *call) (any, *apiError) {
	intent, method, problem := c.readIntent()
	if problem != nil {
		return nil, problem
	}
	confirm, problem := c.form.boolean(false, "confirm")
	if problem != nil {
		return nil, problem
	}
	if confirm {
		if problem := c.checkConfirm(intent, method); problem != nil {
			return nil, problem
		}
	} else if c.form.has("off_session") {
		return nil, invalid("off_session", "", "You can only use off_session when confirm is true.")
	}
	intent.ID = c.ids.make("pi")
	intent.ClientSecret = intent.ID + "_secret_" + c.ids.make("s")[2:]
	c.setMethod(intent, method)
	c.save(intent)
	c.emit("payment_intent.created", intent)
	if !confirm {
		return intent, nil
	}
	return c.confirm(intent, method)
}

// readIntent checks all of a new intent's parameters and changes nothing.
func (c *call) readIntent() (*PaymentIntent, *PaymentMethod, *apiError) {
	for _, name := range []string{"amount", "currency"} {
		if !c.form.has(name) {
			return nil, nil, missing(name)
		}
	}
	amount, problem := c.form.integer("amount", 0)
	if problem == nil {
		problem = checkAmount(amount, c.form.str("currency"))
	}
	if problem != nil {
		return nil, nil, problem
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, nil, problem
	}
	intent := &PaymentIntent{
		base:               base{Object: "payment_intent", Created: c.now},
		Amount:             amount,
		CaptureMethod:      "automatic",
		ConfirmationMethod: "automatic",
		Currency:           c.form.str("currency"),
		Customer:           optional(c.form.str("customer")),
		Description:        optional(c.form.str("description")),
		Metadata:           metadata,
		PaymentMethodTypes: []string{"card"},
		SetupFutureUsage:   optional(c.form.str("setup_future_usage")),
		Status:             needsMethod,
	}
	if problem := c.readOptions(intent); problem != nil {
		return nil, nil, problem
	}
	var method *PaymentMethod
	if id := c.form.str("payment_method"); id != "" {
		if method, problem = c.paymentMethod(id); problem == nil {
			problem = checkOwner(intent, method)
		}
	}
	return intent, method, problem
}

func (c *call) readOptions(intent *PaymentIntent) *apiError {
	if intent.Customer != nil {
		if _, ok := lookup[*Customer](c.store, *intent.Customer); !ok {
			return notFound("customer", "customer", *intent.Customer)
		}
	}
	if how := c.form.str("capture_method"); how != "" {
		if !slices.Contains([]string{"automatic", "automatic_async", "manual"}, how) {
			return invalid("capture_method", "", "Invalid capture_method: must be one of automatic, automatic_async, or manual")
		}
		intent.CaptureMethod = how
	}
	if kinds := c.form.list("payment_method_types"); len(kinds) > 0 {
		if !slices.Equal(kinds, []string{"card"}) {
			return invalid("payment_method_types", "", "This fake knows cards alone.")
		}
		return nil
	}
	// Without types, version 2023-08-16 and later enable what the dashboard says.
	enabled, problem := c.form.boolean(true, "automatic_payment_methods", "enabled")
	if problem != nil || !enabled {
		return problem
	}
	redirects := c.form.str("automatic_payment_methods", "allow_redirects")
	if redirects == "" {
		redirects = "always"
	}
	intent.AutomaticPaymentMethods = &automaticMethods{AllowRedirects: redirects, Enabled: true}
	return nil
}

func checkOwner(intent *PaymentIntent, method *PaymentMethod) *apiError {
	if method.Customer != nil && (intent.Customer == nil || *intent.Customer != *method.Customer) {
		return invalid("payment_method", "", "The payment method supplied belongs to a customer. Please include that customer in the request.")
	}
	return nil
}

// setMethod puts a method on an intent that waits for one.
func (c *call) setMethod(intent *PaymentIntent, method *PaymentMethod) {
	if method == nil {
		return
	}
	c.save(method)
	intent.PaymentMethod = &method.ID
	if intent.Status == needsMethod {
		intent.Status = needsConfirm
	}
}

// checkConfirm refuses what cannot be confirmed, before anything changes.
func (c *call) checkConfirm(intent *PaymentIntent, method *PaymentMethod) *apiError {
	if _, problem := c.form.boolean(false, "off_session"); problem != nil {
		return problem
	}
	if method == nil {
		e := invalid("payment_method", "payment_intent_unexpected_state",
			"You cannot confirm this PaymentIntent because it's missing a payment method.")
		return e
	}
	auto := intent.AutomaticPaymentMethods
	if auto != nil && auto.AllowRedirects == "always" && !c.form.has("return_url") {
		return invalid("return_url", "", "This PaymentIntent accepts payment methods that may redirect your customer; "+
			"provide a `return_url`, or set `automatic_payment_methods[allow_redirects]` to `never`.")
	}
	return nil
}

func confirmIntent(c *call) (any, *apiError) {
	intent, ok := lookup[*PaymentIntent](c.store, c.path[0])
	if !ok {
		return nil, notFound("intent", "payment_intent", c.path[0])
	}
	if !slices.Contains([]string{needsMethod, needsConfirm, needsAction}, intent.Status) {
		return nil, wrongState(intent, "confirmed")
	}
	id := c.form.str("payment_method")
	if id == "" && intent.PaymentMethod != nil {
		id = *intent.PaymentMethod
	}
	var method *PaymentMethod
	if id != "" {
		var problem *apiError
		if method, problem = c.paymentMethod(id); problem == nil {
			problem = checkOwner(intent, method)
		}
		if problem != nil {
			return nil, problem
		}
	}
	if problem := c.checkConfirm(intent, method); problem != nil {
		return nil, problem
	}
	c.setMethod(intent, method)
	return c.confirm(intent, method)
}

// confirm decides by the card: authentication, a decline, or the money.
func (c *call) confirm(intent *PaymentIntent, method *PaymentMethod) (any, *apiError) {
	card := method.testCard()
	if card.authentication == alwaysAuthenticate {
		offSession, _ := c.form.boolean(false, "off_session")
		if !offSession {
			return c.askForHolder(intent), nil
		}
		card.code, card.declineCode = "authentication_required", "authentication_required"
		card.message = "Your card was declined. This transaction requires authentication."
	}
	charge := c.newCharge(intent, method)
	intent.LatestCharge = &charge.ID
	if card.declines() {
		return nil, c.decline(intent, charge, method, card)
	}
	c.accept(intent, charge)
	return intent, nil
}

func (c *call) askForHolder(intent *PaymentIntent) *PaymentIntent {
	intent.Status = needsAction
	intent.NextAction = &nextAction{Type: "use_stripe_sdk", UseStripeSDK: map[string]any{"type": "three_d_secure_redirect"}}
	if back := c.form.str("return_url"); back != "" {
		intent.NextAction = &nextAction{Type: "redirect_to_url", RedirectToURL: &redirectToURL{
			ReturnURL: back, URL: "https://hooks.stripe.com/3d_secure_2/" + intent.ID}}
	}
	c.save(intent)
	c.emit("payment_intent.requires_action", intent)
	return intent
}

func (c *call) decline(intent *PaymentIntent, charge *Charge, method *PaymentMethod, card testCard) *apiError {
	charge.fail(card)
	problem := declined(card, method)
	problem.Charge = charge.ID
	last := *problem
	intent.LastPaymentError, intent.NextAction = &last, nil
	intent.Status, intent.PaymentMethod = needsMethod, nil
	c.save(charge)
	c.save(intent)
	c.emit("charge.failed", charge)
	c.emit("payment_intent.payment_failed", intent)
	problem.PaymentIntent = intent
	return problem
}

func (c *call) accept(intent *PaymentIntent, charge *Charge) {
	charge.authorise()
	intent.LastPaymentError, intent.NextAction = nil, nil
	if intent.CaptureMethod == "manual" {
		intent.Status, intent.AmountCapturable = needsCapture, intent.Amount
		c.save(charge)
		c.save(intent)
		c.emit("charge.succeeded", charge)
		c.emit("payment_intent.amount_capturable_updated", intent)
		return
	}
	c.capture(charge, intent.Amount)
	intent.Status, intent.AmountReceived = succeeded, intent.Amount
	c.save(charge)
	c.save(intent)
	c.emit("charge.succeeded", charge)
	c.emit("payment_intent.succeeded", intent)
}

func captureIntent(c *call) (any, *apiError) {
	intent, ok := lookup[*PaymentIntent](c.store, c.path[0])
	if !ok {
		return nil, notFound("intent", "payment_intent", c.path[0])
	}
	if intent.Status != needsCapture {
		return nil, wrongState(intent, "captured")
	}
	amount, problem := c.form.integer("amount_to_capture", intent.AmountCapturable)
	if problem != nil {
		return nil, problem
	}
	if amount < 1 || amount > intent.AmountCapturable {
		return nil, invalid("amount_to_capture", "amount_too_large", "The amount to capture must be between 1 and the amount that can be captured.")
	}
	charge, ok := lookup[*Charge](c.store, *intent.LatestCharge)
	if !ok {
		return nil, newError(http.StatusInternalServerError, "api_error", "", "The charge of this intent is lost.")
	}
	c.capture(charge, amount)
	intent.Status, intent.AmountReceived, intent.AmountCapturable = succeeded, amount, 0
	c.save(charge)
	c.save(intent)
	c.emit("charge.captured", charge)
	c.emit("payment_intent.succeeded", intent)
	return intent, nil
}

func cancelIntent(c *call) (any, *apiError) {
	intent, ok := lookup[*PaymentIntent](c.store, c.path[0])
	if !ok {
		return nil, notFound("intent", "payment_intent", c.path[0])
	}
	if intent.Status == succeeded || intent.Status == canceled {
		return nil, wrongState(intent, "canceled")
	}
	reason := c.form.str("cancellation_reason")
	if reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer", "abandoned"}, reason) {
		return nil, invalid("cancellation_reason", "", "Invalid cancellation_reason: "+reason)
	}
	if intent.Status == needsCapture {
		if charge, ok := lookup[*Charge](c.store, *intent.LatestCharge); ok {
			charge.AmountRefunded, charge.Refunded = charge.Amount, true
			c.save(charge)
			c.emit("charge.refunded", charge)
		}
	}
	intent.Status, intent.AmountCapturable, intent.NextAction = canceled, 0, nil
	intent.CanceledAt, intent.CancellationReason = &c.now, optional(reason)
	c.save(intent)
	c.emit("payment_intent.canceled", intent)
	return intent, nil
}

func listIntents(c *call) (any, *apiError) {
	customer := c.form.str("customer")
	return list(c, "payment_intent", "/v1/payment_intents", func(intent *PaymentIntent) bool {
		return customer == "" || (intent.Customer != nil && *intent.Customer == customer)
	})
}
