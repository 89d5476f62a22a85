package search

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/souklive/souk/internal/fault"
)

// Condition is a query as one document after the other is compared with it, by search_meets() and the words of the document. What it finds
// is what the query finds once its last word is written to its end: nothing is begun, misspelt or left out.
type Condition struct {
	Words     string // a tsquery; empty for none
	Groups    []string
	PriceFrom *int64
	PriceTo   *int64
	Near      *Circle
	RangeOf   []string // attributes, with their ends
	RangeFrom []float64
	RangeTo   []float64
	// Whatever meets it has one of these at least: a lexeme, a facet, an attribute that is a number, or Placed.
	Anchors []string
}

// Placed is the anchor of all that has a place.
const Placed = "placed:"

// Condition checks a query and writes it in one form, and as a condition. A query that everything meets is refused.
func (s *Service) Condition(ctx context.Context, q Query) (_ Query, c Condition, err error) {
	if err := q.validate(); err != nil {
		return q, c, err
	}
	defer fault.Wrap(&err, "make a condition of a query")
	c.Near = q.Filter.Near.circle()
	c.PriceFrom, c.PriceTo = minorOf(q.Filter.PriceFrom), minorOf(q.Filter.PriceTo)
	c.RangeOf, c.RangeFrom, c.RangeTo = columnsOf(q.Filter.ranges())
	groups := q.Filter.groups()
	c.Groups = joined(groups)
	words, err := s.terms(ctx, q.Text)
	if err != nil {
		return q, c, err
	}
	if len(words) > maxWords {
		return q, c, ErrText.At("text")
	}
	if q.Text != "" && len(words) == 0 {
		return q, c, ErrNothing.At("text")
	}
	meanings, err := s.meanings(ctx)
	if err != nil {
		return q, c, err
	}
	meanings.mean(words)
	words = required(words)
	c.Words = allOf(words).tsquery()
	if c.Anchors = anchors(words, groups, c); c.Anchors == nil {
		return q, c, ErrNothing
	}
	return q, c, nil
}

// anchors are those of the longest word, which is likely to be the rarest; of a query without words, of its narrowest group.
func anchors(words []word, groups []Group, c Condition) []string {
	if len(words) > 0 {
		longest := slices.MaxFunc(words, func(a, b word) int { return utf8.RuneCountInString(a.text) - utf8.RuneCountInString(b.text) })
		lexemes := slices.Clone(longest.lexemes)
		for _, phrase := range longest.synonyms {
			lexemes = append(lexemes, phrase[0].lexemes...)
		}
		slices.Sort(lexemes)
		return slices.Compact(lexemes)
	}
	groups = slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return strings.HasPrefix(g.Facets[0], none) })
	if len(groups) > 0 {
		return slices.MinFunc(groups, func(a, b Group) int { return breadth(a) - breadth(b) }).Facets
	}
	if len(c.RangeOf) > 0 {
		return c.RangeOf[:1]
	}
	if c.Near != nil {
		return []string{Placed}
	}
	return nil
}

// breadth orders dimensions by how much is likely to be found by one of their values, attributes before categories.
func breadth(g Group) int {
	switch g.Dimension {
	case "brand":
		return 0
	case "category":
		return 2
	case "rating", "kind", "condition", dimCurrency:
		return 3
	}
	return 1
}
