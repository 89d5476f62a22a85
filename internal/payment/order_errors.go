package payment

import "github.com/souklive/souk/internal/fault"

// Refusals of orders' payments.
var (
	ErrOrderPaymentNotFound  = fault.New(fault.NotFound, "ORDER_PAYMENT_NOT_FOUND", "There is no such payment of yours.")
	ErrSplit                 = fault.New(fault.Invalid, "PAYMENT_SPLIT_INVALID", "The wallet pays between nothing and all of the order, and a card pays the rest.")
	ErrCardMissing           = fault.New(fault.Invalid, "CARD_REQUIRED", "A card has to be named for what the wallet does not pay.")
	ErrCardPartTooSmall      = fault.New(fault.Invalid, "CARD_AMOUNT_TOO_SMALL", "The card's part is less than cards can be charged.").At("walletAmount")
	ErrCardPartTooLarge      = fault.New(fault.Invalid, "CARD_AMOUNT_TOO_LARGE", "The card's part is more than cards can be charged.").At("walletAmount")
	ErrPaymentInProgress     = fault.New(fault.Conflict, "PAYMENT_IN_PROGRESS", "This order is being paid already.")
	ErrCaptureInProgress     = fault.New(fault.Conflict, "CAPTURE_IN_PROGRESS", "The goods are being sent and the card charged.")
	ErrOrderPaymentAbandoned = fault.New(fault.Precondition, "PAYMENT_ABANDONED", "The payment was not completed in time; nothing was charged.")
	ErrPromotionSpent        = fault.New(fault.Precondition, "COUPON_USED_UP", "The promotion has nothing left to give.")
	ErrAuthorisationExpired  = fault.New(fault.Precondition, "AUTHORISATION_EXPIRED", "The card's authorisation is gone, and nothing was charged; pay again.")
)

// failedExpired is a failure code of ours that an order's payment keeps beside those of every card payment.
const failedExpired = "authorisation_expired"
