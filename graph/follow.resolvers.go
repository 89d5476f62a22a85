package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

// User is the resolver for the user field.
func (r *followResolver) User(ctx context.Context, obj *follow.Follow) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.FollowedID)
}

// UserFollow is the resolver for the userFollow field.
func (r *mutationResolver) UserFollow(ctx context.Context, input model.UserFollowInput) (model.UserFollowPayload, error) {
	followed, err := r.changeFollow(ctx, input.UserID, r.Follows.Begin)
	if err != nil {
		errs, err := refused(err)
		return model.UserFollowPayload{UserErrors: errs}, err
	}
	return model.UserFollowPayload{User: followed}, nil
}

// UserUnfollow is the resolver for the userUnfollow field.
func (r *mutationResolver) UserUnfollow(ctx context.Context, input model.UserUnfollowInput) (model.UserUnfollowPayload, error) {
	followed, err := r.changeFollow(ctx, input.UserID, r.Follows.End)
	if err != nil {
		errs, err := refused(err)
		return model.UserUnfollowPayload{UserErrors: errs}, err
	}
	return model.UserUnfollowPayload{User: followed}, nil
}

// FollowerCount is the resolver for the followerCount field.
func (r *userResolver) FollowerCount(ctx context.Context, obj *identity.User) (int, error) {
	n, err := load(ctx).followers.Load(ctx, obj.ID)
	return int(n), err
}

// Followed is the resolver for the followed field.
func (r *userResolver) Followed(ctx context.Context, obj *identity.User) (bool, error) {
	if _, signedIn := actor(ctx); !signedIn {
		return false, nil
	}
	return load(ctx).followed.Load(ctx, obj.ID)
}

// Following is the resolver for the following field.
func (r *viewerResolver) Following(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[follow.Follow], error) {
	return r.Follows.List(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// Follow returns generated.FollowResolver implementation.
func (r *Resolver) Follow() generated.FollowResolver { return &followResolver{r} }

type followResolver struct{ *Resolver }
