package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/risk"
)

// RiskTierSet is the resolver for the riskTierSet field.
func (r *mutationResolver) RiskTierSet(ctx context.Context, input model.RiskTierSetInput) (model.RiskTierSetPayload, error) {
	var in inputReader
	user := in.id(input.UserID, id.User, "userId")
	standing, err := once(in.err, func() (risk.Standing, error) {
		return r.Risk.SetTier(ctx, actorID(ctx), user, input.Tier, input.Reason)
	})
	if err != nil {
		errs, err := refused(err)
		return model.RiskTierSetPayload{UserErrors: errs}, err
	}
	return model.RiskTierSetPayload{Standing: &standing}, nil
}

// RiskStanding is the resolver for the riskStanding field.
func (r *queryResolver) RiskStanding(ctx context.Context, userID id.ID) (*risk.Standing, error) {
	user, err := userID.As(id.User)
	if err != nil {
		return nil, err
	}
	if found, err := maybe(ctx, load(ctx).user, user); err != nil || found == nil {
		return nil, err
	}
	standing, err := r.Risk.StandingOf(ctx, user)
	return &standing, err
}

// User is the resolver for the user field.
func (r *riskStandingResolver) User(ctx context.Context, obj *risk.Standing) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.UserID)
}

// SetBy is the resolver for the setBy field.
func (r *riskStandingResolver) SetBy(ctx context.Context, obj *risk.Standing) (*identity.User, error) {
	return maybePtr(ctx, load(ctx).user, obj.SetBy)
}

// RiskStanding returns generated.RiskStandingResolver implementation.
func (r *Resolver) RiskStanding() generated.RiskStandingResolver { return &riskStandingResolver{r} }

type riskStandingResolver struct{ *Resolver }
