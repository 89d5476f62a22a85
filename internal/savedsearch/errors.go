package savedsearch

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound = fault.New(fault.NotFound, "SAVED_SEARCH_NOT_FOUND", "There is no such saved search of yours.")
	ErrName     = fault.New(fault.Invalid, "SAVED_SEARCH_NAME", "A saved search has a name of 1 to 80 characters in one line.")
	ErrTooMany  = fault.New(fault.Precondition, "TOO_MANY_SAVED_SEARCHES", "One keeps at most 50 searches.")
)
