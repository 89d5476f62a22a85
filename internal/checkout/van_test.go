package checkout_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/shipping"
)

// van is a carrier that says itself what it takes: to doors in France and Belgium, and to points in France.
type van struct {
	mu     sync.Mutex
	price  money.Amount
	down   bool
	none   bool // it brings nothing today
	closed bool // its points
	asked  int
}

func (v *van) set(change func(*van)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

func (*van) Name() string { return "MONDIAL_RELAY" } // of which there is a table

func (*van) Products() []shipping.Product {
	return []shipping.Product{
		{Code: "24R", Name: "By van", Countries: []string{"FR", "BE"}, MaxGrams: 30_000, Days: [2]int{2, 3}},
		{Code: "POINT", Name: "To a point", PickupPoint: true, Countries: []string{"FR"}, MaxGrams: 30_000},
	}
}

func (v *van) Check(r shipping.Request) ([]shipping.Loss, error) {
	return nil, shipping.CheckProduct(v, r)
}

func (v *van) Create(context.Context, shipping.Request) (shipping.Created, error) {
	return shipping.Created{}, v.fail()
}

func (v *van) Document(context.Context, string) ([]byte, error) { return nil, v.fail() }

func (v *van) Track(context.Context, string) (shipping.Tracking, error) {
	return shipping.Tracking{}, v.fail()
}

func (v *van) fail() error {
	return &shipping.CarrierError{Carrier: v.Name(), Outcome: shipping.Unavailable}
}

func (v *van) Rates(_ context.Context, r shipping.RateRequest) ([]shipping.Rate, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	switch {
	case v.down:
		return nil, v.fail()
	case v.none:
		return nil, nil
	}
	price := v.price
	price.Minor += int64(r.Parcel.Grams) / 1000 * 100 // a euro a kilogram
	return []shipping.Rate{{Product: "24R", Price: price, Days: [2]int{1, 1}}, {Product: "POINT", Price: money.New(2_00, price.Currency)}}, nil
}

func (v *van) Points(context.Context, shipping.PointSearch) ([]shipping.Point, error) {
	return nil, v.fail()
}

func (v *van) Point(_ context.Context, country, id string) (shipping.Point, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.down:
		return shipping.Point{}, v.fail()
	case v.closed:
		return shipping.Point{}, shipping.ErrPointClosed
	}
	return shipping.Point{Carrier: v.Name(), ID: id, Name: "A shop", Country: country}, nil
}

// withVan is a shop whose parcels a van brings, from 4 euros on; its seller lives in Lyon.
func withVan(t *testing.T) (*shop, *van) {
	t.Helper()
	return drives(setup(t))
}

// drives gives a shop its van.
func drives(s *shop) (*shop, *van) {
	s.T.Helper()
	v := &van{price: domaintest.EUR(4_00)}
	if s.seller == uuid.Nil {
		s.seller = s.User(identity.Seller)
	}
	s.Shipping = s.ShippingBy(v)
	s.Checkout = checkout.New(checkout.Config{
		Pool: s.Pool, Addresses: s.Addresses, Carts: s.Carts, Inventory: s.Inventory, Codes: s.Codes, Orders: s.Orders, Promotion: s.Promotions, Tax: s.Taxes, Shipping: s.Shipping, Payment: s.Payment, Hub: s.Told,
	})
	s.lives(s.seller, address.Postal{Name: "Le Marché", Line1: "1 place Bellecour", City: "Lyon", PostalCode: "69002", Country: "FR"})
	return s, v
}

func (s *shop) lives(user uuid.UUID, where address.Postal) *uuid.UUID {
	s.T.Helper()
	a, err := s.Addresses.Create(s.Ctx(), user, where, true)
	s.Must(err)
	return &a.ID
}

// sends says how the seller sends: things weigh half a kilogram.
func (s *shop) sends(offers ...shipping.Offer) {
	s.T.Helper()
	s.Must2(s.Shipping.SetProfile(s.Ctx(), s.seller, 500, offers))
}

func byVan() shipping.Offer {
	return shipping.Offer{Kind: shipping.ByCarrier, Carrier: "MONDIAL_RELAY", Product: "24R"}
}

func toPoint() shipping.Offer {
	return shipping.Offer{Kind: shipping.ByCarrier, Carrier: "MONDIAL_RELAY", Product: "POINT"}
}

func byHand(cents int64, countries ...string) shipping.Offer {
	return shipping.Offer{Kind: shipping.BySeller, Name: "By hand", Price: new(domaintest.EUR(cents)), Countries: countries}
}

func fetched() shipping.Offer {
	return shipping.Offer{Kind: shipping.InPerson, Place: "At the corner shop"}
}

// choose is a quote with everything of the seller brought in a way.
func (s *shop) choose(buyer uuid.UUID, to *uuid.UUID, code string, point *string) (checkout.Quote, error) {
	s.T.Helper()
	in := checkout.QuoteInput{Address: to, IdempotencyKey: uuid.NewString()}
	if code != "" {
		in.Shipping = []checkout.Choice{{Seller: s.seller, Choice: shipping.Choice{Option: code, Point: point}}}
	}
	return s.Checkout.Quote(s.Ctx(), buyer, in)
}
