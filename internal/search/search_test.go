package search_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

func TestWordsInThreeLanguages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shelf("Running shoes, blue", "Téléphones portables reconditionnés", "كتب أطفال مُصَوَّرة", "Écharpe en soie", "مكتبة خشبية")
	for text, want := range map[string]string{
		"run shoe":            "Running shoes, blue",
		"RUNNING  SHOES":      "Running shoes, blue",
		"telephone portable":  "Téléphones portables reconditionnés",
		"les téléphones":      "Téléphones portables reconditionnés",
		"echarpe":             "Écharpe en soie",
		"ÉCHARPES de soie":    "Écharpe en soie",
		"كتب اطفال":           "كتب أطفال مُصَوَّرة",
		"كتـــب":              "كتب أطفال مُصَوَّرة",
		"مصورة":               "كتب أطفال مُصَوَّرة",
		"مكتبه":               "مكتبة خشبية",
		"المكتبة":             "مكتبة خشبية",
		"the shoes":           "Running shoes, blue", // nobody wrote "the"
		"shoes that are blue": "Running shoes, blue", //
		"sho":                 "Running shoes, blue", // begun only
		"runninng shoos":      "Running shoes, blue", // misspelt
		"shoes balloon":       "Running shoes, blue", // nothing has both
		"telefones":           "Téléphones portables reconditionnés",
	} {
		if got := b.titles(search.Query{Text: text}); !slices.Equal(got, []string{want}) {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"runn ", "sh", "xyzzy", "!!!", "🎉", "’", "' | !a & (b <-> c):*", `\`, "\u200f"} {
		b.wantTitles(text)
	}
}

func TestTheTitleComesFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(good{title: "Copper lamp"})
	b.put(good{title: "Copper pot"})
	b.put(good{title: "Brass pot", description: "Looks like copper."})
	b.put(good{title: "Coppersmith's hammer"})
	b.wantTitles("copper", "Copper pot", "Copper lamp", "Coppersmith's hammer", "Brass pot")
	b.wantTitles("copper ", "Copper pot", "Copper lamp", "Brass pot")
	b.wantTitles("coper ", "Copper pot", "Copper lamp", "Brass pot")
	b.wantTitles("pot", "Brass pot", "Copper pot")
}

func TestFiltersAndFacets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(good{title: "Pot one", price: 9_99, kind: catalog.OneOff})
	b.put(good{title: "Pot two", price: 10_00, condition: catalog.ConditionNew})
	b.put(good{title: "Pot three", price: 30_00, currency: "USD"})
	b.put(good{title: "Pot four", kind: catalog.Giveaway})
	b.put(good{title: "Pot five", kind: catalog.AuctionLot})
	b.put(good{title: "Pan", price: 10_00})
	euro := money.Currency("EUR")
	got := b.find(search.Query{Text: "pot", Filter: search.Filter{Kinds: []catalog.Kind{catalog.OneOff, catalog.OneOff}, Currency: &euro}})
	want := search.Facets{
		Kinds:      []search.KindCount{{Kind: catalog.OneOff, Count: 2}, {Kind: catalog.Giveaway, Count: 1}},
		Conditions: []search.ConditionCount{{Condition: catalog.ConditionGood, Count: 1}, {Condition: catalog.ConditionNew, Count: 1}},
		Currencies: []search.CurrencyCount{{Currency: "EUR", Count: 2}, {Currency: "USD", Count: 1}},
		Prices: []search.PriceCount{
			{From: domaintest.EUR(0), To: new(domaintest.EUR(10_00)), Count: 1}, {From: domaintest.EUR(10_00), To: new(domaintest.EUR(25_00)), Count: 1},
		},
	}
	if describe(got.Facets) != describe(want) || got.TotalCount != 2 {
		t.Errorf("%d, %s, want %s", got.TotalCount, describe(got.Facets), describe(want))
	}
	ten := domaintest.EUR(10_00)
	if got := b.titles(search.Query{Filter: search.Filter{PriceFrom: &ten}}); !slices.Equal(got, []string{"Pan", "Pot two"}) {
		t.Errorf("from 10 euros: %q", got)
	}
	if got := b.titles(search.Query{Sort: search.PriceUp, Filter: search.Filter{PriceTo: &ten}}); !slices.Equal(got, []string{"Pot four", "Pot one", "Pan", "Pot two"}) {
		t.Errorf("up to 10 euros: %q", got)
	}
	if got := b.titles(search.Query{Sort: search.PriceDown, Filter: search.Filter{Currency: &euro}}); !slices.Equal(got, []string{"Pan", "Pot two", "Pot one", "Pot four"}) {
		t.Errorf("the dearest: %q", got)
	}
	none := b.find(search.Query{Text: "pot", Filter: search.Filter{Kinds: []catalog.Kind{"NO_KIND"}}})
	if len(none.Nodes) != 0 || none.TotalCount != 0 || len(none.Facets.Kinds) != 3 || none.Facets.Conditions != nil {
		t.Errorf("what matches nothing: %+v", none)
	}
}

// describe writes facets with their amounts.
func describe(f search.Facets) string {
	s := fmt.Append(nil, f.Kinds, f.Conditions, f.Currencies, f.Ratings)
	for _, p := range f.Prices {
		to := "-"
		if p.To != nil {
			to = p.To.Decimal()
		}
		s = fmt.Appendf(s, " %s..%s %s: %d", p.From.Decimal(), to, p.From.Currency, p.Count)
	}
	return string(s)
}

func TestNear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paris, versailles, lyon := catalog.Place{Latitude: 48.8566, Longitude: 2.3522}, catalog.Place{Latitude: 48.8049, Longitude: 2.1204}, catalog.Place{Latitude: 45.764, Longitude: 4.8357}
	b.put(good{title: "In Paris", place: &paris})
	b.put(good{title: "In Lyon", place: &lyon})
	b.put(good{title: "In Versailles", place: &versailles})
	b.put(good{title: "Nowhere"})
	b.put(good{title: "In Fiji", place: &catalog.Place{Latitude: -17, Longitude: 179.9}})
	near := func(p catalog.Place, km float64) search.Query {
		return search.Query{Sort: search.Nearest, Filter: search.Filter{Near: &search.Near{Place: p, RadiusKM: km}}}
	}
	for _, c := range []struct {
		at   catalog.Place
		km   float64
		want []string
	}{
		{paris, 1, []string{"In Paris"}},
		{paris, 17, []string{"In Paris"}},
		{paris, 19, []string{"In Paris", "In Versailles"}}, // 18 km
		{versailles, 500, []string{"In Versailles", "In Paris", "In Lyon"}},
		{catalog.Place{Latitude: -17, Longitude: -179.9}, 30, []string{"In Fiji"}}, // across the date line
		{catalog.Place{Latitude: 90}, 500, nil},
	} {
		if got := b.titles(near(c.at, c.km)); !slices.Equal(got, c.want) {
			t.Errorf("%.0f km around %v: %q, want %q", c.km, c.at, got, c.want)
		}
	}
	listing := b.put(good{title: "Moves", place: &paris})
	b.Must2(b.Catalog.SetPlace(b.Ctx(), b.seller, listing, nil))
	if got := b.titles(near(paris, 1)); len(got) != 1 {
		t.Errorf("a place that was taken back: %q", got)
	}
	b.inStep()
	if _, err := b.Catalog.SetPlace(b.Ctx(), uuid.New(), listing, &paris); !errors.Is(err, catalog.ErrListingNotFound) {
		t.Errorf("another's listing is moved: %v", err)
	}
	places, err := b.Catalog.Places(b.Ctx(), []uuid.UUID{listing, b.put(good{title: "Here", place: &paris})})
	b.Must(err)
	for _, p := range places {
		if p != (catalog.Place{Latitude: 48.86, Longitude: 2.35}) {
			t.Errorf("a door is shown: %v", p)
		}
	}
	if len(places) != 1 {
		t.Errorf("%d places", len(places))
	}
}

func TestPagesHaveEachOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	euro := money.Currency("EUR")
	here := catalog.Place{Latitude: 33.57, Longitude: -7.58}
	for i := range 23 {
		b.put(good{title: []string{"Carpet", "Red carpet", "Kilim"}[i%3], description: "A carpet", price: int64(100 + i%5), place: &here})
	}
	b.Exec(`UPDATE listing SET published_at = '2026-02-01' WHERE price IN (101, 103)`) // many at once
	memory := b.memory()
	for _, q := range []search.Query{
		{Text: "carpet"}, {Text: "red carpet"}, {}, {Sort: search.Newest, Text: "carpet"}, {Sort: search.Rating},
		{Sort: search.PriceUp, Filter: search.Filter{Currency: &euro}}, {Sort: search.PriceDown, Filter: search.Filter{Currency: &euro}},
		{Sort: search.Nearest, Filter: search.Filter{Near: &search.Near{Place: here, RadiusKM: 5}}},
	} {
		b.Service = search.New(b.Pool, b.Catalog, search.NewSQL(b.Pool))
		byPostgres := b.titles(q)
		b.Service = search.New(b.Pool, b.Catalog, memory)
		whole := b.find(q)
		if !slices.Equal(byPostgres, b.titles(q)) {
			t.Errorf("%+v: PostgreSQL has %q, memory %q", q, byPostgres, b.titles(q))
		}
		var paged []catalog.Listing
		var after *string
		for {
			part, err := b.Search(b.Ctx(), q, page.Args{First: new(4), After: after}, search.Want{})
			b.Must(err)
			paged = append(paged, part.Nodes...)
			info := part.PageInfo()
			if edges := part.Edges(); len(edges) > 0 && edges[len(edges)-1].Cursor != *info.EndCursor {
				t.Errorf("%+v: the last edge and the page end differently", q)
			}
			if after = info.EndCursor; !info.HasNextPage {
				break
			}
		}
		same := slices.EqualFunc(paged, whole.Nodes, func(a, b catalog.Listing) bool { return a.ID == b.ID })
		if !same || int64(len(paged)) != whole.TotalCount || len(paged) == 0 {
			t.Errorf("%+v: %d by pages, %d at once, %d counted", q, len(paged), len(whole.Nodes), whole.TotalCount)
		}
	}
}

func TestCursorOfAnotherQuery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shelf("Carpet one", "Carpet two", "Carpet three")
	first, err := b.Search(b.Ctx(), search.Query{Text: "carpet"}, page.Args{First: new(1)}, search.Want{})
	b.Must(err)
	cursor := first.PageInfo().EndCursor
	for _, q := range []search.Query{
		{}, {Text: "carpets"}, {Text: "carpet", Sort: search.Newest}, {Text: "carpet", Filter: search.Filter{Kinds: []catalog.Kind{catalog.OneOff}}},
		{Text: "carpet", Filter: search.Filter{Ranges: []search.RangeFilter{{Attribute: b.seller, From: new(1.0)}}}},
	} {
		if _, err := b.Search(b.Ctx(), q, page.Args{After: cursor}, search.Want{}); !errors.Is(err, page.ErrQuery) {
			t.Errorf("%+v goes on with it: %v", q, err)
		}
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 10_000), page.EncodeNumber('S', 4), (*cursor)[:20]} {
		if _, err := b.Search(b.Ctx(), search.Query{Text: "carpet"}, page.Args{After: &bad}, search.Want{}); !errors.Is(err, page.ErrCursor) {
			t.Errorf("the cursor %.20q: %v", bad, err)
		}
	}
	if second, err := b.Search(b.Ctx(), search.Query{Text: "  carpet\n"}, page.Args{After: cursor}, search.Want{}); err != nil || len(second.Nodes) != 2 {
		t.Errorf("space around it makes it another: %v", err)
	}
}

func TestWhatCannotBeSearched(t *testing.T) {
	t.Parallel()
	b := setup(t)
	euro, dollar := domaintest.EUR(5), money.New(5, "USD")
	many := make([]catalog.Kind, 1000)
	for i := range many {
		many[i] = catalog.Kind(fmt.Sprint("KIND_", i))
	}
	near := func(lat, lon, km float64) search.Query {
		return search.Query{Filter: search.Filter{Near: &search.Near{Place: catalog.Place{Latitude: lat, Longitude: lon}, RadiusKM: km}}}
	}
	ranged := func(from, to *float64) search.Query {
		return search.Query{Filter: search.Filter{Ranges: []search.RangeFilter{{Attribute: b.seller, From: from, To: to}}}}
	}
	for name, c := range map[string]struct {
		q    search.Query
		want error
	}{
		"10,000 characters":     {search.Query{Text: strings.Repeat("x", 10_000)}, search.ErrText},
		"201 characters":        {search.Query{Text: strings.Repeat("ا", 201)}, search.ErrText},
		"21 words":              {search.Query{Text: strings.Repeat("a ", 21)}, search.ErrText},
		"a thousand filters":    {search.Query{Filter: search.Filter{Kinds: many}}, search.ErrFilterCount},
		"no such order":         {search.Query{Sort: "SIDEWAYS"}, search.ErrSort},
		"prices of no currency": {search.Query{Sort: search.PriceUp}, search.ErrSort},
		"near nothing":          {search.Query{Sort: search.Nearest}, search.ErrSort},
		"two currencies":        {search.Query{Filter: search.Filter{PriceFrom: &euro, PriceTo: &dollar}}, search.ErrPriceRange},
		"below zero":            {search.Query{Filter: search.Filter{PriceFrom: new(domaintest.EUR(-1))}}, search.ErrPriceRange},
		"the wrong way round":   {search.Query{Filter: search.Filter{PriceFrom: &euro, PriceTo: new(domaintest.EUR(4))}}, search.ErrPriceRange},
		"a range of nothing":    {ranged(nil, nil), search.ErrRange},
		"a range upside down":   {ranged(new(2.0), new(1.0)), search.ErrRange},
		"from no number":        {ranged(new(math.NaN()), nil), search.ErrRange},
		"up to infinity":        {ranged(nil, new(math.Inf(1))), search.ErrRange},
		"a range twice":         {search.Query{Filter: search.Filter{Ranges: slices.Repeat(ranged(new(1.0), nil).Filter.Ranges, 2)}}, search.ErrRange},
		"a thousand ranges":     {search.Query{Filter: search.Filter{Ranges: slices.Repeat(ranged(new(1.0), nil).Filter.Ranges, 1000)}}, search.ErrFilterCount},
		"six stars":             {search.Query{Filter: search.Filter{RatingAtLeast: new(6)}}, search.ErrRating},
		"below one star":        {search.Query{Filter: search.Filter{RatingBelow: new(1)}}, search.ErrRating},
		"below six":             {search.Query{Filter: search.Filter{RatingBelow: new(6)}}, search.ErrRating},
		"from 4 and below 4":    {search.Query{Filter: search.Filter{RatingAtLeast: new(4), RatingBelow: new(4)}}, search.ErrRating},
		"no star":               {search.Query{Filter: search.Filter{RatingAtLeast: new(0)}}, search.ErrRating},
		"beyond the pole":       {near(90.1, 0, 5), search.ErrNear},
		"around the world":      {near(0, 181, 5), search.ErrNear},
		"at no number":          {near(math.NaN(), 0, 5), search.ErrNear},
		"within nothing":        {near(0, 0, 0), search.ErrNear},
		"within no number":      {near(0, 0, math.NaN()), search.ErrNear},
		"within everything":     {near(0, 0, 501), search.ErrNear},
	} {
		if _, err := b.Search(b.Ctx(), c.q, page.Args{}, search.Want{Facets: search.AllFacets}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := b.Search(b.Ctx(), search.Query{}, page.Args{First: new(0)}, search.Want{}); !errors.Is(err, page.ErrFirst) {
		t.Errorf("a page of nothing: %v", err)
	}
	b.wantTitles("\xff\xfe")
	b.wantTitles(strings.Repeat("x", 200))
	b.wantTitles(strings.Repeat("ok ", 20))
}
