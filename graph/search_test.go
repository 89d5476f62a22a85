package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const searchQuery = `query($text: String, $filter: SearchFilter, $sort: SearchSort, $first: Int, $after: String) {
	search(text: $text, filter: $filter, sort: $sort, first: $first, after: $after) {
		totalCount nodes { title place { latitude } } edges { cursor node { id } } pageInfo { hasNextPage endCursor }
		facets { kinds { kind count } conditions { condition count } currencies { currencyCode count } ratings { atLeast count }
			prices { from { amount } to { amount } count } } } }`

// From a listing to whoever looks for it.
func TestSearchThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller := a.Person(identity.Seller)
	lamp := a.Listing(seller, "Lampe en cuivre")
	a.Listing(seller, "Copper pot")
	a.Listing(seller, "قنديل نحاسي")
	place := mutation("listingPlaceSet")
	in := apitest.Vars{"listingId": lamp.NodeID().String(), "place": apitest.Vars{"latitude": 33.5731, "longitude": -7.5898}}
	seller.Must(t, place, input(in))
	for _, c := range []struct {
		vars apitest.Vars
		want string
	}{
		{apitest.Vars{"text": "lampes"}, "Lampe en cuivre قنديل نحاسي"}, // and what says it in another language
		{apitest.Vars{"text": "القنديل"}, "قنديل نحاسي Lampe en cuivre"},
		{apitest.Vars{"text": "coper"}, "Copper pot"},
		{apitest.Vars{"sort": "NEAR", "filter": apitest.Vars{"near": apitest.Vars{"latitude": 33.6, "longitude": -7.6}}}, "Lampe en cuivre"},
		{nil, "قنديل نحاسي Copper pot Lampe en cuivre"},
		{apitest.Vars{"text": "nothing of the kind"}, ""},
		{apitest.Vars{"filter": apitest.Vars{"kinds": []string{"LOT"}}}, ""},
	} {
		got := a.Nobody().Must(t, searchQuery, c.vars)
		var titles []string
		for i := range strings.Count(string(got.Raw()), `"title"`) {
			titles = append(titles, got.Str(fmt.Sprint("search.nodes.", i, ".title")))
		}
		if found := strings.Join(titles, " "); found != c.want {
			t.Errorf("%v finds %q, want %q", c.vars, found, c.want)
		}
	}
	page := a.Nobody().Must(t, searchQuery, apitest.Vars{"first": 2, "filter": apitest.Vars{"currencyCode": "EUR"}})
	if raw := string(page.Raw()); !strings.Contains(raw, `"totalCount":3`) || !strings.Contains(raw, `"prices":[{"from":{"amount":"10.00"},"to":{"amount":"25.00"},"count":3}]`) ||
		!strings.Contains(raw, `"kinds":[{"kind":"ONE_OFF","count":3}]`) || !strings.Contains(raw, `"hasNextPage":true`) {
		t.Errorf("the first page: %s", raw)
	}
	cursor := page.Str("search.pageInfo.endCursor")
	many := slices.Repeat([]string{"ONE_OFF"}, 1000)
	for _, c := range []struct {
		vars apitest.Vars
		code string
	}{
		{apitest.Vars{"after": cursor}, "CURSOR_OF_ANOTHER_QUERY"},
		{apitest.Vars{"after": "x"}, "CURSOR_INVALID"},
		{apitest.Vars{"text": strings.Repeat("x", 10_000)}, "SEARCH_TEXT_LENGTH"},
		{apitest.Vars{"filter": apitest.Vars{"kinds": many}}, "SEARCH_FILTER_COUNT"},
		{apitest.Vars{"sort": "PRICE_UP"}, "SEARCH_SORT"},
		{apitest.Vars{"sort": "NEAR"}, "SEARCH_SORT"},
		{apitest.Vars{"filter": apitest.Vars{"ratingAtLeast": 9}}, "SEARCH_RATING"},
		{apitest.Vars{"filter": apitest.Vars{"priceFrom": eur("-1")}}, "SEARCH_PRICE_RANGE"},
		{apitest.Vars{"filter": apitest.Vars{"priceFrom": apitest.Vars{"amount": "1", "currencyCode": "ZZZ"}}}, "CURRENCY_UNKNOWN"},
		{apitest.Vars{"filter": apitest.Vars{"near": apitest.Vars{"latitude": 91, "longitude": 0}}}, "SEARCH_PLACE"},
		{apitest.Vars{"first": 101}, "PAGE_SIZE_INVALID"},
	} {
		answer, err := a.Nobody().Do(searchQuery, c.vars)
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != c.code {
			t.Errorf("%.60v: %+v, %v, want %s", c.vars, answer.Errors, err, c.code)
		}
	}
	for code, vars := range map[string]apitest.Vars{
		"PLACE_INVALID":     with(in, "place", apitest.Vars{"latitude": 90.01, "longitude": 0}),
		"LISTING_NOT_FOUND": with(in, "listingId", id.Listing.Encode(id.New())),
		"ID_WRONG_KIND":     with(in, "listingId", id.User.Encode(id.New())),
	} {
		if got := codeOf(t, seller.Client, place, input(vars)); got != code {
			t.Errorf("a place that is refused: %s, want %s", got, code)
		}
	}
	if got := codeOf(t, a.Person(identity.Seller).Client, place, input(in)); got != "LISTING_NOT_FOUND" {
		t.Errorf("another seller moves it: %s", got)
	}
	seller.Must(t, place, input(apitest.Vars{"listingId": lamp.NodeID().String()}))
	if n := a.Int(`SELECT count(*) FROM search_document WHERE x IS NOT NULL`); n != 0 {
		t.Error("a place that was taken back is searched")
	}
}

// What is not on the market, or not for everybody, is neither found nor counted, by nobody: its seller and staff have other lists.
func TestSearchHasOnlyWhatIsPublic(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	listing := a.Listing(seller, secretTitle)
	found := func() (by int) {
		t.Helper()
		for _, who := range []apitest.Client{a.Nobody(), seller.Client, a.Person(identity.Support).Client} {
			for _, vars := range []apitest.Vars{{}, {"text": "everybody"}, {"text": "everbody"}, {"text": "every"}, {"filter": apitest.Vars{"currencyCode": "EUR"}, "sort": "PRICE_UP"}} {
				raw := string(who.Must(t, searchQuery, vars).Raw())
				if strings.Contains(raw, secretTitle) != strings.Contains(raw, `"totalCount":1`) || strings.Contains(raw, secretTitle) != strings.Contains(raw, `"count":1`) {
					t.Errorf("found and not counted, or counted and not found: %s", raw)
				}
				if strings.Contains(raw, secretTitle) {
					by++
				}
			}
		}
		return by
	}
	if n := found(); n != 15 {
		t.Fatalf("on the market it is found %d times", n)
	}
	for _, c := range []struct{ name, do, undo string }{
		{"hidden", `UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`},
		{"of a banned seller", `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`,
			`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`},
		{"for known buyers", `UPDATE listing SET minimum_tier = 'VERIFIED' WHERE id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE id = $1`},
		{"ended", `UPDATE listing SET status = 'ENDED' WHERE id = $1`, `UPDATE listing SET status = 'ACTIVE' WHERE id = $1`},
		{"sold", `WITH r AS (UPDATE listing SET status = 'RESERVED' WHERE id = $1 RETURNING id) SELECT FROM r`, `UPDATE listing SET status = 'ACTIVE' WHERE id = $1`},
	} {
		a.Exec(c.do, listing.ID)
		if c.name == "sold" {
			if n := found(); n != 15 {
				t.Errorf("in a lot it is found %d times", n)
			}
			a.Exec(`UPDATE listing SET status = 'SOLD' WHERE id = $1`, listing.ID)
		}
		if n := found(); n != 0 {
			t.Errorf("%s: it is found %d times", c.name, n)
		}
		a.Exec(c.undo, listing.ID)
		if n := found(); n != 15 {
			t.Errorf("no longer %s: it is found %d times", c.name, n)
		}
	}
	a.Exec(`UPDATE listing SET title = 'Another' WHERE id = $1`, listing.ID)
	draft, err := a.Resolver.Catalog.Create(t.Context(), seller.ID, catalog.CreateInput{Title: secretTitle, Condition: "NEW", Draft: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		raw := string(seller.Must(t, searchQuery, apitest.Vars{"text": "everybody"}).Raw())
		if strings.Contains(raw, secretTitle) || !strings.Contains(raw, `"totalCount":0`) {
			t.Errorf("a draft is found: %s", raw)
		}
		if _, err := a.Resolver.Catalog.End(t.Context(), seller.ID, draft.ID); err != nil { // and given up
			t.Fatal(err)
		}
		draft.ID = a.Listing(seller, "Something to end").ID
	}
}

// What a search that is begun may become, for everybody, of what everybody may see.
func TestSuggestionsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	listing := a.Listing(seller, secretTitle)
	category := id.New()
	a.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'every', 'x', 'Every day', 'x')`, category)
	a.Exec(`UPDATE listing SET category_id = $2 WHERE id = $1`, listing.ID, category)
	const query = `query($prefix: String!, $first: Int! = 10) { searchSuggestions(prefix: $prefix, first: $first) { kind text count category { slug } brand { name } } }`
	const shown = `{"searchSuggestions":[{"kind":"CATEGORY","text":"Every day","count":1,"category":{"slug":"every"},"brand":null},{"kind":"WORDS","text":"everybody","count":1,"category":null,"brand":null}]}`
	for range 2 {
		for _, who := range []apitest.Client{a.Nobody(), seller.Client, a.Person(identity.Support).Client} {
			if got := string(who.Must(t, query, apitest.Vars{"prefix": "every"}).Raw()); got != shown {
				t.Errorf("suggested: %s", got)
			}
		}
		a.Exec(`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, listing.ID)
		for _, who := range []apitest.Client{a.Nobody(), seller.Client, a.Person(identity.Support).Client} {
			if got := string(who.Must(t, query, apitest.Vars{"prefix": "every"}).Raw()); got != `{"searchSuggestions":[]}` {
				t.Errorf("of what is for some: %s", got)
			}
		}
		a.Exec(`UPDATE listing SET minimum_tier = NULL WHERE id = $1`, listing.ID)
	}
	for code, vars := range map[string]apitest.Vars{
		"SEARCH_TEXT_LENGTH": {"prefix": strings.Repeat("x", 10_000)}, "SUGGESTION_COUNT": {"prefix": "every", "first": 1000},
	} {
		answer, err := a.Nobody().Do(query, vars)
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != code {
			t.Errorf("%.60v: %+v, %v, want %s", vars, answer.Errors, err, code)
		}
	}
}

// What an attribute that is a number is within, filtered by and told; and what has how many stars.
func TestRangesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	small, large := a.Listing(seller, "Small table"), a.Listing(seller, "Large table")
	category, width := id.New(), id.New()
	a.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'tables', 'x', 'Tables', 'x')`, category)
	a.Exec(`INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type, unit) VALUES ($1, $2, 'width', 'x', 'Width', 'x', 'NUMBER', 'cm')`, width, category)
	a.Exec(`INSERT INTO listing_attribute (listing_id, attribute_id, type, value) VALUES ($1, $3, 'NUMBER', '60.5'), ($2, $3, 'NUMBER', '180')`, small.ID, large.ID, width)
	a.Exec(`INSERT INTO rating (subject, subject_id) VALUES ('LISTING', $1)`, large.ID)
	a.Exec(`UPDATE rating SET fours = 3, fives = 1 WHERE subject_id = $1`, large.ID)
	const query = `query($filter: SearchFilter) { search(filter: $filter) { nodes { title } facets { ranges { attribute { code unit } min max count } ratings { atLeast count } } } }`
	ranges := func(in ...apitest.Vars) apitest.Vars { return apitest.Vars{"filter": apitest.Vars{"ranges": in}} }
	of := id.Attribute.Encode(width)
	const all = `"ranges":[{"attribute":{"code":"width","unit":"cm"},"min":60.5,"max":180,"count":2}]`
	const stars = `"ratings":[{"atLeast":4,"count":1},{"atLeast":3,"count":1},{"atLeast":2,"count":1},{"atLeast":1,"count":1}]`
	for want, vars := range map[string]apitest.Vars{
		`{"search":{"nodes":[{"title":"Large table"},{"title":"Small table"}],"facets":{` + all + `,` + stars + `}}}`:                                                 nil,
		`{"search":{"nodes":[{"title":"Small table"}],"facets":{` + all + `,"ratings":[]}}}`:                                                                          ranges(apitest.Vars{"attributeId": of, "from": 60.5, "to": 100}),
		`{"search":{"nodes":[{"title":"Large table"}],"facets":{` + all + `,` + stars + `}}}`:                                                                         ranges(apitest.Vars{"attributeId": of, "from": 61}),
		`{"search":{"nodes":[],"facets":{` + all + `,"ratings":[]}}}`:                                                                                                 ranges(apitest.Vars{"attributeId": of, "from": 61, "to": 100}),
		`{"search":{"nodes":[{"title":"Large table"}],"facets":{"ranges":[{"attribute":{"code":"width","unit":"cm"},"min":180,"max":180,"count":1}],` + stars + `}}}`: {"filter": apitest.Vars{"ratingAtLeast": 4, "ratingBelow": 5}},
		`{"search":{"nodes":[],"facets":{"ranges":[],` + stars + `}}}`:                                                                                                {"filter": apitest.Vars{"ratingBelow": 4}},
	} {
		if got := string(a.Nobody().Must(t, query, vars).Raw()); got != want {
			t.Errorf("%v: %s, want %s", vars, got, want)
		}
	}
	a.Exec(`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, large.ID)
	if got := string(a.Nobody().Must(t, query, nil).Raw()); !strings.Contains(got, `"min":60.5,"max":60.5,"count":1`) {
		t.Errorf("a number of what is for some: %s", got)
	}
	for code, vars := range map[string]apitest.Vars{
		"SEARCH_RANGE":        ranges(apitest.Vars{"attributeId": of}),
		"ID_WRONG_KIND":       ranges(apitest.Vars{"attributeId": small.NodeID().String(), "from": 1}),
		"SEARCH_FILTER_COUNT": ranges(slices.Repeat([]apitest.Vars{{"attributeId": of, "from": 1}}, 101)...),
	} {
		answer, err := a.Nobody().Do(query, vars)
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != code {
			t.Errorf("%s: %+v, %v", code, answer.Errors, err)
		}
	}
}

// Admins say what words mean the same, with a reason; nobody else does.
func TestSynonymsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	admin, seller := a.Person(identity.Admin), a.Person(identity.Seller)
	a.Listing(seller, "Zellige tiles")
	const create = `mutation($input: SearchSynonymCreateInput!) { searchSynonymCreate(input: $input) { synonym { id words removed } userErrors { code field } } }`
	const update = `mutation($input: SearchSynonymUpdateInput!) { searchSynonymUpdate(input: $input) { synonym { words removed } userErrors { code field } } }`
	in := apitest.Vars{"words": []any{"zellige", "mosaïque"}, "reason": "the same"}
	for _, who := range []apitest.Client{a.Nobody(), seller.Client, a.Person(identity.Support).Client} {
		if answer, err := who.Do(create, input(in)); err != nil || len(answer.Errors) != 1 {
			t.Errorf("somebody else: %+v, %v", answer, err)
		}
	}
	made := admin.Must(t, create, input(in)).Str("searchSynonymCreate.synonym.id")
	if got := string(a.Nobody().Must(t, searchQuery, apitest.Vars{"text": "mosaiques"}).Raw()); !strings.Contains(got, "Zellige tiles") {
		t.Errorf("found: %s", got)
	}
	if got := string(admin.Must(t, `{ searchSynonyms(first: 1) { nodes { id words removed } pageInfo { hasNextPage } } adminActions(first: 1) { nodes { action subject } } }`, nil).Raw()); got !=
		`{"searchSynonyms":{"nodes":[{"id":"`+made+`","words":["zellige","mosaïque"],"removed":false}],"pageInfo":{"hasNextPage":true}},"adminActions":{"nodes":[{"action":"SYNONYM_CREATED","subject":"`+made+`"}]}}` {
		t.Errorf("listed: %s", got)
	}
	if got := string(admin.Must(t, update, input(apitest.Vars{"synonymId": made, "removed": true, "reason": "not the same"})).Raw()); !strings.Contains(got, `"removed":true`) {
		t.Errorf("removed: %s", got)
	}
	if got := string(a.Nobody().Must(t, searchQuery, apitest.Vars{"text": "mosaiques"}).Raw()); strings.Contains(got, "Zellige tiles") {
		t.Errorf("found after that: %s", got)
	}
	for code, in := range map[string]apitest.Vars{
		"SYNONYM_WORDS": {"words": []any{"lamp"}, "reason": "x"}, "REASON_LENGTH": {"words": []any{"zellige", "mosaic"}, "reason": " "},
	} {
		if got := codeOf(t, admin.Client, create, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	if got := codeOf(t, admin.Client, update, input(apitest.Vars{"synonymId": id.Synonym.Encode(id.New()), "reason": "x"})); got != "SYNONYM_NOT_FOUND" {
		t.Errorf("no group: %s", got)
	}
}
