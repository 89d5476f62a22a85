package address

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound   = fault.New(fault.NotFound, "ADDRESS_NOT_FOUND", "There is no such address of yours.")
	ErrTooMany    = fault.New(fault.Precondition, "TOO_MANY_ADDRESSES", "One keeps at most 50 addresses.")
	ErrCountry    = fault.New(fault.Invalid, "ADDRESS_COUNTRY", "Nothing is sent to this country; a country is two letters of ISO 3166-1.")
	ErrName       = fault.New(fault.Invalid, "ADDRESS_NAME", "A recipient's name has a letter, at most 80 characters in one line, and nothing that hides or turns it.")
	ErrLine       = fault.New(fault.Invalid, "ADDRESS_LINE", "A line of an address has at most 100 characters, and nothing that hides or turns it; the first has a letter or a digit.")
	ErrCity       = fault.New(fault.Invalid, "ADDRESS_CITY", "A city has a letter, at most 60 characters in one line, and nothing that hides or turns it.")
	ErrRegion     = fault.New(fault.Invalid, "ADDRESS_REGION", "The country has no such state, province or emirate, or needs one here.")
	ErrPostalCode = fault.New(fault.Invalid, "ADDRESS_POSTAL_CODE", "This is not how the country writes postal codes.")
	ErrPhone      = fault.New(fault.Invalid, "ADDRESS_PHONE", "A telephone number is +, the country's code and the number, or the number as it is dialled in the address's country.")
)
