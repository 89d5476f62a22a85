package show

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrTitle     = fault.New(fault.Invalid, "TITLE_LENGTH", "A title has between 3 and 140 characters, and nothing that hides or turns it.")
	ErrStartsAt  = fault.New(fault.Invalid, "SHOW_START_INVALID", "A show starts within the next year, and not in the past.")
	ErrNotFound  = fault.New(fault.NotFound, "SHOW_NOT_FOUND", "There is no such show.")
	ErrCantStart = fault.New(fault.Precondition, "SHOW_NOT_SCHEDULED", "Only the host starts a show, and only once.")
	ErrNotLive   = fault.New(fault.Precondition, "SHOW_NOT_LIVE", "The show is not yours, or is not live.")
)
