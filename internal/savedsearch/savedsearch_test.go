package savedsearch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/work"
)

// bundle is what a test of saved searches needs.
type bundle struct {
	*domaintest.World
	*savedsearch.Service
	search        *search.Service
	seller, owner uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{w, service(w), searches(w), w.User(identity.Seller), w.User(identity.Buyer)}
}

func searches(w *domaintest.World) *search.Service {
	return search.New(w.Pool, w.Catalog, search.NewSQL(w.Pool))
}

func service(w *domaintest.World) *savedsearch.Service {
	return savedsearch.New(w.Pool, searches(w), w.Told, slog.New(slog.DiscardHandler))
}

// listed is something of the seller's that is on the market, at a price in euros.
func (b *bundle) listed(title string, cents int64) uuid.UUID {
	b.T.Helper()
	listing := id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'ONE_OFF', $3, 'From a flat without smokers.', 'GOOD', $4, 'EUR')`,
		listing, b.seller, title, cents)
	return listing
}

func (b *bundle) saves(q search.Query) savedsearch.SavedSearch {
	b.T.Helper()
	saved, err := b.Create(b.Ctx(), b.owner, savedsearch.Input{Name: "Mine", Notify: true, Query: q})
	b.Must(err)
	return saved
}

// told is how many notices the owner has after the changes were looked at.
func (b *bundle) told() int64 {
	b.T.Helper()
	b.Must2(b.Match(b.Ctx()))
	if n := b.Int(`SELECT count(*) FROM saved_search_change`); n != 0 {
		b.T.Errorf("%d changes are left", n)
	}
	return b.Int(`SELECT count(*) FROM notification WHERE recipient_id = $1 AND kind = 'SEARCH_FOUND'`, b.owner)
}

// What a search finds its owner is told of, and of nothing else: each filter, as search itself takes it.
func TestToldOfWhatSearchFinds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, below, beside, brand, other, colour := id.New(), id.New(), id.New(), id.New(), id.New(), id.New()
	b.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'top', 'x', 'Top', 'x')`, top)
	b.Exec(`INSERT INTO category (id, parent_id, slug, name_ar, name_en, name_fr) VALUES ($1, $2, 'below', 'x', 'Below', 'x')`, below, top)
	b.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'beside', 'x', 'Beside', 'x')`, beside)
	b.Exec(`INSERT INTO brand (id, name, normalised) VALUES ($1, 'Lumo', 'lumo'), ($2, 'Nor', 'nor')`, brand, other)
	b.Exec(`INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type) VALUES ($1, $2, 'colour', 'x', 'Colour', 'x', 'CHOICE')`, colour, top)
	b.Exec(`INSERT INTO attribute_option (attribute_id, code, name_ar, name_en, name_fr) VALUES ($1, 'red', 'x', 'Red', 'x'), ($1, 'blue', 'x', 'Blue', 'x')`, colour)
	width := id.New()
	b.Exec(`INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type) VALUES ($1, $2, 'width', 'x', 'Width', 'x', 'NUMBER')`, width, top)
	here, far := catalog.Place{Latitude: 48.85, Longitude: 2.35}, catalog.Place{Latitude: -33, Longitude: 151}
	euro, dollar := money.Currency("EUR"), money.Currency("USD")
	coloured := func(values ...string) search.Filter {
		return search.Filter{Attributes: []search.AttributeFilter{{Attribute: colour, Values: values}}}
	}
	near := func(p catalog.Place) search.Filter {
		return search.Filter{Near: &search.Near{Place: p, RadiusKM: 20}}
	}
	type saved struct {
		of    uuid.UUID
		query search.Query
	}
	asked := map[string]saved{}
	for name, q := range map[string]search.Query{
		"a word":              {Text: "lamp"},
		"in another form":     {Text: "LAMPS  brass"},
		"written to its end":  {Text: "lam"},
		"of the description":  {Text: "smoker"},
		"of what it is filed": {Text: "lumo"},
		"one word more":       {Text: "brass lamp blue"},
		"in Arabic":           {Text: "المصباح"},
		"in French":           {Text: "bougies"},
		"a stop word":         {Text: "the lamp"},
		"above":               {Filter: search.Filter{Categories: []uuid.UUID{top}}},
		"beside":              {Filter: search.Filter{Categories: []uuid.UUID{beside}}},
		"either":              {Filter: search.Filter{Categories: []uuid.UUID{beside, below}}},
		"brand":               {Filter: search.Filter{Brands: []uuid.UUID{brand}}},
		"another brand":       {Text: "lamp", Filter: search.Filter{Brands: []uuid.UUID{other}}},
		"red":                 {Filter: coloured("red")},
		"blue":                {Filter: coloured("blue")},
		"red or blue":         {Filter: coloured("blue", "red")},
		"kind":                {Filter: search.Filter{Kinds: []catalog.Kind{catalog.OneOff}}},
		"another kind":        {Filter: search.Filter{Kinds: []catalog.Kind{catalog.Retail}}},
		"condition":           {Text: "lamp", Filter: search.Filter{Conditions: []catalog.Condition{"NEW", "GOOD"}}},
		"another condition":   {Text: "lamp", Filter: search.Filter{Conditions: []catalog.Condition{"NEW"}}},
		"currency":            {Filter: search.Filter{Currency: &euro}},
		"another currency":    {Filter: search.Filter{Currency: &dollar}},
		"from":                {Filter: search.Filter{PriceFrom: new(domaintest.EUR(20_00))}},
		"from more":           {Filter: search.Filter{PriceFrom: new(domaintest.EUR(20_01))}},
		"up to":               {Filter: search.Filter{PriceTo: new(domaintest.EUR(20_00))}},
		"up to less":          {Filter: search.Filter{PriceTo: new(domaintest.EUR(19_99))}},
		"stars":               {Filter: search.Filter{RatingAtLeast: new(4)}},
		"fewer stars":         {Filter: search.Filter{RatingAtLeast: new(4), RatingBelow: new(5)}},
		"too many stars":      {Filter: search.Filter{RatingBelow: new(4)}},
		"more stars":          {Filter: search.Filter{RatingAtLeast: new(5)}},
		"wide":                {Filter: search.Filter{Ranges: []search.RangeFilter{{Attribute: width, From: new(12.0), To: new(12.5)}}}},
		"wider":               {Filter: search.Filter{Ranges: []search.RangeFilter{{Attribute: width, From: new(12.6)}}}},
		"a wide lamp":         {Text: "lamp", Filter: search.Filter{Ranges: []search.RangeFilter{{Attribute: width, To: new(13.0)}}}},
		"near":                {Filter: near(here)},
		"far":                 {Filter: near(far)},
	} {
		b.owner = b.User(identity.Buyer)
		b.saves(q)
		asked[name] = saved{b.owner, q}
	}
	listing := b.listed("A brass lamp for a bougie, مصباح", 20_00)
	b.Exec(`UPDATE listing SET category_id = $2, brand_id = $3 WHERE id = $1`, listing, below, brand)
	b.Exec(`INSERT INTO listing_attribute (listing_id, attribute_id, type, value) VALUES ($1, $2, 'CHOICE', 'red')`, listing, colour)
	b.Exec(`INSERT INTO listing_attribute (listing_id, attribute_id, type, value) VALUES ($1, $2, 'NUMBER', '12.5')`, listing, width)
	b.Exec(`INSERT INTO rating (subject, subject_id) VALUES ('LISTING', $1)`, listing)
	b.Exec(`UPDATE rating SET fours = 1 WHERE subject_id = $1`, listing)
	b.Must2(b.Catalog.SetPlace(b.Ctx(), b.seller, listing, &here))
	found := 0
	for name, s := range asked {
		s.query.Text += " " // its last word is a whole one
		result, err := b.search.Search(b.Ctx(), s.query, page.Args{}, search.Want{})
		b.Must(err)
		want := int64(len(result.Nodes))
		if name == "one word more" {
			want = 0 // search finds what has some of the words; nobody is told of that
		}
		b.owner = s.of
		if got := b.told(); got != want {
			t.Errorf("%s: told %d times, search finds %d", name, got, want)
		}
		found += int(want)
	}
	if found < 15 || found > 25 {
		t.Errorf("%d of %d find it: the test says nothing", found, len(asked))
	}
}

// A listing whose price falls into the range is found, once, whatever becomes of it; what was found already is no news.
func TestAPriceThatFallsIntoTheRange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	there := b.listed("An old lamp", 5_00)
	saved := b.saves(search.Query{Text: "lamp", Filter: search.Filter{PriceTo: new(domaintest.EUR(10_00))}})
	b.Exec(`UPDATE variant SET price = 400 WHERE listing_id = $1`, there)
	b.Exec(`UPDATE listing SET description = 'Cleaned.' WHERE id = $1`, there)
	if n := b.told(); n != 0 {
		t.Errorf("of what was there already: told %d times", n)
	}
	listing := b.listed("A lamp", 15_00)
	if n := b.told(); n != 0 {
		t.Errorf("too dear: told %d times", n)
	}
	for _, cents := range []int64{9_00, 8_00, 15_00, 7_00} {
		b.Exec(`UPDATE variant SET price = $2 WHERE listing_id = $1`, listing, cents)
		if n := b.told(); n != 1 {
			t.Errorf("at %d cents: told %d times", cents, n)
		}
	}
	b.Exec(`DELETE FROM notification`) // after 90 days
	b.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, listing)
	b.Exec(`UPDATE listing SET status = 'ACTIVE' WHERE id = $1`, listing)
	if n := b.told(); n != 0 {
		t.Errorf("again, after its notice was pruned: told %d times", n)
	}
	for i, change := range []string{ // two changes before anybody looks: the second alone would be no news
		`UPDATE variant SET price = 900 WHERE listing_id = $1`,
		`UPDATE listing SET title = 'A fine lamp' WHERE id = $1`,
	} {
		if i == 0 {
			listing = b.listed("A pot", 15_00)
			b.told()
		}
		b.Exec(change, listing)
	}
	if n := b.told(); n != 1 {
		t.Errorf("changed twice: told %d times", n)
	}
	b.Exec(`UPDATE variant SET price = 2000 WHERE listing_id = $1`, there)
	b.told()
	b.Must2(b.Update(b.Ctx(), b.owner, saved.ID, savedsearch.Change{Notify: new(false)}))
	b.Exec(`UPDATE variant SET price = 500 WHERE listing_id = $1`, there)
	if n := b.told(); n != 1 {
		t.Errorf("while it is not to tell: told %d times", n)
	}
}

// What is not for everybody is told to nobody, nor is one's own; once it is for everybody, it is told.
func TestNobodyIsToldOfWhatIsNotToBeSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.saves(search.Query{Text: "lamp"})
	want := int64(0)
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`},
		"for another tier":   {`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE id = $1`},
		"ended":              {`UPDATE listing SET status = 'ENDED' WHERE id = $1`, `UPDATE listing SET status = 'ACTIVE' WHERE id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`},
		"of who searches":    {`UPDATE saved_search SET owner_id = (SELECT seller_id FROM listing WHERE id = $1)`, ``},
		"of a banned owner":  {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT owner_id FROM saved_search LIMIT 1) AND $1::uuid IS NOT NULL`, ``},
	} {
		b.seller = b.User(identity.Seller)
		listing := b.listed("A lamp", 1_00)
		b.Exec(c[0], listing)
		if n := b.told(); n != want {
			t.Errorf("%s: told %d times", name, n-want)
		}
		if c[1] != "" {
			b.Exec(c[1], listing)
			want++
			if n := b.told(); n != want {
				t.Errorf("no longer %s: told %d times, want %d", name, n, want)
			}
		}
		b.Exec(`UPDATE saved_search SET owner_id = $1`, b.owner)
		b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE banned_at IS NOT NULL`)
		if n := b.told(); n != want {
			t.Errorf("after %s: told %d times", name, n-want)
		}
	}
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency, status) VALUES (gen_random_uuid(), $1, 'ONE_OFF', 'A draft lamp', '', 'GOOD', 100, 'EUR', 'DRAFT')`, b.seller)
	if n := b.told(); n != want {
		t.Error("told of a draft")
	}
}

// Many keep one search, many listings come at once, and several servers tell, one of which is killed before it commits: each owner hears of each
// listing once, and the seller's transaction writes one row a listing.
func TestManyAreToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const crowd, goods = 700, 3
	saved := b.saves(search.Query{Text: "lamp"})
	b.Exec(`INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT gen_random_uuid(), 'fan' || n || '@souk.example', 'Fan', 'BUYER', 'x' FROM generate_series(1, $1) n`, crowd)
	b.Exec(`INSERT INTO saved_search (id, owner_id, name, query, words, groups, anchors)
		SELECT gen_random_uuid(), u.id, 'Fan', s.query, s.words, s.groups, s.anchors FROM app_user u, saved_search s WHERE u.name = 'Fan' AND s.id = $1`, saved.ID)
	for range goods {
		b.listed("A brass lamp", 1_00)
	}
	if n := b.Int(`SELECT count(*) FROM saved_search_change`); n != goods {
		t.Errorf("%d rows are queued for %d listings", n, goods)
	}
	cut, stop := context.WithCancel(b.Ctx())
	stop()
	if _, err := b.Match(cut); err == nil {
		t.Error("a server that is stopped says it is done")
	}
	servers := []*savedsearch.Service{b.Service, service(b.Another(t)), service(b.Another(t))}
	for _, err := range domaintest.AtOnce(len(servers), func(i int) error { _, err := servers[i].Match(b.Ctx()); return err }) {
		b.Must(err)
	}
	b.told()
	if n := b.Int(`SELECT count(*) FROM notification WHERE kind = 'SEARCH_FOUND'`); n != (crowd+1)*goods {
		t.Errorf("%d were told, want %d", n, (crowd+1)*goods)
	}
	if n := b.Int(`SELECT count(*) FROM (SELECT recipient_id FROM notification GROUP BY recipient_id HAVING count(DISTINCT subject) = $1 AND count(*) = $1) x`, goods); n != crowd+1 {
		t.Errorf("%d were told of each once", n)
	}
}

// A search that is deleted while it is compared tells nobody, and holds nobody up.
func TestDeletedWhileItIsCompared(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keeps := b.saves(search.Query{Text: "lamp"})
	goes := make([]savedsearch.SavedSearch, 20)
	for i := range goes {
		goes[i] = b.saves(search.Query{Text: "lamp"})
	}
	for range 10 {
		b.listed("A lamp", 1_00)
	}
	for _, err := range domaintest.AtOnce(len(goes)+3, func(i int) error {
		if i < len(goes) {
			return b.Delete(b.Ctx(), b.owner, goes[i].ID)
		}
		_, err := b.Match(b.Ctx())
		return err
	}) {
		b.Must(err)
	}
	b.told()
	if n := b.Int(`SELECT count(*) FROM saved_search_hit`); n != 10 {
		t.Errorf("%d hits are left", n)
	}
	if n := b.Int(`SELECT count(*) FROM saved_search_hit WHERE search_id = $1`, keeps.ID); n != 10 {
		t.Errorf("what stays has found %d", n)
	}
}

func TestWhatMayBeSaved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	many := make([]catalog.Kind, 1000)
	for i := range many {
		many[i] = catalog.Kind(fmt.Sprint("KIND_", i))
	}
	lamp := search.Query{Text: "lamp"}
	for name, c := range map[string]struct {
		in   savedsearch.Input
		want error
	}{
		"no name":            {savedsearch.Input{Name: " ", Query: lamp}, savedsearch.ErrName},
		"too much of a name": {savedsearch.Input{Name: strings.Repeat("x", 81), Query: lamp}, savedsearch.ErrName},
		"two lines":          {savedsearch.Input{Name: "a\nb", Query: lamp}, savedsearch.ErrName},
		"nothing":            {savedsearch.Input{Name: "x"}, search.ErrNothing},
		"no word":            {savedsearch.Input{Name: "x", Query: search.Query{Text: "!!!"}}, search.ErrNothing},
		"no text":            {savedsearch.Input{Name: "x", Query: search.Query{Text: "\xff lamp"}}, search.ErrNothing},
		"10,000 characters":  {savedsearch.Input{Name: "x", Query: search.Query{Text: strings.Repeat("x", 10_000)}}, search.ErrText},
		"21 words":           {savedsearch.Input{Name: "x", Query: search.Query{Text: strings.Repeat("a ", 21)}}, search.ErrText},
		"a thousand filters": {savedsearch.Input{Name: "x", Query: search.Query{Filter: search.Filter{Kinds: many}}}, search.ErrFilterCount},
		"no such order":      {savedsearch.Input{Name: "x", Query: search.Query{Text: "lamp", Sort: "SIDEWAYS"}}, search.ErrSort},
	} {
		if _, err := b.Create(b.Ctx(), b.owner, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, hostile := range []string{"' | !a & (b <-> c):*", `lamp\`, "lamp\u200f", "the", strings.Repeat("ا", 200)} {
		b.owner = b.User(identity.Buyer)
		b.saves(search.Query{Text: hostile})
	}
	b.listed("A lamp", 1_00)
	b.told()
	b.owner = b.User(identity.Buyer)
	codes := domaintest.Codes(domaintest.AtOnce(55, func(int) error {
		_, err := b.Create(b.Ctx(), b.owner, savedsearch.Input{Name: "x", Query: lamp})
		return err
	}))
	if codes[""] != 50 || codes["TOO_MANY_SAVED_SEARCHES"] != 5 {
		t.Errorf("answers %v", codes)
	}
	first, err := b.List(b.Ctx(), b.owner, page.Args{First: new(30)})
	b.Must(err)
	next, err := b.List(b.Ctx(), b.owner, page.Args{First: new(100), After: first.PageInfo().EndCursor})
	if err != nil || len(first.Nodes) != 30 || len(next.Nodes) != 20 {
		t.Errorf("in pages %d and %d, %v", len(first.Nodes), len(next.Nodes), err)
	}
	for _, bad := range []string{"x", page.Key{}.Encode('o'), strings.Repeat("A", 10_000)} {
		if _, err := b.List(b.Ctx(), b.owner, page.Args{After: &bad}); !errors.Is(err, page.ErrCursor) {
			t.Errorf("the cursor %.20q: %v", bad, err)
		}
	}
}

// A saved search is its owner's alone; what is kept is what was given.
func TestOwnersAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := search.Query{Text: "copper lamp", Sort: search.PriceUp, Filter: search.Filter{
		Categories: []uuid.UUID{id.New()}, Kinds: []catalog.Kind{catalog.OneOff}, PriceTo: new(domaintest.EUR(10_00)), RatingAtLeast: new(3),
		Near: &search.Near{Place: catalog.Place{Latitude: 33.5, Longitude: -7.5}, RadiusKM: 12.5},
	}}
	saved := b.saves(q)
	got, err := b.Get(b.Ctx(), b.owner, saved.ID)
	b.Must(err)
	f := got.Query.Filter
	if got.Query.Text != q.Text || got.Query.Sort != q.Sort || f.Near == nil || *f.Near != *q.Filter.Near || *f.PriceTo != *q.Filter.PriceTo ||
		*f.RatingAtLeast != 3 || !slices.Equal(f.Categories, q.Filter.Categories) || !slices.Equal(f.Kinds, q.Filter.Kinds) {
		t.Errorf("kept: %+v", got.Query)
	}
	other := b.User(identity.Buyer)
	if _, err := b.Get(b.Ctx(), other, saved.ID); !errors.Is(err, savedsearch.ErrNotFound) {
		t.Errorf("another sees it: %v", err)
	}
	if _, err := b.Update(b.Ctx(), other, saved.ID, savedsearch.Change{Name: new("Theirs"), Query: &search.Query{Text: "pot"}}); !errors.Is(err, savedsearch.ErrNotFound) {
		t.Errorf("another changes it: %v", err)
	}
	if err := b.Delete(b.Ctx(), other, saved.ID); !errors.Is(err, savedsearch.ErrNotFound) {
		t.Errorf("another deletes it: %v", err)
	}
	if p, err := b.List(b.Ctx(), other, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("another lists it: %+v, %v", p, err)
	}
	if _, err := b.Update(b.Ctx(), b.owner, saved.ID, savedsearch.Change{Query: &search.Query{}}); !errors.Is(err, search.ErrNothing) {
		t.Errorf("changed to nothing: %v", err)
	}
	if got, _ := b.Get(b.Ctx(), b.owner, saved.ID); got.Query.Text != q.Text || got.Name != "Mine" {
		t.Errorf("after all that: %+v", got)
	}
	changed, err := b.Update(b.Ctx(), b.owner, saved.ID, savedsearch.Change{Query: &search.Query{Text: "pot"}})
	b.Must(err)
	if changed.Query.Text != "pot" || changed.Name != "Mine" || !changed.Notify {
		t.Errorf("changed: %+v", changed)
	}
	b.listed("A copper lamp", 1_00)
	if n := b.told(); n != 0 {
		t.Errorf("by the old query: told %d times", n)
	}
	b.listed("A pot", 1_00)
	if n := b.told(); n != 1 {
		t.Errorf("by the new query: told %d times", n)
	}
	b.Must(b.Delete(b.Ctx(), b.owner, saved.ID))
	b.listed("A second pot", 1_00)
	if n := b.told(); n != 1 {
		t.Errorf("after it is gone: told %d times", n)
	}
	if err := b.Delete(b.Ctx(), b.owner, saved.ID); !errors.Is(err, savedsearch.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// A listing that always fails holds up no other, and is set aside in the end: it waits for somebody who mends it.
func TestABadChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.saves(search.Query{Text: "lamp"})
	bad := b.listed("A lamp", 10_00)
	b.listed("Another lamp", 10_00)
	b.Exec(`CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bad'; END $$`)
	b.Exec(fmt.Sprintf(`CREATE TRIGGER bad BEFORE INSERT ON notification FOR EACH ROW WHEN (NEW.subject = '%s') EXECUTE FUNCTION bad()`, id.Listing.ID(bad)))
	for n := 1; n <= work.Tries; n++ {
		if _, err := b.Match(b.Ctx()); err == nil {
			t.Errorf("try %d: it did not fail", n)
		}
		if told := b.Int(`SELECT count(*) FROM notification WHERE kind = 'SEARCH_FOUND'`); told != 1 {
			t.Errorf("try %d: %d are told", n, told)
		}
		if waits := b.Int(`SELECT count(*) FROM saved_search_change WHERE failures = $1 AND failure LIKE '%bad%' AND next_try_at > clock_timestamp() AND (set_aside_at IS NOT NULL) = ($1 = 10)`, n); waits != 1 {
			t.Errorf("try %d: %d wait", n, waits)
		}
		if _, err := b.Match(b.Ctx()); err != nil {
			t.Errorf("before it is due: %v", err)
		}
		b.Exec(`UPDATE saved_search_change SET next_try_at = clock_timestamp()`)
	}
	if _, err := b.Match(b.Ctx()); err != nil {
		t.Errorf("it is set aside: %v", err)
	}
	b.Exec(`DROP TRIGGER bad ON notification`)
	b.Exec(`UPDATE saved_search_change SET failures = 0, set_aside_at = NULL`)
	if _, err := b.Match(b.Ctx()); err != nil || b.Int(`SELECT count(*) FROM notification WHERE kind = 'SEARCH_FOUND'`) != 2 {
		t.Errorf("mended: %d are told, %v", b.Int(`SELECT count(*) FROM notification WHERE kind = 'SEARCH_FOUND'`), err)
	}
}
