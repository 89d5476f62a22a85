package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/promotion"
)

// PromotionCreate is the resolver for the promotionCreate field.
func (r *mutationResolver) PromotionCreate(ctx context.Context, input model.PromotionCreateInput) (model.PromotionCreatePayload, error) {
	in, err := promotionInput(input)
	made, errs, err := answered(once(err, func() (promotion.Promotion, error) { return r.Promotions.Create(ctx, promoter(ctx, input.Reason), in) }))
	return model.PromotionCreatePayload{Promotion: made, UserErrors: errs}, err
}

// PromotionChange is the resolver for the promotionChange field.
func (r *mutationResolver) PromotionChange(ctx context.Context, input model.PromotionChangeInput) (model.PromotionChangePayload, error) {
	var in inputReader
	named := in.id(input.PromotionID, id.Promotion, "promotionId")
	change := promotion.Change{EndsAt: input.EndsAt, MaxUses: input.MaxUses, MaxUsesPerUser: input.MaxUsesPerUser, Budget: in.maybeAmount(input.Budget, "budget")}
	changed, errs, err := answered(once(in.err, func() (promotion.Promotion, error) {
		return r.Promotions.Change(ctx, promoter(ctx, input.Reason), named, change)
	}))
	return model.PromotionChangePayload{Promotion: changed, UserErrors: errs}, err
}

// PromotionEnd is the resolver for the promotionEnd field.
func (r *mutationResolver) PromotionEnd(ctx context.Context, input model.PromotionEndInput) (model.PromotionEndPayload, error) {
	var in inputReader
	named := in.id(input.PromotionID, id.Promotion, "promotionId")
	ended, errs, err := answered(once(in.err, func() (promotion.Promotion, error) { return r.Promotions.End(ctx, promoter(ctx, input.Reason), named) }))
	return model.PromotionEndPayload{Promotion: ended, UserErrors: errs}, err
}

// Promotions is the resolver for the promotions field.
func (r *queryResolver) Promotions(ctx context.Context, first *int, after *string) (page.Page[promotion.Promotion], error) {
	return r.Resolver.Promotions.List(ctx, nil, page.Args{First: first, After: after})
}

// Promotions is the resolver for the promotions field.
func (r *viewerResolver) Promotions(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[promotion.Promotion], error) {
	return r.Resolver.Promotions.List(ctx, &obj.User.ID, page.Args{First: first, After: after})
}
