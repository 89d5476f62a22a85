package shipping

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/postgres"
)

// asChosenTx says where a parcel of an order is sent, and fills in how its buyer chose to have it brought. Another way is refused, as that is what was paid for,
// until the chosen one has failed: its point closed, the carrier would not.
func (s *Service) asChosenTx(ctx context.Context, tx pgx.Tx, in CreateInput) (CreateInput, address.Postal, error) {
	var to address.Postal
	row, err := s.q.ShipmentShipTo(ctx, tx, in.Order)
	if postgres.NoRows(err) {
		return in, to, ErrNoAddress.At("orderId")
	}
	switch {
	case err != nil:
		return in, to, err
	case row.InPerson:
		return in, to, ErrInPerson.At("orderId")
	case row.ShipTo == nil:
		return in, to, ErrNoAddress.At("orderId")
	}
	if err := json.Unmarshal(row.ShipTo, &to); err != nil {
		return in, to, err
	}
	plans, err := ReadPlans(row.Parcels)
	if err != nil {
		return in, to, err
	}
	chosen, err := planned(plans, in.Location)
	if err != nil || chosen == nil {
		return in, to, err
	}
	if in.Grams == 0 {
		in.Grams = chosen.Grams
	}
	way := chosen.Choice()
	point := ""
	if chosen.Point != nil {
		point = chosen.Point.ID
	}
	if way.Kind == ByCarrier && (in.Carrier == "" || in.Carrier == way.Carrier) && (in.Product == "" || in.Product == way.Product) && (in.Point == nil || *in.Point == point) {
		in.Carrier, in.Product = way.Carrier, way.Product
		if way.ToPoint {
			in.Point = &point
		}
		return in, to, nil
	}
	failed, err := s.q.ShipmentFailedAt(ctx, tx, in.Order, in.Location)
	if err == nil && !failed {
		err = ErrAsChosen.At("carrier")
	}
	return in, to, err
}

// planned is what was chosen for a place or, where there is none, for all of an order in one parcel, which has to be one thing then; nil where nothing was.
func planned(plans []Plan, at *uuid.UUID) (*Plan, error) {
	if len(plans) == 0 {
		return nil, nil
	}
	if at != nil {
		for _, p := range plans {
			if p.Location != nil && *p.Location == *at {
				return &p, nil
			}
		}
		return nil, ErrPlace.At("locationId")
	}
	all := plans[0]
	for _, p := range plans[1:] {
		if p.Code != all.Code || (p.Point == nil) != (all.Point == nil) || p.Point != nil && p.Point.ID != all.Point.ID {
			return nil, ErrPlace.At("locationId")
		}
		all.Grams += p.Grams
	}
	return &all, nil
}
