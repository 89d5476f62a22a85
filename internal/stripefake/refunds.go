package stripefake

import (
	"slices"
	"strconv"
	"time"
)

// refundDelay is how long the cards that refund asynchronously take.
const refundDelay = 5 * time.Second

// Refund gives money of a charge back to its card.
type Refund struct {
	base
	Amount                 int64             `json:"amount"`
	BalanceTransaction     *string           `json:"balance_transaction"`
	Charge                 *string           `json:"charge"`
	Currency               string            `json:"currency"`
	DestinationDetails     refundDestination `json:"destination_details"`
	FailureTransaction     *string           `json:"failure_balance_transaction,omitempty"`
	FailureReason          *string           `json:"failure_reason,omitempty"`
	Metadata               map[string]string `json:"metadata"`
	PaymentIntent          *string           `json:"payment_intent"`
	Reason                 *string           `json:"reason"`
	ReceiptNumber          *string           `json:"receipt_number"`
	SourceTransferReversal *string           `json:"source_transfer_reversal"`
	Status                 string            `json:"status"`
	TransferReversal       *string           `json:"transfer_reversal"`
}

type refundDestination struct {
	Type string     `json:"type"`
	Card cardRefund `json:"card"`
}

type cardRefund struct {
	Type string `json:"type"`
}

// The statuses of a refund that are not an intent's as well.
const (
	pending = "pending"
	failed  = "failed"
)

func createRefund(c *call) (any, *apiError) {
	charge, problem := c.refundedCharge()
	if problem != nil {
		return nil, problem
	}
	left := charge.Amount - charge.AmountRefunded
	amount, problem := c.form.integer("amount", left)
	if problem == nil {
		problem = c.checkRefund(charge, amount, left)
	}
	if problem != nil {
		return nil, problem
	}
	reason := c.form.str("reason")
	if reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer"}, reason) {
		return nil, invalid("reason", "", "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer")
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	refund := &Refund{
		base:               base{ID: c.ids.make("re"), Object: "refund", Created: c.now},
		Amount:             amount,
		Charge:             &charge.ID,
		Currency:           charge.Currency,
		DestinationDetails: refundDestination{Type: "card", Card: cardRefund{Type: "refund"}},
		Metadata:           metadata,
		PaymentIntent:      charge.PaymentIntent,
		Reason:             optional(reason),
		Status:             succeeded,
	}
	c.refund(charge, refund)
	return refund, nil
}

// refundedCharge is the charge that a refund is of, named itself or by its intent.
func (c *call) refundedCharge() (*Charge, *apiError) {
	id, intentID := c.form.str("charge"), c.form.str("payment_intent")
	switch {
	case id != "" && intentID != "":
		return nil, invalid("charge", "", "You may only specify one of these parameters: charge, payment_intent.")
	case id == "" && intentID == "":
		return nil, invalid("charge", "parameter_missing", "One of the following params should be provided for this request: payment_intent or charge.")
	case intentID != "":
		intent, ok := lookup[*PaymentIntent](c.store, intentID)
		if !ok {
			return nil, notFound("payment_intent", "payment_intent", intentID)
		}
		if intent.Status != succeeded || intent.LatestCharge == nil {
			return nil, invalid("payment_intent", "", "This PaymentIntent ("+intentID+") does not have a successful charge to refund.")
		}
		id = *intent.LatestCharge
	}
	charge, ok := lookup[*Charge](c.store, id)
	if !ok {
		return nil, notFound("charge", "charge", id)
	}
	return charge, nil
}

func (c *call) checkRefund(charge *Charge, amount, left int64) *apiError {
	switch {
	case !charge.Captured:
		return invalid("charge", "", "Charge "+charge.ID+" was not captured, and there is nothing to refund.")
	case charge.Disputed && !c.refundable(charge.ID):
		return invalid("", "charge_disputed", "Charge "+charge.ID+" has been charged back; cannot issue a refund.")
	case left == 0:
		return invalid("", "charge_already_refunded", "Charge "+charge.ID+" has already been refunded.")
	case amount < 1:
		return invalid("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1.")
	case amount > left:
		return invalid("amount", "", "Refund amount ("+strconv.FormatInt(amount, 10)+") is greater than unrefunded amount on charge ("+
			strconv.FormatInt(left, 10)+")")
	}
	return nil
}

// refund takes the money out of the balance at once, whatever becomes of it at the card.
func (c *call) refund(charge *Charge, refund *Refund) {
	t := c.book("refund", "refund", -refund.Amount, refund.Currency, &refund.ID)
	refund.BalanceTransaction = &t.ID
	charge.AmountRefunded += refund.Amount
	charge.Refunded = charge.AmountRefunded == charge.Amount
	card := c.cards.byFingerprint[charge.MethodDetails.Card.Fingerprint]
	if card.refunding == refundsLater {
		refund.Status, refund.DestinationDetails.Card.Type = pending, pending
	}
	if card.refunding != refundsAtOnce {
		c.later(refundDelay, finishRefund, refund.ID)
	}
	c.save(t)
	c.save(charge)
	c.save(refund)
	c.emit("charge.refunded", charge)
	c.emit("refund.created", refund)
}

// finishRefund is the card's answer to a refund: it arrives, or it comes back.
func (c *call) finishRefund(id string) {
	refund, ok := lookup[*Refund](c.store, id)
	if !ok || refund.Status == failed {
		return
	}
	if refund.Status == pending {
		refund.Status, refund.DestinationDetails.Card.Type = succeeded, "refund"
		c.save(refund)
		c.refundUpdated(refund)
		return
	}
	c.failRefund(refund, "expired_or_canceled_card")
}

// failRefund puts a refund's money back into the balance. The charge can be refunded again.
func (c *call) failRefund(refund *Refund, reason string) {
	t := c.book("refund_failure", "refund_failure", refund.Amount, refund.Currency, &refund.ID)
	c.save(t)
	refund.Status, refund.FailureReason, refund.FailureTransaction = failed, &reason, &t.ID
	c.save(refund)
	if charge, ok := lookup[*Charge](c.store, *refund.Charge); ok {
		charge.AmountRefunded -= refund.Amount
		charge.Refunded = false
		c.save(charge)
	}
	c.refundUpdated(refund)
	c.emit("refund.failed", refund)
}

// refundUpdated tells of a refund under both names that the event has had.
func (c *call) refundUpdated(refund *Refund) {
	c.emit("charge.refund.updated", refund)
	c.emit("refund.updated", refund)
}

func updateRefund(c *call) (any, *apiError) {
	refund, ok := lookup[*Refund](c.store, c.path[0])
	if !ok {
		return nil, notFound("id", "refund", c.path[0])
	}
	metadata, problem := c.form.mergeMetadata(refund.Metadata)
	if problem != nil {
		return nil, problem
	}
	refund.Metadata = metadata
	c.save(refund)
	c.refundUpdated(refund)
	return refund, nil
}

func listRefunds(c *call) (any, *apiError) {
	charge, intent := c.form.str("charge"), c.form.str("payment_intent")
	return list(c, "refund", "/v1/refunds", func(refund *Refund) bool {
		return is(refund.Charge, charge) && is(refund.PaymentIntent, intent)
	})
}
