package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/taxonomy"
)

// Attribute is the resolver for the attribute field.
func (r *attributeCountResolver) Attribute(ctx context.Context, obj *search.AttributeCount) (taxonomy.Attribute, error) {
	return load(ctx).attribute.Load(ctx, obj.Attribute)
}

// Attribute is the resolver for the attribute field.
func (r *attributeRangeResolver) Attribute(ctx context.Context, obj *search.RangeCount) (taxonomy.Attribute, error) {
	return load(ctx).attribute.Load(ctx, obj.Attribute)
}

// Brand is the resolver for the brand field.
func (r *brandCountResolver) Brand(ctx context.Context, obj *search.BrandCount) (taxonomy.Brand, error) {
	return load(ctx).brand.Load(ctx, obj.Brand)
}

// Category is the resolver for the category field.
func (r *categoryCountResolver) Category(ctx context.Context, obj *search.CategoryCount) (taxonomy.Category, error) {
	return load(ctx).category.Load(ctx, obj.Category)
}

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

// SearchSuggestions is the resolver for the searchSuggestions field.
func (r *queryResolver) SearchSuggestions(ctx context.Context, prefix string, first int) ([]search.Suggestion, error) {
	return r.Resolver.Search.Suggest(ctx, prefix, first)
}

// Category is the resolver for the category field.
func (r *searchSuggestionResolver) Category(ctx context.Context, obj *search.Suggestion) (*taxonomy.Category, error) {
	if obj.Kind != search.SuggestCategory {
		return nil, nil
	}
	return maybe(ctx, load(ctx).category, obj.ID)
}

// Brand is the resolver for the brand field.
func (r *searchSuggestionResolver) Brand(ctx context.Context, obj *search.Suggestion) (*taxonomy.Brand, error) {
	if obj.Kind != search.SuggestBrand {
		return nil, nil
	}
	return maybe(ctx, load(ctx).brand, obj.ID)
}

// AttributeCount returns generated.AttributeCountResolver implementation.
func (r *Resolver) AttributeCount() generated.AttributeCountResolver {
	return &attributeCountResolver{r}
}

// AttributeRange returns generated.AttributeRangeResolver implementation.
func (r *Resolver) AttributeRange() generated.AttributeRangeResolver {
	return &attributeRangeResolver{r}
}

// BrandCount returns generated.BrandCountResolver implementation.
func (r *Resolver) BrandCount() generated.BrandCountResolver { return &brandCountResolver{r} }

// CategoryCount returns generated.CategoryCountResolver implementation.
func (r *Resolver) CategoryCount() generated.CategoryCountResolver { return &categoryCountResolver{r} }

// SearchSuggestion returns generated.SearchSuggestionResolver implementation.
func (r *Resolver) SearchSuggestion() generated.SearchSuggestionResolver {
	return &searchSuggestionResolver{r}
}

type (
	attributeCountResolver   struct{ *Resolver }
	attributeRangeResolver   struct{ *Resolver }
	brandCountResolver       struct{ *Resolver }
	categoryCountResolver    struct{ *Resolver }
	searchSuggestionResolver struct{ *Resolver }
)
