package inventory_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
)

// shop is a seller with one location.
type shop struct {
	*domaintest.World
	seller uuid.UUID
	place  inventory.Location
}

func setup(t *testing.T) *shop {
	t.Helper()
	s := &shop{World: domaintest.New(t)}
	s.seller = s.User(identity.Seller)
	s.place = s.location("Home", "FR")
	t.Cleanup(s.booked)
	return s
}

func (s *shop) location(name, region string) inventory.Location {
	s.T.Helper()
	l, err := s.Inventory.AddLocation(s.Ctx(), s.seller, name, region)
	s.Must(err)
	return l
}

// product is a variant of a product on the market, with so many of it at home.
func (s *shop) product(n int) uuid.UUID {
	s.T.Helper()
	listing, variant := id.New(), id.New()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A product', '', 'NEW')`, listing, s.seller)
	s.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, 1000, 'EUR')`, variant, listing, s.seller)
	if n > 0 {
		s.receive(variant, s.place.ID, n)
	}
	return variant
}

// single is an item that exists once, at a price.
func (s *shop) single() uuid.UUID {
	s.T.Helper()
	l := s.Listing(s.seller)
	s.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, l)
	return l
}

func (s *shop) receive(variant, place uuid.UUID, n int) {
	s.T.Helper()
	s.Must2(s.Inventory.Receive(s.Ctx(), s.seller, inventory.ChangeInput{Variant: variant, Location: place, Quantity: n, IdempotencyKey: uuid.NewString()}))
}

// wants is what a buyer asks for: one of each variant.
func wants(variants ...uuid.UUID) inventory.ReserveInput {
	in := inventory.ReserveInput{Region: "FR", IdempotencyKey: uuid.NewString()}
	for _, v := range variants {
		in.Wants = append(in.Wants, inventory.Want{Variant: v, Quantity: 1})
	}
	return in
}

// on is what a location has on hand and reserved.
func (s *shop) on(variant, place uuid.UUID) [2]int64 {
	s.T.Helper()
	return [2]int64{
		s.Int(`SELECT coalesce((SELECT on_hand FROM stock WHERE variant_id = $1 AND location_id = $2), 0)`, variant, place),
		s.Int(`SELECT coalesce((SELECT reserved FROM stock WHERE variant_id = $1 AND location_id = $2), 0)`, variant, place),
	}
}

func (s *shop) available(variant uuid.UUID) int32 {
	s.T.Helper()
	found, err := s.Inventory.Available(s.Ctx(), []uuid.UUID{variant})
	s.Must(err)
	return found[variant]
}

// booked insists that movements are the stock, and that what is reserved is what open reservations hold.
func (s *shop) booked() {
	s.T.Helper()
	only := []string{"stock_movements", "stock_reserved", "reservation_listing", "reservation_sold", "listing_price"}
	_, err := audit.Run(context.WithoutCancel(s.Ctx()), s.Pool, audit.Options{Only: only}, func(r audit.Result) {
		if !r.OK() {
			s.T.Errorf("audit %s: %v", r.Name, r.Findings)
		}
	})
	if err != nil {
		s.T.Errorf("audit: %v", err)
	}
}
