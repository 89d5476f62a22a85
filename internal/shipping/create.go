package shipping

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// CreateInput is a parcel that a seller wants to send.
type CreateInput struct {
	Order    uuid.UUID
	Location *uuid.UUID // nil for all of the order in one
	Carrier  string     // with Product and Point: empty for what the order's buyer chose
	Product  string
	Point    *string
	From     *uuid.UUID // an address of the seller's own book; nil for the default
	Grams    int        // 0 for what it was quoted with
}

// Create has a label bought for a parcel of a seller's order: the intent is committed first, then the carrier is called, and a job goes on where that fails. It
// answers the shipment as it is after the first try. Where the place has a parcel already it is answered as it is, so that nothing is bought twice.
func (s *Service) Create(ctx context.Context, seller uuid.UUID, in CreateInput) (_ Shipment, err error) {
	defer fault.Wrap(&err, "create a shipment of order %s", in.Order)
	from, err := s.sender(ctx, seller, in.From)
	if err != nil {
		return Shipment{}, err
	}
	var row db.Shipment
	fresh := false
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		row, fresh, err = s.createTx(ctx, tx, seller, in, from)
		return err
	})
	if err != nil {
		return Shipment{}, err
	}
	if !fresh {
		return shipmentOf(row)
	}
	return s.firstTry(ctx, row.ID)
}

// firstTry tries to have a label bought whose intent is committed, and gives the shipment as it is then.
func (s *Service) firstTry(ctx context.Context, shipment uuid.UUID) (Shipment, error) {
	ctx = context.WithoutCancel(ctx) // who hangs up leaves nothing in doubt
	if err := s.Advance(ctx, shipment); err != nil {
		s.log.ErrorContext(ctx, "a shipment could not be tried; its job goes on", "shipment", shipment, "error", err)
	}
	row, err := s.q.ShipmentGet(ctx, s.pool, shipment)
	if err != nil {
		return Shipment{}, err
	}
	return shipmentOf(row)
}

// sender is where a seller sends from.
func (s *Service) sender(ctx context.Context, seller uuid.UUID, from *uuid.UUID) (address.Postal, error) {
	if from != nil {
		a, err := s.addresses.Get(ctx, seller, *from)
		if f, ok := fault.As(err); ok {
			return address.Postal{}, f.At("fromAddressId")
		}
		return a.Postal, err
	}
	book, err := s.addresses.List(ctx, seller)
	if err == nil && len(book) == 0 {
		err = ErrSenderNeeded.At("fromAddressId")
	}
	if err != nil {
		return address.Postal{}, err
	}
	return book[0].Postal, nil // the default comes first
}

// createTx locks the order, checks what is to be sent, and writes the intent with its job. It is not fresh where the place has a parcel already.
func (s *Service) createTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, in CreateInput, from address.Postal) (_ db.Shipment, fresh bool, err error) {
	order, err := s.q.ShipmentOrderLock(ctx, tx, in.Order, seller)
	switch {
	case postgres.NoRows(err):
		return db.Shipment{}, false, ErrOrder.At("orderId")
	case err != nil:
		return db.Shipment{}, false, err
	}
	if row, err := s.q.ShipmentLiveAt(ctx, tx, in.Order, in.Location); !postgres.NoRows(err) {
		return row, false, err
	}
	if (order.Payment != "AUTHORISED" && order.Payment != "PAID") || order.Disputed || !slices.Contains([]string{"PENDING", "SENT"}, order.Fulfilment) {
		return db.Shipment{}, false, ErrOrderState.At("orderId")
	}
	if err := s.checkPlace(ctx, tx, in); err != nil {
		return db.Shipment{}, false, err
	}
	in, to, err := s.asChosenTx(ctx, tx, in)
	if err != nil {
		return db.Shipment{}, false, err
	}
	if in.Point != nil && !points.MatchString(*in.Point) {
		return db.Shipment{}, false, ErrPointClosed.At("pickupPointId")
	}
	carrier, err := s.carrier(in.Carrier)
	if err != nil {
		return db.Shipment{}, false, ErrCarrier.At("carrier")
	}
	shipment := id.New()
	ask := Request{Reference: reference(shipment), Product: in.Product, From: from, To: to, Language: to.Country, Parcel: Parcel{Grams: in.Grams}}
	if in.Point != nil {
		ask.Point = *in.Point
	}
	losses, err := carrier.Check(ask)
	if err != nil {
		return db.Shipment{}, false, err
	}
	insert := db.ShipmentInsertParams{
		ID: shipment, OrderID: in.Order, SellerID: seller, LocationID: in.Location, Carrier: in.Carrier, Product: in.Product, PointID: in.Point, Reference: ask.Reference, Grams: int32(in.Grams),
	}
	row, err := s.insertTx(ctx, tx, insert, from, to, losses)
	return row, true, err
}

// insertTx writes the intent to have a label bought, with its job.
func (s *Service) insertTx(ctx context.Context, tx pgx.Tx, insert db.ShipmentInsertParams, from, to address.Postal, losses []Loss) (row db.Shipment, err error) {
	for _, part := range []struct {
		from any
		into *json.RawMessage
	}{{from, &insert.ShipFrom}, {to, &insert.ShipTo}, {append([]Loss{}, losses...), &insert.Losses}} {
		if *part.into, err = json.Marshal(part.from); err != nil {
			return row, err
		}
	}
	if row, err = s.q.ShipmentInsert(ctx, tx, insert); err == nil && s.jobs != nil {
		_, err = s.jobs.InsertTx(ctx, tx, AdvanceJob{ID: insert.ID}, advanceOptions())
	}
	return row, err
}

// countries are written as ISO 3166-1 does.
var countries = regexp.MustCompile(`^[A-Z]{2}$`)

// plain is a postal code without what a pattern of SQL's reads otherwise.
var plain = regexp.MustCompile(`^[0-9A-Z -]+$`)

// points are how carriers number their pickup points.
var points = regexp.MustCompile(`^[0-9A-Za-z_-]{1,40}$`)

// checkPlace refuses a place that the order has nothing at, and an order of which nothing is sent.
func (s *Service) checkPlace(ctx context.Context, tx pgx.Tx, in CreateInput) error {
	places, err := s.q.ShipmentPlaces(ctx, tx, in.Order)
	switch {
	case err != nil:
		return err
	case len(places) == 0:
		return ErrNothingToSend.At("orderId")
	case in.Location != nil && !slices.ContainsFunc(places, func(p *uuid.UUID) bool { return p != nil && *p == *in.Location }):
		return ErrPlace.At("locationId")
	}
	live, err := s.q.ShipmentsLiveOfOrder(ctx, tx, in.Order)
	for _, other := range live {
		if (other.LocationID == nil) != (in.Location == nil) {
			return ErrPlace.At("locationId") // all in one, or each place for itself
		}
	}
	return err
}

// reference is what a carrier knows a shipment by: 75 of the random bits of its id.
func reference(shipment uuid.UUID) string {
	return base32.StdEncoding.EncodeToString(shipment[6:])[:15]
}

// Cancel gives a shipment up that its carrier does not have: while its label is being bought, nobody is at it, or before the parcel is handed over. Who sends it may: the seller,
// or the buyer of what goes back. The wish to have a label taken back is committed with it, with its job: see TakeBack.
func (s *Service) Cancel(ctx context.Context, user, shipment uuid.UUID) (_ Shipment, err error) {
	defer fault.Wrap(&err, "cancel shipment %s", shipment)
	own, err := s.Get(ctx, user, shipment)
	if err == nil && (own.SellerID == user) == (own.ReturnOf != nil) {
		err = ErrNotFound // the other side
	}
	if err != nil {
		return Shipment{}, err
	}
	var row db.Shipment
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := s.q.ShipmentOrderLockAny(ctx, tx, own.OrderID); err != nil {
			return err
		}
		if row, err = s.q.ShipmentLock(ctx, tx, shipment); err != nil {
			return err
		}
		switch Status(row.Status) {
		case StatusFailed:
			return nil
		case StatusPending, StatusLabelled:
		case StatusInTransit, StatusReady, StatusDelivered, StatusReturned:
			return ErrUnderWay
		}
		busy, err := s.q.ShipmentBusy(ctx, tx, shipment)
		switch {
		case err != nil:
			return err
		case busy:
			return ErrBusy
		}
		var recall *string
		if to := s.recallOf(row); to != "" {
			recall = new(string(to))
		}
		if row, err = s.q.ShipmentGiveUp(ctx, tx, recall, shipment); err == nil && row.RecallAt != nil && s.jobs != nil {
			_, err = s.jobs.InsertTx(ctx, tx, TakeBackJob{ID: shipment}, &river.InsertOpts{MaxAttempts: 3})
		}
		return err
	})
	if err != nil {
		return Shipment{}, err
	}
	return shipmentOf(row)
}
