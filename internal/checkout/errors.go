package checkout

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// The refusals of this package.
var (
	ErrKeyReused    = idempotency.ErrKeyReused
	ErrKind         = fault.New(fault.Precondition, "RESERVATION_NOT_DIGITAL", "Only reservations of digital codes alone are paid like this.")
	ErrOwnListing   = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
	ErrPriceChanged = fault.New(fault.Precondition, "PRICE_CHANGED", "It costs something else now.")
	ErrTooMany      = fault.New(fault.Precondition, "CODES_PER_ORDER", "At most 100 codes are bought at once.")
)
