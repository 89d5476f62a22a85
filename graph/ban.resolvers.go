package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// UserBan is the resolver for the userBan field.
func (r *mutationResolver) UserBan(ctx context.Context, input model.UserBanInput) (model.UserBanPayload, error) {
	var in inputReader
	user := in.id(input.UserID, id.User, "userId")
	session, _ := actor(ctx)
	var ban identity.Ban
	err := in.err
	if err == nil {
		ban, err = r.Identity.Ban(ctx, session.User, user, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.UserBanPayload{UserErrors: errs}, err
	}
	return model.UserBanPayload{Ban: &ban}, nil
}

// UserUnban is the resolver for the userUnban field.
func (r *mutationResolver) UserUnban(ctx context.Context, input model.UserUnbanInput) (model.UserUnbanPayload, error) {
	var in inputReader
	id := in.id(input.UserID, id.User, "userId")
	session, _ := actor(ctx)
	var user identity.User
	err := in.err
	if err == nil {
		user, err = r.Identity.Unban(ctx, session.User, id, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.UserUnbanPayload{UserErrors: errs}, err
	}
	return model.UserUnbanPayload{User: &user}, nil
}

// UserBan is the resolver for the userBan field.
func (r *queryResolver) UserBan(ctx context.Context, userID id.ID) (*identity.Ban, error) {
	user, err := userID.As(id.User)
	if err != nil {
		return nil, err
	}
	return r.Identity.BanOf(ctx, user)
}
