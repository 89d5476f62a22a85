package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// ViewerBirthDateSet is the resolver for the viewerBirthDateSet field.
func (r *mutationResolver) ViewerBirthDateSet(ctx context.Context, input model.ViewerBirthDateSetInput) (model.ViewerBirthDateSetPayload, error) {
	session, _ := actor(ctx)
	var err error
	if session.User, err = r.Identity.SetBirthDate(ctx, session.User.ID, input.BirthDate); err != nil {
		errs, err := refused(err)
		return model.ViewerBirthDateSetPayload{UserErrors: errs}, err
	}
	return model.ViewerBirthDateSetPayload{Viewer: &session}, nil
}

// UserTierSet is the resolver for the userTierSet field.
func (r *mutationResolver) UserTierSet(ctx context.Context, input model.UserTierSetInput) (model.UserTierSetPayload, error) {
	var in inputReader
	id := in.id(input.UserID, id.User, "userId")
	session, _ := actor(ctx)
	var user identity.User
	err := in.err
	if err == nil {
		user, err = r.Identity.SetTier(ctx, session.User, id, input.Tier, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.UserTierSetPayload{UserErrors: errs}, err
	}
	return model.UserTierSetPayload{User: &user, Tier: &user.Tier}, nil
}
