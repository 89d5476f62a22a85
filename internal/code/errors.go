package code

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// The refusals of this package.
var (
	ErrKeyReused  = idempotency.ErrKeyReused
	ErrKind       = fault.New(fault.Precondition, "CODES_OF_KIND", "Only products of the kind DIGITAL_CODE have codes.")
	ErrTooMany    = fault.New(fault.Invalid, "CODES_TOO_MANY", "An upload has 1 to 10,000 codes, each on a line of its own.")
	ErrNotFound   = fault.New(fault.NotFound, "CODE_NOT_FOUND", "There is no such code of yours.")
	ErrRefunded   = fault.New(fault.Precondition, "CODE_REFUNDED", "The order's money was given back: its codes are shown no more.")
	ErrUnreadable = fault.New(fault.Unavailable, "CODE_UNREADABLE", "The code cannot be read right now; nothing of it is lost. Try again later.")
)
