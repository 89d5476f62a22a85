package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// Buyer is the resolver for the buyer field.
func (r *orderProblemCaseResolver) Buyer(ctx context.Context, obj *order.Case) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.Order.BuyerID)
}

// Seller is the resolver for the seller field.
func (r *orderProblemCaseResolver) Seller(ctx context.Context, obj *order.Case) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.Order.SellerID)
}

// AvailableActions is the resolver for the availableActions field.
func (r *orderProblemCaseResolver) AvailableActions(ctx context.Context, obj *order.Case) ([]order.Action, error) {
	return obj.Order.AvailableActions(orderActor(ctx).Party(obj.Order)), nil
}

// OrderProblemCases is the resolver for the orderProblemCases field.
func (r *queryResolver) OrderProblemCases(ctx context.Context, first *int, after *string) (page.Page[order.Case], error) {
	return r.Orders.Cases(ctx, page.Args{First: first, After: after})
}

// OrderProblemCase returns generated.OrderProblemCaseResolver implementation.
func (r *Resolver) OrderProblemCase() generated.OrderProblemCaseResolver {
	return &orderProblemCaseResolver{r}
}

type orderProblemCaseResolver struct{ *Resolver }
