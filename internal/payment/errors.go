package payment

import (
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// Refusals of a top-up's input.
var (
	ErrCurrencyUnsupported  = fault.New(fault.Invalid, "CURRENCY_UNSUPPORTED", "A wallet cannot be topped up in this currency.").At("amount", "currencyCode")
	ErrTopUpTooSmall        = fault.New(fault.Invalid, "TOP_UP_TOO_SMALL", "The amount is less than a top-up has to be.").At("amount")
	ErrTopUpTooLarge        = fault.New(fault.Invalid, "TOP_UP_TOO_LARGE", "The amount is more than a top-up may be.").At("amount")
	ErrAmountStep           = fault.New(fault.Invalid, "AMOUNT_TOO_PRECISE", "Cards take this currency in steps of ten of its smallest unit.").At("amount")
	ErrPaymentMethodMissing = fault.New(fault.Invalid, "PAYMENT_METHOD_INVALID", "A payment method is named by its id.").At("paymentMethod")
	ErrKeyInvalid           = idempotency.ErrKeyInvalid
	ErrKeyReused            = idempotency.ErrKeyReused
	ErrTopUpNotFound        = fault.New(fault.NotFound, "TOP_UP_NOT_FOUND", "There is no such top-up.")
)

// Refusals by the card's issuer or the provider: no money has moved.
var (
	ErrCardDeclined           = fault.New(fault.Precondition, "CARD_DECLINED", "The card was declined.").At("paymentMethod")
	ErrCardExpired            = fault.New(fault.Precondition, "CARD_EXPIRED", "The card has expired.").At("paymentMethod")
	ErrCardCVC                = fault.New(fault.Precondition, "CARD_CVC_INCORRECT", "The card's security code is incorrect.").At("paymentMethod")
	ErrCardProcessing         = fault.New(fault.Precondition, "CARD_PROCESSING_ERROR", "The card could not be processed; try again in a little while.").At("paymentMethod")
	ErrPaymentMethodUnknown   = fault.New(fault.Precondition, "PAYMENT_METHOD_UNKNOWN", "There is no such payment method.").At("paymentMethod")
	ErrPaymentRejected        = fault.New(fault.Precondition, "PAYMENT_REJECTED", "The payment provider refused this payment.")
	ErrTopUpAbandoned         = fault.New(fault.Precondition, "TOP_UP_ABANDONED", "The payment was not completed in time; nothing was charged.")
	ErrAuthenticationFailed   = fault.New(fault.Precondition, "AUTHENTICATION_FAILED", "The card's holder did not authenticate this; nothing was charged.").At("paymentMethod")
	ErrAuthenticationRequired = fault.New(fault.Precondition, "AUTHENTICATION_REQUIRED", "The card's holder has to authenticate this payment.").At("paymentMethod")
)

// Refusals about saved cards.
var (
	ErrCardNotFound      = fault.New(fault.NotFound, "CARD_NOT_FOUND", "There is no such card.")
	ErrCardSetupNotFound = fault.New(fault.NotFound, "CARD_SETUP_NOT_FOUND", "There is no such saving of a card.")
	ErrTooManySetups     = fault.New(fault.Precondition, "TOO_MANY_CARD_SETUPS", "You have begun to save a card too often today.")
	ErrTooManyCards      = fault.New(fault.Precondition, "TOO_MANY_CARDS", "No more cards can be saved; remove one first.")
	ErrCardOrMethod      = fault.New(fault.Invalid, "PAYMENT_METHOD_INVALID", "Either a saved card or a payment method is named, and not both.").At("paymentMethod")
)

// Why a refund failed. Its money is in the user's wallet.
var (
	ErrRefundRejected = fault.New(fault.Precondition, "REFUND_REJECTED", "The payment provider did not take this refund; the money is in the wallet.")
	ErrRefundReturned = fault.New(fault.Precondition, "REFUND_RETURNED", "The card did not take this refund; the money is in the wallet.")
	ErrRefundNotFound = fault.New(fault.NotFound, "REFUND_NOT_FOUND", "There is no such refund.")
)

// Refusals of exchanges.
var (
	ErrExchangeOff       = fault.New(fault.Precondition, "EXCHANGE_OFF", "Money is not exchanged here.")
	ErrExchangeSame      = fault.New(fault.Invalid, "EXCHANGE_SAME_CURRENCY", "Money is exchanged into another currency.").At("to")
	ErrExchangeTooLarge  = fault.New(fault.Invalid, "EXCHANGE_TOO_LARGE", "The amount is more than an exchange may be.").At("from")
	ErrExchangeTooSmall  = fault.New(fault.Invalid, "EXCHANGE_TOO_SMALL", "The amount gives nothing in the other currency.").At("from")
	ErrExchangeRateMoved = fault.New(fault.Precondition, "EXCHANGE_RATE_MOVED", "The amount gives less now than the least that is accepted.").At("minimum")
	ErrExchangeMinimum   = fault.New(fault.Invalid, "CURRENCY_MISMATCH", "The least that is accepted is in the currency that is asked for.").At("minimum", "currencyCode")
	ErrExchangeNotFound  = fault.New(fault.NotFound, "EXCHANGE_NOT_FOUND", "There is no such exchange.")
)

// Refusals of withdrawals.
var (
	ErrWithdrawalTooSmall  = fault.New(fault.Invalid, "WITHDRAWAL_TOO_SMALL", "The amount is less than a card can be given.").At("amount")
	ErrWithdrawalNotFunded = fault.New(fault.Precondition, "WITHDRAWAL_NOT_FUNDED_BY_CARD", "Cards have paid in less than that: the rest of the wallet came from elsewhere.").At("amount")
	ErrWithdrawalNotFound  = fault.New(fault.NotFound, "WITHDRAWAL_NOT_FOUND", "There is no such withdrawal.")
)

// ErrProviderUnavailable asks to come back: the provider could not be reached, and nothing was begun.
var ErrProviderUnavailable = fault.New(fault.Unavailable, "PAYMENT_PROVIDER_UNAVAILABLE", "The payment provider cannot be reached; try again in a little while.")

// ErrChargebackNotFound is also the answer for somebody else's.
var ErrChargebackNotFound = fault.New(fault.NotFound, "CHARGEBACK_NOT_FOUND", "There is no such chargeback.")

// Refusals about frozen wallets.
var (
	ErrWalletFrozen    = fault.New(fault.Precondition, "WALLET_FROZEN", "The wallet is frozen: nothing can be taken from it. Support knows why.")
	ErrFreezeNotFound  = fault.New(fault.NotFound, "WALLET_FREEZE_NOT_FOUND", "There is no such freeze of a wallet.")
	ErrWalletNotFrozen = fault.New(fault.Precondition, "WALLET_NOT_FROZEN", "This wallet is not frozen.")
	ErrFreezeHeld      = fault.New(fault.Precondition, "WALLET_FREEZE_HELD", "A chargeback that is not decided yet holds this freeze.")
	ErrUserOrFreeze    = fault.New(fault.Invalid, "WALLET_UNFREEZE_TARGET", "Either a user or a freeze is named, and not both.")
	ErrReasonLength    = fault.New(fault.Invalid, "REASON_LENGTH", "A reason has between 1 and 500 characters, and nothing that hides or turns it.").At("reason")
	ErrUserNotFound    = fault.New(fault.NotFound, "USER_NOT_FOUND", "There is no such user.").At("userId")
)

// Refusals of holds and wallet payments.
var (
	ErrInsufficientFunds = fault.New(fault.Precondition, "INSUFFICIENT_FUNDS", "The wallet does not hold enough.")
	ErrHoldNotFound      = fault.New(fault.NotFound, "HOLD_NOT_FOUND", "There is no such hold.")
	ErrHoldResolved      = fault.New(fault.Conflict, "HOLD_RESOLVED", "This hold has been released or consumed already.")
	ErrHoldExists        = fault.New(fault.Conflict, "HOLD_EXISTS", "A hold with this id exists already.")
	ErrAmountNotPositive = fault.New(fault.Invalid, "AMOUNT_NOT_POSITIVE", "The amount has to be more than zero.")
)

// ShortError is the cause inside an INSUFFICIENT_FUNDS: whose wallet is short. It is for the caller that
// moves several users' money at once and has to know whom to leave out (errors.As finds it); it is
// never part of what a client sees.
type ShortError struct{ User uuid.UUID }

func (s *ShortError) Error() string { return "the wallet of " + s.User.String() + " is short" }

// The failure codes that a top_up row keeps.
const (
	failedRejected  = "rejected"
	failedNoMethod  = "resource_missing"
	failedAbandoned = "abandoned"
)

// failure is the refusal for a failed top-up, the same each time it is asked for.
func failure(code, declineCode string) error {
	switch code {
	case "expired_card":
		return ErrCardExpired
	case "incorrect_cvc", "invalid_cvc":
		return ErrCardCVC
	case "processing_error":
		return ErrCardProcessing
	case "authentication_required":
		return ErrAuthenticationRequired
	case "payment_intent_authentication_failure", "setup_intent_authentication_failure":
		return ErrAuthenticationFailed
	case failedNoMethod:
		return ErrPaymentMethodUnknown
	case failedAbandoned:
		return ErrTopUpAbandoned
	case failedRejected:
		return ErrPaymentRejected
	}
	return ErrCardDeclined.With("declineCode", shownDecline(declineCode))
}

// shownDecline hides what the person at the card must not learn from us: providers ask for these to
// be shown as a plain decline.
func shownDecline(code string) string {
	switch code {
	case "", "fraudulent", "lost_card", "stolen_card", "pickup_card", "restricted_card", "merchant_blacklist", "security_violation":
		return "generic_decline"
	}
	return code
}
