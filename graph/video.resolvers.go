package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/video"
)

// ShowVideoToken is the resolver for the showVideoToken field.
func (r *mutationResolver) ShowVideoToken(ctx context.Context, input model.ShowVideoTokenInput) (model.ShowVideoTokenPayload, error) {
	var in inputReader
	showID := in.id(input.ShowID, id.Show, "showId")
	var token video.Token
	err := in.err
	if err == nil {
		token, err = r.Video.Token(ctx, video.Viewer{User: actorID(ctx), Addr: httpx.Client(ctx)}, showID)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowVideoTokenPayload{UserErrors: errs}, err
	}
	return model.ShowVideoTokenPayload{VideoToken: &token}, nil
}
