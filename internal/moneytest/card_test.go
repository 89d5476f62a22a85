package moneytest

import (
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// The kinds of card, by what becomes of a payment with them.
const (
	pays     = "pays"
	declines = "declines"
	asks     = "asks its holder"
	pends    = "pays, and takes its time with a refund"
	returns  = "pays, and sends a refund back"
)

var cards = map[string][]string{
	pays:     {"pm_card_visa", "pm_card_mastercard"},
	declines: {"pm_card_visa_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard"},
	asks:     {"pm_card_authenticationRequired"},
	pends:    {"pm_card_pendingRefund"},
	returns:  {"pm_card_refundFail"},
}

// savable are cards of these kinds that can be saved without further ado.
var savable = map[string]string{
	pays: "pm_card_visa", declines: "pm_card_chargeCustomerFail", asks: "pm_card_authenticationRequiredSetupForOffSession",
	pends: "pm_card_pendingRefund", returns: "pm_card_refundFail",
}

// charge is what a card gives: a top-up, or its part of an order.
type charge struct {
	id   uuid.UUID // of the top-up, or of the order's payment
	user uuid.UUID
	card string // its kind
	gave money.Amount
}

// atStripe is a charge that was taken: Stripe owes it to us, less its fee.
func (c *charge) atStripe() []ledger.Leg {
	fee := stripeFee(c.gave)
	return []ledger.Leg{leg(ledger.PSPFees, uuid.Nil, minus(fee)), leg(ledger.PSPClearing, uuid.Nil, minus(less(c.gave, fee)))}
}

// owned is a kind of card in somebody's purse.
type owned struct {
	user uuid.UUID
	kind string
}

// saved is a user's saved card of a kind, saved when it is first asked for.
func (m *machine) saved(user uuid.UUID, kind string) uuid.UUID {
	of := owned{user, kind}
	if card, ok := m.purse[of]; ok {
		return card
	}
	setup, err := m.Payment.StartCardSetup(m.Ctx(), user, savable[kind])
	m.Must(err)
	if setup.Status != payment.TopUpSucceeded {
		m.t.Fatalf("a card that %s is %s when it is saved", kind, setup.Status)
	}
	m.purse[of] = setup.Card.ID
	return setup.Card.ID
}
