package shipping

import (
	"errors"
	"fmt"

	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package.
var (
	ErrScript        = fault.New(fault.Invalid, "ADDRESS_SCRIPT", "The carrier prints Latin letters alone: this has to be written in them.")
	ErrCountry       = fault.New(fault.Precondition, "COUNTRY_NOT_SERVED", "The carrier does not go to this country.")
	ErrPhone         = fault.New(fault.Precondition, "PHONE_REQUIRED", "The carrier asks for a telephone number here.")
	ErrWeight        = fault.New(fault.Precondition, "PARCEL_WEIGHT", "The carrier does not take parcels of this weight.")
	ErrProduct       = fault.New(fault.Invalid, "CARRIER_PRODUCT_UNKNOWN", "The carrier has no such product.")
	ErrPointNeeded   = fault.New(fault.Invalid, "PICKUP_POINT_REQUIRED", "A pickup point has to be chosen for this.")
	ErrNotFound      = fault.New(fault.NotFound, "SHIPMENT_NOT_FOUND", "There is no such shipment, or it is not of an order of yours.")
	ErrOrder         = fault.New(fault.NotFound, "ORDER_NOT_FOUND", "There is no such order of yours.")
	ErrOrderState    = fault.New(fault.Precondition, "ORDER_NOT_TO_SEND", "Nothing is to be sent of this order as it is: it is not paid, cancelled, disputed, or there already.")
	ErrNothingToSend = fault.New(fault.Precondition, "NOTHING_TO_SEND", "There is nothing in this order that a carrier could bring.")
	ErrNoAddress     = fault.New(fault.Precondition, "ORDER_WITHOUT_ADDRESS", "Its buyer has not said where it is sent.")
	ErrSenderNeeded  = fault.New(fault.Precondition, "SENDER_ADDRESS_REQUIRED", "An address of one's own book is needed, to send from.")
	ErrCarrier       = fault.New(fault.Invalid, "CARRIER_UNKNOWN", "There is no such carrier here.")
	ErrPlace         = fault.New(fault.Invalid, "SHIPMENT_PLACE", "The order has nothing at this location, or was begun to be sent otherwise: all in one, or each location for itself.")
	ErrUnderWay      = fault.New(fault.Precondition, "SHIPMENT_UNDER_WAY", "The carrier has this parcel already.")
	ErrBusy          = fault.New(fault.Conflict, "SHIPMENT_BUSY", "The carrier is being asked for this label right now.")
	ErrCustoms       = fault.New(fault.Precondition, "CUSTOMS_NOT_SUPPORTED", "Between these countries the carrier needs customs papers, which are not written here.")
	ErrReturnState   = fault.New(fault.Precondition, "RETURN_NOT_AWAITED", "Nothing of this order is to go back now: ask for that first, and wait until it is accepted.")
	ErrReturnWay     = fault.New(fault.Precondition, "RETURN_CARRIER", "This does not go back so: by what brought the order, or by a carrier that its seller offers.")
	ErrReturnAddress = fault.New(fault.Precondition, "RETURN_WITHOUT_ADDRESS", "Its seller has not said where it goes back to.")
	ErrPointClosed   = fault.New(fault.Precondition, "PICKUP_POINT_CLOSED", "This pickup point takes no parcels any more.")
)

// The refusals of how something is to be brought.
var (
	ErrAddressRequired = fault.New(fault.Invalid, "ADDRESS_REQUIRED", "Something of this is sent: say where to.")
	ErrOption          = fault.New(fault.NotFound, "SHIPPING_OPTION_UNKNOWN", "The seller does not send this in this way.")
	ErrOptionCurrency  = fault.New(fault.Precondition, "SHIPPING_CURRENCY", "What it costs to send this is in another currency than the goods.")
	ErrNoRate          = fault.New(fault.Precondition, "SHIPPING_NO_RATE", "The carrier does not bring this there.")
	ErrInPersonOnly    = fault.New(fault.Precondition, "IN_PERSON_ONLY", "The seller hands this over in person alone: choose that.")
	ErrSeveralPlaces   = fault.New(fault.Precondition, "IN_PERSON_ONE_PLACE", "This lies at several places: it is not handed over at one.")
	ErrInPerson        = fault.New(fault.Precondition, "ORDER_IN_PERSON", "Its buyer fetches it: hand it over by orderHandOver.")
	ErrAsChosen        = fault.New(fault.Precondition, "SHIPMENT_AS_CHOSEN", "Its buyer chose, and paid for, another way to have it brought.")
	ErrProfileGrams    = fault.New(fault.Invalid, "GRAMS_INVALID", "A weight is 1 to 1,000,000 grams.")
	ErrOffers          = fault.New(fault.Invalid, "SHIPPING_OFFERS", "At most ten ways to send, each of them once.")
	ErrOfferText       = fault.New(fault.Invalid, "SHIPPING_OFFER_TEXT", "This text is missing or too long.")
	ErrOfferPrice      = fault.New(fault.Invalid, "SHIPPING_OFFER_PRICE", "Say what sending it by yourself costs, which may be nothing.")
)

// The refusals of a search for pickup points.
var (
	ErrNoPoints    = fault.New(fault.Precondition, "CARRIER_WITHOUT_POINTS", "This carrier has no pickup points.")
	ErrPointPlace  = fault.New(fault.Invalid, "PICKUP_POINT_PLACE", "The carrier finds no place by this country, postal code and city.")
	ErrCarrierDown = fault.New(fault.Unavailable, "CARRIER_UNAVAILABLE", "The carrier does not answer; try again later.")
)

// ErrUnknownParcel is for a parcel that a carrier does not know.
var ErrUnknownParcel = errors.New("the carrier does not know this parcel")

// ErrPlaceUnknown is for an address that a geocoder does not find.
var ErrPlaceUnknown = errors.New("nobody knows where this is")

// ErrTakenBack is for a parcel that a carrier was found to know, and that was taken back: it may be registered again.
var ErrTakenBack = errors.New("the carrier had this parcel, and it was taken back")

// Outcome says what is known after a call to a carrier failed.
type Outcome uint8

// The outcomes of a failed call.
const (
	Unknown     Outcome = iota // the answer was lost, or is none: it may have happened
	Unavailable                // it did not happen; it may later
	Refused                    // the carrier will not do this: it did not happen
	Locked                     // our own account is refused or empty: it did not happen, and nothing will until somebody looks
)

func (o Outcome) String() string {
	return [...]string{"unknown", "unavailable", "refused", "locked"}[o]
}

// CarrierError is a call that did not succeed.
type CarrierError struct {
	Carrier string
	Op      string
	Outcome Outcome
	Code    string // the carrier's own
	Text    string // what the carrier says to it
	Err     error
}

func (e *CarrierError) Error() string {
	s := fmt.Sprintf("%s: %s: %s", e.Carrier, e.Op, e.Outcome)
	if e.Code != "" {
		s += fmt.Sprintf(" (%s %s)", e.Code, e.Text)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *CarrierError) Unwrap() error { return e.Err }

// OutcomeOf reads what is known after a call failed. An error of any other type is Unknown, which is the safe one, but for our own refusals.
func OutcomeOf(err error) Outcome {
	if e, ok := errors.AsType[*CarrierError](err); ok {
		return e.Outcome
	}
	if _, ours := fault.As(err); ours || errors.Is(err, ErrPlaceUnknown) || errors.Is(err, ErrUnknownParcel) || errors.Is(err, ErrTakenBack) {
		return Refused
	}
	return Unknown
}
