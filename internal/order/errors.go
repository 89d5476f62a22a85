package order

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound       = fault.New(fault.NotFound, "ORDER_NOT_FOUND", "There is no such order, or it is not yours.")
	ErrMove           = fault.New(fault.Precondition, "ORDER_ACTION_NOT_AVAILABLE", "The order is not in a state that allows this; availableActions says what is possible.")
	ErrDisputed       = fault.New(fault.Precondition, "ORDER_DISPUTED", "The card's bank takes this payment back, or has: until that is decided nothing is done with its money.")
	ErrCaptureFailed  = fault.New(fault.Precondition, "CAPTURE_FAILED", "The card could not be charged any more; nothing was taken, and the buyer has to pay again before you send.")
	ErrRefundTooLarge = fault.New(fault.Precondition, "REFUND_TOO_LARGE", "The amount is more than is left of the order.")
	ErrCharges        = fault.New(fault.Precondition, "CHARGES_EXCEED_PRICE", "What is kept of the seller's earnings, or given by promotions, is more than there is.")
	ErrReasonLength   = fault.New(fault.Invalid, "REASON_LENGTH", "A reason has at most 500 characters, and nothing that hides or turns it.")
	ErrTrackingLength = fault.New(fault.Invalid, "TRACKING_LENGTH", "A tracking number has at most 100 characters, and nothing that hides or turns it.")
)
