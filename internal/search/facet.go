package search

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/money"
)

// Facets are how many of what was found are of each kind, and so on. Each is counted with every filter but its own; what nothing is
// found under is left out.
type Facets struct {
	Categories []CategoryCount // with all that is below them
	Brands     []BrandCount
	Attributes []AttributeCount
	Kinds      []KindCount
	Conditions []ConditionCount
	Currencies []CurrencyCount
	Prices     []PriceCount // where the filter names a currency
	Ratings    []RatingCount
	Ranges     []RangeCount // of attributes that are numbers
}

// Dimensions are some of those that Facets count by.
type Dimensions uint16

// The dimensions.
const (
	ByCategory Dimensions = 1 << iota
	ByBrand
	ByAttribute
	ByKind
	ByCondition
	ByCurrency
	ByPrice
	ByRating
	ByRange

	AllFacets = 1<<iota - 1
)

// columns is how many dimensions there may be that have a column.
const columns = 8

// column is where that of one dimension is kept.
func (d Dimensions) column() int { return bits.TrailingZeros16(uint16(d)) }

// dimensionOf is the one that an index counts under a name.
func dimensionOf(name string) Dimensions {
	switch name {
	case "category":
		return ByCategory
	case "brand":
		return ByBrand
	case "kind":
		return ByKind
	case "condition":
		return ByCondition
	case dimCurrency:
		return ByCurrency
	case "rating":
		return ByRating
	}
	if name == dimPrice || strings.HasPrefix(name, dimPrice+"-") {
		return ByPrice
	}
	return ByAttribute
}

// CategoryCount is how many are in a category, or below it.
type CategoryCount struct {
	Category uuid.UUID
	Count    int64
}

// BrandCount is how many are of a brand.
type BrandCount struct {
	Brand uuid.UUID
	Count int64
}

// AttributeCount is how many say what of an attribute.
type AttributeCount struct {
	Attribute uuid.UUID
	Values    []ValueCount
}

// ValueCount is how many say a value.
type ValueCount struct {
	Value string
	Count int64
}

// listed is how many categories, brands, attributes and values are listed, of those that most are found under.
const listed = 100

// KindCount is how many are of a kind.
type KindCount struct {
	Kind  catalog.Kind
	Count int64
}

// ConditionCount is how many are in a condition.
type ConditionCount struct {
	Condition catalog.Condition
	Count     int64
}

// CurrencyCount is how many are priced in a currency.
type CurrencyCount struct {
	Currency money.Currency
	Count    int64
}

// PriceCount is how many cost so much: From or more, and less than To where it is set.
type PriceCount struct {
	From  money.Amount
	To    *money.Amount
	Count int64
}

// RatingCount is how many have so many stars or more.
type RatingCount struct {
	AtLeast int
	Count   int64
}

// facetsOf puts counts into their lists, the most frequent first; prices and ratings in their own order.
func facetsOf(counts map[string]int64, steps []int64, currency *money.Currency) (f Facets) {
	attributes := map[string][]ValueCount{}
	for facet, n := range counts {
		dimension, value, _ := strings.Cut(facet, ":")
		if n == 0 {
			continue
		}
		switch dimension {
		case "kind":
			f.Kinds = append(f.Kinds, KindCount{catalog.Kind(value), n})
		case "category":
			f.Categories = append(f.Categories, CategoryCount{uuid.MustParse(value), n})
		case "brand":
			f.Brands = append(f.Brands, BrandCount{uuid.MustParse(value), n})
		case "condition":
			f.Conditions = append(f.Conditions, ConditionCount{catalog.Condition(value), n})
		case dimCurrency:
			f.Currencies = append(f.Currencies, CurrencyCount{money.Currency(value), n})
		case "rating":
			stars, _ := strconv.Atoi(value)
			f.Ratings = append(f.Ratings, RatingCount{stars, n})
		case dimPrice:
			if step, err := strconv.Atoi(value); err == nil && currency != nil {
				f.Prices = append(f.Prices, priceCount(step, steps, *currency, n))
			}
		default:
			attributes[dimension] = append(attributes[dimension], ValueCount{value, n})
		}
	}
	f.Attributes = attributeCounts(attributes)
	slices.SortFunc(f.Categories, func(a, b CategoryCount) int { return byCountID(a.Count, b.Count, a.Category, b.Category) })
	slices.SortFunc(f.Brands, func(a, b BrandCount) int { return byCountID(a.Count, b.Count, a.Brand, b.Brand) })
	f.Categories, f.Brands = f.Categories[:min(listed, len(f.Categories))], f.Brands[:min(listed, len(f.Brands))]
	slices.SortFunc(f.Kinds, func(a, b KindCount) int { return byCount(a.Count, b.Count, a.Kind, b.Kind) })
	slices.SortFunc(f.Conditions, func(a, b ConditionCount) int { return byCount(a.Count, b.Count, a.Condition, b.Condition) })
	slices.SortFunc(f.Currencies, func(a, b CurrencyCount) int { return byCount(a.Count, b.Count, a.Currency, b.Currency) })
	slices.SortFunc(f.Prices, func(a, b PriceCount) int { return cmp.Compare(a.From.Minor, b.From.Minor) })
	slices.SortFunc(f.Ratings, func(a, b RatingCount) int { return cmp.Compare(b.AtLeast, a.AtLeast) })
	return f
}

// attributeCounts lists the attributes that most are found under.
func attributeCounts(by map[string][]ValueCount) (counts []AttributeCount) {
	total := func(a AttributeCount) (n int64) {
		for _, v := range a.Values {
			n += v.Count
		}
		return n
	}
	for name, values := range by {
		attribute, err := uuid.Parse(name)
		if err != nil {
			continue // a dimension that an index keeps for itself
		}
		slices.SortFunc(values, func(a, b ValueCount) int { return byCount(a.Count, b.Count, a.Value, b.Value) })
		counts = append(counts, AttributeCount{attribute, values[:min(listed, len(values))]})
	}
	slices.SortFunc(counts, func(a, b AttributeCount) int { return byCountID(total(a), total(b), a.Attribute, b.Attribute) })
	return counts[:min(listed, len(counts))]
}

func byCount[T cmp.Ordered](n, m int64, a, b T) int {
	return cmp.Or(cmp.Compare(m, n), cmp.Compare(a, b))
}

func byCountID(n, m int64, a, b uuid.UUID) int {
	return cmp.Or(cmp.Compare(m, n), bytes.Compare(a[:], b[:]))
}

func priceCount(step int, steps []int64, currency money.Currency, n int64) PriceCount {
	c := PriceCount{From: money.New(0, currency), Count: n}
	if step > 0 {
		c.From.Minor = steps[step-1]
	}
	if step < len(steps) {
		to := money.New(steps[step], currency)
		c.To = &to
	}
	return c
}
