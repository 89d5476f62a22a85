package search

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
)

// bitmap is a set of documents, by their numbers on the shelf.
type bitmap = roaring.Bitmap

// document is a row as it is read.
type document db.SearchDocumentsRow

// item is what is known of a document besides the bitmaps that it is in.
type item struct {
	id      uuid.UUID
	at      int64 // microseconds
	rating  int32
	says    uint32 // where its attributes begin in shelf.said
	nsays   uint32
	x, y, z float64 // not a number where it has no place
}

// facet is what is in one of a dimension's values.
type facet struct {
	name string
	of   Dimensions // one
	in   *bitmap
}

// posting is where a word is, by weight: A, B, C, D; nil where it is nowhere.
type posting [4]*bitmap

// shelf is the documents that can be found. A document that changes gets a new number, and its old one is dead: it stays in the
// bitmaps, and live is what every answer is cut by.
type shelf struct {
	seen    string // the snapshot that has been read
	version uint64

	items      []item
	prices     []int64 // theirs
	byID       map[uuid.UUID]uint32
	live       *bitmap
	placed     *bitmap
	facets     []facet
	facetOf    map[string]uint32
	dimensions map[string][]uint32 // their facets
	columns    [columns]column
	said       []uint32 // each item's attributes, as facets
	postings   map[string]*posting
	words      []string // of postings, sorted once settled
	fresh      []uint32 // items that are in no order yet
	numbers    map[string]*numbers
	unsorted   int // words at the end that are not in their order yet

	newest, byRating, cheapest, dearest []uint32
}

func newShelf() *shelf {
	return &shelf{
		byID: map[uuid.UUID]uint32{}, live: roaring.New(), placed: roaring.New(), facetOf: map[string]uint32{},
		dimensions: map[string][]uint32{}, postings: map[string]*posting{}, numbers: map[string]*numbers{},
	}
}

// worn says that more of the shelf is dead than alive.
func (s *shelf) worn() bool { return len(s.items) > 2*len(s.byID)+10_000 }

// change puts a document in place of what was there of its listing.
func (s *shelf) change(row db.SearchChangesRow) error {
	s.remove(row.ListingID)
	if !row.Visible {
		return nil
	}
	return s.add(document{
		ListingID: row.ListingID, PublishedAt: row.PublishedAt, Price: row.Price, Currency: row.Currency, Rating: row.Rating,
		X: row.X, Y: row.Y, Z: row.Z, Facets: row.Facets, Words: row.Words, Numbers: row.Numbers,
	})
}

func (s *shelf) remove(listing uuid.UUID) {
	if n, ok := s.byID[listing]; ok {
		s.live.Remove(n)
		delete(s.byID, listing)
	}
}

// add puts a document that can be found on the shelf. settle has to follow.
func (s *shelf) add(d document) error {
	n := uint32(len(s.items))
	i := item{id: d.ListingID, at: d.PublishedAt.UnixMicro(), rating: d.Rating, says: uint32(len(s.said)), x: math.NaN()}
	price := int64(0)
	if d.Price != nil {
		price = *d.Price
	}
	if d.X != nil {
		i.x, i.y, i.z = *d.X, *d.Y, *d.Z
		s.placed.Add(n)
	}
	var of [columns][]uint32
	for _, name := range d.Facets {
		s.file(n, name, &of)
	}
	if d.Price != nil {
		s.file(n, stepFacet(*d.Currency, stepOf(*d.Price, priceSteps(money.Currency(*d.Currency)))), &of)
	}
	for c := range of {
		s.columns[c].add(of[c])
	}
	i.nsays = uint32(len(s.said)) - i.says
	if err := s.quantify(n, d.Numbers); err != nil {
		return err
	}
	if err := eachWord(d.Words, func(word string, in where) { s.post(n, word, in) }); err != nil {
		return err
	}
	s.items, s.prices = append(s.items, i), append(s.prices, price)
	s.fresh = append(s.fresh, n)
	s.byID[i.id] = n
	s.live.Add(n)
	return nil
}

// file puts a document under a facet, which is of one of its columns or said of it.
func (s *shelf) file(n uint32, name string, of *[columns][]uint32) {
	at, ok := s.facetOf[name]
	if !ok {
		at = uint32(len(s.facets))
		name = strings.Clone(name)
		s.facetOf[name] = at
		dimension, _, _ := strings.Cut(name, ":")
		s.facets = append(s.facets, facet{name: name, of: dimensionOf(dimension), in: roaring.New()})
		s.dimensions[dimension] = append(s.dimensions[dimension], at)
	}
	s.facets[at].in.Add(n)
	if d := s.facets[at].of; d == ByAttribute {
		s.said = append(s.said, at)
	} else {
		of[d.column()] = append(of[d.column()], at)
	}
}

func (s *shelf) post(n uint32, word string, in where) {
	p, ok := s.postings[word]
	if !ok {
		p, word = new(posting), strings.Clone(word)
		s.postings[word] = p
		s.words = append(s.words, word)
		s.unsorted++
	}
	for i := range p {
		if in&(1<<i) == 0 {
			continue
		}
		if p[i] == nil {
			p[i] = roaring.New()
		}
		p[i].Add(n)
	}
}

// settle puts what was added into its orders.
func (s *shelf) settle() {
	if s.unsorted > 0 {
		slices.Sort(s.words)
		s.unsorted = 0
	}
	for _, numbers := range s.numbers {
		numbers.settle()
	}
	s.newest = s.merge(s.newest, func(uint32) int64 { return 0 })
	s.byRating = s.merge(s.byRating, func(n uint32) int64 { return int64(s.items[n].rating) })
	s.cheapest = s.merge(s.cheapest, func(n uint32) int64 { return -s.prices[n] })
	s.dearest = s.merge(s.dearest, func(n uint32) int64 { return s.prices[n] })
	s.fresh = s.fresh[:0]
}

// merge puts the fresh items into an order.
func (s *shelf) merge(order []uint32, key func(uint32) int64) []uint32 {
	compare := func(a, b uint32) int { return s.compare(key(a), a, key(b), b) }
	if len(s.fresh) < 8 {
		for _, n := range s.fresh {
			at, _ := slices.BinarySearchFunc(order, n, compare)
			order = slices.Insert(order, at, n)
		}
		return order
	}
	fresh := slices.SortedFunc(slices.Values(s.fresh), compare)
	merged := make([]uint32, 0, len(order)+len(fresh))
	for len(order) > 0 && len(fresh) > 0 {
		if compare(order[0], fresh[0]) < 0 {
			merged, order = append(merged, order[0]), order[1:]
		} else {
			merged, fresh = append(merged, fresh[0]), fresh[1:]
		}
	}
	return append(append(merged, order...), fresh...)
}

// compare orders two items by key, time and number, each descending; one item that was there twice by its places on the shelf.
func (s *shelf) compare(x int64, a uint32, y int64, b uint32) int {
	i, j := &s.items[a], &s.items[b]
	return cmp.Or(cmp.Compare(y, x), cmp.Compare(j.at, i.at), slices.Compare(j.id[:], i.id[:]), cmp.Compare(a, b))
}

// stepOf is the step of prices that one is in, as PostgreSQL's width_bucket has it.
func stepOf(price int64, steps []int64) int {
	at, found := slices.BinarySearch(steps, price)
	if found {
		at++
	}
	return at
}

// stepFacet is what prices of a currency are counted under.
func stepFacet(currency string, step int) string {
	return dimPrice + "-" + currency + ":" + strconv.Itoa(step)
}
