package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

// SearchSynonymCreate is the resolver for the searchSynonymCreate field.
func (r *mutationResolver) SearchSynonymCreate(ctx context.Context, input model.SearchSynonymCreateInput) (model.SearchSynonymCreatePayload, error) {
	made, errs, err := answered(r.Search.CreateSynonym(ctx, actorID(ctx), input.Words, input.Reason))
	return model.SearchSynonymCreatePayload{Synonym: made, UserErrors: errs}, err
}

// SearchSynonymUpdate is the resolver for the searchSynonymUpdate field.
func (r *mutationResolver) SearchSynonymUpdate(ctx context.Context, input model.SearchSynonymUpdateInput) (model.SearchSynonymUpdatePayload, error) {
	var in inputReader
	which := in.id(input.SynonymID, id.Synonym, "synonymId")
	changed, errs, err := answered(once(in.err, func() (search.Synonym, error) {
		return r.Search.ChangeSynonym(ctx, actorID(ctx), which, input.Words, input.Removed, input.Reason)
	}))
	return model.SearchSynonymUpdatePayload{Synonym: changed, UserErrors: errs}, err
}

// SearchSynonyms is the resolver for the searchSynonyms field.
func (r *queryResolver) SearchSynonyms(ctx context.Context, first *int, after *string) (page.Page[search.Synonym], error) {
	return r.Resolver.Search.Synonyms(ctx, page.Args{First: first, After: after})
}
