package catalog

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// Place is where a thing can be fetched by hand, in degrees.
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Check refuses what is nowhere.
func (p Place) Check() error {
	if !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) { // NaN is nowhere
		return ErrPlace
	}
	return nil
}

// rounded is about a kilometre around the place: what is kept and shown is nobody's door.
func (p Place) rounded() Place {
	return Place{Latitude: math.Round(p.Latitude*100) / 100, Longitude: math.Round(p.Longitude*100) / 100}
}

// SetPlace says where a listing of the seller's own can be fetched; nil takes it back.
func (s *Service) SetPlace(ctx context.Context, seller, listing uuid.UUID, place *Place) (_ Listing, err error) {
	var latitude, longitude *float64
	if place != nil {
		if err := place.Check(); err != nil {
			return Listing{}, err
		}
		at := place.rounded()
		latitude, longitude = &at.Latitude, &at.Longitude
	}
	defer fault.Wrap(&err, "set the place of listing %s", listing)
	return s.change(ctx, listing, ownedBy(seller, func(tx pgx.Tx, _ Listing) (db.Listing, error) {
		if err := s.q.ListingPlaceSet(ctx, tx, listing, latitude, longitude); err != nil {
			return db.Listing{}, err
		}
		return s.q.ListingLock(ctx, tx, listing)
	}))
}

// Places are where some listings can be fetched; those without a place are left out.
func (s *Service) Places(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID]Place, error) {
	rows, err := s.q.ListingPlaces(ctx, s.pool, listings)
	places := make(map[uuid.UUID]Place, len(rows))
	for _, row := range rows {
		places[row.ListingID] = Place{Latitude: row.Latitude, Longitude: row.Longitude}
	}
	return places, err
}
