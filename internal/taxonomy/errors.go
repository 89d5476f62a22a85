package taxonomy

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrCategoryNotFound  = fault.New(fault.NotFound, "CATEGORY_NOT_FOUND", "There is no such category.")
	ErrCategoryRetired   = fault.New(fault.Precondition, "CATEGORY_RETIRED", "The category is offered no more.")
	ErrCategoryCycle     = fault.New(fault.Precondition, "CATEGORY_CYCLE", "A category can't stand below itself.")
	ErrCategoryDepth     = fault.New(fault.Precondition, "CATEGORY_DEPTH", "The tree has six levels at most.")
	ErrCategoryInUse     = fault.New(fault.Precondition, "CATEGORY_HAS_CHILDREN", "The category has others below it; retire or move those first.")
	ErrSlug              = fault.New(fault.Invalid, "SLUG_INVALID", "It has 1 to 60 small letters, digits and single hyphens between them.")
	ErrSlugTaken         = fault.New(fault.Conflict, "SLUG_TAKEN", "Another category has this slug.")
	ErrName              = fault.New(fault.Invalid, "NAME_INVALID", "A name has 1 to 80 characters on one line, in Arabic, English and French.")
	ErrBrandNotFound     = fault.New(fault.NotFound, "BRAND_NOT_FOUND", "There is no such brand.")
	ErrBrandRetired      = fault.New(fault.Precondition, "BRAND_RETIRED", "The brand is offered no more.")
	ErrBrandTaken        = fault.New(fault.Conflict, "BRAND_TAKEN", "There is a brand with this name, however it is written.")
	ErrAttributeNotFound = fault.New(fault.NotFound, "ATTRIBUTE_NOT_FOUND", "There is no such attribute.")
	ErrAttributeCode     = fault.New(fault.Conflict, "ATTRIBUTE_CODE_TAKEN", "The category has, or had, an attribute with this code.")
	ErrAttributeType     = fault.New(fault.Invalid, "ATTRIBUTE_TYPE", "Only a number has a unit, of 1 to 20 characters, and only a choice has options, 1 to 200 of them, each code once.")
	ErrAttributeCount    = fault.New(fault.Precondition, "ATTRIBUTE_COUNT", "A category has at most 50 attributes of its own.")

	ErrAttributeForeign = fault.New(fault.Invalid, "ATTRIBUTE_NOT_OF_CATEGORY", "The listing's category has no such attribute.")
	ErrAttributeTwice   = fault.New(fault.Invalid, "ATTRIBUTE_TWICE", "An attribute is given once.")
	ErrAttributeValue   = fault.New(fault.Invalid, "ATTRIBUTE_VALUE", "The value is not of the attribute's type: a text of 1 to 200 characters, a number like 12.5, true or false, or the code of an option.")
	ErrAttributeMissing = fault.New(fault.Invalid, "ATTRIBUTE_MISSING", "The category asks for attributes that the listing lacks.")
)
