package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/risk"
)

// RiskReviewDecide is the resolver for the riskReviewDecide field.
func (r *mutationResolver) RiskReviewDecide(ctx context.Context, input model.RiskReviewDecideInput) (model.RiskReviewDecidePayload, error) {
	var in inputReader
	review := in.id(input.ReviewID, id.RiskReview, "reviewId")
	decided, err := once(in.err, func() (risk.Case, error) {
		session, _ := actor(ctx)
		return r.Risk.Decide(ctx, session.User, review, input.Decision, input.Reason)
	})
	if err != nil {
		errs, err := refused(err)
		return model.RiskReviewDecidePayload{UserErrors: errs}, err
	}
	return model.RiskReviewDecidePayload{Review: &decided}, nil
}

// RiskReviews is the resolver for the riskReviews field.
func (r *queryResolver) RiskReviews(ctx context.Context, status risk.ReviewStatus, first *int, after *string) (page.Page[risk.Case], error) {
	return r.Risk.Reviews(ctx, status, page.Args{First: first, After: after})
}

// User is the resolver for the user field.
func (r *riskReviewResolver) User(ctx context.Context, obj *risk.Case) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.UserID)
}

// DecidedBy is the resolver for the decidedBy field.
func (r *riskReviewResolver) DecidedBy(ctx context.Context, obj *risk.Case) (*identity.User, error) {
	if obj.DecidedBy == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).user, *obj.DecidedBy)
}

// RiskReview returns generated.RiskReviewResolver implementation.
func (r *Resolver) RiskReview() generated.RiskReviewResolver { return &riskReviewResolver{r} }

type riskReviewResolver struct{ *Resolver }
