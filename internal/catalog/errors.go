package catalog

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrTitleLength       = fault.New(fault.Invalid, "TITLE_LENGTH", "A title has between 3 and 140 characters.")
	ErrDescriptionLength = fault.New(fault.Invalid, "DESCRIPTION_LENGTH", "A description has at most 5000 characters.")
	ErrTextControl       = fault.New(fault.Invalid, "TEXT_CONTROL_CHARACTERS", "The text has characters that can't be shown: control characters, or those that turn the direction of writing.")
	ErrCondition         = fault.New(fault.Invalid, "CONDITION_UNKNOWN", "A thing is new, like new, good or fair.")
	ErrPricePositive     = fault.New(fault.Invalid, "PRICE_NOT_POSITIVE", "A price is greater than zero.")
	ErrKind              = fault.New(fault.Invalid, "LISTING_KIND_UNKNOWN", "A listing is a one-off item, a giveaway, a retail product, a digital code or a lot.")
	ErrPriceMissing      = fault.New(fault.Invalid, "PRICE_MISSING", "What is on the market has a price, each variant its own; a giveaway's is zero.")
	ErrPriceOfGiveaway   = fault.New(fault.Invalid, "PRICE_NOT_ZERO", "A giveaway costs nothing: its price is zero.")
	ErrPriceOfLot        = fault.New(fault.Invalid, "PRICE_OF_LOT", "A lot is sold by auction only, and has no price.")
	ErrPriceOfVariants   = fault.New(fault.Invalid, "PRICE_OF_VARIANTS", "Each variant has a price of its own, and the listing none.")
	ErrCurrencyMixed     = fault.New(fault.Invalid, "CURRENCY_MIXED", "The variants of a listing are priced in one currency.")
	ErrOption            = fault.New(fault.Invalid, "OPTION_INVALID", "A product differs in up to three options of 1 to 40 characters, and each variant has a value for each.")
	ErrSKU               = fault.New(fault.Invalid, "SKU_INVALID", "A SKU has 1 to 64 printable ASCII characters and no space.")
	ErrSKUTaken          = fault.New(fault.Conflict, "SKU_TAKEN", "Another of your variants has this SKU.")
	ErrVariantTwice      = fault.New(fault.Conflict, "VARIANT_TWICE", "The listing has a variant with these options.")
	ErrVariantCount      = fault.New(fault.Invalid, "VARIANT_COUNT", "A listing has at most 100 variants.")
	ErrVariantLast       = fault.New(fault.Precondition, "VARIANT_LAST", "A listing keeps one variant; end the listing instead.")
	ErrVariantsOfKind    = fault.New(fault.Invalid, "VARIANTS_OF_KIND", "Only retail products and digital codes have variants.")
	ErrVariantNotFound   = fault.New(fault.NotFound, "VARIANT_NOT_FOUND", "There is no such variant of yours.")
	ErrTierOfLot         = fault.New(fault.Invalid, "TIER_OF_LOT", "A lot is shown to everybody; who may bid is said when it is opened.")
	ErrMove              = fault.New(fault.Precondition, "LISTING_STATUS", "The listing does not stand where this can be done.")
	ErrPhotoCount        = fault.New(fault.Invalid, "PHOTO_COUNT", "A listing has between one and five photos, each only once.")
	ErrPhotoUnknown      = fault.New(fault.NotFound, "PHOTO_NOT_FOUND", "A photo is missing: it must be yours, uploaded, and not on another listing.")
	ErrListingNotFound   = fault.New(fault.NotFound, "LISTING_NOT_FOUND", "There is no such listing.")
	ErrPlace             = fault.New(fault.Invalid, "PLACE_INVALID", "A place has a latitude between -90 and 90, and a longitude between -180 and 180.")
	ErrListingTaken      = fault.New(fault.Precondition, "LISTING_NOT_AVAILABLE", "The listing is not yours, is in an auction or sold already, or is offered to some buyers only.")
)
