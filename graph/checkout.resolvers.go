package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/order"
)

// ReservationPay is the resolver for the reservationPay field.
func (r *mutationResolver) ReservationPay(ctx context.Context, input model.ReservationPayInput) (model.ReservationPayPayload, error) {
	var in inputReader
	pay := checkout.PayInput{
		Reservation: in.id(input.ReservationID, id.Reservation, "reservationId"), Total: in.amount(input.Total, "total"), IdempotencyKey: input.IdempotencyKey,
	}
	orders, err := once(in.err, func() ([]order.Order, error) { return r.Checkout.Pay(ctx, actorID(ctx), pay) })
	errs, err := refused(err)
	return model.ReservationPayPayload{Orders: orders, UserErrors: errs}, err
}
