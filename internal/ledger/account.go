package ledger

import (
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
)

// Kind is what an account is for. The table ledger.account_kind gives each kind its mode and limits.
type Kind string

// Guarded accounts, of one owner each: they are locked, numbered, and never leave their limit of zero.
const (
	Wallet          Kind = "wallet"           // a user's, free to spend
	WalletHeld      Kind = "wallet_held"      // a user's, set aside for bids
	Escrow          Kind = "escrow"           // an order's
	SellerPending   Kind = "seller_pending"   // a seller's, not matured
	SellerAvailable Kind = "seller_available" // a seller's, free to be paid out
	PayoutInFlight  Kind = "payout_in_flight" // a payout's
	RefundInFlight  Kind = "refund_in_flight" // a refund's
	ReferralPending Kind = "referral_pending" // a user's
	PromoBudget     Kind = "promo_budget"     // a campaign's
	SellerDebt      Kind = "seller_debt"      // a seller's; never above zero
	Chargeback      Kind = "chargeback"       // a chargeback's; never above zero
)

// Recorded accounts, the platform's own: append-only, never locked, never a reason to allow spending.
const (
	PSPClearing    Kind = "psp_clearing" // what a payment provider owes us; one a provider, by Ref
	Bank           Kind = "bank"
	PlatformFees   Kind = "platform_fees"
	ShippingIncome Kind = "shipping_income"
	TaxPayable     Kind = "tax_payable"
	CarrierCost    Kind = "carrier_cost"
	CarrierPayable Kind = "carrier_payable"
	PSPFees        Kind = "psp_fees"
	ChargebackLoss Kind = "chargeback_loss"
	Promotions     Kind = "promotions"
	ReferralCost   Kind = "referral_cost"
	FX             Kind = "fx"
)

// Account names an account; it is made by the first entry that touches it. The platform's own accounts have no
// Owner. Ref tells apart what one owner has several of.
type Account struct {
	Kind     Kind
	Owner    uuid.UUID
	Ref      string
	Currency money.Currency
}

// Leg is one account's share of an entry, in the minor unit of the account's currency; credit is positive.
type Leg struct {
	Account Account
	Amount  int64
}

// Flow says what kind of business an entry records.
type Flow string

// The flows.
const (
	FlowTopUp          Flow = "top_up"
	FlowPromotion      Flow = "promotion"       // a campaign's money into an order's escrow, and back
	FlowHold           Flow = "hold"            // wallet to wallet_held, and back
	FlowPurchase       Flow = "purchase"        // a wallet's money into an order's escrow
	FlowCapture        Flow = "capture"         // a card's money, and what is held with it, into an order's escrow
	FlowRelease        Flow = "release"         // out of escrow, to who has earned it
	FlowReturn         Flow = "return"          // earnings back into escrow, for a refund after the release
	FlowRefund         Flow = "refund"          // out of escrow, to the sources that funded it
	FlowWithdrawal     Flow = "withdrawal"      // out of a wallet, on its way to a card
	FlowRefundSettled  Flow = "refund_settled"  // what was on its way has left
	FlowRefundFailed   Flow = "refund_failed"   // what was on its way, or had left, is back
	FlowChargeback     Flow = "chargeback"      // taken by the card network, until it decides
	FlowChargebackWon  Flow = "chargeback_won"  // and given back
	FlowChargebackLost Flow = "chargeback_lost" // and gone: who bears it
	FlowReferral       Flow = "referral"        // a commission, pending, or taken back
	FlowMaturity       Flow = "maturity"        // what was pending is its owner's
	FlowExchange       Flow = "exchange"
	FlowLabel          Flow = "label"        // what a carrier takes for a parcel
	FlowReturnLabel    Flow = "return_label" // what a seller pays of a label for goods that came back
	FlowReversal       Flow = "reversal"
)

// Flows are all of them.
func Flows() []Flow {
	return []Flow{
		FlowTopUp, FlowPromotion, FlowHold, FlowPurchase, FlowCapture, FlowRelease, FlowReturn, FlowRefund, FlowWithdrawal, FlowRefundSettled,
		FlowRefundFailed, FlowChargeback, FlowChargebackWon, FlowChargebackLost, FlowReferral, FlowMaturity, FlowExchange, FlowLabel, FlowReturnLabel, FlowReversal,
	}
}

// Cause is what an entry was posted for: an order, a top-up, a lot.
type Cause struct {
	Kind string
	ID   uuid.UUID
}
