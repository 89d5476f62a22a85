package stripefake

import (
	"net/http"
	"slices"
	"time"
)

// PaymentIntent is one purchase on its way through confirmation, authentication and capture.
type PaymentIntent struct {
	base
	Livemode                bool              `json:"livemode"`
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

// The statuses of an intent.
const (
	needsMethod  = "requires_payment_method"
	needsConfirm = "requires_confirmation"
	needsAction  = "requires_action"
	needsCapture = "requires_capture"
	succeeded    = "succeeded"
	canceled     = "canceled"
)

// authorisationLife is how long an authorised card waits for its capture.
const authorisationLife = 7 * 24 * time.Hour

const (
	intentParams = "amount currency customer description metadata payment_method payment_method_types confirm " +
		"payment_method_data capture_method off_session return_url setup_future_usage automatic_payment_methods receipt_email"
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
		SetupFutureUsage:   optional(c.form.str("setup_future_usage")),
		Status:             needsMethod,
	}
	if problem := c.readOptions(intent); problem != nil {
		return nil, nil, problem
	}
	method, problem := c.chosenMethod()
	if problem == nil && method != nil {
		problem = checkOwner(intent.Customer, method)
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
	var problem *apiError
	intent.PaymentMethodTypes, intent.AutomaticPaymentMethods, problem = c.readTypes()
	return problem
}

// readTypes reads which methods an intent takes: cards, named or found automatically.
func (c *call) readTypes() (kinds []string, auto *automaticMethods, problem *apiError) {
	cards := []string{"card"}
	if kinds := c.form.list("payment_method_types"); len(kinds) > 0 {
		if !slices.Equal(kinds, cards) {
			return nil, nil, invalid("payment_method_types", "", "This fake knows cards alone.")
		}
		return cards, nil, nil
	}
	// Without types, version 2023-08-16 and later enable what the dashboard says.
	enabled, problem := c.form.boolean(true, "automatic_payment_methods", "enabled")
	if problem != nil || !enabled {
		return cards, nil, problem
	}
	redirects := c.form.str("automatic_payment_methods", "allow_redirects")
	if redirects == "" {
		redirects = "always"
	}
	return cards, &automaticMethods{AllowRedirects: redirects, Enabled: true}, nil
}

func checkOwner(customer *string, method *PaymentMethod) *apiError {
	if method.Customer != nil && (customer == nil || *customer != *method.Customer) {
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
	if _, problem := c.offSession(); problem != nil {
		return problem
	}
	if problem := checkReturn(c.form.str("return_url")); problem != nil {
		return problem
	}
	if method == nil {
		e := invalid("payment_method", "payment_intent_unexpected_state",
			"You cannot confirm this PaymentIntent because it's missing a payment method.")
		return e
	}
	return c.checkRedirects(intent.AutomaticPaymentMethods, "PaymentIntent")
}

func (c *call) checkRedirects(auto *automaticMethods, what string) *apiError {
	if auto != nil && auto.AllowRedirects == "always" && !c.form.has("return_url") {
		return invalid("return_url", "", "This "+what+" accepts payment methods that may redirect your customer; "+
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
	method, problem := c.chosenMethod()
	if problem == nil && method == nil && intent.PaymentMethod != nil {
		method, problem = c.paymentMethod(*intent.PaymentMethod)
	}
	if problem == nil && method != nil {
		problem = checkOwner(intent.Customer, method)
	}
	if problem != nil {
		return nil, problem
	}
	if problem := c.checkConfirm(intent, method); problem != nil {
		return nil, problem
	}
	c.setMethod(intent, method)
	return c.confirm(intent, method)
}

// confirm decides by the card: authentication, a decline, or the money.
func (c *call) confirm(intent *PaymentIntent, method *PaymentMethod) (any, *apiError) {
	card := c.cardOf(method)
	intent.NextAction, intent.LastPaymentError = nil, nil
	if future := optional(c.form.str("setup_future_usage")); future != nil {
		intent.SetupFutureUsage = future
	}
	offSession, _ := c.offSession()
	if c.asks(card, method, offSession) {
		if !offSession {
			return c.askForHolder(intent), nil
		}
		card.code, card.declineCode = "authentication_required", "authentication_required"
		card.message = "Your card was declined. This transaction requires authentication."
	}
	return c.charge(intent, method, card)
}

// charge is the attempt itself, after any authentication.
func (c *call) charge(intent *PaymentIntent, method *PaymentMethod, card testCard) (any, *apiError) {
	charge := c.newCharge(intent, method)
	intent.LatestCharge = &charge.ID
	if card.declines() {
		return nil, c.decline(intent, charge, method, card)
	}
	c.accept(intent, charge, card)
	if intent.SetupFutureUsage != nil && intent.Customer != nil {
		c.attach(method, *intent.Customer)
	}
	return intent, nil
}

// asks tells whether a payment by a card needs its holder.
func (c *call) asks(card testCard, method *PaymentMethod, offSession bool) bool {
	switch card.authentication {
	case neverAuthenticates:
		return false
	case alwaysAuthenticates:
		return true
	case unlessSetUp:
		return !offSession || !c.isSetUp(method.ID)
	case onSessionOnly:
		return !offSession
	}
	return false
}

// offSession reads a parameter that is true, false, or the reason why it is true.
func (c *call) offSession() (bool, *apiError) {
	if v := c.form.str("off_session"); v == "one_off" || v == "recurring" {
		return true, nil
	}
	return c.form.boolean(false, "off_session")
}

func (c *call) askForHolder(intent *PaymentIntent) *PaymentIntent {
	intent.Status, intent.NextAction = needsAction, c.challenge(intent.ID, intent.ClientSecret)
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

func (c *call) accept(intent *PaymentIntent, charge *Charge, card testCard) {
	charge.authorise(card)
	intent.LastPaymentError, intent.NextAction = nil, nil
	if intent.CaptureMethod == "manual" {
		intent.Status, intent.AmountCapturable = needsCapture, intent.Amount
		charge.MethodDetails.Card.CaptureBefore = c.now + int64(authorisationLife/time.Second)
		c.later(authorisationLife, expireAuthorisation, intent.ID)
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
		c.void(intent, "charge.refunded")
	}
	c.cancel(intent, reason)
	return intent, nil
}

func (c *call) cancel(intent *PaymentIntent, reason string) {
	intent.Status, intent.AmountCapturable, intent.NextAction = canceled, 0, nil
	intent.CanceledAt, intent.CancellationReason = new(c.now), optional(reason)
	c.save(intent)
	c.emit("payment_intent.canceled", intent)
}

// expireAuthorisation gives back what nobody captured in time.
func (c *call) expireAuthorisation(id string) {
	intent, ok := lookup[*PaymentIntent](c.store, id)
	if !ok || intent.Status != needsCapture {
		return
	}
	c.void(intent, "charge.expired")
	c.cancel(intent, "automatic")
}

func listIntents(c *call) (any, *apiError) {
	customer := c.form.str("customer")
	return list(c, "payment_intent", "/v1/payment_intents", func(intent *PaymentIntent) bool {
		return customer == "" || (intent.Customer != nil && *intent.Customer == customer)
	})
}
