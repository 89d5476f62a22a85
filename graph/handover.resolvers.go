package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/order"
)

// OrderHandOver is the resolver for the orderHandOver field.
func (r *mutationResolver) OrderHandOver(ctx context.Context, input model.OrderHandOverInput) (model.OrderHandOverPayload, error) {
	var in inputReader
	orderID := in.id(input.OrderID, id.Order, "orderId")
	handed, errs, err := answered(once(in.err, func() (order.Order, error) {
		return r.Resolver.HandOver.HandOver(ctx, actorID(ctx), orderID, input.Code)
	}))
	return model.OrderHandOverPayload{Order: handed, UserErrors: errs}, err
}

// HandOverCode is the resolver for the handOverCode field.
func (r *orderResolver) HandOverCode(ctx context.Context, obj *order.Order) (*string, error) {
	if code := r.Resolver.HandOver.Code(actorID(ctx), *obj); code != "" {
		return &code, nil
	}
	return nil, nil
}
