package wish

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrOwnListing = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
	ErrTooMany    = fault.New(fault.Precondition, "TOO_MANY_WISHES", "One wishes for at most 1,000 things.")
	ErrTooManyOf  = fault.New(fault.Precondition, "TOO_MANY_WAITS", "One waits for at most 200 variants.")
)
