package search

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"

	"github.com/souklive/souk/db"
)

// Range asks for numbers that an attribute is within, both ends included; an end that is open is infinite.
type Range struct {
	Attribute string
	From, To  float64
}

// dimension is what a range is narrowed by. No facet is of it: an attribute is a number or has choices.
func (r Range) dimension() string { return "range-" + r.Attribute }

// Spread is within which numbers an attribute is of what was found, and of how many.
type Spread struct {
	Min, Max float64
	Count    int64
}

// RangeCount is the spread of an attribute.
type RangeCount struct {
	Attribute uuid.UUID
	Min, Max  float64
	Count     int64
}

func (f RangeFilter) span() Range {
	r := Range{Attribute: f.Attribute.String(), From: math.Inf(-1), To: math.Inf(1)}
	if f.From != nil {
		r.From = *f.From
	}
	if f.To != nil {
		r.To = *f.To
	}
	return r
}

// ranges are the filter's, in one order.
func (f *Filter) ranges() (ranges []Range) {
	for _, r := range f.Ranges {
		ranges = append(ranges, r.span())
	}
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.Attribute, b.Attribute) })
	return ranges
}

// rangesOf lists the attributes that most say.
func rangesOf(spreads map[string]Spread) (counts []RangeCount) {
	for attribute, s := range spreads {
		counts = append(counts, RangeCount{Attribute: uuid.MustParse(attribute), Min: s.Min, Max: s.Max, Count: s.Count})
	}
	slices.SortFunc(counts, func(a, b RangeCount) int {
		return byCount(a.Count, b.Count, a.Attribute.String(), b.Attribute.String())
	})
	return counts[:min(listed, len(counts))]
}

// columnsOf are ranges as search_within() takes them.
func columnsOf(ranges []Range) (attributes []string, lows, highs []float64) {
	attributes, lows, highs = []string{}, []float64{}, []float64{}
	for _, r := range ranges {
		attributes, lows, highs = append(attributes, r.Attribute), append(lows, r.From), append(highs, r.To)
	}
	return attributes, lows, highs
}

// withoutRange is the request without its range of an attribute.
func (r Request) withoutRange(attribute string) Request {
	r.Ranges = slices.DeleteFunc(slices.Clone(r.Ranges), func(g Range) bool { return g.Attribute == attribute })
	return r
}

// spreads are those of all attributes that are numbers, each with every filter but its own range.
func (s *SQL) spreads(ctx context.Context, r Request) (map[string]Spread, error) {
	spreads, err := s.spread(ctx, r, "")
	if err != nil {
		return nil, err
	}
	for _, g := range r.Ranges {
		own, err := s.spread(ctx, r.withoutRange(g.Attribute), g.Attribute)
		if err != nil {
			return nil, err
		}
		delete(spreads, g.Attribute)
		if one, ok := own[g.Attribute]; ok {
			spreads[g.Attribute] = one
		}
	}
	return spreads, nil
}

// spread is of one attribute, or of all.
func (s *SQL) spread(ctx context.Context, r Request, attribute string) (map[string]Spread, error) {
	args := db.SearchRangesParams{Words: r.Match.tsquery(), Attribute: attribute, Groups: joined(r.Groups), PriceFrom: r.PriceFrom, PriceTo: r.PriceTo}
	args.X, args.Y, args.Z, args.Within = r.Near.columns()
	args.RangeOf, args.RangeFrom, args.RangeTo = columnsOf(r.Ranges)
	rows, err := s.q.SearchRanges(ctx, s.pool, args)
	spreads := make(map[string]Spread, len(rows))
	for _, row := range rows {
		spreads[row.Attribute] = Spread{Min: row.Low, Max: row.High, Count: row.N}
	}
	return spreads, err
}

// numbers is what the documents on a shelf say of an attribute, in the order of their numbers there.
type numbers struct {
	in     *bitmap
	items  []uint32
	values []float64
	sorted []uint32 // places in items, by value; what is behind them is not sorted yet
}

// unsettled is how much of an attribute may be unsorted: it is walked through by each question.
const unsettled = 1_000

// quantify notes a document's numbers.
func (s *shelf) quantify(n uint32, raw json.RawMessage) error {
	if len(raw) <= len("{}") { // as most have none
		return nil
	}
	var said map[string]float64
	if err := json.Unmarshal(raw, &said); err != nil {
		return fmt.Errorf("the numbers of a document cannot be read: %w", err)
	}
	for attribute, value := range said {
		of, ok := s.numbers[attribute]
		if !ok {
			of = &numbers{in: roaring.New()}
			s.numbers[attribute] = of
		}
		of.in.Add(n)
		of.items, of.values = append(of.items, n), append(of.values, value)
	}
	return nil
}

// settle sorts what was added, where it is much.
func (n *numbers) settle() {
	if len(n.items)-len(n.sorted) < unsettled {
		return
	}
	for at := len(n.sorted); at < len(n.items); at++ {
		n.sorted = append(n.sorted, uint32(at))
	}
	slices.SortFunc(n.sorted, func(a, b uint32) int { return cmp.Compare(n.values[a], n.values[b]) })
}

// within is what says a number in a range.
func (n *numbers) within(r Range) *bitmap {
	var in []uint32
	if n != nil {
		for i, v := range n.values {
			if v >= r.From && v <= r.To {
				in = append(in, n.items[i])
			}
		}
	}
	return roaring.BitmapOf(in...)
}

// spreads are those of all attributes that are numbers, each with every filter but its own range.
func (s *shelf) spreads(base, all *bitmap, filters narrowed) map[string]Spread {
	spreads := make(map[string]Spread, len(s.numbers))
	for attribute, of := range s.numbers {
		set := all
		if own := (Range{Attribute: attribute}).dimension(); slices.Contains(filters.by, own) {
			set = filters.of(base, own)
		}
		if spread := of.spread(set); spread.Count > 0 {
			spreads[attribute] = spread
		}
	}
	return spreads
}

// spread is that of a set: from both ends of the order where much of it is in the set, else by looking at each of the set.
func (n *numbers) spread(set *bitmap) (s Spread) {
	s.Count = int64(set.AndCardinality(n.in))
	s.Min, s.Max = math.Inf(1), math.Inf(-1)
	see := func(at int) {
		s.Min, s.Max = min(s.Min, n.values[at]), max(s.Max, n.values[at])
	}
	if int(s.Count)*few < len(n.items) {
		each(roaring.And(set, n.in), func(item uint32) {
			at, _ := slices.BinarySearch(n.items, item)
			see(at)
		})
		return s
	}
	for at := len(n.sorted); at < len(n.items); at++ {
		if set.Contains(n.items[at]) {
			see(at)
		}
	}
	found := func(at uint32) bool { return set.Contains(n.items[at]) }
	if at := slices.IndexFunc(n.sorted, found); at >= 0 {
		see(int(n.sorted[at]))
	}
	for _, at := range slices.Backward(n.sorted) {
		if found(at) {
			see(int(at))
			break
		}
	}
	return s
}
