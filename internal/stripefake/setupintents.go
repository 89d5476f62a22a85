package stripefake

import (
	"slices"
)

// SetupIntent saves a card for later payments.
type SetupIntent struct {
	base
	AutomaticPaymentMethods *automaticMethods `json:"automatic_payment_methods"`
	CancellationReason      *string           `json:"cancellation_reason"`
	ClientSecret            string            `json:"client_secret"`
	Customer                *string           `json:"customer"`
	Description             *string           `json:"description"`
	LastSetupError          *apiError         `json:"last_setup_error"`
	Livemode                bool              `json:"livemode"`
	Metadata                map[string]string `json:"metadata"`
	NextAction              *nextAction       `json:"next_action"`
	PaymentMethod           *string           `json:"payment_method"`
	PaymentMethodTypes      []string          `json:"payment_method_types"`
	Status                  string            `json:"status"`
	Usage                   string            `json:"usage"`
}

const (
	setupParams = "customer description metadata payment_method payment_method_types confirm " +
		"return_url usage automatic_payment_methods"
	setupConfirmParams = "payment_method return_url"
)

func createSetup(c *call) (any, *apiError) {
	setup, problem := c.readSetup()
	if problem != nil {
		return nil, problem
	}
	method, problem := c.chosenMethod()
	if problem == nil && method != nil {
		problem = checkOwner(setup.Customer, method)
	}
	if problem != nil {
		return nil, problem
	}
	confirm, problem := c.form.boolean(false, "confirm")
	if problem == nil && confirm {
		problem = c.checkSetup(setup, method)
	}
	if problem != nil {
		return nil, problem
	}
	setup.ID = c.ids.make("seti")
	setup.ClientSecret = setup.ID + "_secret_" + c.ids.make("s")[2:]
	c.setSetupMethod(setup, method)
	c.save(setup)
	c.emit("setup_intent.created", setup)
	if !confirm {
		return setup, nil
	}
	return c.confirmSetup(setup, method)
}

func (c *call) readSetup() (*SetupIntent, *apiError) {
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	setup := &SetupIntent{
		base:        base{Object: "setup_intent", Created: c.now},
		Customer:    optional(c.form.str("customer")),
		Description: optional(c.form.str("description")),
		Metadata:    metadata,
		Status:      needsMethod,
		Usage:       "off_session",
	}
	if setup.Customer != nil {
		if _, ok := lookup[*Customer](c.store, *setup.Customer); !ok {
			return nil, notFound("customer", "customer", *setup.Customer)
		}
	}
	if usage := c.form.str("usage"); usage != "" {
		if usage != "on_session" && usage != "off_session" {
			return nil, invalid("usage", "", "Invalid usage: must be one of off_session or on_session")
		}
		setup.Usage = usage
	}
	setup.PaymentMethodTypes, setup.AutomaticPaymentMethods, problem = c.readTypes()
	return setup, problem
}

func (c *call) setSetupMethod(setup *SetupIntent, method *PaymentMethod) {
	if method == nil {
		return
	}
	c.save(method)
	setup.PaymentMethod = &method.ID
	if setup.Status == needsMethod {
		setup.Status = needsConfirm
	}
}

func (c *call) checkSetup(setup *SetupIntent, method *PaymentMethod) *apiError {
	if method == nil {
		return invalid("payment_method", "setup_intent_unexpected_state",
			"You cannot confirm this SetupIntent because it's missing a payment method.")
	}
	if problem := checkReturn(c.form.str("return_url")); problem != nil {
		return problem
	}
	return c.checkRedirects(setup.AutomaticPaymentMethods, "SetupIntent")
}

func confirmSetup(c *call) (any, *apiError) {
	setup, ok := lookup[*SetupIntent](c.store, c.path[0])
	if !ok {
		return nil, notFound("intent", "setupintent", c.path[0])
	}
	if !slices.Contains([]string{needsMethod, needsConfirm, needsAction}, setup.Status) {
		return nil, setup.wrongState("confirmed")
	}
	method, problem := c.chosenMethod()
	if problem == nil && method == nil && setup.PaymentMethod != nil {
		method, problem = c.paymentMethod(*setup.PaymentMethod)
	}
	if problem == nil && method != nil {
		problem = checkOwner(setup.Customer, method)
	}
	if problem == nil {
		problem = c.checkSetup(setup, method)
	}
	if problem != nil {
		return nil, problem
	}
	c.setSetupMethod(setup, method)
	return c.confirmSetup(setup, method)
}

func (setup *SetupIntent) wrongState(verb string) *apiError {
	e := invalid("", "setup_intent_unexpected_state", "This SetupIntent's status is "+setup.Status+", so it can't be "+verb+".")
	e.SetupIntent = setup
	return e
}

func (c *call) confirmSetup(setup *SetupIntent, method *PaymentMethod) (any, *apiError) {
	card := c.cardOf(method)
	setup.NextAction, setup.LastSetupError = nil, nil
	switch {
	case card.declines() && !card.attaches:
		problem := declined(card, method)
		setup.reject(c, *problem)
		problem.SetupIntent = setup
		return nil, problem
	case card.authentication == alwaysAuthenticates || card.authentication == unlessSetUp:
		setup.Status, setup.NextAction = needsAction, c.challenge(setup.ID, setup.ClientSecret)
		c.save(setup)
		c.emit("setup_intent.requires_action", setup)
		return setup, nil
	}
	c.complete(setup, method)
	return setup, nil
}

func (c *call) complete(setup *SetupIntent, method *PaymentMethod) {
	setup.Status, setup.NextAction = succeeded, nil
	c.save(setup)
	if setup.Customer != nil {
		c.attach(method, *setup.Customer)
	}
	c.emit("setup_intent.succeeded", setup)
}

// reject sends a setup back to where it needs another card.
func (setup *SetupIntent) reject(c *call, problem apiError) {
	setup.LastSetupError, setup.NextAction = &problem, nil
	setup.Status, setup.PaymentMethod = needsMethod, nil
	c.save(setup)
	c.emit("setup_intent.setup_failed", setup)
}

func cancelSetup(c *call) (any, *apiError) {
	setup, ok := lookup[*SetupIntent](c.store, c.path[0])
	if !ok {
		return nil, notFound("intent", "setupintent", c.path[0])
	}
	if setup.Status == succeeded || setup.Status == canceled {
		return nil, setup.wrongState("canceled")
	}
	reason := c.form.str("cancellation_reason")
	if reason != "" && !slices.Contains([]string{"abandoned", "requested_by_customer", "duplicate"}, reason) {
		return nil, invalid("cancellation_reason", "", "Invalid cancellation_reason: "+reason)
	}
	setup.Status, setup.NextAction, setup.CancellationReason = canceled, nil, optional(reason)
	c.save(setup)
	c.emit("setup_intent.canceled", setup)
	return setup, nil
}

func listSetups(c *call) (any, *apiError) {
	customer, method := c.form.str("customer"), c.form.str("payment_method")
	return list(c, "setup_intent", "/v1/setup_intents", func(setup *SetupIntent) bool {
		return is(setup.Customer, customer) && is(setup.PaymentMethod, method)
	})
}

// is tells whether a field has the value that a list is filtered by; an empty filter takes all.
func is(field *string, want string) bool {
	return want == "" || (field != nil && *field == want)
}

// isSetUp tells whether a card's holder has authenticated it for payments without them.
func (c *call) isSetUp(method string) bool {
	for _, id := range c.store.byKind["setup_intent"] {
		setup, ok := lookup[*SetupIntent](c.store, id)
		if ok && setup.Status == succeeded && setup.Usage == "off_session" && is(setup.PaymentMethod, method) {
			return true
		}
	}
	for _, id := range c.store.byKind["payment_intent"] {
		intent, ok := lookup[*PaymentIntent](c.store, id)
		if ok && is(intent.SetupFutureUsage, "off_session") && is(intent.PaymentMethod, method) &&
			(intent.Status == succeeded || intent.Status == needsCapture) {
			return true
		}
	}
	return false
}

// what implements authenticated.
func (setup *SetupIntent) what() (amount, clientSecret, status string, next *nextAction) {
	return "", setup.ClientSecret, setup.Status, setup.NextAction
}

func (setup *SetupIntent) passed(c *call) {
	method, ok := lookup[*PaymentMethod](c.store, *setup.PaymentMethod)
	if !ok {
		setup.failed(c)
		return
	}
	c.complete(setup, method)
}

func (setup *SetupIntent) failed(c *call) {
	problem := invalid("", "setup_intent_authentication_failure",
		"The latest attempt to set up the payment method has failed because authentication failed.")
	problem.PaymentMethod, _ = lookup[*PaymentMethod](c.store, *setup.PaymentMethod)
	setup.reject(c, *problem)
}
