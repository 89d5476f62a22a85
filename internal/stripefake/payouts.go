package stripefake

import (
	"time"
)

// payoutTime is how long a payout is on its way to the bank.
const payoutTime = time.Minute

// Payout moves money from a balance, a connected account's or the platform's, to a bank.
type Payout struct {
	base
	Amount               int64             `json:"amount"`
	ArrivalDate          int64             `json:"arrival_date"`
	Automatic            bool              `json:"automatic"`
	BalanceTransaction   *string           `json:"balance_transaction"`
	Currency             string            `json:"currency"`
	Description          *string           `json:"description"`
	Destination          *string           `json:"destination"`
	FailureCode          *string           `json:"failure_code"`
	FailureMessage       *string           `json:"failure_message"`
	FailureTransaction   *string           `json:"failure_balance_transaction"`
	Livemode             bool              `json:"livemode"`
	Metadata             map[string]string `json:"metadata"`
	Method               string            `json:"method"`
	ReconciliationStatus string            `json:"reconciliation_status"`
	SourceType           string            `json:"source_type"`
	StatementDescriptor  *string           `json:"statement_descriptor"`
	Status               string            `json:"status"`
	Type                 string            `json:"type"`
}

// badBank tells why payouts to a documented test account fail, by the last four digits of its number.
func badBank(last4 string) (code, message string) {
	switch last4 {
	case "1116":
		return "no_account", "The bank account could not be located."
	case "1113":
		return "account_closed", "The bank account has been closed."
	case "2227":
		return "insufficient_funds", "Your Stripe account has insufficient funds to cover the payout."
	case "3335":
		return "debit_not_authorized", "Debit transactions are not approved on your bank account."
	case "4440":
		return "invalid_currency", "The bank was unable to process this payout because of its currency."
	}
	return "", ""
}

const payoutParams = "amount currency description metadata method statement_descriptor"

func createPayout(c *call) (any, *apiError) {
	amount, currency, problem := c.readAmount()
	if problem != nil {
		return nil, problem
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	destination, problem := c.bankFor(currency)
	switch {
	case problem != nil:
		return nil, problem
	case c.form.has("method") && c.form.str("method") != "standard":
		return nil, invalid("method", "", "This fake knows standard payouts alone.")
	case c.available(currency) < amount:
		return nil, insufficient("amount")
	}
	p := &Payout{
		base:   base{ID: c.ids.make("po"), Object: "payout", Created: c.now},
		Amount: amount, ArrivalDate: c.now + int64(payoutTime/time.Second), Currency: currency, Description: optional(c.form.str("description")),
		Destination: destination, Metadata: metadata, Method: "standard", ReconciliationStatus: "not_applicable", SourceType: "card",
		StatementDescriptor: optional(c.form.str("statement_descriptor")), Status: pending, Type: "bank_account",
	}
	t := c.book("payout", "payout", -amount, currency, &p.ID)
	p.BalanceTransaction = &t.ID
	c.save(t)
	c.save(p)
	c.own(p.ID)
	c.later(payoutTime, finishPayout, p.ID)
	c.emit("payout.created", p)
	return p, nil
}

// bankFor is the bank of the call's account; the platform's own is not modelled, and good.
func (c *call) bankFor(currency string) (id *string, problem *apiError) {
	if c.account == "" {
		return nil, nil
	}
	account, ok := lookup[*Account](c.store, c.account)
	switch {
	case !ok:
		return nil, notFound("account", "account", c.account)
	case !account.PayoutsEnabled:
		return nil, invalid("", "payouts_not_allowed", "Payouts are not enabled for this account.")
	}
	for _, b := range account.ExternalAccounts.Data {
		if b.Currency == currency {
			return &b.ID, nil
		}
	}
	return nil, invalid("currency", "", "Sorry, you don't have any external accounts in that currency ("+currency+").")
}

// finishPayout is the bank's answer.
func (c *call) finishPayout(id string) {
	p, ok := lookup[*Payout](c.store, id)
	if !ok || p.Status != pending {
		return
	}
	c.account = c.store.owner[id]
	code, message := "", ""
	if account, ok := lookup[*Account](c.store, c.account); ok {
		for _, b := range account.ExternalAccounts.Data {
			if is(p.Destination, b.ID) {
				code, message = badBank(b.Last4)
			}
		}
	}
	if code == "" {
		p.Status = "paid"
		c.save(p)
		c.emit("payout.paid", p)
		return
	}
	p.FailureCode, p.FailureMessage = &code, &message
	c.giveBack(p, failed, "payout_failure")
	c.emit("payout.failed", p)
}

func (c *call) giveBack(p *Payout, status, kind string) {
	t := c.book(kind, "payout_reversal", p.Amount, p.Currency, &p.ID)
	c.save(t)
	p.Status, p.FailureTransaction = status, &t.ID
	c.save(p)
}

// payout finds one of the call's account.
func (c *call) payout(id string) (*Payout, *apiError) {
	p, ok := lookup[*Payout](c.store, id)
	if !ok || c.store.owner[id] != c.account {
		return nil, notFound("id", "payout", id)
	}
	return p, nil
}

func retrievePayout(c *call) (any, *apiError) {
	p, problem := c.payout(c.path[0])
	if problem != nil {
		return nil, problem
	}
	return p, nil
}

func cancelPayout(c *call) (any, *apiError) {
	p, problem := c.payout(c.path[0])
	if problem == nil && p.Status != pending {
		problem = invalid("", "", "Payouts can only be canceled while they are pending; this one is "+p.Status+".")
	}
	if problem != nil {
		return nil, problem
	}
	c.giveBack(p, canceled, "payout_cancel")
	c.emit("payout.canceled", p)
	return p, nil
}

func listPayouts(c *call) (any, *apiError) {
	status := c.form.str("status")
	return list(c, "payout", "/v1/payouts", func(p *Payout) bool {
		return c.store.owner[p.ID] == c.account && is(&p.Status, status)
	})
}
