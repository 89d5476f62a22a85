package search

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Index answers questions about documents.
type Index interface {
	// Open gives a view that has seen whatever was committed before the call.
	Open(ctx context.Context) (View, error)
}

// View is an index at one moment, or later: pages and counts of it may differ by what is committed meanwhile.
type View interface {
	// Known says of each match whether it finds anything.
	Known(ctx context.Context, matches []Match) ([]bool, error)
	// Find answers a request.
	Find(ctx context.Context, r Request) (Found, error)
	// Begun says what a search that is begun may become.
	Begun(ctx context.Context, b Beginning) (Begun, error)
}

// Request is a query as an index takes it.
type Request struct {
	Match     Match   // on words; empty for none
	Levels    []Level // what words are worth, for Relevance
	Groups    []Group
	PriceFrom *int64 // of the one currency that a group asks for
	PriceTo   *int64
	Ranges    []Range
	Steps     []int64 // by which prices are counted
	Near      *Circle
	Sort      Sort
	After     *Place
	Size      int        // of the page
	Count     bool       // how many there are is asked for
	Facets    Dimensions // by which what is found is counted
}

// Place is where a document stands in an order: by key, then when it was published, then its number, each descending.
type Place struct {
	Key int64
	At  time.Time
	ID  uuid.UUID
}

// Found is the answer: the page's rows, and one more where there is a next page.
type Found struct {
	Hits   []Place
	Total  int64
	Counts map[string]int64  // by facet: "kind:RETAIL"; of a price "price:3", the step's number
	Ranges map[string]Spread // by attribute
}

// without is the request as its counts for one dimension take it: without the filters of that dimension.
func (r Request) without(dimension string) Request {
	groups := make([]Group, 0, len(r.Groups))
	for _, g := range r.Groups {
		if g.Dimension != dimension {
			groups = append(groups, g)
		}
	}
	r.Groups = groups
	if dimension == dimPrice || dimension == dimCurrency { // a range is of one currency
		r.PriceFrom, r.PriceTo = nil, nil
	}
	return r
}

// filtered are the dimensions that the request filters by.
func (r Request) filtered() (dimensions []string) {
	for _, g := range r.Groups {
		dimensions = append(dimensions, g.Dimension)
	}
	if r.PriceFrom != nil || r.PriceTo != nil {
		dimensions = append(dimensions, dimPrice)
	}
	return dimensions
}
