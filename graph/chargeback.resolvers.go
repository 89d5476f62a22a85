package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// User is the resolver for the user field.
func (r *chargebackResolver) User(ctx context.Context, obj *payment.Chargeback) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.User)
}

// TopUp is the resolver for the topUp field.
func (r *chargebackResolver) TopUp(ctx context.Context, obj *payment.Chargeback) (*payment.TopUp, error) {
	if obj.TopUp == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).topUp, *obj.TopUp)
}

// OrderID is the resolver for the orderId field.
func (r *chargebackResolver) OrderID(ctx context.Context, obj *payment.Chargeback) (*id.ID, error) {
	if obj.Order == nil {
		return nil, nil
	}
	order := id.Order.ID(*obj.Order)
	return &order, nil
}

// Chargebacks is the resolver for the chargebacks field.
func (r *queryResolver) Chargebacks(ctx context.Context, status *payment.ChargebackStatus, first *int, after *string) (page.Page[payment.Chargeback], error) {
	return r.Payment.Chargebacks(ctx, status, page.Args{First: first, After: after})
}

// SupportEvents is the resolver for the supportEvents field.
func (r *subscriptionResolver) SupportEvents(ctx context.Context, afterVersion *int, epoch *string) (<-chan feed.Event, error) {
	return streamPrivate(ctx, r.Resolver, from(feed.SupportTopic, afterVersion, epoch, r.Feed.SupportSnapshot), func(e realtime.Event) (feed.Event, error) {
		return feed.FromEvent(e, r.Hub.Epoch())
	})
}

// Object is the resolver for the object field.
func (r *supportEventResolver) Object(ctx context.Context, obj *feed.Event) (id.Node, error) {
	if obj.Object == nil {
		return nil, nil
	}
	return r.findNode(ctx, *obj.Object)
}

// Chargeback returns generated.ChargebackResolver implementation.
func (r *Resolver) Chargeback() generated.ChargebackResolver { return &chargebackResolver{r} }

// SupportEvent returns generated.SupportEventResolver implementation.
func (r *Resolver) SupportEvent() generated.SupportEventResolver { return &supportEventResolver{r} }

type (
	chargebackResolver   struct{ *Resolver }
	supportEventResolver struct{ *Resolver }
)
