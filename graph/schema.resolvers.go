package graph

import (
	"context"
	"time"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/id"
)

// Node is the resolver for the node field.
func (r *queryResolver) Node(ctx context.Context, id id.ID) (id.Node, error) {
	return r.findNode(ctx, id)
}

// ServerTime is the resolver for the serverTime field.
func (r *queryResolver) ServerTime(ctx context.Context) (time.Time, error) {
	return r.Clock.Now(), nil
}

// Mutation returns generated.MutationResolver implementation.
func (r *Resolver) Mutation() generated.MutationResolver { return &mutationResolver{r} }

// Query returns generated.QueryResolver implementation.
func (r *Resolver) Query() generated.QueryResolver { return &queryResolver{r} }

// Subscription returns generated.SubscriptionResolver implementation.
func (r *Resolver) Subscription() generated.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
