package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
)

// searchQuery reads a query; what it can't be is refused by the domain.
func searchQuery(text *string, filter *model.SearchFilter, sort *search.Sort) (q search.Query, err error) {
	if text != nil {
		q.Text = *text
	}
	if sort != nil {
		q.Sort = *sort
	}
	if filter != nil {
		q.Filter, err = searchFilter(*filter)
	}
	return q, err
}

func searchFilter(f model.SearchFilter) (search.Filter, error) {
	var in inputReader
	out := search.Filter{
		Categories: in.ids(f.CategoryIds, id.Category, "categoryIds"), Brands: in.ids(f.BrandIds, id.Brand, "brandIds"),
		Kinds: f.Kinds, Conditions: f.Conditions, RatingAtLeast: f.RatingAtLeast, RatingBelow: f.RatingBelow,
		PriceFrom: in.maybeAmount(f.PriceFrom, "priceFrom"), PriceTo: in.maybeAmount(f.PriceTo, "priceTo"),
	}
	for _, a := range f.Attributes {
		out.Attributes = append(out.Attributes, search.AttributeFilter{Attribute: in.id(a.AttributeID, id.Attribute, "attributes"), Values: a.Values})
	}
	for _, v := range f.Ranges {
		out.Ranges = append(out.Ranges, search.RangeFilter{Attribute: in.id(v.AttributeID, id.Attribute, "ranges"), From: v.From, To: v.To})
	}
	if f.CurrencyCode != nil {
		out.Currency = new(in.currency(*f.CurrencyCode, "currencyCode"))
	}
	if f.Near != nil {
		out.Near = &search.Near{Place: catalog.Place{Latitude: f.Near.Latitude, Longitude: f.Near.Longitude}, RadiusKM: f.Near.RadiusKm}
	}
	return out, in.err
}

// searchFacets are the fields of SearchFacets.
var searchFacets = map[string]search.Dimensions{
	"categories": search.ByCategory, "brands": search.ByBrand, "attributes": search.ByAttribute, "kinds": search.ByKind, "conditions": search.ByCondition,
	"currencies": search.ByCurrency, "prices": search.ByPrice, "ratings": search.ByRating, "ranges": search.ByRange,
}

// searchWant is what of the answer is asked for: counting is most of a search's work.
func searchWant(ctx context.Context) (want search.Want) {
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		switch field.Name {
		case "totalCount":
			want.Count = true
		case "facets":
			for _, facet := range graphql.CollectFields(graphql.GetOperationContext(ctx), field.Selections, nil) {
				want.Facets |= searchFacets[facet.Name]
			}
		}
	}
	return want
}

func (r *Resolver) placeListing(ctx context.Context, input model.ListingPlaceSetInput) (catalog.Listing, error) {
	var in inputReader
	listing := in.id(input.ListingID, id.Listing, "listingId")
	if in.err != nil {
		return catalog.Listing{}, in.err
	}
	var place *catalog.Place
	if input.Place != nil {
		place = &catalog.Place{Latitude: input.Place.Latitude, Longitude: input.Place.Longitude}
	}
	return r.Catalog.SetPlace(ctx, actorID(ctx), listing, place)
}

func savedSearchQuery(v *model.SavedSearchQueryInput) (*search.Query, error) {
	if v == nil {
		return nil, nil
	}
	q, err := searchQuery(v.Text, v.Filter, v.Sort)
	return &q, err
}

func savedSearchInput(v model.SavedSearchCreateInput) (savedsearch.Input, error) {
	q, err := savedSearchQuery(&v.Query)
	return savedsearch.Input{Name: v.Name, Notify: v.Notify, Query: *q}, err
}

func savedSearchChange(v model.SavedSearchUpdateInput) (uuid.UUID, savedsearch.Change, error) {
	var in inputReader
	saved := in.id(v.SavedSearchID, id.SavedSearch, "savedSearchId")
	q, err := savedSearchQuery(v.Query)
	in.fail(err, "query")
	return saved, savedsearch.Change{Name: v.Name, Notify: v.Notify, Query: q}, in.err
}

// savedFilter is a filter as who keeps it sees it.
func savedFilter(f search.Filter) model.SavedSearchFilter {
	ids := func(kind id.Kind, of []uuid.UUID) []id.ID {
		out := make([]id.ID, len(of))
		for i, v := range of {
			out[i] = kind.ID(v)
		}
		return out
	}
	out := model.SavedSearchFilter{
		CategoryIds: ids(id.Category, f.Categories), BrandIds: ids(id.Brand, f.Brands), Kinds: f.Kinds, Conditions: f.Conditions,
		CurrencyCode: f.Currency, PriceFrom: f.PriceFrom, PriceTo: f.PriceTo, RatingAtLeast: f.RatingAtLeast, RatingBelow: f.RatingBelow,
		Attributes: make([]model.SavedSearchAttribute, len(f.Attributes)), Ranges: make([]model.SavedSearchRange, len(f.Ranges)),
	}
	for i, r := range f.Ranges {
		out.Ranges[i] = model.SavedSearchRange{AttributeID: id.Attribute.ID(r.Attribute), From: r.From, To: r.To}
	}
	for i, a := range f.Attributes {
		out.Attributes[i] = model.SavedSearchAttribute{AttributeID: id.Attribute.ID(a.Attribute), Values: a.Values}
	}
	if n := f.Near; n != nil {
		out.Near = &model.SavedSearchNear{Latitude: n.Latitude, Longitude: n.Longitude, RadiusKm: n.RadiusKM}
	}
	return out
}
