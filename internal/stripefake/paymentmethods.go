package stripefake

import (
	"net/http"
	"strings"
	"time"
)

// PaymentMethod is a card; other types do not exist here.
type PaymentMethod struct {
	base
	Livemode       bool              `json:"livemode"`
	Type           string            `json:"type"`
	Card           Card              `json:"card"`
	BillingDetails billingDetails    `json:"billing_details"`
	Customer       *string           `json:"customer"`
	Metadata       map[string]string `json:"metadata"`
}

// Card is what may be shown of a card.
type Card struct {
	Brand       string `json:"brand"`
	Country     string `json:"country"`
	ExpMonth    int    `json:"exp_month"`
	ExpYear     int    `json:"exp_year"`
	Fingerprint string `json:"fingerprint"`
	Funding     string `json:"funding"`
	Last4       string `json:"last4"`
}

type billingDetails struct {
	Email *string `json:"email"`
	Name  *string `json:"name"`
	Phone *string `json:"phone"`
}

func (c *call) cardOf(p *PaymentMethod) testCard { return c.cards.byFingerprint[p.Card.Fingerprint] }

func (c *call) newPaymentMethod(t testCard) *PaymentMethod {
	expires := time.Unix(c.now, 0).UTC().AddDate(1, 0, 0)
	return &PaymentMethod{
		base: base{ID: c.ids.make("pm"), Object: "payment_method", Created: c.now},
		Type: "card",
		Card: Card{
			Brand: t.brand, Country: t.country, Funding: t.funding, Last4: t.last4(), Fingerprint: t.fingerprint(),
			ExpMonth: int(expires.Month()), ExpYear: expires.Year(),
		},
		Metadata: map[string]string{},
	}
}

// paymentMethod finds a payment method; a documented test id makes a fresh one, which the caller
// saves once it is sure that the request goes through.
func (c *call) paymentMethod(id string) (*PaymentMethod, *apiError) {
	if t, ok := c.cards.byID[id]; ok && strings.HasPrefix(id, "pm_") {
		return c.newPaymentMethod(t), nil
	}
	p, ok := lookup[*PaymentMethod](c.store, id)
	if !ok {
		return nil, notFound("payment_method", "PaymentMethod", id)
	}
	if c.marked(detached, id) {
		return nil, invalid("payment_method", "", "This PaymentMethod was detached from a Customer, and may not be used again.")
	}
	return p, nil
}

// detached marks a payment method that was taken off its customer.
const detached = "detached"

// createPaymentMethod makes the card that a number or a test token stands for.
func createPaymentMethod(c *call) (any, *apiError) {
	if kind := c.form.str("type"); kind != "card" {
		return nil, invalid("type", "", "Invalid type: this fake knows cards alone.")
	}
	f := c.form
	number, token := f.str("card", "number"), f.str("card", "token")
	if number == "" && token == "" {
		return nil, missing("card[number]")
	}
	t, ok := c.cards.byNumber[number]
	if token != "" {
		if t, ok = c.cards.byID[token]; !ok || !strings.HasPrefix(token, "tok_") {
			return nil, notFound("card[token]", "token", token)
		}
	}
	if !ok {
		e := newError(http.StatusPaymentRequired, "card_error", "incorrect_number", "Your card number is incorrect.")
		e.Param = "number"
		return nil, e
	}
	metadata, problem := f.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	p := c.newPaymentMethod(t)
	p.Metadata = metadata
	p.BillingDetails = billingDetails{
		Email: optional(f.str("billing_details", "email")), Name: optional(f.str("billing_details", "name")),
		Phone: optional(f.str("billing_details", "phone")),
	}
	c.save(p)
	return p, nil
}

// chosenMethod is the method that a request names, nil where it names none.
func (c *call) chosenMethod() (*PaymentMethod, *apiError) {
	if id := c.form.str("payment_method"); id != "" {
		return c.paymentMethod(id)
	}
	return nil, nil
}

// attach makes a method a customer's own.
func (c *call) attach(p *PaymentMethod, customer string) {
	if p.Customer != nil {
		return
	}
	p.Customer = &customer
	c.save(p)
	c.emit("payment_method.attached", p)
}

func attachPaymentMethod(c *call) (any, *apiError) {
	customer := c.form.str("customer")
	if customer == "" {
		return nil, missing("customer")
	}
	if _, ok := lookup[*Customer](c.store, customer); !ok {
		return nil, notFound("customer", "customer", customer)
	}
	p, problem := c.paymentMethod(c.path[0])
	if problem != nil {
		return nil, problem
	}
	if t := c.cardOf(p); t.declines() && !t.attaches {
		return nil, declined(t, p)
	}
	if p.Customer != nil && *p.Customer != customer {
		return nil, invalid("", "", "The payment method you provided has already been attached to a customer.")
	}
	c.attach(p, customer)
	c.save(p)
	return p, nil
}

func detachPaymentMethod(c *call) (any, *apiError) {
	p, ok := lookup[*PaymentMethod](c.store, c.path[0])
	if !ok {
		return nil, notFound("payment_method", "PaymentMethod", c.path[0])
	}
	if p.Customer == nil {
		return nil, invalid("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	p.Customer = nil
	c.save(p)
	c.mark(detached, p.ID)
	c.emit("payment_method.detached", p)
	return p, nil
}

func listPaymentMethods(c *call) (any, *apiError) {
	return c.methodsOf(c.form.str("customer"), "/v1/payment_methods")
}

func listCustomerMethods(c *call) (any, *apiError) {
	customer := c.path[0]
	if _, ok := lookup[*Customer](c.store, customer); !ok {
		return nil, notFound("customer", "customer", customer)
	}
	return c.methodsOf(customer, "/v1/customers/"+customer+"/payment_methods")
}

func (c *call) methodsOf(customer, url string) (any, *apiError) {
	kind := c.form.str("type")
	return list(c, "payment_method", url, func(p *PaymentMethod) bool {
		return p.Customer != nil && (customer == "" || *p.Customer == customer) && (kind == "" || p.Type == kind)
	})
}

func retrieveCustomerMethod(c *call) (any, *apiError) {
	p, ok := lookup[*PaymentMethod](c.store, c.path[1])
	if !ok || p.Customer == nil || *p.Customer != c.path[0] {
		return nil, notFound("payment_method", "PaymentMethod", c.path[1])
	}
	return p, nil
}

// declined is the answer to a charge that the issuer refused.
func declined(t testCard, p *PaymentMethod) *apiError {
	e := newError(http.StatusPaymentRequired, "card_error", t.code, t.message)
	e.DeclineCode, e.PaymentMethod = t.declineCode, p
	return e
}
