package show

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrTitle        = fault.New(fault.Invalid, "TITLE_LENGTH", "A title has between 3 and 140 characters, and nothing that hides or turns it.")
	ErrStartsAt     = fault.New(fault.Invalid, "SHOW_START_INVALID", "A show starts within the next year, and not in the past.")
	ErrLanguage     = fault.New(fault.Invalid, "LANGUAGE_UNKNOWN", "A show is held in Arabic, English or French.")
	ErrCategories   = fault.New(fault.Invalid, "CATEGORY_INVALID", "A show has at most three different categories, each of lower case words joined by hyphens, of at most 40 characters.")
	ErrTooMany      = fault.New(fault.Precondition, "TOO_MANY_SHOWS", "A host has at most 50 shows scheduled at a time.")
	ErrTooManyLots  = fault.New(fault.Precondition, "TOO_MANY_LOTS", "A show has at most 1000 lots.")
	ErrHasOpenLot   = fault.New(fault.Precondition, "SHOW_HAS_OPEN_LOT", "A lot of the show is open or paused: close it or pass it first.")
	ErrNotFound     = fault.New(fault.NotFound, "SHOW_NOT_FOUND", "There is no such show.")
	ErrNotHost      = fault.New(fault.Precondition, "SHOW_NOT_YOURS", "Only the host may do this.")
	ErrNotScheduled = fault.New(fault.Precondition, "SHOW_NOT_SCHEDULED", "The show has begun already, or will not take place.")
	ErrNotLive      = fault.New(fault.Precondition, "SHOW_NOT_LIVE", "The show is not live.")
	ErrOver         = fault.New(fault.Precondition, "SHOW_OVER", "The show has ended, or was cancelled.")
)
