package shipping

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// returnGrams is what goes back where nothing says what it weighs.
const returnGrams = 1000

// ReturnInput is what goes back to the seller of an order.
type ReturnInput struct {
	Order   uuid.UUID
	Carrier string // with Product: empty for what brought the order
	Product string
	Point   *string    // where the seller fetches it
	From    *uuid.UUID // an address of the buyer's own book; nil for where the order was sent
}

// CreateReturn has a label bought for goods that are to go back, from the buyer to where they came from: by the same way as Create. Only what brought the order, or what its
// seller offers, brings it back. Where it has a parcel already that is answered as it is, so that nothing is bought twice.
func (s *Service) CreateReturn(ctx context.Context, buyer uuid.UUID, in ReturnInput) (_ Shipment, err error) {
	defer fault.Wrap(&err, "create a return of order %s", in.Order)
	seller, err := s.q.ShipmentOrderSeller(ctx, s.pool, in.Order, buyer)
	if postgres.NoRows(err) {
		return Shipment{}, ErrOrder.At("orderId")
	}
	if err != nil {
		return Shipment{}, err
	}
	homes := homes{named: in.From != nil}
	if homes.buyer, err = s.home(ctx, buyer, in.From); err != nil {
		return Shipment{}, err
	}
	if homes.seller, err = s.home(ctx, seller, nil); err != nil {
		return Shipment{}, err
	}
	var row db.Shipment
	fresh := false
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		row, fresh, err = s.createReturnTx(ctx, tx, buyer, in, homes)
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

func (s *Service) createReturnTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID, in ReturnInput, at homes) (_ db.Shipment, fresh bool, err error) {
	seller, err := s.q.ShipmentReturnLock(ctx, tx, in.Order, buyer)
	if err != nil {
		return db.Shipment{}, false, err
	}
	claim, err := s.q.ShipmentReturnClaim(ctx, tx, in.Order)
	if postgres.NoRows(err) {
		return db.Shipment{}, false, ErrReturnState.At("orderId")
	}
	if err != nil {
		return db.Shipment{}, false, err
	}
	if row, err := s.q.ShipmentLiveOfClaim(ctx, tx, &claim.ID); !postgres.NoRows(err) {
		return row, false, err
	}
	if claim.Status != "RETURN_AWAITED" {
		return db.Shipment{}, false, ErrReturnState.At("orderId")
	}
	came, err := s.q.ShipmentsLiveOfOrder(ctx, tx, in.Order)
	if err != nil {
		return db.Shipment{}, false, err
	}
	carrier, in, err := s.wayBack(ctx, tx, seller, came, in)
	if err != nil {
		return db.Shipment{}, false, err
	}
	shipment := id.New()
	ask := Request{Reference: reference(shipment), Product: in.Product}
	if in.Point != nil {
		ask.Point = *in.Point
	}
	if ask.From, ask.To, ask.Parcel.Grams, err = s.endsTx(ctx, tx, in.Order, came, at); err != nil {
		return db.Shipment{}, false, err
	}
	ask.Language = ask.To.Country
	losses, err := carrier.Check(ask)
	if err != nil {
		return db.Shipment{}, false, err
	}
	insert := db.ShipmentInsertParams{
		ID: shipment, OrderID: in.Order, SellerID: seller, ClaimID: &claim.ID, Carrier: in.Carrier, Product: in.Product, PointID: in.Point, Reference: ask.Reference, Grams: int32(ask.Parcel.Grams),
	}
	row, err := s.insertTx(ctx, tx, insert, ask.From, ask.To, losses)
	return row, true, err
}

// wayBack is by what goods may go back: what brought them, or what their seller offers.
func (s *Service) wayBack(ctx context.Context, tx pgx.Tx, seller uuid.UUID, came []db.Shipment, in ReturnInput) (Carrier, ReturnInput, error) {
	type way struct{ carrier, product string }
	var ways []way
	for _, row := range came {
		ways = append(ways, way{row.Carrier, row.Product})
	}
	row, err := s.q.ShippingProfileGet(ctx, tx, seller)
	if err != nil && !postgres.NoRows(err) {
		return nil, in, err
	}
	if err == nil {
		profile, err := profileOf(row)
		if err != nil {
			return nil, in, err
		}
		for _, o := range profile.Offers {
			if o.Kind == ByCarrier {
				ways = append(ways, way{o.Carrier, o.Product})
			}
		}
	}
	if in.Carrier == "" && in.Product == "" && len(ways) > 0 {
		in.Carrier, in.Product = ways[0].carrier, ways[0].product
	}
	if !slices.Contains(ways, way{in.Carrier, in.Product}) {
		return nil, in, ErrReturnWay.At("carrier")
	}
	if in.Point != nil && !points.MatchString(*in.Point) {
		return nil, in, ErrPointClosed.At("pickupPointId")
	}
	carrier, err := s.carrier(in.Carrier)
	if err != nil {
		return nil, in, ErrCarrier.At("carrier")
	}
	return carrier, in, nil
}

// homes are where both sides live, nil where they do not say so; named where the buyer has said from where they send.
type homes struct {
	buyer, seller *address.Postal
	named         bool
}

// home is an address of somebody's book: the one that is named, else the default; nil without one.
func (s *Service) home(ctx context.Context, user uuid.UUID, named *uuid.UUID) (*address.Postal, error) {
	at, err := s.sender(ctx, user, named)
	if named == nil && errors.Is(err, ErrSenderNeeded) {
		return nil, nil
	}
	return &at, err
}

// endsTx says from where goods go back, to where, and what they weigh: from where the order was sent, or from the buyer's, to where it came from, or to the seller's.
func (s *Service) endsTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, came []db.Shipment, at homes) (from, to address.Postal, grams int, err error) {
	switch {
	case len(came) > 0:
		err = json.Unmarshal(came[0].ShipFrom, &to)
	case at.seller == nil:
		err = ErrReturnAddress.At("orderId")
	default:
		to = *at.seller
	}
	for _, row := range came {
		grams += int(row.Grams)
	}
	if grams == 0 {
		grams = returnGrams
	}
	if err != nil {
		return from, to, grams, err
	}
	if !at.named {
		row, err := s.q.ShipmentShipTo(ctx, tx, order)
		if err != nil && !postgres.NoRows(err) {
			return from, to, grams, err
		}
		if err == nil && row.ShipTo != nil {
			err = json.Unmarshal(row.ShipTo, &from)
			return from, to, grams, err
		}
	}
	if at.buyer == nil {
		return from, to, grams, ErrSenderNeeded.At("fromAddressId")
	}
	return *at.buyer, to, grams, nil
}
