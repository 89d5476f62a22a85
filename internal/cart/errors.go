package cart

import (
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
)

// The refusals of this package.
var (
	ErrNotFound        = fault.New(fault.NotFound, "CART_NOT_FOUND", "There is no cart of this token.")
	ErrFull            = fault.New(fault.Precondition, "CART_FULL", "A cart has at most 50 lines, those saved for later among them.")
	ErrEmpty           = fault.New(fault.Precondition, "CART_EMPTY", "There is nothing in the cart to set aside.")
	ErrLineNotFound    = fault.New(fault.NotFound, "CART_LINE_NOT_FOUND", "The cart has no such line.")
	ErrChanged         = fault.New(fault.Conflict, "CART_RESERVED_MEANWHILE", "The cart was set aside by another request at the same moment. Read it again.")
	ErrQuantity        = fault.New(fault.Invalid, "CART_QUANTITY", "A line has 1 to 1,000 of its variant.")
	ErrOwnListing      = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
	ErrVariantNotFound = fault.New(fault.NotFound, "VARIANT_NOT_FOUND", "There is no such variant for sale.")
	ErrTooMany         = fault.New(fault.RateLimited, "TOO_MANY_CARTS", "Too many carts were begun from here. Use the token of one of them, or wait.")
	ErrShort           = fault.New(fault.Precondition, inventory.ErrOutOfStock.Code, inventory.ErrOutOfStock.Message)
)

// short refuses more of a variant than there is.
func short(variant uuid.UUID, available int) *fault.Error {
	return ErrShort.With("variant", variant).With("available", available)
}

// tooMany refuses another guest's cart for a while.
func tooMany(wait time.Duration) error {
	slow := *ErrTooMany
	slow.RetryIn = wait
	return &slow
}
