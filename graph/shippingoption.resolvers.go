package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// ShippingProfileSet is the resolver for the shippingProfileSet field.
func (r *mutationResolver) ShippingProfileSet(ctx context.Context, input model.ShippingProfileSetInput) (model.ShippingProfileSetPayload, error) {
	set, err := r.setShippingProfile(ctx, input)
	errs, err := refused(err)
	return model.ShippingProfileSetPayload{ShippingProfile: set, UserErrors: errs}, err
}

// Parcels is the resolver for the parcels field.
func (r *orderResolver) Parcels(ctx context.Context, obj *order.Order) ([]shipping.Plan, error) {
	if _, party := obj.PartyOf(actorID(ctx)); !party {
		return []shipping.Plan{}, nil
	}
	return some(ctx, load(ctx).parcels, obj.ID)
}

// Location is the resolver for the location field.
func (r *parcelPlanResolver) Location(ctx context.Context, obj *shipping.Plan) (*inventory.Location, error) {
	return maybePtr(ctx, load(ctx).location, obj.Location)
}

// ShippingProfile is the resolver for the shippingProfile field.
func (r *viewerResolver) ShippingProfile(ctx context.Context, obj *identity.Session) (*shipping.Profile, error) {
	return r.Shipping.Profile(ctx, obj.User.ID)
}

// ParcelPlan returns generated.ParcelPlanResolver implementation.
func (r *Resolver) ParcelPlan() generated.ParcelPlanResolver { return &parcelPlanResolver{r} }

type parcelPlanResolver struct{ *Resolver }
