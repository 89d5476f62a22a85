package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/referral"
)

// Code is the resolver for the code field.
func (r *referralProgramResolver) Code(ctx context.Context, obj *referral.Program) (string, error) {
	return r.Referrals.Code(ctx, obj.User)
}

// Pending is the resolver for the pending field.
func (r *referralProgramResolver) Pending(ctx context.Context, obj *referral.Program) ([]money.Amount, error) {
	return r.Referrals.PendingOf(ctx, obj.User)
}

// Earned is the resolver for the earned field.
func (r *referralProgramResolver) Earned(ctx context.Context, obj *referral.Program) ([]money.Amount, error) {
	return r.Referrals.EarnedBy(ctx, obj.User)
}

// Referred is the resolver for the referred field.
func (r *referralProgramResolver) Referred(ctx context.Context, obj *referral.Program, first *int, after *string) (page.Page[referral.Referral], error) {
	return r.Referrals.List(ctx, obj.User, page.Args{First: first, After: after})
}

// Referral is the resolver for the referral field.
func (r *viewerResolver) Referral(ctx context.Context, obj *identity.Session) (*referral.Program, error) {
	if !obj.Role().May([]identity.Role{identity.Buyer}) {
		return nil, nil
	}
	return &referral.Program{User: obj.User.ID}, nil
}

// ReferralProgram returns generated.ReferralProgramResolver implementation.
func (r *Resolver) ReferralProgram() generated.ReferralProgramResolver {
	return &referralProgramResolver{r}
}

type referralProgramResolver struct{ *Resolver }
