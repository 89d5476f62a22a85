package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
)

// SavedSearchCreate is the resolver for the savedSearchCreate field.
func (r *mutationResolver) SavedSearchCreate(ctx context.Context, input model.SavedSearchCreateInput) (model.SavedSearchCreatePayload, error) {
	in, err := savedSearchInput(input)
	saved, errs, err := answered(once(err, func() (savedsearch.SavedSearch, error) { return r.Saved.Create(ctx, actorID(ctx), in) }))
	return model.SavedSearchCreatePayload{SavedSearch: saved, UserErrors: errs}, err
}

// SavedSearchUpdate is the resolver for the savedSearchUpdate field.
func (r *mutationResolver) SavedSearchUpdate(ctx context.Context, input model.SavedSearchUpdateInput) (model.SavedSearchUpdatePayload, error) {
	which, change, err := savedSearchChange(input)
	saved, errs, err := answered(once(err, func() (savedsearch.SavedSearch, error) { return r.Saved.Update(ctx, actorID(ctx), which, change) }))
	return model.SavedSearchUpdatePayload{SavedSearch: saved, UserErrors: errs}, err
}

// SavedSearchDelete is the resolver for the savedSearchDelete field.
func (r *mutationResolver) SavedSearchDelete(ctx context.Context, input model.SavedSearchDeleteInput) (model.SavedSearchDeletePayload, error) {
	var in inputReader
	which := in.id(input.SavedSearchID, id.SavedSearch, "savedSearchId")
	gone, errs, err := answered(once(in.err, func() (id.ID, error) { return input.SavedSearchID, r.Saved.Delete(ctx, actorID(ctx), which) }))
	return model.SavedSearchDeletePayload{SavedSearchID: gone, UserErrors: errs}, err
}

// Text is the resolver for the text field.
func (r *savedSearchResolver) Text(ctx context.Context, obj *savedsearch.SavedSearch) (*string, error) {
	return textOrNil(obj.Query.Text), nil
}

// Filter is the resolver for the filter field.
func (r *savedSearchResolver) Filter(ctx context.Context, obj *savedsearch.SavedSearch) (model.SavedSearchFilter, error) {
	return savedFilter(obj.Query.Filter), nil
}

// Sort is the resolver for the sort field.
func (r *savedSearchResolver) Sort(ctx context.Context, obj *savedsearch.SavedSearch) (search.Sort, error) {
	return obj.Query.Sort, nil
}

// SavedSearches is the resolver for the savedSearches field.
func (r *viewerResolver) SavedSearches(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[savedsearch.SavedSearch], error) {
	return r.Saved.List(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// SavedSearch returns generated.SavedSearchResolver implementation.
func (r *Resolver) SavedSearch() generated.SavedSearchResolver { return &savedSearchResolver{r} }

type savedSearchResolver struct{ *Resolver }
