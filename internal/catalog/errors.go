package catalog

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrTitleLength       = fault.New(fault.Invalid, "TITLE_LENGTH", "A title has between 3 and 140 characters.")
	ErrDescriptionLength = fault.New(fault.Invalid, "DESCRIPTION_LENGTH", "A description has at most 5000 characters.")
	ErrTextControl       = fault.New(fault.Invalid, "TEXT_CONTROL_CHARACTERS", "The text has characters that can't be shown: control characters, or those that turn the direction of writing.")
	ErrCondition         = fault.New(fault.Invalid, "CONDITION_UNKNOWN", "A thing is new, like new, good or fair.")
	ErrPricePositive     = fault.New(fault.Invalid, "PRICE_NOT_POSITIVE", "A price is greater than zero.")
	ErrPhotoCount        = fault.New(fault.Invalid, "PHOTO_COUNT", "A listing has between one and five photos, each only once.")
	ErrPhotoUnknown      = fault.New(fault.NotFound, "PHOTO_NOT_FOUND", "A photo is missing: it must be yours, uploaded, and not on another listing.")
	ErrCoverUnknown      = fault.New(fault.NotFound, "PHOTO_NOT_FOUND", "The photo must be yours, and uploaded.")
	ErrPhotoType         = fault.New(fault.Invalid, "PHOTO_TYPE", "A photo is a JPEG or a PNG.")
	ErrPhotoSize         = fault.New(fault.Invalid, "PHOTO_SIZE", "A photo has at most 8 MiB and 40 million pixels, and exactly the announced size.")
	ErrUploadLink        = fault.New(fault.Forbidden, "UPLOAD_LINK_INVALID", "This upload link is not valid, or has expired.")
	ErrUploadTwice       = fault.New(fault.Conflict, "UPLOAD_DONE", "This photo was uploaded already.")
	ErrListingNotFound   = fault.New(fault.NotFound, "LISTING_NOT_FOUND", "There is no such listing.")
	ErrListingTaken      = fault.New(fault.Precondition, "LISTING_NOT_AVAILABLE", "The listing is not yours, or is in an auction or sold already.")
)
