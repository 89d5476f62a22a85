package search_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

// memory is the world's index of bitmaps.
func (b *bundle) memory() *search.Memory {
	b.T.Helper()
	index, err := search.NewMemory(b.Pool, slog.New(slog.DiscardHandler))
	b.Must(err)
	b.T.Cleanup(func() { _ = index.Close(b.T.Context()) })
	b.Must(index.Load(b.Ctx()))
	return index
}

// thing is a listing as the brute force sees it.
type thing struct {
	good
	id         uuid.UUID
	gone       bool
	categories []uuid.UUID
	brand      uuid.UUID
	colour     string
	width      string // a number, or nothing
	stars      int
	made       int
}

// shop is listings made at random, and what they are filed under.
type shop struct {
	*bundle
	things     []*thing
	tree       [][]uuid.UUID // categories with all above them
	brands     []uuid.UUID
	colour     uuid.UUID
	width      uuid.UUID
	vocabulary []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{bundle: setup(t), vocabulary: []string{"lamp", "pot", "قنديل", "écharpe", "carpet"}}
	root, leaf, other := id.New(), id.New(), id.New()
	s.tree = [][]uuid.UUID{nil, {root}, {leaf, root}, {other}}
	for i, c := range []uuid.UUID{root, leaf, other} {
		var parent *uuid.UUID
		if c == leaf {
			parent = &root
		}
		s.Exec(`INSERT INTO category (id, parent_id, slug, name_ar, name_en, name_fr) VALUES ($1, $2, $3, 'ص', 'Cat', 'Chat')`, c, parent, fmt.Sprint("c", i))
	}
	for i := range 2 {
		s.brands = append(s.brands, id.New())
		s.Exec(`INSERT INTO brand (id, name, normalised) VALUES ($1, $2, $2)`, s.brands[i], fmt.Sprint("brand", i))
	}
	s.colour = id.New()
	s.Exec(`INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type) VALUES ($1, $2, 'colour', 'ل', 'Colour', 'Couleur', 'CHOICE')`, s.colour, root)
	s.width = id.New()
	s.Exec(`INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type) VALUES ($1, $2, 'width', 'ع', 'Width', 'Largeur', 'NUMBER')`, s.width, root)
	for _, c := range []string{"red", "blue"} {
		s.Exec(`INSERT INTO attribute_option (attribute_id, code, name_ar, name_en, name_fr) VALUES ($1, $2, 'ل', $2, $2)`, s.colour, c)
	}
	return s
}

var somewhere = []catalog.Place{{Latitude: 48.85, Longitude: 2.35}, {Latitude: 48.9, Longitude: 2.4}, {Latitude: -33, Longitude: 151}}

// stock puts a thing on the shelf.
func (s *shop) stock(t *rapid.T) {
	th := &thing{good: good{
		title:     strings.Join(rapid.SliceOfN(rapid.SampledFrom(s.vocabulary), 1, 3).Draw(t, "title"), " ") + " it",
		condition: rapid.SampledFrom([]catalog.Condition{"NEW", "GOOD", "FAIR"}).Draw(t, "condition"),
		kind:      rapid.SampledFrom([]catalog.Kind{catalog.OneOff, catalog.Giveaway, catalog.AuctionLot}).Draw(t, "kind"),
		currency:  rapid.SampledFrom([]money.Currency{"EUR", "USD"}).Draw(t, "currency"),
		draft:     rapid.IntRange(0, 9).Draw(t, "draft") == 0,
	}}
	if th.kind == catalog.OneOff {
		th.price = rapid.SampledFrom([]int64{0, 1, 9_99, 10_00, 24_99, 25_00, 120_00, 9999_00}).Draw(t, "price")
	}
	if at := rapid.IntRange(0, len(somewhere)).Draw(t, "place"); at < len(somewhere) {
		th.place = &somewhere[at]
	}
	th.id = s.put(th.good)
	th.made = s.made
	th.categories = rapid.SampledFrom(s.tree).Draw(t, "category")
	if rapid.Bool().Draw(t, "branded") {
		th.brand = rapid.SampledFrom(s.brands).Draw(t, "brand")
		s.Exec(`UPDATE listing SET brand_id = $2 WHERE id = $1`, th.id, th.brand)
	}
	if len(th.categories) > 0 {
		s.Exec(`UPDATE listing SET category_id = $2 WHERE id = $1`, th.id, th.categories[0])
	}
	if th.colour = rapid.SampledFrom([]string{"", "red", "blue"}).Draw(t, "colour"); th.colour != "" {
		s.Exec(`INSERT INTO listing_attribute (listing_id, attribute_id, type, value) VALUES ($1, $2, 'CHOICE', $3)`, th.id, s.colour, th.colour)
	}
	if th.width = rapid.SampledFrom(widths).Draw(t, "width"); th.width != "" {
		s.Exec(`INSERT INTO listing_attribute (listing_id, attribute_id, type, value) VALUES ($1, $2, 'NUMBER', $3)`, th.id, s.width, th.width)
	}
	s.things = append(s.things, th)
}

// widths are numbers as listings say them; none of some.
var widths = []string{"", "", "-3.5", "0", "0.1", "12", "12.5", "300", "123456789012345.123456"}

// star gives a thing one more review.
func (s *shop) star(th *thing, stars int) {
	if th.stars > 0 {
		return
	}
	th.stars = stars
	s.Exec(`INSERT INTO rating (subject, subject_id) VALUES ('LISTING', $1)`, th.id)
	s.Exec(`UPDATE rating SET `+[]string{"", "ones", "twos", "threes", "fours", "fives"}[stars]+` = 1 WHERE subject_id = $1`, th.id)
}

// unsettle changes something that is there.
func (s *shop) unsettle(t *rapid.T) {
	th := rapid.SampledFrom(s.things).Draw(t, "which")
	switch rapid.IntRange(0, 6).Draw(t, "how") {
	case 0:
		if !th.draft && !th.gone {
			th.gone = true
			s.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, th.id)
		}
	case 1:
		if th.price > 0 {
			th.price = rapid.Int64Range(1, 300_00).Draw(t, "cents")
			s.Exec(`UPDATE variant SET price = $2 WHERE listing_id = $1`, th.id, th.price)
		}
	case 2:
		th.title = rapid.SampledFrom(s.vocabulary).Draw(t, "word") + " too"
		s.Exec(`UPDATE listing SET title = $2 WHERE id = $1`, th.id, th.title)
	case 3:
		if th.colour != "" {
			th.colour = ""
			s.Exec(`DELETE FROM listing_attribute WHERE listing_id = $1 AND type = 'CHOICE'`, th.id)
		}
	case 4:
		told, err := s.Catalog.Delete(s.Ctx(), s.seller, []uuid.UUID{th.id})
		if s.Must(err); told[0].Refused == nil { // what is hidden stays
			th.gone = true
		}
	case 5:
		if th.width != "" {
			th.width = rapid.SampledFrom(widths[2:]).Draw(t, "another width")
			s.Exec(`UPDATE listing_attribute SET value = $2 WHERE listing_id = $1 AND type = 'NUMBER'`, th.id, th.width)
		}
	case 6:
		s.star(th, rapid.IntRange(1, 5).Draw(t, "stars"))
	}
}

// ask makes a query.
func (s *shop) ask(t *rapid.T) (q search.Query) {
	f := &q.Filter
	if rapid.Bool().Draw(t, "with text") {
		q.Text = strings.Join(rapid.SliceOfN(rapid.SampledFrom(s.vocabulary), 1, 2).Draw(t, "text"), " ") + " "
	}
	f.Kinds = rapid.SliceOfN(rapid.SampledFrom([]catalog.Kind{catalog.OneOff, catalog.Giveaway, catalog.AuctionLot}), 0, 2).Draw(t, "kinds")
	f.Conditions = rapid.SliceOfN(rapid.SampledFrom([]catalog.Condition{"NEW", "GOOD", "FAIR"}), 0, 2).Draw(t, "conditions")
	if rapid.Bool().Draw(t, "with category") {
		f.Categories = []uuid.UUID{rapid.SampledFrom(s.tree[1:]).Draw(t, "category")[0]}
	}
	f.Brands = rapid.SliceOfN(rapid.SampledFrom(s.brands), 0, 1).Draw(t, "brands")
	if rapid.Bool().Draw(t, "with colour") {
		f.Attributes = []search.AttributeFilter{{Attribute: s.colour, Values: rapid.SliceOfN(rapid.SampledFrom([]string{"red", "blue"}), 1, 2).Draw(t, "colours")}}
	}
	if rapid.IntRange(0, 2).Draw(t, "with width") == 0 {
		r := search.RangeFilter{Attribute: s.width, From: new(rapid.SampledFrom([]float64{-4, -3.5, 0, 0.1, 12.1}).Draw(t, "width from"))}
		if rapid.Bool().Draw(t, "width to") {
			r.To = new(rapid.SampledFrom([]float64{12.5, 12.6, 1e15}).Draw(t, "width to so much"))
		}
		f.Ranges = []search.RangeFilter{r}
	}
	if rapid.IntRange(0, 4).Draw(t, "with stars") == 0 {
		f.RatingAtLeast = new(rapid.IntRange(1, 5).Draw(t, "stars"))
	}
	if from := max(1, valueOr(f.RatingAtLeast, 1)); from < 5 && rapid.IntRange(0, 4).Draw(t, "below stars") == 0 {
		f.RatingBelow = new(rapid.IntRange(from+1, 5).Draw(t, "below so many"))
	}
	if rapid.Bool().Draw(t, "with currency") {
		f.Currency = new(rapid.SampledFrom([]money.Currency{"EUR", "USD"}).Draw(t, "currency"))
		if rapid.Bool().Draw(t, "from") {
			f.PriceFrom = new(money.New(rapid.SampledFrom([]int64{0, 5_00, 10_00, 24_99}).Draw(t, "from so much"), *f.Currency))
		}
		if rapid.Bool().Draw(t, "to") {
			f.PriceTo = new(money.New(rapid.SampledFrom([]int64{24_99, 25_00, 130_00}).Draw(t, "to so much"), *f.Currency))
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "near") == 0 {
		f.Near = &search.Near{Place: somewhere[0], RadiusKM: rapid.SampledFrom([]float64{1, 20, 500}).Draw(t, "km")}
	}
	sorts := []search.Sort{"", search.Newest, search.Rating}
	if f.Currency != nil {
		sorts = append(sorts, search.PriceUp, search.PriceDown)
	}
	if f.Near != nil {
		sorts = append(sorts, search.Nearest)
	}
	q.Sort = rapid.SampledFrom(sorts).Draw(t, "sort")
	return q
}

// valueOr is what a bound says, or what none does.
func valueOr(bound *int, none int) int {
	if bound == nil {
		return none
	}
	return *bound
}

// means are the words of the vocabulary that are synonyms, by what servers begin with.
var means = map[string]string{"lamp": "قنديل", "قنديل": "lamp"}

// meets is the brute force: whether a thing is found, leaving out the filters of one dimension.
func (s *shop) meets(th *thing, q search.Query, without string, loose bool) bool {
	f := q.Filter
	in := func(dimension string, n int, has func() bool) bool { return without == dimension || n == 0 || has() }
	priced := th.price > 0 || th.kind == catalog.Giveaway
	words := strings.Fields(q.Text)
	has := 0
	for _, w := range words {
		if slices.ContainsFunc(strings.Fields(th.title), func(v string) bool { return v == w || means[w] == v }) {
			has++
		}
	}
	return !th.draft && !th.gone && (has == len(words) || loose && has > 0) &&
		in("kind", len(f.Kinds), func() bool { return slices.Contains(f.Kinds, th.kind) }) &&
		in("condition", len(f.Conditions), func() bool { return slices.Contains(f.Conditions, th.condition) }) &&
		in("category", len(f.Categories), func() bool { return slices.Contains(th.categories, f.Categories[0]) }) &&
		in("brand", len(f.Brands), func() bool { return slices.Contains(f.Brands, th.brand) }) &&
		in("colour", len(f.Attributes), func() bool { return slices.Contains(f.Attributes[0].Values, th.colour) }) &&
		in("width", len(f.Ranges), func() bool {
			w, err := strconv.ParseFloat(th.width, 64)
			return err == nil && w >= *f.Ranges[0].From && (f.Ranges[0].To == nil || w <= *f.Ranges[0].To)
		}) &&
		(without == "rating" || th.stars >= valueOr(f.RatingAtLeast, 0) && (f.RatingBelow == nil || th.stars > 0 && th.stars < *f.RatingBelow)) &&
		(without == "currency" || f.Currency == nil || priced && th.currency == *f.Currency &&
			(without == "price" || (f.PriceFrom == nil || th.price >= f.PriceFrom.Minor) && (f.PriceTo == nil || th.price <= f.PriceTo.Minor))) &&
		(f.Near == nil || th.place != nil && (*th.place == somewhere[0] || *th.place == somewhere[1] && f.Near.RadiusKM > 10))
}

// counted is the facets by brute force, as text.
func (s *shop) counted(q search.Query) (total int, facets map[string]int, width search.RangeCount) {
	known := q
	known.Filter = search.Filter{}
	loose := !slices.ContainsFunc(s.things, func(th *thing) bool { return s.meets(th, known, "", false) })
	facets = map[string]int{}
	for _, th := range s.things {
		add := func(dimension, value string) {
			if value != "" && s.meets(th, q, dimension, loose) {
				facets[dimension+":"+value]++
			}
		}
		if s.meets(th, q, "", loose) {
			total++
		}
		add("kind", string(th.kind))
		add("condition", string(th.condition))
		for _, c := range th.categories {
			add("category", c.String())
		}
		if th.brand != uuid.Nil {
			add("brand", th.brand.String())
		}
		add("colour", th.colour)
		for stars := range th.stars {
			add("rating", strconv.Itoa(stars+1))
		}
		if w, err := strconv.ParseFloat(th.width, 64); err == nil && s.meets(th, q, "width", loose) {
			if width.Count == 0 {
				width = search.RangeCount{Attribute: s.width, Min: w, Max: w}
			}
			width.Count, width.Min, width.Max = width.Count+1, min(width.Min, w), max(width.Max, w)
		}
		if th.price > 0 || th.kind == catalog.Giveaway {
			add("currency", string(th.currency))
			if q.Filter.Currency != nil && th.currency == *q.Filter.Currency {
				from := int64(0)
				for _, step := range []int64{10, 25, 50, 100, 250, 500, 1000, 2500} {
					if th.price >= step*100 {
						from = step * 100
					}
				}
				add("price", strconv.FormatInt(from, 10))
			}
		}
	}
	return total, facets, width
}

// written is an answer's facets as text.
func written(f search.Facets) map[string]int {
	facets := map[string]int{}
	for _, c := range f.Kinds {
		facets["kind:"+string(c.Kind)] = int(c.Count)
	}
	for _, c := range f.Conditions {
		facets["condition:"+string(c.Condition)] = int(c.Count)
	}
	for _, c := range f.Categories {
		facets["category:"+c.Category.String()] = int(c.Count)
	}
	for _, c := range f.Brands {
		facets["brand:"+c.Brand.String()] = int(c.Count)
	}
	for _, a := range f.Attributes {
		for _, c := range a.Values {
			facets["colour:"+c.Value] = int(c.Count)
		}
	}
	for _, c := range f.Currencies {
		facets["currency:"+string(c.Currency)] = int(c.Count)
	}
	for _, c := range f.Ratings {
		facets[fmt.Sprint("rating:", c.AtLeast)] = int(c.Count)
	}
	for _, c := range f.Prices {
		facets[fmt.Sprint("price:", c.From.Minor)] = int(c.Count)
	}
	return facets
}

// only are some of an answer's facets, as text.
func only(asked search.Dimensions, f search.Facets) string {
	all := []any{f.Categories, f.Brands, f.Attributes, f.Kinds, f.Conditions, f.Currencies, f.Prices, f.Ratings, f.Ranges}
	var text strings.Builder
	for i, of := range all {
		if asked&(1<<i) != 0 {
			_, _ = fmt.Fprintf(&text, "%+v\n", of)
		}
	}
	return text.String()
}

// Both indexes find the same, in the same order, page by page, and count what a brute force counts, whatever changed in between.
func TestIndexesAgreeWithABruteForce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	memory := s.memory()
	services := []*search.Service{search.New(s.Pool, s.Catalog, search.NewSQL(s.Pool)), search.New(s.Pool, s.Catalog, memory)}
	for range 30 {
		rapid.Check(t, func(t *rapid.T) {
			if len(s.things) < 400 {
				s.stock(t)
			}
			s.unsettle(t)
		})
		if len(s.things) > 150 {
			break
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s.unsettle(t)
		q := s.ask(t)
		total, facets, width := s.counted(q)
		var order []uuid.UUID
		for i, service := range services {
			result, err := service.Search(s.Ctx(), q, page.Args{First: new(100)}, search.Want{Facets: search.AllFacets})
			if err != nil {
				t.Fatal(err)
			}
			if got := written(result.Facets); fmt.Sprint(got) != fmt.Sprint(facets) || result.TotalCount != int64(total) {
				t.Fatalf("index %d, %+v: %d %v, want %d %v", i, q, result.TotalCount, got, total, facets)
			}
			if got := append(result.Facets.Ranges, search.RangeCount{})[0]; got != width {
				t.Fatalf("index %d, %+v: within %+v, want %+v", i, q, got, width)
			}
			asked := search.Dimensions(rapid.IntRange(0, search.AllFacets).Draw(t, "dimensions asked for"))
			some, err := service.Search(s.Ctx(), q, page.Args{}, search.Want{Facets: asked})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := only(asked, some.Facets), only(asked, result.Facets); got != want {
				t.Fatalf("index %d, %+v: of %b %s, want %s", i, q, asked, got, want)
			}
			var found []uuid.UUID
			var after *string
			for { // in small pages
				part, err := service.Search(s.Ctx(), q, page.Args{First: new(7), After: after}, search.Want{})
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range part.Nodes {
					found = append(found, l.ID)
				}
				if after = part.PageInfo().EndCursor; !part.PageInfo().HasNextPage || len(found) >= 28 {
					break
				}
			}
			for n, l := range result.Nodes {
				if n < len(found) && found[n] != l.ID {
					t.Fatalf("index %d, %+v: row %d differs by pages", i, q, n)
				}
			}
			if i == 0 {
				order = found
			} else if !slices.Equal(order, found) {
				t.Fatalf("%+v: one order is %v, the other %v", q, order, found)
			}
		}
	})
	s.inStep()
}

// What commits before the question is in the answer, also of transactions that began long before others committed.
func TestMemoryMissesNoCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Service = search.New(b.Pool, b.Catalog, b.memory())
	b.wantTitles("pot")
	late, err := b.Admin.Begin(b.Ctx())
	b.Must(err)
	put := `INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES (gen_random_uuid(), $1, 'ONE_OFF', $2, '', 'GOOD')`
	b.Must2(late.Exec(b.Ctx(), put, b.seller, "Late pot"))
	b.put(good{title: "Early pot"})
	b.wantTitles("pot", "Early pot")
	b.Must(late.Commit(b.Ctx()))
	if got := b.titles(search.Query{Text: "pot"}); len(got) != 2 {
		t.Errorf("found %q", got)
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 25 {
				title := fmt.Sprint("Jar", w, "x", i)
				tx, err := b.Pool.Begin(b.Ctx())
				b.Must(err)
				b.Must2(tx.Exec(b.Ctx(), put, b.seller, title))
				time.Sleep(time.Duration(w) * time.Millisecond)
				b.Must(tx.Commit(b.Ctx()))
				if got := b.titles(search.Query{Text: title + " "}); len(got) != 1 {
					t.Errorf("%s was committed and is not found: %q", title, got)
				}
			}
		})
	}
	writers.Wait()
	if got := b.find(search.Query{}).TotalCount; got != 102 {
		t.Errorf("%d are found", got)
	}
}

// A shelf of which most is dead is read anew, and until it is read once, PostgreSQL answers.
func TestMemoryIsReadAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	index, err := search.NewMemory(b.Pool, slog.New(slog.DiscardHandler))
	b.Must(err)
	b.Service = search.New(b.Pool, b.Catalog, index)
	b.shelf("A pot")
	b.wantTitles("pot", "A pot")
	b.Must(index.Load(b.Ctx()))
	b.wantTitles("pot", "A pot")
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition)
		SELECT gen_random_uuid(), $1, 'ONE_OFF', 'Jar ' || n, '', 'GOOD' FROM generate_series(1, 21000) n`, b.seller) // beyond what is read change by change
	if got := b.find(search.Query{Text: "jar "}).TotalCount; got != 21000 {
		t.Errorf("%d are found", got)
	}
	b.Exec(`UPDATE listing SET condition = 'NEW' WHERE title LIKE 'Jar 1%'`)
	got := b.find(search.Query{Filter: search.Filter{Conditions: []catalog.Condition{"NEW"}, Currency: nil}})
	if want := b.Int(`SELECT count(*) FROM listing WHERE condition = 'NEW'`); got.TotalCount != want {
		t.Errorf("%d are found, want %d", got.TotalCount, want)
	}
	b.Must(index.Load(b.Ctx()))
	b.put(good{title: "Another pot", price: 5})
	if got := b.find(search.Query{Text: "pot "}); got.TotalCount != 2 || got.Nodes[0].Price.Minor != domaintest.EUR(5).Minor {
		t.Errorf("after a fresh reading: %+v", got)
	}
}
