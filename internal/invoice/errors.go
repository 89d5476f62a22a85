package invoice

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound = fault.New(fault.NotFound, "INVOICE_NOT_FOUND", "There is no such invoice.")
	ErrLink     = fault.New(fault.Forbidden, "INVOICE_LINK", "The link to this invoice is not valid any more: ask for a new one.")
	ErrTooFast  = fault.New(fault.RateLimited, "INVOICES_TOO_FAST", "You fetch invoices faster than anybody reads them; wait for a moment.")
	ErrChanged  = fault.New(fault.Unavailable, "INVOICE_FILE_AWAY", "This invoice's file lies elsewhere and can't be fetched right now.")
)
