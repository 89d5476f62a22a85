package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/shipping"
)

func shipmentInput(v model.ShipmentCreateInput) (shipping.CreateInput, error) {
	var in inputReader
	return shipping.CreateInput{
		Order: in.id(v.OrderID, id.Order, "orderId"), Location: in.maybeID(v.LocationID, id.Location, "locationId"), Carrier: orZero(v.Carrier), Product: orZero(v.Product),
		Point: v.PickupPointID, From: in.maybeID(v.FromAddressID, id.Address, "fromAddressId"), Grams: orZero(v.Grams),
	}, in.err
}

// setShippingProfile says how a seller has their goods brought.
func (r *Resolver) setShippingProfile(ctx context.Context, v model.ShippingProfileSetInput) (*shipping.Profile, error) {
	var in inputReader
	offers := make([]shipping.Offer, len(v.Offers))
	for i, o := range v.Offers {
		offers[i] = shipping.Offer{
			Kind: o.Kind, Carrier: o.Carrier, Product: o.Product, Free: o.Free, Name: o.Name, Price: in.maybeAmount(o.Price, "price"), Countries: o.Countries, Place: o.Place,
		}
	}
	if in.err != nil {
		return nil, in.err
	}
	set, err := r.Shipping.SetProfile(ctx, actorID(ctx), v.Grams, offers)
	if err != nil {
		return nil, err
	}
	return &set, nil
}

// shippingChoices are how a buyer wants what they buy to be brought.
func (in *inputReader) shippingChoices(vs []model.ShippingChoiceInput) []checkout.Choice {
	choices := make([]checkout.Choice, len(vs))
	for i, v := range vs {
		choices[i] = checkout.Choice{
			Seller: in.id(v.SellerID, id.User, "shipping"),
			Choice: shipping.Choice{Location: in.maybeID(v.LocationID, id.Location, "shipping"), Option: v.OptionCode, Point: v.PickupPointID},
		}
	}
	return choices
}
