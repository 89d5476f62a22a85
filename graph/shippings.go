package graph

import (
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/shipping"
)

func shipmentInput(v model.ShipmentCreateInput) (shipping.CreateInput, error) {
	var in inputReader
	return shipping.CreateInput{
		Order: in.id(v.OrderID, id.Order, "orderId"), Location: in.maybeID(v.LocationID, id.Location, "locationId"), Carrier: v.Carrier, Product: v.Product,
		Point: v.PickupPointID, From: in.maybeID(v.FromAddressID, id.Address, "fromAddressId"), Grams: v.Grams,
	}, in.err
}
