package tax

import "github.com/souklive/souk/internal/fault"

// The refusals of this package, beside ADDRESS_COUNTRY.
var (
	ErrNumber = fault.New(fault.Invalid, "TAX_NUMBER", "A tax number is written as its country does.").At("number")
)
