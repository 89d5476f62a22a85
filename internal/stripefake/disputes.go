package stripefake

import (
	"fmt"
	"slices"
	"time"
)

const (
	disputeDelay    = time.Second          // from the capture to the dispute, for the cards that dispute
	decisionDelay   = 5 * time.Second      // from the evidence to the issuer's decision, for the texts that decide
	responseTime    = 9 * 24 * time.Hour   // to submit evidence; then the dispute is lost
	inquiryLifetime = 120 * 24 * time.Hour // after which an inquiry that became nothing is closed
)

// Dispute is a card holder's question to their issuer about a charge (an inquiry), or the issuer taking
// the money back (a chargeback).
type Dispute struct {
	base
	Amount                   int64                 `json:"amount"`
	BalanceTransactions      []*BalanceTransaction `json:"balance_transactions"`
	Charge                   string                `json:"charge"`
	Currency                 string                `json:"currency"`
	EnhancedEligibilityTypes []string              `json:"enhanced_eligibility_types"`
	Evidence                 map[string]any        `json:"evidence"`
	EvidenceDetails          evidenceDetails       `json:"evidence_details"`
	IsChargeRefundable       bool                  `json:"is_charge_refundable"`
	Livemode                 bool                  `json:"livemode"`
	Metadata                 map[string]string     `json:"metadata"`
	PaymentIntent            *string               `json:"payment_intent"`
	MethodDetails            disputedMethod        `json:"payment_method_details"`
	Reason                   string                `json:"reason"`
	Status                   string                `json:"status"`
}

type evidenceDetails struct {
	DueBy               *int64         `json:"due_by"`
	EnhancedEligibility map[string]any `json:"enhanced_eligibility"`
	HasEvidence         bool           `json:"has_evidence"`
	PastDue             bool           `json:"past_due"`
	SubmissionCount     int            `json:"submission_count"`
}

type disputedMethod struct {
	Type string       `json:"type"`
	Card disputedCard `json:"card"`
}

type disputedCard struct {
	Brand             string `json:"brand"`
	CaseType          string `json:"case_type"`
	Network           string `json:"network"`
	NetworkReasonCode string `json:"network_reason_code"`
}

// The statuses of a dispute; an inquiry's begin with warning_.
const (
	needsResponse      = "needs_response"
	underReview        = "under_review"
	won                = "won"
	lost               = "lost"
	inquiryUnanswered  = "warning_needs_response"
	inquiryUnderReview = "warning_under_review"
	inquiryClosed      = "warning_closed"
)

// reasonCode is what the network calls a reason, for a chargeback; ok is false for a reason that a card
// dispute does not have.
func reasonCode(reason string) (code string, ok bool) {
	switch reason {
	case "fraudulent":
		return "10.4", true
	case "product_not_received":
		return "13.1", true
	case "product_unacceptable":
		return "13.3", true
	case "subscription_canceled":
		return "13.2", true
	case "credit_not_processed":
		return "13.6", true
	case "duplicate":
		return "12.6", true
	case "unrecognized", "general":
		return "10.4", true
	}
	return "", false
}

func (d *Dispute) closed() bool {
	return d.Status == won || d.Status == lost || d.Status == inquiryClosed
}

// disputeByCard is the holder of one of the test cards that dispute.
func (c *call) disputeByCard(id string) {
	charge, ok := lookup[*Charge](c.store, id)
	if !ok {
		return
	}
	card := c.cards.byFingerprint[charge.MethodDetails.Card.Fingerprint]
	_, _ = c.dispute(charge, charge.Amount-charge.AmountRefunded, card.disputed, card.inquiry) // what is refunded is not disputed
}

// dispute opens a dispute on a captured charge.
func (c *call) dispute(charge *Charge, amount int64, reason string, inquiry bool) (*Dispute, *apiError) {
	code, known := reasonCode(reason)
	switch {
	case !known:
		return nil, invalid("reason", "", "Unknown reason: "+reason)
	case !charge.Captured:
		return nil, invalid("charge", "", "Charge "+charge.ID+" was not captured.")
	case amount < 1 || amount > charge.Amount-charge.AmountRefunded:
		return nil, invalid("amount", "", "The amount must be between 1 and what is not refunded.")
	}
	due := c.now + int64(responseTime/time.Second)
	d := &Dispute{
		base:                     base{ID: c.ids.make("dp"), Object: "dispute", Created: c.now},
		Amount:                   amount,
		BalanceTransactions:      []*BalanceTransaction{},
		Charge:                   charge.ID,
		Currency:                 charge.Currency,
		EnhancedEligibilityTypes: []string{},
		Evidence:                 noEvidence(),
		EvidenceDetails:          evidenceDetails{DueBy: &due, EnhancedEligibility: map[string]any{}},
		IsChargeRefundable:       inquiry,
		Metadata:                 map[string]string{},
		PaymentIntent:            charge.PaymentIntent,
		MethodDetails: disputedMethod{Type: "card", Card: disputedCard{Brand: charge.MethodDetails.Card.Brand, CaseType: "chargeback",
			Network: charge.MethodDetails.Card.Network, NetworkReasonCode: code}},
		Reason: reason,
		Status: needsResponse,
	}
	charge.Disputed = true
	c.save(charge)
	if inquiry {
		d.Status, d.MethodDetails.Card.CaseType = inquiryUnanswered, "inquiry"
		c.later(inquiryLifetime, forfeitDispute, d.ID)
	} else {
		c.withdraw(d)
	}
	c.save(d)
	c.emit("charge.dispute.created", d)
	if !inquiry {
		c.emit("charge.dispute.funds_withdrawn", d)
	}
	c.emit("charge.updated", charge)
	return d, nil
}

// withdraw takes the disputed money and the dispute's fee out of the balance.
func (c *call) withdraw(d *Dispute) {
	t := c.book("adjustment", "dispute", -d.Amount, d.Currency, &d.ID)
	t.charge(disputeFee(d.Currency), "Dispute fee")
	t.Description = optional("Chargeback withdrawal for " + d.Charge)
	c.save(t)
	d.BalanceTransactions = append(d.BalanceTransactions, t)
	c.later(responseTime, forfeitDispute, d.ID)
}

// close ends a dispute. The fee for having been disputed stays taken whoever wins, as it has since June 2025.
func (c *call) close(d *Dispute, status string) {
	d.Status = status
	d.IsChargeRefundable = status != lost
	if status == won {
		t := c.book("adjustment", "dispute_reversal", d.Amount, d.Currency, &d.ID)
		t.Description = optional("Chargeback reversal for " + d.Charge)
		c.save(t)
		d.BalanceTransactions = append(d.BalanceTransactions, t)
		c.emit("charge.dispute.funds_reinstated", d)
	}
	c.save(d)
	c.emit("charge.dispute.closed", d)
}

// escalate turns an inquiry into a chargeback. It is for what has not been refunded meanwhile; where
// that is nothing, the inquiry is over, and was about what it was about.
func (c *call) escalate(d *Dispute) {
	if charge, ok := lookup[*Charge](c.store, d.Charge); ok {
		left := charge.Amount - charge.AmountRefunded
		if left == 0 {
			c.close(d, inquiryClosed)
			return
		}
		d.Amount = min(d.Amount, left)
	}
	d.Status, d.IsChargeRefundable, d.MethodDetails.Card.CaseType = needsResponse, false, "chargeback"
	d.EvidenceDetails.DueBy = new(c.now + int64(responseTime/time.Second))
	c.withdraw(d)
	c.save(d)
	c.emit("charge.dispute.updated", d)
	c.emit("charge.dispute.funds_withdrawn", d)
}

// forfeit is the deadline: who has not answered has lost, and a stale inquiry is closed.
func (c *call) forfeit(id string) {
	d, ok := lookup[*Dispute](c.store, id)
	switch {
	case !ok || d.closed():
	case d.Status == needsResponse:
		d.EvidenceDetails.PastDue = true
		c.close(d, lost)
	case d.Status == inquiryUnanswered || d.Status == inquiryUnderReview:
		c.close(d, inquiryClosed)
	}
}

// refundable tells whether no dispute on a charge stands in the way of a refund.
func (c *call) refundable(charge string) bool {
	for _, id := range c.store.byKind["dispute"] {
		if d, ok := lookup[*Dispute](c.store, id); ok && d.Charge == charge && !d.IsChargeRefundable {
			return false
		}
	}
	return true
}

func closeDispute(c *call) (any, *apiError) {
	d, ok := lookup[*Dispute](c.store, c.path[0])
	switch {
	case !ok:
		return nil, notFound("dispute", "dispute", c.path[0])
	case d.closed():
		return nil, invalid("", "", "This dispute is already closed")
	}
	c.close(d, lost)
	return d, nil
}

func listDisputes(c *call) (any, *apiError) {
	charge, intent := c.form.str("charge"), c.form.str("payment_intent")
	return list(c, "dispute", "/v1/disputes", func(d *Dispute) bool {
		return is(&d.Charge, charge) && is(d.PaymentIntent, intent)
	})
}

// OpenDispute disputes a captured charge, as its holder would do at their bank: a reason such as
// "fraudulent", and whether the issuer only asks (an inquiry) or takes the money. An amount of 0 is all
// that is not refunded.
func (s *Server) OpenDispute(charge, reason string, amount int64, inquiry bool) (*Dispute, error) {
	var d Dispute
	return &d, s.act(func(c *call) *apiError {
		paid, ok := lookup[*Charge](c.store, charge)
		if !ok {
			return notFound("charge", "charge", charge)
		}
		if amount == 0 {
			amount = paid.Amount - paid.AmountRefunded
		}
		opened, problem := c.dispute(paid, amount, reason, inquiry)
		if problem == nil {
			d = *opened
		}
		return problem
	})
}

// DecideDispute is the issuer's decision, whatever evidence there is: "won" or "lost" from the
// merchant's side for a chargeback; "warning_closed" or "needs_response" (escalated) for an inquiry. A loss may be
// taken back, by "won".
func (s *Server) DecideDispute(id, outcome string) error {
	return s.act(func(c *call) *apiError {
		d, ok := lookup[*Dispute](c.store, id)
		if !ok {
			return notFound("dispute", "dispute", id)
		}
		return c.decide(d, outcome)
	})
}

func (c *call) decide(d *Dispute, outcome string) *apiError {
	allowed := []string{won, lost}
	if d.Status == inquiryUnanswered || d.Status == inquiryUnderReview {
		allowed = []string{inquiryClosed, needsResponse}
	}
	switch {
	case d.closed() && (d.Status != lost || outcome != won):
		return invalid("", "", "This dispute is already closed")
	case !slices.Contains(allowed, outcome):
		return invalid("outcome", "", fmt.Sprintf("A dispute that is %s can become one of %v.", d.Status, allowed))
	case outcome == needsResponse:
		c.escalate(d)
	default:
		c.close(d, outcome)
	}
	return nil
}

// act runs something that did not come as a request, with a commit of its own.
func (s *Server) act(do func(*call) *apiError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	c := &call{Server: s, now: s.now().Unix()}
	if problem := do(c); problem != nil {
		return fmt.Errorf("stripefake: %s", problem.Message)
	}
	return c.commit(0, nil, false)
}
