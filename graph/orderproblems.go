package graph

import (
	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// linesToReturn are what is to come back of it.
func linesToReturn(vs []model.OrderReturnLineInput) (lines []order.ReturnedLine) {
	for _, l := range vs {
		lines = append(lines, order.ReturnedLine{Number: l.Number, Quantity: l.Quantity})
	}
	return lines
}

// orderID is one in the resolvers' file, in which gqlgen keeps no import in a group of its own.
type orderID = uuid.UUID

// onOrder does something with the order of an id, and gives what is refused.
func onOrder(orderID id.ID, do func(order uuid.UUID) (order.Order, error)) (*order.Order, []model.UserError, error) {
	var in inputReader
	asked := in.id(orderID, id.Order, "orderId")
	o, err := once(in.err, func() (order.Order, error) { return do(asked) })
	if err != nil {
		errs, err := refused(err)
		return nil, errs, err
	}
	return &o, nil, nil
}

func returnInput(v model.OrderReturnLabelInput) (shipping.ReturnInput, error) {
	var in inputReader
	return shipping.ReturnInput{
		Order: in.id(v.OrderID, id.Order, "orderId"), Carrier: orZero(v.Carrier), Product: orZero(v.Product), Point: v.PickupPointID, From: in.maybeID(v.FromAddressID, id.Address, "fromAddressId"),
	}, in.err
}
