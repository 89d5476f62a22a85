package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/identity"
)

// SignUp is the resolver for the signUp field.
func (r *mutationResolver) SignUp(ctx context.Context, input model.SignUpInput) (model.SignUpPayload, error) {
	session, err := r.Identity.SignUp(ctx, identity.SignUpInput{
		Email: input.Email, Password: input.Password, Name: input.Name, Role: input.Role,
		ReferralCode: input.ReferralCode,
	})
	if err != nil {
		errs, err := refused(err)
		return model.SignUpPayload{UserErrors: errs}, err
	}
	r.bringCart(ctx, session, input.CartToken)
	return model.SignUpPayload{Session: &session}, nil
}

// SignIn is the resolver for the signIn field.
func (r *mutationResolver) SignIn(ctx context.Context, input model.SignInInput) (model.SignInPayload, error) {
	session, err := r.Identity.SignIn(ctx, input.Email, input.Password)
	if err != nil {
		errs, err := refused(err)
		return model.SignInPayload{UserErrors: errs}, err
	}
	r.bringCart(ctx, session, input.CartToken)
	return model.SignInPayload{Session: &session}, nil
}

// SignOut is the resolver for the signOut field.
func (r *mutationResolver) SignOut(ctx context.Context) (model.SignOutPayload, error) {
	session, _ := actor(ctx)
	return model.SignOutPayload{}, r.Identity.SignOut(ctx, session.ID)
}

// Viewer is the resolver for the viewer field.
func (r *queryResolver) Viewer(ctx context.Context) (identity.Session, error) {
	session, _ := actor(ctx)
	return session, nil
}

// User returns generated.UserResolver implementation.
func (r *Resolver) User() generated.UserResolver { return &userResolver{r} }

// Viewer returns generated.ViewerResolver implementation.
func (r *Resolver) Viewer() generated.ViewerResolver { return &viewerResolver{r} }

type (
	userResolver   struct{ *Resolver }
	viewerResolver struct{ *Resolver }
)
