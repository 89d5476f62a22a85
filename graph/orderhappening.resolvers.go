package graph

import (
	"context"

	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/id"
)

// OrderHappenings is the resolver for the orderHappenings field.
func (r *queryResolver) OrderHappenings(ctx context.Context, orderID id.ID) ([]explain.Happening, error) {
	var in inputReader
	order := in.id(orderID, id.Order, "orderId")
	all, err := visible(once(in.err, func() ([]explain.Happening, error) { return r.Explain.Order(ctx, order) }))
	if all == nil {
		return nil, err
	}
	return *all, nil
}
