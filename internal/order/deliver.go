package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/realtime"
)

// EnRouteTx records that a carrier has an order's goods. DeliveredTx records that all of them are there: the order is RECEIVED, its money
// stays in escrow until its buyer completes it, or time does. Both take the order's lock, and are told in any order and any number of times: what
// was told, or what is behind where the order is, changes nothing and tells nothing. What a carrier says of an order whose seller has
// not, where it is paid, says that it was sent; where its card is still being charged it is kept until that is done. A
// cancelled order stays so. The events are to be published after the commit.
func (s *Service) EnRouteTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (told []realtime.Event, err error) {
	defer fault.Wrap(&err, "order %s is on its way", order)
	return s.carriedTx(ctx, tx, order, EnRoute)
}

// DeliveredTx records that a carrier has delivered all of an order: see EnRouteTx.
func (s *Service) DeliveredTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (told []realtime.Event, err error) {
	defer fault.Wrap(&err, "order %s is delivered", order)
	return s.carriedTx(ctx, tx, order, Received)
}

// ParcelTx tells both sides that one of an order's parcels is otherwise than before; the order stays as it is.
func (s *Service) ParcelTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (told []realtime.Event, err error) {
	defer fault.Wrap(&err, "tell of a parcel of order %s", order)
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) { return s.stepTx(ctx, tx, o, o.state(), EventParcel) })
}

func (s *Service) carriedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, to Fulfilment) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) (told []realtime.Event, err error) {
		known := o.DeliveredAt != nil || (to == EnRoute && o.EnRouteAt != nil)
		if known || o.Fulfilment == Received || o.Fulfilment == Cancelled {
			return nil, nil
		}
		if o.state() == paid {
			if err := s.feedsTx(ctx, tx, *o); err != nil {
				return nil, err
			}
			if told, err = s.sendTx(ctx, tx, o, o.Tracking); err != nil {
				return nil, err
			}
		}
		o.carried = to
		if o.Fulfilment == FulfilmentPending { // not paid yet: sendTx goes on from here
			return s.stepTx(ctx, tx, o, o.state(), carriedEvent(to))
		}
		gone, err := s.stepTx(ctx, tx, o, state{o.Payment, to}, carriedEvent(to))
		return append(told, gone...), err
	})
}

// goneTx brings an order that is sent to where its carrier has brought its goods.
func (s *Service) goneTx(ctx context.Context, tx pgx.Tx, o *Order) ([]realtime.Event, error) {
	to := EnRoute
	if o.DeliveredAt != nil {
		to = Received
	}
	return s.stepTx(ctx, tx, o, state{o.Payment, to}, carriedEvent(to))
}

func carriedEvent(to Fulfilment) string {
	if to == Received {
		return EventDelivered
	}
	return EventEnRoute
}
