package shipping

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// How often a carrier is asked where a parcel is: first, and then; and after it could not be asked. A claim that is not brought to its end is taken up again.
const (
	trackFirst = 30 * time.Minute
	trackEvery = 30 * time.Minute
	trackAgain = 5 * time.Minute
)

// Track asks a carrier where a parcel is, if it is due to be asked, and moves the order by what it says.
func (s *Service) Track(ctx context.Context, shipment uuid.UUID) (err error) {
	defer fault.Wrap(&err, "track shipment %s", shipment)
	row, err := s.q.ShipmentTrackClaim(ctx, s.pool, trackAgain.Seconds(), shipment)
	if postgres.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	one, err := shipmentOf(row)
	if err != nil {
		return err
	}
	carrier, err := s.carrier(one.Carrier)
	if err != nil {
		return nil // it is asked once the carrier is configured again
	}
	calls, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	tracking, err := carrier.Track(calls, *one.Number)
	s.metrics.called(one.Carrier, "track", err)
	switch {
	case errors.Is(err, ErrUnknownParcel): // not there yet
		tracking = Tracking{Stage: Registered, Events: one.Steps}
	case err != nil:
		s.log.WarnContext(ctx, "a carrier does not say where a parcel is", "shipment", shipment, "error", err)
		return nil
	}
	return s.tracked(context.WithoutCancel(ctx), one, tracking)
}

// tracked writes down where a parcel is, and moves its order: the order's lock comes first.
func (s *Service) tracked(ctx context.Context, one Shipment, t Tracking) error {
	steps, err := json.Marshal(append([]Step{}, t.Events...))
	if err != nil {
		return err
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		if _, err := s.q.ShipmentOrderLockAny(ctx, tx, one.OrderID); err != nil {
			return err
		}
		row, err := s.q.ShipmentLock(ctx, tx, one.ID)
		if err != nil {
			return err
		}
		to := next(Status(row.Status), t.Stage)
		if to == "" {
			return nil // it has ended meanwhile
		}
		if _, err = s.q.ShipmentTracked(ctx, tx, db.ShipmentTrackedParams{ID: one.ID, Status: string(to), Steps: steps, NextSeconds: trackEvery.Seconds()}); err != nil {
			return err
		}
		told, err = s.moveOrderTx(ctx, tx, one, to)
		if err == nil && len(told) == 0 && string(to) != row.Status && s.orders != nil {
			told, err = s.orders.ParcelTx(ctx, tx, one.OrderID)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.publish(ctx, told)
	return nil
}

// next is where a shipment is by what its carrier says; empty where that is of no matter any more. What says that something went wrong leaves it where it is.
func next(now Status, said Stage) Status {
	switch now {
	case StatusPending, StatusFailed, StatusDelivered, StatusReturned:
		return ""
	case StatusLabelled, StatusInTransit, StatusReady:
	}
	switch said {
	case InTransit:
		return StatusInTransit
	case Ready:
		return StatusReady
	case Delivered:
		return StatusDelivered
	case Returned:
		return StatusReturned
	case Registered, Problem:
	}
	return now
}

// moveOrderTx tells who has orders of a parcel that is on its way, and of the last one that was delivered.
func (s *Service) moveOrderTx(ctx context.Context, tx pgx.Tx, one Shipment, to Status) ([]realtime.Event, error) {
	if s.orders == nil {
		return nil, nil
	}
	order := one.OrderID
	if one.ReturnOf != nil {
		if to != StatusInTransit && to != StatusReady && to != StatusDelivered {
			return nil, nil
		}
		return s.orders.ReturnCarriedTx(ctx, tx, order, *one.ReturnOf, to == StatusDelivered)
	}
	switch to {
	case StatusInTransit, StatusReady:
		return s.orders.EnRouteTx(ctx, tx, order)
	case StatusDelivered:
		all, err := s.allDeliveredTx(ctx, tx, order)
		if err != nil {
			return nil, err
		}
		if !all {
			return s.orders.EnRouteTx(ctx, tx, order)
		}
		return s.orders.DeliveredTx(ctx, tx, order)
	case StatusPending, StatusLabelled, StatusReturned, StatusFailed:
	}
	return nil, nil
}

// allDeliveredTx says whether nothing of an order is left to be delivered: each parcel is, and each place has one unless one has all.
func (s *Service) allDeliveredTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (bool, error) {
	live, err := s.q.ShipmentsLiveOfOrder(ctx, tx, order)
	if err != nil {
		return false, err
	}
	sent := map[uuid.UUID]bool{}
	for _, row := range live {
		if Status(row.Status) != StatusDelivered {
			return false, nil
		}
		if row.LocationID == nil {
			return true, nil
		}
		sent[*row.LocationID] = true
	}
	places, err := s.q.ShipmentPlaces(ctx, tx, order)
	for _, p := range places {
		if p == nil || !sent[*p] {
			return false, err
		}
	}
	return true, err
}
