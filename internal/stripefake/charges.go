package stripefake

// Charge is one attempt to move money off a card.
type Charge struct {
	base
	Livemode           bool              `json:"livemode"`
	Amount             int64             `json:"amount"`
	AmountCaptured     int64             `json:"amount_captured"`
	AmountRefunded     int64             `json:"amount_refunded"`
	BalanceTransaction *string           `json:"balance_transaction"`
	BillingDetails     billingDetails    `json:"billing_details"`
	Captured           bool              `json:"captured"`
	Currency           string            `json:"currency"`
	Customer           *string           `json:"customer"`
	Description        *string           `json:"description"`
	Disputed           bool              `json:"disputed"`
	FailureCode        *string           `json:"failure_code"`
	FailureMessage     *string           `json:"failure_message"`
	Metadata           map[string]string `json:"metadata"`
	Outcome            outcome           `json:"outcome"`
	Paid               bool              `json:"paid"`
	PaymentIntent      *string           `json:"payment_intent"`
	PaymentMethod      string            `json:"payment_method"`
	MethodDetails      methodDetails     `json:"payment_method_details"`
	Refunded           bool              `json:"refunded"`
	Status             string            `json:"status"`
}

// methodDetails is the card as it was at the time of the charge.
type methodDetails struct {
	Type string      `json:"type"`
	Card chargedCard `json:"card"`
}

type chargedCard struct {
	Card
	Network       string `json:"network"`
	CaptureBefore int64  `json:"capture_before,omitempty"` // of an authorisation
}

type outcome struct {
	NetworkStatus string  `json:"network_status"`
	Reason        *string `json:"reason"`
	RiskLevel     string  `json:"risk_level"`
	SellerMessage string  `json:"seller_message"`
	Type          string  `json:"type"`
}

// newCharge is the attempt for an intent, neither paid nor failed yet.
func (c *call) newCharge(intent *PaymentIntent, method *PaymentMethod) *Charge {
	return &Charge{
		base:           base{ID: c.ids.make("ch"), Object: "charge", Created: c.now},
		Amount:         intent.Amount,
		BillingDetails: method.BillingDetails,
		Currency:       intent.Currency,
		Customer:       intent.Customer,
		Description:    intent.Description,
		Metadata:       intent.Metadata,
		PaymentIntent:  &intent.ID,
		PaymentMethod:  method.ID,
		MethodDetails:  methodDetails{Type: "card", Card: chargedCard{Card: method.Card, Network: method.Card.Brand}},
	}
}

func (charge *Charge) fail(t testCard) {
	charge.Status = "failed"
	charge.FailureCode, charge.FailureMessage = optional(t.code), optional(t.message)
	charge.Outcome = outcome{NetworkStatus: "declined_by_network", Reason: optional(t.declineCode), RiskLevel: "normal",
		SellerMessage: "The bank did not return any further details with this decline.", Type: "issuer_declined"}
	if t.declineCode == "fraudulent" {
		charge.Outcome.NetworkStatus, charge.Outcome.Type, charge.Outcome.RiskLevel = "not_sent_to_network", "blocked", "highest"
	}
}

func (charge *Charge) authorise(t testCard) {
	charge.Status, charge.Paid = "succeeded", true
	charge.Outcome = outcome{NetworkStatus: "approved_by_network", RiskLevel: "normal", SellerMessage: "Payment complete.", Type: "authorized"}
	if t.risk != "" {
		charge.Outcome.RiskLevel = t.risk
	}
}

// capture takes an authorised charge's money. What is left of the authorisation goes back to the card,
// which the charge counts as refunded.
func (c *call) capture(charge *Charge, amount int64) {
	card := c.cards.byFingerprint[charge.MethodDetails.Card.Fingerprint]
	charge.Captured, charge.AmountCaptured = true, amount
	charge.AmountRefunded = charge.Amount - amount
	charge.BalanceTransaction = &c.settle(charge, card.settlesAtOnce).ID
	if card.disputed != "" {
		c.later(disputeDelay, openDispute, charge.ID)
	}
}

// void gives an authorisation back that was never captured.
func (c *call) void(intent *PaymentIntent, event string) {
	charge, ok := lookup[*Charge](c.store, *intent.LatestCharge)
	if !ok {
		return
	}
	charge.AmountRefunded, charge.Refunded = charge.Amount, true
	c.save(charge)
	c.emit(event, charge)
}

func listCharges(c *call) (any, *apiError) {
	customer, intent := c.form.str("customer"), c.form.str("payment_intent")
	return list(c, "charge", "/v1/charges", func(charge *Charge) bool {
		return (customer == "" || (charge.Customer != nil && *charge.Customer == customer)) &&
			(intent == "" || (charge.PaymentIntent != nil && *charge.PaymentIntent == intent))
	})
}
