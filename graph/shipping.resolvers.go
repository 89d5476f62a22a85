package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// ShipmentCreate is the resolver for the shipmentCreate field.
func (r *mutationResolver) ShipmentCreate(ctx context.Context, input model.ShipmentCreateInput) (model.ShipmentCreatePayload, error) {
	in, err := shipmentInput(input)
	made, errs, err := answered(once(err, func() (shipping.Shipment, error) { return r.Shipping.Create(ctx, actorID(ctx), in) }))
	return model.ShipmentCreatePayload{Shipment: made, UserErrors: errs}, err
}

// ShipmentCancel is the resolver for the shipmentCancel field.
func (r *mutationResolver) ShipmentCancel(ctx context.Context, input model.ShipmentCancelInput) (model.ShipmentCancelPayload, error) {
	var in inputReader
	shipment := in.id(input.ShipmentID, id.Shipment, "shipmentId")
	cancelled, errs, err := answered(once(in.err, func() (shipping.Shipment, error) { return r.Shipping.Cancel(ctx, actorID(ctx), shipment) }))
	return model.ShipmentCancelPayload{Shipment: cancelled, UserErrors: errs}, err
}

// Shipments is the resolver for the shipments field.
func (r *orderResolver) Shipments(ctx context.Context, obj *order.Order) ([]shipping.Shipment, error) {
	if _, party := obj.PartyOf(actorID(ctx)); !party {
		return []shipping.Shipment{}, nil
	}
	return some(ctx, load(ctx).shipments, obj.ID)
}

// PickupPoints is the resolver for the pickupPoints field.
func (r *queryResolver) PickupPoints(ctx context.Context, carrier string, country string, postalCode string, city string, street string) ([]shipping.Point, error) {
	return r.Shipping.Points(ctx, carrier, shipping.PointSearch{Country: country, PostalCode: postalCode, City: city, Street: street})
}

// Location is the resolver for the location field.
func (r *shipmentResolver) Location(ctx context.Context, obj *shipping.Shipment) (*inventory.Location, error) {
	return maybePtr(ctx, load(ctx).location, obj.LocationID)
}

// LabelURL is the resolver for the labelUrl field.
func (r *shipmentResolver) LabelURL(ctx context.Context, obj *shipping.Shipment) (*string, error) {
	return r.Shipping.LabelURL(ctx, actorID(ctx), *obj)
}

// Shipment returns generated.ShipmentResolver implementation.
func (r *Resolver) Shipment() generated.ShipmentResolver { return &shipmentResolver{r} }

type shipmentResolver struct{ *Resolver }
