package stripefake

import (
	"net/http"
	"time"
)

// PaymentMethod is a card; other types do not exist here.
type PaymentMethod struct {
	base
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

func (p *PaymentMethod) testCard() testCard {
	t, _ := cardByFingerprint(p.Card.Fingerprint)
	return t
}

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
	if t, ok := testCards()[id]; ok {
		return c.newPaymentMethod(t), nil
	}
	p, ok := lookup[*PaymentMethod](c.store, id)
	if !ok {
		return nil, notFound("payment_method", "PaymentMethod", id)
	}
	return p, nil
}

func createPaymentMethod(c *call) (any, *apiError) {
	if kind := c.form.str("type"); kind != "card" {
		return nil, invalid("type", "", "Invalid type: this fake knows cards alone.")
	}
	number := c.form.str("card", "number")
	if number == "" {
		return nil, missing("card[number]")
	}
	t, ok := cardByNumber(number)
	if !ok {
		e := newError(http.StatusPaymentRequired, "card_error", "incorrect_number", "Your card number is incorrect.")
		e.Param = "number"
		return nil, e
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	p := c.newPaymentMethod(t)
	p.Metadata = metadata
	c.save(p)
	return p, nil
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
	if t := p.testCard(); t.declines() && !t.attaches {
		return nil, declined(t, p)
	}
	if p.Customer != nil && *p.Customer != customer {
		return nil, invalid("", "", "The payment method you provided has already been attached to a customer.")
	}
	p.Customer = &customer
	c.save(p)
	c.emit("payment_method.attached", p)
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
	c.emit("payment_method.detached", p)
	return p, nil
}

func listPaymentMethods(c *call) (any, *apiError) {
	customer := c.form.str("customer")
	return list(c, "payment_method", "/v1/payment_methods", func(p *PaymentMethod) bool {
		return p.Customer != nil && (customer == "" || *p.Customer == customer)
	})
}

// declined is the answer to a charge that the issuer refused.
func declined(t testCard, p *PaymentMethod) *apiError {
	e := newError(http.StatusPaymentRequired, "card_error", t.code, t.message)
	e.DeclineCode, e.PaymentMethod = t.declineCode, p
	return e
}
