package shipping

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/money"
)

// Carrier is who brings parcels. Every error that its calls return is a *CarrierError, or a refusal of ours about what was to be sent. What only some
// carriers can is an interface of its own below, which a Carrier implements or does not.
type Carrier interface {
	// Name is what the carrier is called in the database and in settings: MONDIAL_RELAY.
	Name() string
	// Products are the ways in which it brings parcels.
	Products() []Product
	// Check refuses, without asking, what the carrier would not carry, and says what of the address it does not print.
	Check(r Request) ([]Loss, error)
	// Create registers a parcel and buys its label. Where it fails with Unknown, the parcel may be registered.
	Create(ctx context.Context, r Request) (Created, error)
	// Document fetches a label that Create named and did not bring along.
	Document(ctx context.Context, ref string) ([]byte, error)
	// Track asks where a parcel is.
	Track(ctx context.Context, number string) (Tracking, error)
}

// PointFinder is a carrier that people fetch parcels from.
type PointFinder interface {
	// Points are those near a place, the nearest first.
	Points(ctx context.Context, s PointSearch) ([]Point, error)
	// Point is one of them as it is now; ErrPointClosed where it takes no parcels.
	Point(ctx context.Context, country, id string) (Point, error)
}

// Rater is a carrier that says itself what a parcel costs. The others have a table.
type Rater interface {
	Rates(ctx context.Context, r RateRequest) ([]Rate, error)
}

// Finder is a carrier that knows parcels by our own reference, so that a lost answer can be asked for. ErrUnknownParcel where it has none.
type Finder interface {
	Find(ctx context.Context, reference string) (Created, error)
}

// LateFinder is a Finder that learns of a parcel some time after it was registered: that it knows none says nothing before. Where it finds one that
// can't be gone on with, it takes it back: ErrTakenBack.
type LateFinder interface {
	Finder
	KnowsAfter() time.Duration
}

// Canceller is a carrier that takes a label back before the parcel is handed over. One that it has taken back already is no error.
type Canceller interface {
	Cancel(ctx context.Context, number string) error
}

// Teller is a carrier that tells of its parcels by webhooks. An error is a refusal: somebody else has sent it.
type Teller interface {
	Told(header http.Header, body []byte) ([]News, error)
}

// Locator knows where addresses are. Its errors are those of carriers; ErrPlaceUnknown where it knows no such place.
type Locator interface {
	Locate(ctx context.Context, p address.Postal) (Located, error)
}

// Located is where an address is.
type Located struct {
	At    Coordinates
	Exact bool // the house, or its street; else its town
}

// Product is one way in which a carrier brings parcels.
type Product struct {
	Code        string
	Name        string
	PickupPoint bool     // who receives the parcel fetches it
	Countries   []string // to which it goes; none where it goes to all
	MaxGrams    int
	Unused      bool   // a label that is never used costs nothing, so that one whose answer was lost may be bought again
	Days        [2]int // how long it usually takes, at least and at most
}

// Serves says whether it goes to a country.
func (p Product) Serves(country string) bool {
	return len(p.Countries) == 0 || slices.Contains(p.Countries, country)
}

// ProductOf finds a product of a carrier by its code.
func ProductOf(c Carrier, code string) (Product, bool) {
	for _, p := range c.Products() {
		if p.Code == code {
			return p, true
		}
	}
	return Product{}, false
}

// Parcel is what is carried.
type Parcel struct {
	Grams int
	Value money.Amount // of what is in it; zero where that is not told
}

// Request is a parcel to register.
type Request struct {
	Reference string // ours: up to 15 of A to Z and 0 to 9, the same each time that one parcel is tried
	Product   string // its code
	From, To  address.Postal
	Point     string // where who receives it fetches it
	Language  string // of the label: two letters
	Parcel    Parcel
}

// Created is a parcel as the carrier registered it.
type Created struct {
	Number   string       // the carrier's, by which it is tracked
	Cost     money.Amount // what the carrier takes for it; zero where it does not say so
	Type     string       // of the label: application/pdf
	Label    []byte       // nil where Document fetches it
	Document string       // what to fetch it by
}

// RateRequest asks what a parcel costs.
type RateRequest struct {
	From, To address.Postal
	Parcel   Parcel
}

// Rate is what a product costs.
type Rate struct {
	Product string // its code
	Price   money.Amount
	Days    [2]int // zero where the carrier does not say
}

// PointSearch is a place to look for pickup points near.
type PointSearch struct {
	Country    string
	PostalCode string
	City       string
	Street     string       // with its number: the points near it, where a Locator knows where that is
	At         *Coordinates // in place of postal code and city, where they are known
	Grams      int          // what the points have to take
	Limit      int
}

// Coordinates are a place on earth, in degrees of WGS 84.
type Coordinates struct{ Latitude, Longitude float64 }

// Point is where people fetch parcels.
type Point struct {
	Carrier    string
	ID         string
	Name       string
	Lines      []string
	PostalCode string
	City       string
	Country    string
	At         Coordinates
	Metres     int          // from the place that was asked for; zero where the carrier does not say
	Hours      [7][]Opening // from Monday
	SeenAt     time.Time    // when the carrier told of it last
	Kept       bool         // the carrier could not be asked: this is what it told at SeenAt
}

// Opening is a time of day when a point is open, as the carrier's clock there writes it: 09:00.
type Opening struct{ From, To string }

// Stage is how far a parcel has come.
type Stage string

// The stages of a parcel. Between the first three a parcel may go back; DELIVERED and RETURNED are the end.
const (
	Registered Stage = "REGISTERED" // the carrier knows of it and does not have it
	InTransit  Stage = "IN_TRANSIT"
	Ready      Stage = "READY_FOR_PICKUP"
	Delivered  Stage = "DELIVERED"
	Returned   Stage = "RETURNED" // to who sent it
	Problem    Stage = "PROBLEM"  // that somebody has to look at; it may come on
)

// Tracking is where a parcel is, and where it was, the oldest first.
type Tracking struct {
	Stage  Stage
	Events []Step
}

// Step is one thing that happened to a parcel.
type Step struct {
	At    time.Time `json:"at"`
	Text  string    `json:"text"` // in the carrier's words
	Place string    `json:"place"`
}

// News is what a carrier tells by itself: of what, and an id by which a repetition is known. What became of the parcel is asked for.
type News struct {
	ID     string
	Number string
}
