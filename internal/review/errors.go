package review

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound     = fault.New(fault.NotFound, "REVIEW_NOT_FOUND", "There is no such review.")
	ErrExists       = fault.New(fault.Conflict, "REVIEW_EXISTS", "You have reviewed this already; a review may be changed for 14 days.")
	ErrNotCompleted = fault.New(fault.Precondition, "ORDER_NOT_COMPLETED", "What was received and paid for can be reviewed, by its buyer.")
	ErrListing      = fault.New(fault.Invalid, "REVIEW_LISTING", "The order has no such listing; a review of a seller names none.")
	ErrNotEditable  = fault.New(fault.Precondition, "REVIEW_NOT_EDITABLE", "A review is changed by its author, within 14 days, and not while it is hidden.")
	ErrStars        = fault.New(fault.Invalid, "REVIEW_STARS", "A review has 1 to 5 stars.")
	ErrBody         = fault.New(fault.Invalid, "REVIEW_LENGTH", "A review has at most 2,000 characters that can be shown.")
	ErrOwn          = fault.New(fault.Precondition, "REVIEW_OF_ONESELF", "Your own review is not for you to report.")
	ErrHidden       = fault.New(fault.Conflict, "REVIEW_HIDDEN", "The review is hidden already.")
	ErrShown        = fault.New(fault.Conflict, "REVIEW_SHOWN", "The review is not hidden.")
)
