package search_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

type bundle struct {
	*domaintest.World
	*search.Service
	seller uuid.UUID
	made   int
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: domaintest.New(t)}
	b.Service = search.New(b.Pool, b.Catalog, search.NewSQL(b.Pool))
	b.seller = b.User(identity.Seller)
	return b
}

// good is a listing of the tests.
type good struct {
	title, description string
	kind               catalog.Kind
	condition          catalog.Condition
	price              int64 // in cents; 0 for none, or for a giveaway
	currency           money.Currency
	place              *catalog.Place
	draft              bool
	seller             uuid.UUID
}

// put makes a listing, one a second, the later ones newer.
func (b *bundle) put(g good) uuid.UUID {
	b.T.Helper()
	if g.kind == "" {
		g.kind = catalog.OneOff
	}
	if g.condition == "" {
		g.condition = catalog.ConditionGood
	}
	if g.currency == "" {
		g.currency = "EUR"
	}
	if g.seller == uuid.Nil {
		g.seller = b.seller
	}
	b.made++
	status, listing := "ACTIVE", id.New()
	if g.draft {
		status = "DRAFT"
	}
	var price *int64
	var currency *string
	if g.price > 0 || g.kind == catalog.Giveaway {
		price, currency = &g.price, (*string)(&g.currency)
	}
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, status, price, currency, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		listing, g.seller, string(g.kind), g.title, g.description, string(g.condition), status, price, currency,
		time.Date(2026, 1, 1, 0, 0, b.made, 0, time.UTC))
	if g.place != nil {
		b.Must2(b.Catalog.SetPlace(b.Ctx(), g.seller, listing, g.place))
	}
	return listing
}

// shelf puts one listing a title on the market.
func (b *bundle) shelf(titles ...string) {
	b.T.Helper()
	for _, title := range titles {
		b.put(good{title: title})
	}
}

// titles are what a query finds, in its order.
func (b *bundle) titles(q search.Query) (titles []string) {
	b.T.Helper()
	result := b.find(q)
	for _, l := range result.Nodes {
		titles = append(titles, l.Title)
	}
	if result.TotalCount < int64(len(titles)) {
		b.T.Errorf("%+v: %d of %d", q, len(titles), result.TotalCount)
	}
	return titles
}

func (b *bundle) find(q search.Query) search.Result {
	b.T.Helper()
	result, err := b.Search(b.Ctx(), q, page.Args{First: new(100)}, search.Want{Count: true, Facets: search.AllFacets})
	b.Must(err)
	return result
}

// wantTitles insists on what a text finds.
func (b *bundle) wantTitles(text string, want ...string) {
	b.T.Helper()
	if got := b.titles(search.Query{Text: text}); !slices.Equal(got, want) {
		b.T.Errorf("%q finds %q, want %q", text, got, want)
	}
}

// inStep insists that every document is what its listing says, and that what can be found is what everybody may see on the market.
func (b *bundle) inStep() {
	b.T.Helper()
	const columns = `listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words, numbers`
	for what, count := range map[string]string{
		"documents that differ from their listings": fmt.Sprintf(`SELECT count(*) FROM (
			(SELECT %[1]s FROM search_document WHERE listing_id NOT IN (SELECT listing_id FROM listing_deleted) EXCEPT SELECT %[1]s FROM search_document_source) UNION ALL
			(SELECT %[1]s FROM search_document_source EXCEPT SELECT %[1]s FROM search_document)) x`, columns),
		"documents of what was deleted that are not empty": `SELECT count(*) FROM search_document d JOIN listing_deleted USING (listing_id)
			WHERE visible OR facets <> '{}' OR words <> ''`,
		"documents that are found and not public, or the other way round": `SELECT count(*) FROM (SELECT listing_id FROM search_document WHERE visible) d
			FULL JOIN (SELECT id FROM public_listing WHERE status IN ('ACTIVE', 'RESERVED')) p ON p.id = d.listing_id
			WHERE d.listing_id IS NULL OR p.id IS NULL`,
	} {
		if n := b.Int(count); n != 0 {
			b.T.Errorf("%d %s", n, what)
		}
	}
}
