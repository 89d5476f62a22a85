package search

import (
	"container/heap"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// key tells requests apart.
func (r Request) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s %d %t %d", r.Match.tsquery(), r.Groups, r.Sort, r.Size, r.Count, r.Facets)
	for _, bound := range []*int64{r.PriceFrom, r.PriceTo} {
		if bound != nil {
			fmt.Fprint(&b, " ", *bound)
		}
		b.WriteByte('|')
	}
	fmt.Fprint(&b, r.Ranges)
	for _, l := range r.Levels {
		fmt.Fprint(&b, l.Word, l.Score, tsquery(l.Terms))
	}
	if r.Near != nil {
		fmt.Fprint(&b, *r.Near)
	}
	if r.After != nil {
		fmt.Fprint(&b, r.After.Key, r.After.At.UnixMicro(), r.After.ID)
	}
	return b.String()
}

// match is what has the words, of what is live.
func (s *shelf) match(m Match) *bitmap {
	if len(m) == 0 {
		return s.live
	}
	found := s.live
	for i, terms := range m {
		has := s.any(terms)
		if i == 0 {
			found = roaring.And(found, has)
		} else {
			found.And(has)
		}
	}
	return found
}

// any is what has one of some terms.
func (s *shelf) any(terms []Term) *bitmap {
	var sets []*bitmap
	for _, t := range terms {
		if t.All != nil {
			sets = append(sets, s.match(t.All))
			continue
		}
		if !t.Prefix {
			sets = appendIn(sets, s.postings[t.Lexeme], t.In)
			continue
		}
		for at := sort.SearchStrings(s.words, t.Lexeme); at < len(s.words) && strings.HasPrefix(s.words[at], t.Lexeme); at++ {
			sets = appendIn(sets, s.postings[s.words[at]], t.In)
		}
	}
	return union(sets)
}

// union is not to be changed: one set's is that set.
func union(sets []*bitmap) *bitmap {
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

func appendIn(sets []*bitmap, p *posting, in where) []*bitmap {
	if p == nil {
		return sets
	}
	for i, set := range p {
		if set != nil && (in == anywhere || in&(1<<i) != 0) {
			sets = append(sets, set)
		}
	}
	return sets
}

// narrowed is what a request narrows to, dimension by dimension.
type narrowed struct {
	by   []string
	sets []*bitmap
}

func (n *narrowed) add(dimension string, set *bitmap) {
	n.by, n.sets = append(n.by, dimension), append(n.sets, set)
}

// of is what is in base and in all sets but those of some dimensions.
func (n *narrowed) of(base *bitmap, without ...string) *bitmap {
	sets := []*bitmap{base}
	for i, set := range n.sets {
		if !slices.Contains(without, n.by[i]) {
			sets = append(sets, set)
		}
	}
	if len(sets) == 1 {
		return base
	}
	slices.SortFunc(sets, func(a, b *bitmap) int { return int(int64(a.GetCardinality()) - int64(b.GetCardinality())) })
	all := roaring.And(sets[0], sets[1])
	for _, set := range sets[2:] {
		all.And(set)
	}
	return all
}

// find answers a request; base is what has its words, and has gives what is live of what has one of some terms.
func (s *shelf) find(r Request, base *bitmap, has func([]Term) *bitmap) (found Found) {
	if r.Near != nil {
		base = s.within(base, *r.Near)
	}
	var filters narrowed
	for _, g := range r.Groups {
		filters.add(g.Dimension, s.group(g))
	}
	if r.PriceFrom != nil || r.PriceTo != nil {
		filters.add(dimPrice, s.priced(r, base))
	}
	for _, g := range r.Ranges {
		filters.add(g.dimension(), s.numbers[g.Attribute].within(g))
	}
	all := filters.of(base)
	found.Hits = s.page(r, all, has)
	if r.Count || r.Facets != 0 {
		found.Total = int64(all.GetCardinality())
	}
	if r.Facets&^ByRange != 0 {
		found.Counts = s.counts(r, base, all, filters)
	}
	if r.Facets&ByRange != 0 {
		found.Ranges = s.spreads(base, all, filters)
	}
	return found
}

func (s *shelf) group(g Group) *bitmap {
	if without, ok := strings.CutPrefix(g.Facets[0], none); ok {
		at, ok := s.facetOf[without]
		if !ok {
			return s.live
		}
		return roaring.AndNot(s.live, s.facets[at].in)
	}
	var sets []*bitmap
	for _, name := range g.Facets {
		if at, ok := s.facetOf[name]; ok {
			sets = append(sets, s.facets[at].in)
		}
	}
	return union(sets)
}

// within is what of a set is in a circle.
func (s *shelf) within(set *bitmap, c Circle) *bitmap {
	var in []uint32
	each(roaring.And(set, s.placed), func(n uint32) {
		if s.items[n].chord(c) <= c.Within {
			in = append(in, n)
		}
	})
	return roaring.BitmapOf(in...)
}

// chord is the square of the straight line to a circle's middle: as search_chord() has it, to the bit.
func (i *item) chord(c Circle) float64 {
	dx, dy, dz := i.x-c.X, i.y-c.Y, i.z-c.Z
	return float64(dx*dx) + float64(dy*dy) + float64(dz*dz)
}

// priced is what of a set costs as much as a request asks for, in its currency, and it may be more than the set: of a large one whole steps by
// their bitmaps, the steps at the ends item by item. The request's currency is a filter of its own.
func (s *shelf) priced(r Request, of *bitmap) *bitmap {
	if of.GetCardinality()*few < s.live.GetCardinality() {
		return s.between(of, r.PriceFrom, r.PriceTo)
	}
	var sets []*bitmap
	for step := range len(r.Steps) + 1 {
		from, to := int64(0), int64(math.MaxInt64)
		if step > 0 {
			from = r.Steps[step-1]
		}
		if step < len(r.Steps) {
			to = r.Steps[step] - 1
		}
		low, high := true, true
		if r.PriceFrom != nil {
			low = *r.PriceFrom <= from
			if *r.PriceFrom > to {
				continue
			}
		}
		if r.PriceTo != nil {
			high = *r.PriceTo >= to
			if *r.PriceTo < from {
				continue
			}
		}
		at, ok := s.facetOf[stepFacet(r.currency(), step)]
		if !ok {
			continue
		}
		if set := s.facets[at].in; low && high {
			sets = append(sets, set)
		} else {
			sets = append(sets, s.between(set, r.PriceFrom, r.PriceTo))
		}
	}
	return union(sets)
}

func (s *shelf) between(set *bitmap, from, to *int64) *bitmap {
	in := make([]uint32, 0, set.GetCardinality())
	each(set, func(n uint32) {
		price := s.prices[n]
		if (from == nil || price >= *from) && (to == nil || price <= *to) {
			in = append(in, n)
		}
	})
	return roaring.BitmapOf(in...)
}

// currency is the one that the request filters by; empty without.
func (r Request) currency() string {
	for _, g := range r.Groups {
		if g.Dimension == dimCurrency {
			return strings.TrimPrefix(g.Facets[0], dimCurrency+":")
		}
	}
	return ""
}

// counts is how many there are of each facet that is asked for: of a dimension that is filtered by, without its own filter.
func (s *shelf) counts(r Request, base, all *bitmap, filters narrowed) map[string]int64 {
	counts := map[string]int64{}
	steps := dimPrice + "-" + r.currency()
	filtered := r.filtered()
	s.count(counts, all, func(dimension string) bool {
		return r.Facets&dimensionOf(dimension) != 0 && !slices.Contains(filtered, dimension) && (!strings.HasPrefix(dimension, dimPrice+"-") || dimension == steps && !slices.Contains(filtered, dimPrice))
	})
	for _, dimension := range filtered {
		if r.Facets&dimensionOf(dimension) == 0 {
			continue
		}
		without, own := []string{dimension}, dimension
		switch dimension {
		case dimCurrency:
			without = append(without, dimPrice)
		case dimPrice:
			own = steps
		}
		s.count(counts, filters.of(base, without...), func(d string) bool { return d == own })
	}
	for name, n := range maps.Clone(counts) { // a price's step is counted under its currency's name
		if step, ok := strings.CutPrefix(name, steps+":"); ok {
			delete(counts, name)
			counts[dimPrice+":"+step] = n
		}
	}
	return counts
}

// page is the rows of a page and one more, in the order of its sort.
func (s *shelf) page(r Request, all *bitmap, has func([]Term) *bitmap) []Place {
	switch r.Sort {
	case Relevance:
		return s.ranked(r, all, has)
	case Nearest:
		key := func(n uint32) int64 { return -int64(math.Floor(s.items[n].chord(*r.Near) * 1e12)) }
		return s.chosen(nil, all, key, r.After, r.Size+1)
	case Rating:
		return s.ordered(nil, all, s.byRating, func(n uint32) int64 { return int64(s.items[n].rating) }, r.After, r.Size+1)
	case PriceUp:
		order := s.cheapest
		if from := r.PriceFrom; from != nil {
			order = s.reached(order, func(price int64) bool { return price >= *from })
		}
		return s.ordered(nil, all, order, func(n uint32) int64 { return -s.prices[n] }, r.After, r.Size+1)
	case PriceDown:
		order := s.dearest
		if to := r.PriceTo; to != nil {
			order = s.reached(order, func(price int64) bool { return price <= *to })
		}
		return s.ordered(nil, all, order, func(n uint32) int64 { return s.prices[n] }, r.After, r.Size+1)
	case Newest:
	}
	return s.ordered(nil, all, s.newest, func(uint32) int64 { return 0 }, r.After, r.Size+1)
}

// reached is the rest of an order by prices from where they are such.
func (s *shelf) reached(order []uint32, such func(price int64) bool) []uint32 {
	return order[sort.Search(len(order), func(i int) bool { return such(s.prices[order[i]]) }):]
}

// ranked is a page by what documents score: word by word they are parted by their scores so far, and the parts with the highest read first.
func (s *shelf) ranked(r Request, all *bitmap, has func([]Term) *bitmap) (hits []Place) {
	parts := map[int32]*bitmap{0: all}
	for levels := range byWord(r.Levels) {
		sets := make([]*bitmap, len(levels))
		for i, l := range levels {
			sets[i] = has(l.Terms)
		}
		next := map[int32]*bitmap{}
		for score, part := range parts {
			left := part
			for i, l := range levels {
				if left.IsEmpty() {
					break
				}
				put(next, score+l.Score, roaring.And(left, sets[i]))
				left = roaring.AndNot(left, sets[i])
			}
			put(next, score, left)
		}
		parts = next
	}
	for _, score := range slices.Backward(slices.Sorted(maps.Keys(parts))) {
		after := r.After
		if after != nil && int64(score) > after.Key {
			continue
		}
		if after != nil && int64(score) < after.Key {
			after = nil
		}
		hits = s.ordered(hits, parts[score], s.newest, func(uint32) int64 { return int64(score) }, after, r.Size+1-len(hits))
		if len(hits) > r.Size {
			break
		}
	}
	return hits
}

// byWord gives the levels of each word, the highest first.
func byWord(levels []Level) func(func([]Level) bool) {
	return func(yield func([]Level) bool) {
		for i := 0; i < len(levels); {
			j := i
			for j < len(levels) && levels[j].Word == levels[i].Word {
				j++
			}
			if !yield(levels[i:j]) {
				return
			}
			i = j
		}
	}
}

func put(parts map[int32]*bitmap, score int32, set *bitmap) {
	if set.IsEmpty() {
		return
	}
	if there, ok := parts[score]; ok {
		parts[score] = roaring.Or(there, set)
	} else {
		parts[score] = set
	}
}

// ordered adds a page of a set to hits, by an order that is kept: along it where much of it is in the set, else by looking at each of the set.
func (s *shelf) ordered(hits []Place, set *bitmap, order []uint32, key func(uint32) int64, after *Place, limit int) []Place {
	size := int(set.GetCardinality())
	if size == 0 || limit <= 0 {
		return hits
	}
	if walk := limit * (len(order) / size); size*8 < walk { // a step of the walk is that much cheaper than a look
		return s.chosen(hits, set, key, after, limit)
	}
	from := 0
	if after != nil {
		from = sort.Search(len(order), func(i int) bool { return s.behind(order[i], key(order[i]), after) })
	}
	has := set.Contains
	for i, n := range order[from:] {
		if i == 256 { // it is a long way
			has = dense(set, len(s.items))
		}
		if !has(n) {
			continue
		}
		hits = append(hits, s.place(n, key(n)))
		if limit--; limit == 0 {
			break
		}
	}
	return hits
}

// behind says whether an item comes after a place.
func (s *shelf) behind(n uint32, key int64, p *Place) bool {
	i := &s.items[n]
	if key != p.Key {
		return key < p.Key
	}
	if at := p.At.UnixMicro(); i.at != at {
		return i.at < at
	}
	return slices.Compare(i.id[:], p.ID[:]) < 0
}

func (s *shelf) place(n uint32, key int64) Place {
	return Place{Key: key, At: time.UnixMicro(s.items[n].at).UTC(), ID: s.items[n].id}
}

// chosen adds the first of a set to hits, by keys that no order is kept of.
func (s *shelf) chosen(hits []Place, set *bitmap, key func(uint32) int64, after *Place, limit int) []Place {
	best := &worstFirst{shelf: s}
	each(set, func(n uint32) {
		k := key(n)
		if after != nil && !s.behind(n, k, after) {
			return
		}
		if len(best.items) < limit {
			heap.Push(best, keyed{n, k})
		} else if s.compare(k, n, best.items[0].key, best.items[0].n) < 0 {
			best.items[0] = keyed{n, k}
			heap.Fix(best, 0)
		}
	})
	slices.SortFunc(best.items, func(a, b keyed) int { return s.compare(a.key, a.n, b.key, b.n) })
	for _, k := range best.items {
		hits = append(hits, s.place(k.n, k.key))
	}
	return hits
}

type keyed struct {
	n   uint32
	key int64
}

// worstFirst is a heap whose first is the last of those that were chosen.
type worstFirst struct {
	shelf *shelf
	items []keyed
}

func (w *worstFirst) Len() int      { return len(w.items) }
func (w *worstFirst) Swap(i, j int) { w.items[i], w.items[j] = w.items[j], w.items[i] }
func (w *worstFirst) Push(x any)    { w.items = append(w.items, x.(keyed)) }
func (w *worstFirst) Less(i, j int) bool {
	a, b := w.items[i], w.items[j]
	return w.shelf.compare(a.key, a.n, b.key, b.n) > 0
}

// Pop is there for heap.Interface: nothing is taken out.
func (w *worstFirst) Pop() any { return nil }

// dense is a set to be asked again and again, of numbers below a size.
func dense(set *bitmap, size int) func(uint32) bool {
	words := make([]uint64, max((size+63)/64, int(set.DenseSize())))
	set.WriteDenseTo(words)
	return func(n uint32) bool { return words[n/64]&(1<<(n%64)) != 0 }
}

// each calls do for everything in a set.
func each(set *bitmap, do func(uint32)) {
	for numbers := range blocks(set) {
		for _, n := range numbers {
			do(n)
		}
	}
}

// blocks are what is in a set, many at a time, in their order.
func blocks(set *bitmap) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		buffer := make([]uint32, 1024)
		for numbers := set.ManyIterator(); ; {
			n := numbers.NextMany(buffer)
			if n == 0 || !yield(buffer[:n]) {
				return
			}
		}
	}
}
