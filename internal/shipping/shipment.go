package shipping

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// Status is how far a shipment has come.
type Status string

// The statuses of a shipment; the last three are its end.
const (
	StatusPending   Status = "PENDING" // its label is being bought
	StatusLabelled  Status = "LABELLED"
	StatusInTransit Status = "IN_TRANSIT"
	StatusReady     Status = "READY_FOR_PICKUP"
	StatusDelivered Status = "DELIVERED"
	StatusReturned  Status = "RETURNED"
	StatusFailed    Status = "FAILED" // the carrier refused it, or it was given up
)

// FailureOutcome is what is known after a try failed: an Outcome's name, or that it was given up.
type FailureOutcome string

// Failure is what went wrong last with a shipment that waits for its label, or has failed.
type Failure struct {
	Outcome FailureOutcome
	Code    string // the carrier's own, or ours
	Text    string
}

// Shipment is a parcel of an order.
type Shipment struct {
	ID          uuid.UUID
	OrderID     uuid.UUID
	SellerID    uuid.UUID
	LocationID  *uuid.UUID // where it is sent from; nil for all of the order in one
	ReturnOf    *uuid.UUID // the claim by which it goes back to the seller; nil for what goes to the buyer
	Carrier     string
	Product     string
	PointID     *string
	Grams       int
	From, To    address.Postal
	Losses      []Loss
	Status      Status
	Attempts    int
	LastError   *Failure
	Recall      *Recall // what becomes of its label, where it was given up with one
	NextTryAt   *time.Time
	Number      *string // the carrier's
	Cost        *money.Amount
	Steps       []Step
	CreatedAt   time.Time
	LabelledAt  *time.Time
	DeliveredAt *time.Time

	reference string
	document  string
	labelKey  string
	alerted   bool
	calledAt  *time.Time // when its carrier was asked last to register it
}

// Returns says that it brings goods back to the seller.
func (s Shipment) Returns() bool { return s.ReturnOf != nil }

// NodeID is the id that clients see.
func (s Shipment) NodeID() id.ID { return id.Shipment.ID(s.ID) }

func shipmentOf(row db.Shipment) (s Shipment, err error) {
	s = Shipment{
		ID: row.ID, OrderID: row.OrderID, SellerID: row.SellerID, LocationID: row.LocationID, ReturnOf: row.ClaimID, Carrier: row.Carrier, Product: row.Product, PointID: row.PointID, Grams: int(row.Grams),
		Status: Status(row.Status), Attempts: int(row.Attempts), NextTryAt: row.NextTryAt, CreatedAt: row.CreatedAt, Number: row.CarrierNumber, LabelledAt: row.LabelledAt, DeliveredAt: row.DeliveredAt,
		reference: row.Reference, alerted: row.AlertedAt != nil, calledAt: row.CalledAt,
	}
	for _, text := range []struct {
		from *string
		to   *string
	}{{row.Document, &s.document}, {row.LabelKey, &s.labelKey}} {
		if text.from != nil {
			*text.to = *text.from
		}
	}
	if row.Recall != nil {
		s.Recall = new(Recall(*row.Recall))
	}
	if row.Outcome != nil {
		s.LastError = &Failure{FailureOutcome(*row.Outcome), row.FailureCode, row.FailureText}
	}
	if row.Cost != nil {
		s.Cost = new(money.New(*row.Cost, money.Currency(*row.Currency)))
	}
	for _, part := range []struct {
		raw  json.RawMessage
		into any
	}{{row.ShipFrom, &s.From}, {row.ShipTo, &s.To}, {row.Losses, &s.Losses}, {row.Steps, &s.Steps}} {
		if err := json.Unmarshal(part.raw, part.into); err != nil {
			return s, err
		}
	}
	return s, nil
}

// request is the shipment as its carrier is asked for it.
func (s Shipment) request() Request {
	r := Request{
		Reference: s.reference, Product: s.Product, From: s.From, To: s.To, Language: s.To.Country, Parcel: Parcel{Grams: s.Grams},
	}
	if s.PointID != nil {
		r.Point = *s.PointID
	}
	return r
}

// Get reads a shipment of an order of which user is a party.
func (s *Service) Get(ctx context.Context, user, shipment uuid.UUID) (Shipment, error) {
	row, err := s.q.ShipmentOfParty(ctx, s.pool, shipment, user)
	if postgres.NoRows(err) {
		return Shipment{}, ErrNotFound
	}
	if err != nil {
		return Shipment{}, err
	}
	return shipmentOf(row)
}

// OfOrders reads, for a loader, the parcels of orders.
func (s *Service) OfOrders(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Shipment, error) {
	rows, err := s.q.ShipmentsOfOrders(ctx, s.pool, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID][]Shipment, len(orders))
	for _, row := range rows {
		one, err := shipmentOf(row)
		if err != nil {
			return nil, err
		}
		all[row.OrderID] = append(all[row.OrderID], one)
	}
	return all, nil
}

// Numbers are the carriers' numbers of an order's parcels, for its seller to tell its buyer; at most as many as fit into a hundred characters.
func (s *Service) Numbers(ctx context.Context, order uuid.UUID) (numbers string, err error) {
	all, err := s.OfOrders(ctx, []uuid.UUID{order})
	for _, one := range all[order] {
		if one.Status == StatusFailed || one.Number == nil || one.ReturnOf != nil {
			continue
		}
		if next := strings.TrimPrefix(numbers+", "+*one.Number, ", "); len(next) <= 100 {
			numbers = next
		}
	}
	return numbers, err
}

// labelFor is how long a link to a label holds.
const labelFor = 15 * time.Minute

// LabelURL is a link to a shipment's label, which holds for a while, for who sends it: the seller, or the buyer of what goes back. Nil for others, who are told nothing,
// and while there is none.
func (s *Service) LabelURL(ctx context.Context, user uuid.UUID, shipment Shipment) (_ *string, err error) {
	defer fault.Wrap(&err, "link to the label of shipment %s", shipment.ID)
	if shipment.labelKey == "" || shipment.Status == StatusFailed || (shipment.SellerID == user) == (shipment.ReturnOf != nil) {
		return nil, nil
	}
	url, err := s.labels.SignGet(ctx, shipment.labelKey, labelFor)
	return &url, err
}
