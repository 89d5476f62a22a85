package inventory

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
	"github.com/souklive/souk/internal/work"
)

const (
	maxLocations = 50
	expireEvery  = time.Second
	expireBatch  = 100
)

// Service holds the use cases of this package.
type Service struct {
	pool    *pgxpool.Pool
	q       *db.Queries
	catalog *catalog.Service
	hub     realtime.Publisher
	clock   clock.Clock
	log     *slog.Logger
	ttl     time.Duration
	door    Door

	opens    *batch.Queue[struct{}, opening, opening]
	releases *batch.Queue[struct{}, releasing, *Reservation]
}

// Door is asked before something is reserved of which a flash sale runs: whether the pass is that buyer's for that sale. What the pass is
// good for, and that it is used once, the database holds.
type Door interface {
	Check(pass string, sale, buyer uuid.UUID) error
}

// noDoor knows no passes.
type noDoor struct{}

// Check refuses.
func (noDoor) Check(string, uuid.UUID, uuid.UUID) error { return ErrAdmissionUsed }

// UseDoor says who knows passes; to be called before anything is reserved.
func (s *Service) UseDoor(d Door) { s.door = d }

// Config is what a Service needs.
type Config struct {
	Pool    *pgxpool.Pool
	Catalog *catalog.Service
	Hub     realtime.Publisher
	Clock   clock.Clock
	Log     *slog.Logger
	TTL     time.Duration // of a reservation; DefaultTTL where it is zero
}

// New makes a Service.
func New(c Config) *Service {
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	s := &Service{pool: c.Pool, q: db.New(), catalog: c.Catalog, hub: c.Hub, clock: c.Clock, log: c.Log, ttl: c.TTL, door: noDoor{}}
	s.opens = batch.New(batch.Config[struct{}, opening, opening]{Run: s.openTogether})
	s.releases = batch.New(batch.Config[struct{}, releasing, *Reservation]{Run: s.releaseTogether})
	return s
}

// publish brings events to who listens, after the commit. A loss is mended by the listeners' own look at the database.
func (s *Service) publish(ctx context.Context, told []realtime.Event) {
	s.hub.Publish(ctx, told...)
}

// ExpireLoop gives back what nobody paid in time, until ctx ends. Any number of servers may do so at once. Nothing waits for it: a
// reservation that needs what is beyond its time takes it.
func (s *Service) ExpireLoop(ctx context.Context) error {
	return work.Every(ctx, expireEvery, s.log, "giving back what was not paid in time", func(ctx context.Context) error {
		_, err := s.ExpireDue(ctx)
		return err
	})
}

// ExpireDue ends reservations whose time is over, and says how many.
func (s *Service) ExpireDue(ctx context.Context) (n int, err error) {
	defer fault.Wrap(&err, "expire reservations")
	for {
		due, err := s.q.ReservationsDue(ctx, s.pool, expireBatch)
		if err != nil {
			return n, err
		}
		for _, r := range due {
			freed, err := s.q.ReservationFree(ctx, s.pool, r, string(Expired))
			if err != nil {
				return n, err
			}
			if freed {
				n++
			}
		}
		if len(due) < expireBatch {
			return n, nil
		}
	}
}

// Location is where a seller's stock lies.
type Location struct {
	ID       uuid.UUID
	SellerID uuid.UUID
	Name     string
	Region   string // a country's two letters
	Digital  bool   // where the seller's codes lie; what is sent has no business there
}

// NodeID is the id that clients see.
func (l Location) NodeID() id.ID { return id.Location.ID(l.ID) }

func locationOf(row db.Location) Location {
	return Location{ID: row.ID, SellerID: row.SellerID, Name: row.Name, Region: row.Region, Digital: row.Digital}
}

// AddLocation names a place where a seller's stock lies.
func (s *Service) AddLocation(ctx context.Context, seller uuid.UUID, name, region string) (_ Location, err error) {
	name = text.Clean(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 80 || !text.IsLine(name) {
		return Location{}, ErrLocationName.At("name")
	}
	if !isRegion(region) {
		return Location{}, ErrRegion.At("region")
	}
	defer fault.Wrap(&err, "add a location")
	n, err := s.q.LocationCount(ctx, s.pool, seller)
	if err != nil {
		return Location{}, err
	}
	if n >= maxLocations { // two at once may get one too many: nothing rests on it
		return Location{}, ErrLocationCount
	}
	row, err := s.q.LocationInsert(ctx, s.pool, db.LocationInsertParams{ID: id.New(), SellerID: seller, Name: name, Region: region})
	if postgres.Violates(err, "location_name") {
		return Location{}, ErrLocationTwice.At("name")
	}
	return locationOf(row), err
}

func isRegion(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// Locations are a seller's, the oldest first, without the one of their codes.
func (s *Service) Locations(ctx context.Context, seller uuid.UUID) ([]Location, error) {
	rows, err := s.q.LocationsOfSeller(ctx, s.pool, seller)
	locations := make([]Location, len(rows))
	for i, row := range rows {
		locations[i] = locationOf(row)
	}
	return locations, err
}

// LocationsByID reads locations for a loader.
func (s *Service) LocationsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Location, error) {
	rows, err := s.q.LocationsByID(ctx, s.pool, ids)
	locations := make(map[uuid.UUID]Location, len(rows))
	for _, row := range rows {
		locations[row.ID] = locationOf(row)
	}
	return locations, err
}

// LocationOf is a seller's own location.
func (s *Service) LocationOf(ctx context.Context, seller, location uuid.UUID) (Location, error) {
	found, err := s.LocationsByID(ctx, []uuid.UUID{location})
	if err != nil {
		return Location{}, err
	}
	if l, ok := found[location]; ok && l.SellerID == seller {
		return l, nil
	}
	return Location{}, ErrLocationUnknown
}

// ownLocation insists that a location is the seller's, and the one of their codes where it is about those.
func (s *Service) ownLocation(ctx context.Context, seller, location uuid.UUID, digital bool) error {
	l, err := s.LocationOf(ctx, seller, location)
	if err == nil && l.Digital != digital {
		return ErrLocationUnknown
	}
	return err
}
