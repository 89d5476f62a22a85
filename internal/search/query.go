package search

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/text"
)

// Limits of a query.
const (
	maxText    = 200 // characters
	maxWords   = 20
	maxFilters = 100
	maxRadius  = 500 // kilometres
)

// Sort is the order of what was found.
type Sort string

// The orders. Within each the newest come first.
const (
	Relevance Sort = "RELEVANCE"
	Newest    Sort = "NEWEST"
	PriceUp   Sort = "PRICE_UP"
	PriceDown Sort = "PRICE_DOWN"
	Rating    Sort = "RATING"
	Nearest   Sort = "NEAR"
)

// Query is what somebody looks for. As JSON it is kept: a name stays what it is.
type Query struct {
	Text   string `json:"text,omitempty"`
	Filter Filter `json:"filter"`
	Sort   Sort   `json:"sort"` // Relevance where it is empty, which is Newest where there is no text
}

// Filter narrows a search; what is empty does not.
type Filter struct {
	Categories    []uuid.UUID         `json:"categories,omitempty"` // with all below them
	Brands        []uuid.UUID         `json:"brands,omitempty"`
	Attributes    []AttributeFilter   `json:"attributes,omitempty"`
	Ranges        []RangeFilter       `json:"ranges,omitempty"`
	Kinds         []catalog.Kind      `json:"kinds,omitempty"`
	Conditions    []catalog.Condition `json:"conditions,omitempty"`
	Currency      *money.Currency     `json:"currency,omitempty"`
	PriceFrom     *money.Amount       `json:"priceFrom,omitempty"`     // at least
	PriceTo       *money.Amount       `json:"priceTo,omitempty"`       // at most
	RatingAtLeast *int                `json:"ratingAtLeast,omitempty"` // stars
	RatingBelow   *int                `json:"ratingBelow,omitempty"`   // fewer stars than these, of what has a review
	Near          *Near               `json:"near,omitempty"`
}

// AttributeFilter asks for one of some values of an attribute that has choices, or is true or false.
type AttributeFilter struct {
	Attribute uuid.UUID `json:"attribute"`
	Values    []string  `json:"values"`
}

// RangeFilter asks for what an attribute that is a number is within, both ends included; an end that is nil is open.
type RangeFilter struct {
	Attribute uuid.UUID `json:"attribute"`
	From      *float64  `json:"from,omitempty"`
	To        *float64  `json:"to,omitempty"`
}

// Near is a circle on the ground.
type Near struct {
	catalog.Place
	RadiusKM float64 `json:"radiusKm"`
}

// validate refuses what cannot be searched, and writes the query in one form.
func (q *Query) validate() error {
	if utf8.RuneCountInString(q.Text) > maxText {
		return ErrText.At("text")
	}
	open := !strings.HasSuffix(q.Text, " ")
	q.Text = text.Clean(q.Text)
	if !open && q.Text != "" {
		q.Text += " " // its last word is a whole one
	}
	if !utf8.ValidString(q.Text) {
		q.Text = ""
	}
	if q.Sort == "" {
		q.Sort = Relevance
	}
	if q.Sort == Relevance && q.Text == "" {
		q.Sort = Newest
	}
	if err := q.Filter.validate(); err != nil {
		return err
	}
	switch q.Sort {
	case PriceUp, PriceDown:
		if q.Filter.Currency == nil {
			return ErrSort.At("sort")
		}
	case Nearest:
		if q.Filter.Near == nil {
			return ErrSort.At("sort")
		}
	case Relevance, Newest, Rating:
	default:
		return ErrSort.At("sort")
	}
	return nil
}

func (f *Filter) validate() error {
	if f.count() > maxFilters {
		return ErrFilterCount.At("filter")
	}
	f.Kinds, f.Conditions = set(f.Kinds), set(f.Conditions)
	for i, a := range f.Attributes {
		twice := slices.ContainsFunc(f.Attributes[:i], func(b AttributeFilter) bool { return a.Attribute == b.Attribute })
		if twice || len(a.Values) == 0 || slices.ContainsFunc(a.Values, func(v string) bool { return strings.Contains(v, "|") }) {
			return ErrAttribute.At("filter", "attributes")
		}
	}
	for i, r := range f.Ranges {
		twice := slices.ContainsFunc(f.Ranges[:i], func(q RangeFilter) bool { return r.Attribute == q.Attribute })
		if span := r.span(); twice || r.From == nil && r.To == nil || !(span.From <= span.To) || r.From != nil && math.IsInf(*r.From, 0) || r.To != nil && math.IsInf(*r.To, 0) {
			return ErrRange.At("filter", "ranges")
		}
	}
	for _, bound := range []*money.Amount{f.PriceFrom, f.PriceTo} {
		if bound == nil {
			continue
		}
		if f.Currency == nil {
			f.Currency = &bound.Currency
		}
		if bound.Minor < 0 || bound.Currency != *f.Currency {
			return ErrPriceRange.At("filter", "priceFrom")
		}
	}
	if f.PriceFrom != nil && f.PriceTo != nil && f.PriceFrom.Minor > f.PriceTo.Minor {
		return ErrPriceRange.At("filter", "priceFrom")
	}
	if f.RatingAtLeast != nil && (*f.RatingAtLeast < 1 || *f.RatingAtLeast > 5) {
		return ErrRating.At("filter", "ratingAtLeast")
	}
	if f.RatingBelow != nil && (*f.RatingBelow < 2 || *f.RatingBelow > 5 || f.RatingAtLeast != nil && *f.RatingAtLeast >= *f.RatingBelow) {
		return ErrRating.At("filter", "ratingBelow")
	}
	if f.Near != nil && (f.Near.Check() != nil || !(f.Near.RadiusKM >= 1 && f.Near.RadiusKM <= maxRadius)) {
		return ErrNear.At("filter", "near")
	}
	return nil
}

// count is how many values it has.
func (f *Filter) count() int {
	n := len(f.Kinds) + len(f.Conditions) + len(f.Categories) + len(f.Brands) + len(f.Ranges)
	for _, a := range f.Attributes {
		n += 1 + len(a.Values)
	}
	return n
}

// set is values once each, in one order: two filters that say the same are the same.
func set[T ~string](values []T) []T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// hash tells queries apart.
func (q *Query) hash() [8]byte {
	f := &q.Filter
	raw := fmt.Appendf(nil, "%q %q %q %s %s %v", q.Text, q.Sort, f.groups(), decimalOf(f.PriceFrom), decimalOf(f.PriceTo), f.ranges())
	if f.Near != nil {
		raw = fmt.Append(raw, *f.Near)
	}
	sum := sha256.Sum256(raw)
	return [8]byte(sum[:8])
}

func decimalOf(a *money.Amount) string {
	if a == nil {
		return "-"
	}
	return a.Decimal()
}

// none stands before the one facet of a group that asks for what has it not.
const none = "!"

// Group asks for one of some facets of one dimension.
type Group struct {
	Dimension string
	Facets    []string // "kind:RETAIL"
}

// The dimensions that are no group's alone.
const (
	dimCurrency = "currency"
	dimPrice    = "price"
)

// Circle is the points within a chord of another, on a sphere of radius 1.
type Circle struct {
	X, Y, Z float64
	Within  float64 // the chord's square
}

// groups are the filter's, one a dimension.
func (f *Filter) groups() (groups []Group) {
	add := func(dimension string, values ...string) {
		if len(values) == 0 {
			return
		}
		g := Group{Dimension: dimension}
		for _, v := range values {
			g.Facets = append(g.Facets, dimension+":"+v)
		}
		groups = append(groups, g)
	}
	add("category", ids(f.Categories)...)
	add("brand", ids(f.Brands)...)
	for _, a := range f.Attributes {
		add(a.Attribute.String(), set(a.Values)...)
	}
	add("kind", texts(f.Kinds)...)
	add("condition", texts(f.Conditions)...)
	if f.Currency != nil {
		add(dimCurrency, string(*f.Currency))
	}
	if f.RatingAtLeast != nil {
		add("rating", string(rune('0'+*f.RatingAtLeast)))
	}
	if f.RatingBelow != nil {
		if f.RatingAtLeast == nil {
			add("rating", "1")
		}
		groups = append(groups, Group{Dimension: "rating", Facets: []string{none + "rating:" + string(rune('0'+*f.RatingBelow))}})
	}
	return groups
}

func ids(values []uuid.UUID) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return set(out)
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// earthRadius is in kilometres, as a sphere of the same volume has it.
const earthRadius = 6371.0088

// circle is a place on the sphere of radius 1, with its radius as the square of a chord.
func (n *Near) circle() *Circle {
	if n == nil {
		return nil
	}
	lat, lon := n.Latitude*math.Pi/180, n.Longitude*math.Pi/180
	half := math.Sin(n.RadiusKM / earthRadius / 2)
	return &Circle{X: math.Cos(lat) * math.Cos(lon), Y: math.Cos(lat) * math.Sin(lon), Z: math.Sin(lat), Within: 4 * half * half}
}

// priceSteps are where one step of prices ends and the next begins, in the minor unit.
func priceSteps(c money.Currency) []int64 {
	unit := int64(1)
	for range c.Digits() {
		unit *= 10
	}
	steps := []int64{10, 25, 50, 100, 250, 500, 1000, 2500}
	for i := range steps {
		steps[i] *= unit
	}
	return steps
}
