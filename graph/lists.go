package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/answer"
	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/taxonomy"
)

// straightLists has lists of listings written by the tables below: gqlgen's executor takes most of a list's time. What is not in them
// is left to gqlgen, and so is a list of which something fails.
func straightLists(schema graphql.ExecutableSchema, resolvers generated.ResolverRoot) graphql.OperationMiddleware {
	tables := newListTypes(resolvers).roots()
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		op := graphql.GetOperationContext(ctx)
		if op.Operation.Operation != ast.Query {
			return next(ctx)
		}
		failed, undo, err := answer.Query(schema.Schema(), op, tables)
		if err != nil {
			return next(ctx)
		}
		respond, again := next(ctx), false
		return func(under context.Context) *graphql.Response {
			response := respond(under)
			if again || !failed() {
				return response
			}
			undo()
			respond, again = next(ctx), true
			return respond(under)
		}
	}
}

// listTypes are what lists of listings show: the shared types, and what else of them and around them is asked for.
type listTypes struct {
	*sharedTypes
	page          answer.Type[catalog.ListingPage]
	edge          answer.Type[catalog.ListingEdge]
	pageInfo      answer.Type[page.Info]
	category      answer.Type[taxonomy.Category]
	names         answer.Type[taxonomy.Names]
	brand         answer.Type[taxonomy.Brand]
	attribute     answer.Type[taxonomy.Attribute]
	result        answer.Type[search.Result]
	facets        answer.Type[search.Facets]
	categoryCount answer.Type[search.CategoryCount]
	brandCount    answer.Type[search.BrandCount]
	attributes    answer.Type[search.AttributeCount]
	valueCount    answer.Type[search.ValueCount]
	kindCount     answer.Type[search.KindCount]
	conditions    answer.Type[search.ConditionCount]
	currencies    answer.Type[search.CurrencyCount]
	prices        answer.Type[search.PriceCount]
	ratings       answer.Type[search.RatingCount]
}

func newListTypes(r generated.ResolverRoot) *listTypes {
	t := &listTypes{sharedTypes: newSharedTypes(r)}
	t.pages()
	t.taxonomy(r)
	t.searches(r)
	return t
}

// roots are the root fields that answer lists. What a list has is known before its rows are written, so that each load asks for all.
func (t *listTypes) roots() map[string]answer.Root {
	return map[string]answer.Root{
		"listings": answer.RootOf(&t.page, func(ctx context.Context, p *catalog.ListingPage) { announce(ctx, p.Nodes) }),
		"search": answer.RootOf(&t.result, func(ctx context.Context, r *search.Result) {
			announce(ctx, r.Nodes)
			announce(ctx, r.Facets.Categories)
			announce(ctx, r.Facets.Brands)
			announce(ctx, r.Facets.Attributes)
		}),
	}
}

func (t *listTypes) pages() {
	t.page = answer.Type[catalog.ListingPage]{Name: "ListingConnection", Fields: map[string]answer.Field[catalog.ListingPage]{
		"nodes":    answer.Get(func(p *catalog.ListingPage) []catalog.Listing { return p.Nodes }, answer.Objects(&t.listing)),
		"edges":    answer.Get((*catalog.ListingPage).Edges, answer.Objects(&t.edge)),
		"pageInfo": answer.Get((*catalog.ListingPage).PageInfo, answer.Value(&t.pageInfo)),
	}}
	t.edge = answer.Type[catalog.ListingEdge]{Name: "ListingEdge", Fields: map[string]answer.Field[catalog.ListingEdge]{
		"cursor": answer.Get(func(e *catalog.ListingEdge) string { return e.Cursor }, answer.Text),
		"node":   answer.Get(func(e *catalog.ListingEdge) catalog.Listing { return e.Node }, answer.Value(&t.listing)),
	}}
	t.pageInfo = answer.Type[page.Info]{Name: "PageInfo", Fields: map[string]answer.Field[page.Info]{
		"hasNextPage": answer.Get(func(i *page.Info) bool { return i.HasNextPage }, answer.Flag),
		"endCursor":   answer.Maybe(func(i *page.Info) *string { return i.EndCursor }, answer.Text),
	}}
	t.photo.Given = map[string]answer.Field[media.Photo]{
		"url": answer.Given("width", graphql.UnmarshalInt, func(p *media.Photo, width *int) string { return p.URL(width) }, answer.Text),
	}
}

func (t *listTypes) taxonomy(r generated.ResolverRoot) {
	t.listing.Fields["category"] = answer.Ask(r.Listing().Category, answer.Object(&t.category))
	t.listing.Fields["brand"] = answer.Ask(r.Listing().Brand, answer.Object(&t.brand))
	t.listing.Fields["minimumTier"] = answer.Maybe(func(l *catalog.Listing) *identity.Tier { return l.MinimumTier }, answer.Text)
	t.category = answer.Type[taxonomy.Category]{Name: "Category", Fields: map[string]answer.Field[taxonomy.Category]{
		"id":        answer.Get((*taxonomy.Category).NodeID, answer.ID),
		"slug":      answer.Get(func(c *taxonomy.Category) string { return c.Slug }, answer.Text),
		"names":     answer.Get(func(c *taxonomy.Category) taxonomy.Names { return c.Names }, answer.Value(&t.names)),
		"parent":    answer.Ask(r.Category().Parent, answer.Object(&t.category)),
		"position":  answer.Get(func(c *taxonomy.Category) int { return c.Position }, answer.Number),
		"retiredAt": answer.Maybe(func(c *taxonomy.Category) *time.Time { return c.RetiredAt }, answer.Time),
	}}
	t.names = answer.Type[taxonomy.Names]{Name: "Names", Fields: map[string]answer.Field[taxonomy.Names]{
		"ar": answer.Get(func(n *taxonomy.Names) string { return n.Ar }, answer.Text),
		"en": answer.Get(func(n *taxonomy.Names) string { return n.En }, answer.Text),
		"fr": answer.Get(func(n *taxonomy.Names) string { return n.Fr }, answer.Text),
	}}
	t.brand = answer.Type[taxonomy.Brand]{Name: "Brand", Fields: map[string]answer.Field[taxonomy.Brand]{
		"id":        answer.Get((*taxonomy.Brand).NodeID, answer.ID),
		"name":      answer.Get(func(b *taxonomy.Brand) string { return b.Name }, answer.Text),
		"retiredAt": answer.Maybe(func(b *taxonomy.Brand) *time.Time { return b.RetiredAt }, answer.Time),
	}}
	t.attribute = answer.Type[taxonomy.Attribute]{Name: "Attribute", Fields: map[string]answer.Field[taxonomy.Attribute]{
		"id":    answer.Get((*taxonomy.Attribute).NodeID, answer.ID),
		"code":  answer.Get(func(a *taxonomy.Attribute) string { return a.Code }, answer.Text),
		"names": answer.Get(func(a *taxonomy.Attribute) taxonomy.Names { return a.Names }, answer.Value(&t.names)),
		"type":  answer.Get(func(a *taxonomy.Attribute) taxonomy.AttributeType { return a.Type }, answer.Text),
		"unit":  answer.Maybe(func(a *taxonomy.Attribute) *string { return a.Unit }, answer.Text),
	}}
}

func (t *listTypes) searches(r generated.ResolverRoot) {
	t.result = answer.Type[search.Result]{Name: "SearchResult", Fields: map[string]answer.Field[search.Result]{
		"nodes":      answer.Get(func(r *search.Result) []catalog.Listing { return r.Nodes }, answer.Objects(&t.listing)),
		"edges":      answer.Get((*search.Result).Edges, answer.Objects(&t.edge)),
		"pageInfo":   answer.Get((*search.Result).PageInfo, answer.Value(&t.pageInfo)),
		"totalCount": answer.Get(func(r *search.Result) int64 { return r.TotalCount }, answer.Number),
		"facets":     answer.Get(func(r *search.Result) *search.Facets { return &r.Facets }, answer.Object(&t.facets)),
	}}
	t.facets = answer.Type[search.Facets]{Name: "SearchFacets", Fields: map[string]answer.Field[search.Facets]{
		"categories": answer.Get(func(f *search.Facets) []search.CategoryCount { return f.Categories }, answer.Objects(&t.categoryCount)),
		"brands":     answer.Get(func(f *search.Facets) []search.BrandCount { return f.Brands }, answer.Objects(&t.brandCount)),
		"attributes": answer.Get(func(f *search.Facets) []search.AttributeCount { return f.Attributes }, answer.Objects(&t.attributes)),
		"kinds":      answer.Get(func(f *search.Facets) []search.KindCount { return f.Kinds }, answer.Objects(&t.kindCount)),
		"conditions": answer.Get(func(f *search.Facets) []search.ConditionCount { return f.Conditions }, answer.Objects(&t.conditions)),
		"currencies": answer.Get(func(f *search.Facets) []search.CurrencyCount { return f.Currencies }, answer.Objects(&t.currencies)),
		"prices":     answer.Get(func(f *search.Facets) []search.PriceCount { return f.Prices }, answer.Objects(&t.prices)),
		"ratings":    answer.Get(func(f *search.Facets) []search.RatingCount { return f.Ratings }, answer.Objects(&t.ratings)),
	}}
	t.categoryCount = answer.Type[search.CategoryCount]{Name: "CategoryCount", Fields: map[string]answer.Field[search.CategoryCount]{
		"category": answer.Ask(r.CategoryCount().Category, answer.Value(&t.category)),
		"count":    answer.Get(func(c *search.CategoryCount) int64 { return c.Count }, answer.Number),
	}}
	t.brandCount = answer.Type[search.BrandCount]{Name: "BrandCount", Fields: map[string]answer.Field[search.BrandCount]{
		"brand": answer.Ask(r.BrandCount().Brand, answer.Value(&t.brand)),
		"count": answer.Get(func(c *search.BrandCount) int64 { return c.Count }, answer.Number),
	}}
	t.attributes = answer.Type[search.AttributeCount]{Name: "AttributeCount", Fields: map[string]answer.Field[search.AttributeCount]{
		"attribute": answer.Ask(r.AttributeCount().Attribute, answer.Value(&t.attribute)),
		"values":    answer.Get(func(c *search.AttributeCount) []search.ValueCount { return c.Values }, answer.Objects(&t.valueCount)),
	}}
	t.valueCount = answer.Type[search.ValueCount]{Name: "AttributeValueCount", Fields: map[string]answer.Field[search.ValueCount]{
		"value": answer.Get(func(c *search.ValueCount) string { return c.Value }, answer.Text),
		"count": answer.Get(func(c *search.ValueCount) int64 { return c.Count }, answer.Number),
	}}
	t.kindCount = answer.Type[search.KindCount]{Name: "KindCount", Fields: map[string]answer.Field[search.KindCount]{
		"kind":  answer.Get(func(c *search.KindCount) catalog.Kind { return c.Kind }, answer.Text),
		"count": answer.Get(func(c *search.KindCount) int64 { return c.Count }, answer.Number),
	}}
	t.conditions = answer.Type[search.ConditionCount]{Name: "ConditionCount", Fields: map[string]answer.Field[search.ConditionCount]{
		"condition": answer.Get(func(c *search.ConditionCount) catalog.Condition { return c.Condition }, answer.Text),
		"count":     answer.Get(func(c *search.ConditionCount) int64 { return c.Count }, answer.Number),
	}}
	t.currencies = answer.Type[search.CurrencyCount]{Name: "CurrencyCount", Fields: map[string]answer.Field[search.CurrencyCount]{
		"currencyCode": answer.Get(func(c *search.CurrencyCount) money.Currency { return c.Currency }, answer.Text),
		"count":        answer.Get(func(c *search.CurrencyCount) int64 { return c.Count }, answer.Number),
	}}
	t.prices = answer.Type[search.PriceCount]{Name: "PriceCount", Fields: map[string]answer.Field[search.PriceCount]{
		"from":  answer.Get(func(c *search.PriceCount) *money.Amount { return &c.From }, answer.Object(&t.money)),
		"to":    answer.Get(func(c *search.PriceCount) *money.Amount { return c.To }, answer.Object(&t.money)),
		"count": answer.Get(func(c *search.PriceCount) int64 { return c.Count }, answer.Number),
	}}
	t.ratings = answer.Type[search.RatingCount]{Name: "RatingCount", Fields: map[string]answer.Field[search.RatingCount]{
		"atLeast": answer.Get(func(c *search.RatingCount) int { return c.AtLeast }, answer.Number),
		"count":   answer.Get(func(c *search.RatingCount) int64 { return c.Count }, answer.Number),
	}}
}
