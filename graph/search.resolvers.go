package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

// Place is the resolver for the place field.
func (r *listingResolver) Place(ctx context.Context, obj *catalog.Listing) (*catalog.Place, error) {
	return maybe(ctx, load(ctx).place, obj.ID)
}

// ListingPlaceSet is the resolver for the listingPlaceSet field.
func (r *mutationResolver) ListingPlaceSet(ctx context.Context, input model.ListingPlaceSetInput) (model.ListingPlaceSetPayload, error) {
	listing, errs, err := answered(r.placeListing(ctx, input))
	return model.ListingPlaceSetPayload{Listing: listing, UserErrors: errs}, err
}

// Search is the resolver for the search field.
func (r *queryResolver) Search(ctx context.Context, text *string, filter *model.SearchFilter, sort *search.Sort, first *int, after *string) (search.Result, error) {
	query, err := searchQuery(text, filter, sort)
	if err != nil {
		return search.Result{}, err
	}
	return r.Resolver.Search.Search(ctx, query, page.Args{First: first, After: after}, searchWant(ctx))
}
