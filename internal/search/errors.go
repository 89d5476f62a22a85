package search

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrText            = fault.New(fault.Invalid, "SEARCH_TEXT_LENGTH", "A search has at most 200 characters and 20 words.")
	ErrFilterCount     = fault.New(fault.Invalid, "SEARCH_FILTER_COUNT", "A search has at most 100 filters.")
	ErrAttribute       = fault.New(fault.Invalid, "SEARCH_ATTRIBUTE", "A filter by an attribute names it once, with one value at least.")
	ErrSort            = fault.New(fault.Invalid, "SEARCH_SORT", "An order by price names its currency in the filter, and an order by distance a place.")
	ErrPriceRange      = fault.New(fault.Invalid, "SEARCH_PRICE_RANGE", "A range of prices has bounds of zero or more, in the filter's one currency, the lower one first.")
	ErrRating          = fault.New(fault.Invalid, "SEARCH_RATING", "A rating to begin from is between 1 and 5 stars, and one to stay below is more, and 5 at most.")
	ErrRange           = fault.New(fault.Invalid, "SEARCH_RANGE", "A range names an attribute once, with one end at least, the lower one first.")
	ErrNear            = fault.New(fault.Invalid, "SEARCH_PLACE", "A place has a latitude between -90 and 90 and a longitude between -180 and 180; the radius around it is between 1 and 500 kilometres.")
	ErrSynonym         = fault.New(fault.Invalid, "SYNONYM_WORDS", "Synonyms are 2 to 20 words or phrases, each of 1 to 40 characters and at most three words, with a word that says something.")
	ErrSynonymCount    = fault.New(fault.Precondition, "TOO_MANY_SYNONYMS", "There are at most 5000 groups of synonyms.")
	ErrSynonymNotFound = fault.New(fault.NotFound, "SYNONYM_NOT_FOUND", "There are no such synonyms.")
	ErrSuggestions     = fault.New(fault.Invalid, "SUGGESTION_COUNT", "Between 1 and 20 suggestions are given.")
	ErrNothing         = fault.New(fault.Invalid, "SEARCH_EMPTY", "A search that is kept asks for something: by a word, or by a filter.")
)
