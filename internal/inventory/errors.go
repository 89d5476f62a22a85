package inventory

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// The refusals of this package.
var (
	ErrKeyReused           = idempotency.ErrKeyReused
	ErrLocationName        = fault.New(fault.Invalid, "LOCATION_NAME", "A location's name has 1 to 80 characters.")
	ErrLocationTwice       = fault.New(fault.Conflict, "LOCATION_TWICE", "You have a location of this name.")
	ErrLocationCount       = fault.New(fault.Precondition, "LOCATION_COUNT", "A seller has at most 50 locations.")
	ErrLocationUnknown     = fault.New(fault.NotFound, "LOCATION_NOT_FOUND", "There is no such location of yours.")
	ErrRegion              = fault.New(fault.Invalid, "REGION_INVALID", "A region is a country's two letters: FR.")
	ErrQuantity            = fault.New(fault.Invalid, "QUANTITY_INVALID", "A quantity is a whole number between 1 and 1,000,000; a correction may be below zero, and is not zero.")
	ErrNote                = fault.New(fault.Invalid, "NOTE_INVALID", "A note has at most 1000 characters that can be shown.")
	ErrNoStock             = fault.New(fault.Precondition, "STOCK_OF_KIND", "Only retail products have a stock.")
	ErrStockShort          = fault.New(fault.Precondition, "STOCK_SHORT", "The location has less than that, or it is reserved.")
	ErrSamePlace           = fault.New(fault.Invalid, "LOCATION_SAME", "Stock moves from one location to another.")
	ErrOutOfStock          = fault.New(fault.Precondition, "OUT_OF_STOCK", "There is not enough of it left.")
	ErrAdmissionUsed       = fault.New(fault.Precondition, "ADMISSION_USED", "The waiting room admits one reservation of each at a time, of which one is paid, and no more of it than the sale allows.")
	ErrReservationLines    = fault.New(fault.Invalid, "RESERVATION_LINES", "A reservation has 1 to 50 lines, each variant once.")
	ErrReservationNotFound = fault.New(fault.NotFound, "RESERVATION_NOT_FOUND", "There is no such reservation of yours.")
	ErrReservationOver     = fault.New(fault.Precondition, "RESERVATION_OVER", "The reservation has ended, or its time is over.")
)
