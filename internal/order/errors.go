package order

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound         = fault.New(fault.NotFound, "ORDER_NOT_FOUND", "There is no such order, or it is not yours.")
	ErrMove             = fault.New(fault.Precondition, "ORDER_ACTION_NOT_AVAILABLE", "The order is not in a state that allows this; availableActions says what is possible.")
	ErrCheckOut         = fault.New(fault.Precondition, "CHECKOUT_REQUIRED", "What bringing this costs, or its tax, is not in its total yet: ask for a quote by orderQuote, and confirm that.")
	ErrDisputed         = fault.New(fault.Precondition, "ORDER_DISPUTED", "The card's bank takes this payment back, or has: until that is decided nothing is done with its money.")
	ErrCaptureFailed    = fault.New(fault.Precondition, "CAPTURE_FAILED", "The card could not be charged any more; nothing was taken, and the buyer has to pay again before you send.")
	ErrRefundTooLarge   = fault.New(fault.Precondition, "REFUND_TOO_LARGE", "The amount is more than is left of the order.")
	ErrCharges          = fault.New(fault.Precondition, "CHARGES_EXCEED_PRICE", "What is kept of the seller's earnings, or given by promotions, is more than there is.")
	ErrClaimOpen        = fault.New(fault.Precondition, "PROBLEM_OPEN", "A problem with this order is open already.")
	ErrReturnWindowOver = fault.New(fault.Precondition, "RETURN_WINDOW_OVER", "It is too late to complain of this order, or to send it back.")
	ErrClaimText        = fault.New(fault.Invalid, "PROBLEM_TEXT", "Say what it is about, in at most 2000 characters, with nothing that hides or turns it.")
	ErrRestock          = fault.New(fault.Precondition, "RESTOCK_TOO_MANY", "So many of a line cannot come back: it was not sent, is a code, or has come back already.")
	ErrLines            = fault.New(fault.Invalid, "ORDER_LINES_INVALID", "A line is named once, by its number in the order, with a quantity between 1 and what was sold.")
	ErrReturnShort      = fault.New(fault.Invalid, "RETURN_TEXT_REQUIRED", "Where less has come back than was to come, say so, in at most 2000 characters: support decides about the rest.")
	ErrReasonLength     = fault.New(fault.Invalid, "REASON_LENGTH", "A reason has at most 500 characters, and nothing that hides or turns it.")
	ErrTrackingLength   = fault.New(fault.Invalid, "TRACKING_LENGTH", "A tracking number has at most 100 characters, and nothing that hides or turns it.")
)
