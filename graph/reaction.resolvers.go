package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/show"
)

// ShowReact is the resolver for the showReact field.
func (r *mutationResolver) ShowReact(ctx context.Context, input model.ShowReactInput) (model.ShowReactPayload, error) {
	var in inputReader
	showID := in.id(input.ShowID, id.Show, "showId")
	var cheered show.Show
	err := in.err
	if err == nil {
		cheered, err = r.ShowChats.React(ctx, actorID(ctx), showID, input.Kind)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowReactPayload{UserErrors: errs}, err
	}
	return model.ShowReactPayload{Show: &cheered}, nil
}

// Audience is the resolver for the audience field.
func (r *showResolver) Audience(ctx context.Context, obj *show.Show) (model.ShowAudience, error) {
	counts, err := r.Presence.Count(ctx, obj.ID)
	return audienceOf(counts), err
}
