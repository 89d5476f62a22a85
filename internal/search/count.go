package search

import "encoding/binary"

// column is what each item has of one dimension: a facet, or some that go together, as a category with all above it. Most of them are had
// by many, so that counting is one look at a number for each item.
type column struct {
	of     []uint32   // by item: which of facets; 0 is none
	facets [][]uint32 // that go together
	number map[string]uint32
}

// add says what the next item has.
func (c *column) add(facets []uint32) {
	if c.number == nil {
		c.number, c.facets = map[string]uint32{"": 0}, [][]uint32{nil}
	}
	var key [64]byte
	text := key[:0]
	for _, f := range facets {
		text = binary.LittleEndian.AppendUint32(text, f)
	}
	n, ok := c.number[string(text)]
	if !ok {
		n = uint32(len(c.facets))
		c.number[string(text)] = n
		c.facets = append(c.facets, facets)
	}
	c.of = append(c.of, n)
}

// tally counts how many of a set are under facets.
type tally struct {
	*shelf

	set  *bitmap
	size int
	sums []int64    // by facet
	done Dimensions // that are in sums
}

// What a look at a number costs, against one at a bitmap's part for a document: going through a set is cheaper than its facets' bitmaps
// while it is smaller than so many of them; of attributes, which are read one by one, while it is much smaller than all that is live.
const (
	bitsALook = 128
	few       = 16
)

func (s *shelf) tally(set *bitmap) *tally {
	return &tally{shelf: s, set: set, size: int(set.GetCardinality())}
}

// under is how many are under each of one dimension's facets.
func (t *tally) under(d Dimensions, facets []uint32) func(facet uint32) int64 {
	live := int(t.live.GetCardinality())
	if d == ByAttribute && t.size*few >= live || d != ByAttribute && t.size*bitsALook > len(facets)*live {
		return func(facet uint32) int64 { return int64(t.set.AndCardinality(t.facets[facet].in)) }
	}
	if t.done&d == 0 {
		t.sum(d)
	}
	return func(facet uint32) int64 { return t.sums[facet] }
}

// sum goes through the set once, for one column or for all attributes.
func (t *tally) sum(d Dimensions) {
	t.done |= d
	if t.sums == nil {
		t.sums = make([]int64, len(t.facets))
	}
	if d == ByAttribute {
		each(t.set, func(n uint32) {
			i := &t.items[n]
			for _, facet := range t.said[i.says : i.says+i.nsays] {
				t.sums[facet]++
			}
		})
		return
	}
	c := &t.columns[d.column()]
	of := make([]int64, len(c.facets))
	for numbers := range blocks(t.set) {
		for _, n := range numbers {
			of[c.of[n]]++
		}
	}
	for number, facets := range c.facets {
		for _, facet := range facets {
			t.sums[facet] += of[number]
		}
	}
}

// count adds how many of a set are under each facet of the dimensions that are wanted.
func (s *shelf) count(counts map[string]int64, set *bitmap, wanted func(dimension string) bool) {
	t := s.tally(set)
	for dimension, facets := range s.dimensions {
		if !wanted(dimension) {
			continue
		}
		under := t.under(dimensionOf(dimension), facets)
		for _, facet := range facets {
			if n := under(facet); n > 0 {
				counts[s.facets[facet].name] = n
			}
		}
	}
}
