package want

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound   = fault.New(fault.NotFound, "WANT_NOT_FOUND", "There is no such want, or it is closed.")
	ErrWords      = fault.New(fault.Invalid, "WANT_WORDS", "A want has 2 to 120 characters in one line, with a word to look for.")
	ErrDays       = fault.New(fault.Invalid, "WANT_DAYS", "A want stays open for 1 to 90 days.")
	ErrTooMany    = fault.New(fault.Precondition, "TOO_MANY_WANTS", "One looks for at most 20 things at a time.")
	ErrTooManyOf  = fault.New(fault.Precondition, "TOO_MANY_ANSWERS", "A seller answers a want with at most 10 listings.")
	ErrOwn        = fault.New(fault.Precondition, "WANT_OF_ONESELF", "Your own want is not for you to answer.")
	ErrNotOffered = fault.New(fault.Precondition, "LISTING_NOT_OFFERED", "The listing is not on the market, or not for this buyer to see.")
	ErrCategory   = fault.New(fault.NotFound, "CATEGORY_NOT_FOUND", "There is no such category.")
)
