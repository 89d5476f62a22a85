package flash

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	longest    = 7 * 24 * time.Hour
	maxRate    = 600_000
	maxEach    = 1000
	ticketList = 'F' // marks cursors of tickets
)

// Mode is how places get their numbers.
type Mode string

// The modes.
const (
	FIFO    Mode = "FIFO"    // who comes first is admitted first
	Lottery Mode = "LOTTERY" // drawn when the sale starts
)

// Sale is a flash sale of a listing.
type Sale struct {
	ID             uuid.UUID
	ListingID      uuid.UUID
	SellerID       uuid.UUID
	Mode           Mode
	StartsAt       time.Time
	EndsAt         time.Time
	AdmitPerMinute int
	PerBuyer       int
	Joined         int64
	Admitted       int64 // up to which number
	CancelledAt    *time.Time
	DrawnAt        *time.Time

	commitment, seed []byte
}

// NodeID is the id that clients see.
func (s Sale) NodeID() id.ID { return id.FlashSale.ID(s.ID) }

// running tells whether its listing is reserved by passes only.
func (s Sale) running(now time.Time) bool {
	return s.CancelledAt == nil && !now.Before(s.StartsAt) && now.Before(s.EndsAt)
}

func (s *Service) saleOf(row db.FlashSale) Sale {
	sale := Sale{
		ID: row.ID, ListingID: row.ListingID, SellerID: row.SellerID, Mode: Mode(row.Mode), StartsAt: row.StartsAt, EndsAt: row.EndsAt,
		AdmitPerMinute: int(row.AdmitPerMinute), PerBuyer: int(row.PerBuyer), Joined: row.Joined, Admitted: row.Admitted,
		CancelledAt: row.CancelledAt, DrawnAt: row.DrawnAt, commitment: row.Commitment,
	}
	if row.DrawnAt != nil {
		sale.seed = s.open(row.ID, row.Seed, row.Commitment)
	}
	return sale
}

// Place is somebody's in a waiting room.
type Place struct {
	SaleID   uuid.UUID
	UserID   uuid.UUID
	Number   *int64 // from 1; nil until a lottery is drawn
	Position *int64 // how many are before them, themselves counted; 0 once it is their turn
	JoinedAt time.Time
	Used     bool // for a reservation that holds, or was paid; not for one that was given back or ran out
	Sold     bool // it was paid: there is no other
}

func placeOf(row db.FlashPlacesRow) Place {
	of := row.FlashPlace
	p := Place{SaleID: of.SaleID, UserID: of.UserID, Number: of.Number, JoinedAt: of.JoinedAt, Used: row.Held || row.Sold, Sold: row.Sold}
	return p.after(row.Admitted)
}

// after is the place when so many are admitted.
func (p Place) after(admitted int64) Place {
	if p.Number != nil {
		p.Position = new(max(*p.Number-admitted, 0))
	}
	return p
}

// Admitted tells whether it is their turn.
func (p Place) Admitted() bool { return p.Position != nil && *p.Position == 0 }

// Config is what a Service needs.
type Config struct {
	Pool  *pgxpool.Pool
	Redis redis.UniversalClient
	Hub   realtime.Broadcaster
	Epoch func() string // of the database: two installations on one Redis do not mix
	Clock clock.Clock
	Gate  Gate
	Key   []byte // that passes are signed with, and seeds sealed
	Log   *slog.Logger
}

// Service holds the use cases of this package.
type Service struct {
	Config
	q       *db.Queries
	passKey []byte
	seedKey []byte // that seeds are sealed with until the draw
	joins   *batch.Queue[uuid.UUID, uuid.UUID, *Place]
}

// New makes a Service.
func New(c Config) *Service {
	derived := func(purpose string) []byte {
		mac := hmac.New(sha256.New, c.Key)
		_, _ = mac.Write([]byte(purpose))
		return mac.Sum(nil)
	}
	s := &Service{Config: c, q: db.New(), passKey: derived("flash sale pass"), seedKey: derived("flash sale seed")}
	s.joins = batch.New(batch.Config[uuid.UUID, uuid.UUID, *Place]{Run: s.joinAll})
	return s
}

// ScheduleInput is the terms of a flash sale.
type ScheduleInput struct {
	Listing          uuid.UUID
	StartsAt, EndsAt time.Time
	AdmitPerMinute   int
	PerBuyer         int
	Mode             Mode
}

// Actor is who schedules a sale: the listing's seller, or staff.
type Actor struct {
	User  uuid.UUID
	Staff bool
}

// Schedule announces a sale; its waiting room is open from now on. A lottery's seed is chosen now, and what it is bound by is published.
func (s *Service) Schedule(ctx context.Context, by Actor, in ScheduleInput) (_ Sale, err error) {
	defer fault.Wrap(&err, "schedule a flash sale")
	now := s.Clock.Now()
	switch {
	case !in.EndsAt.After(in.StartsAt), !in.EndsAt.After(now), in.EndsAt.Sub(in.StartsAt) > longest, in.StartsAt.Sub(now) > 366*24*time.Hour:
		return Sale{}, ErrTimes.At("endsAt")
	case in.AdmitPerMinute < 1 || in.AdmitPerMinute > maxRate:
		return Sale{}, ErrTerms.At("admitPerMinute")
	case in.PerBuyer < 1 || in.PerBuyer > maxEach:
		return Sale{}, ErrTerms.At("perBuyer")
	}
	sale := id.New()
	seed, commitment := s.newSeed(sale)
	var row db.FlashSale
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		seller, err := s.q.FlashListingLock(ctx, tx, in.Listing, by.User, by.Staff)
		if postgres.NoRows(err) {
			return ErrListing.At("listingId")
		}
		if err != nil {
			return err
		}
		overlaps, err := s.q.FlashOverlaps(ctx, tx, in.Listing, in.EndsAt, in.StartsAt)
		if err != nil {
			return err
		}
		if overlaps {
			return ErrOverlap.At("startsAt")
		}
		row, err = s.q.FlashSaleInsert(ctx, tx, db.FlashSaleInsertParams{
			ID: sale, ListingID: in.Listing, SellerID: seller, Mode: string(in.Mode), StartsAt: in.StartsAt, EndsAt: in.EndsAt,
			AdmitPerMinute: int32(in.AdmitPerMinute), PerBuyer: int32(in.PerBuyer), Commitment: commitment, Seed: seed,
		})
		return err
	})
	return s.saleOf(row), err
}

// Cancel calls a sale off: its listing is reserved as any other again.
func (s *Service) Cancel(ctx context.Context, by Actor, sale uuid.UUID) (Sale, error) {
	row, err := s.q.FlashSaleCancel(ctx, s.Pool, sale, by.User, by.Staff)
	if postgres.NoRows(err) {
		return Sale{}, ErrNotFound.At("flashSaleId")
	}
	return s.saleOf(row), err
}

// Get reads a sale of a listing that the viewer may see.
func (s *Service) Get(ctx context.Context, viewer, sale uuid.UUID) (Sale, error) {
	row, err := s.q.FlashSaleSeenBy(ctx, s.Pool, sale, viewer)
	if postgres.NoRows(err) {
		return Sale{}, ErrNotFound.At("flashSaleId")
	}
	return s.saleOf(row), err
}

// OfListings reads, for a loader, the sale of each listing that runs, or else the next.
func (s *Service) OfListings(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID]Sale, error) {
	rows, err := s.q.FlashSalesOfListings(ctx, s.Pool, listings)
	sales := make(map[uuid.UUID]Sale, len(rows))
	for _, row := range rows {
		sales[row.ListingID] = s.saleOf(row)
	}
	return sales, err
}

// Join gives somebody a place in a waiting room; who has one keeps it, in however many tabs they come.
func (s *Service) Join(ctx context.Context, user, sale uuid.UUID) (Place, error) {
	if err := s.Gate.Admit(ctx, user); err != nil {
		return Place{}, err
	}
	if _, err := s.Get(ctx, user, sale); err != nil {
		return Place{}, err
	}
	place, err := s.joins.Do(ctx, sale, user)
	if err == nil && place == nil {
		err = ErrClosed
	}
	if err != nil {
		return Place{}, err
	}
	return *place, nil
}

// joinAll gives places to those who wait for one, in the order in which they came, by one statement.
func (s *Service) joinAll(ctx context.Context, sale uuid.UUID, users []uuid.UUID) []batch.Answer[*Place] {
	answers := make([]batch.Answer[*Place], len(users))
	err := s.q.FlashJoin(ctx, s.Pool, sale, users)
	var places map[uuid.UUID]Place
	if err == nil {
		places, err = s.places(ctx, sale, users)
	}
	for i, user := range users {
		if answers[i].Err = err; err != nil {
			continue
		}
		if place, ok := places[user]; ok {
			answers[i].Value = &place
		}
	}
	return answers
}

func (s *Service) places(ctx context.Context, sale uuid.UUID, users []uuid.UUID) (map[uuid.UUID]Place, error) {
	rows, err := s.q.FlashPlaces(ctx, s.Pool, sale, users)
	places := make(map[uuid.UUID]Place, len(rows))
	for _, row := range rows {
		places[row.FlashPlace.UserID] = placeOf(row)
	}
	return places, err
}

// PlaceOf is a user's place; ErrNotJoined where they have none.
func (s *Service) PlaceOf(ctx context.Context, user, sale uuid.UUID) (Place, error) {
	places, err := s.places(ctx, sale, []uuid.UUID{user})
	if err != nil {
		return Place{}, err
	}
	place, ok := places[user]
	if !ok {
		return Place{}, ErrNotJoined.At("flashSaleId")
	}
	return place, nil
}

// PlacesOf reads, for a loader, a user's places in some sales.
func (s *Service) PlacesOf(ctx context.Context, user uuid.UUID, sales []uuid.UUID) (map[uuid.UUID]Place, error) {
	rows, err := s.q.FlashPlacesOfUser(ctx, s.Pool, user, sales)
	places := make(map[uuid.UUID]Place, len(rows))
	for _, row := range rows {
		places[row.FlashPlace.SaleID] = placeOf(db.FlashPlacesRow(row))
	}
	return places, err
}

// NewPass gives who was admitted a pass. It may be asked for again until what was reserved with it is paid: who has that set aside quotes it anew, and who gave it
// back or let it run out reserves once more.
func (s *Service) NewPass(ctx context.Context, user, sale uuid.UUID) (Pass, error) {
	of, err := s.Get(ctx, user, sale)
	if err != nil {
		return Pass{}, err
	}
	place, err := s.PlaceOf(ctx, user, sale)
	now := s.Clock.Now()
	switch {
	case err != nil:
		return Pass{}, err
	case !of.running(now) && !now.Before(of.EndsAt), of.CancelledAt != nil:
		return Pass{}, ErrClosed
	case !place.Admitted():
		return Pass{}, ErrNotAdmitted
	case place.Sold:
		return Pass{}, ErrUsed
	}
	expires := now.Add(passLife)
	if expires.After(of.EndsAt) {
		expires = of.EndsAt
	}
	return s.sign(sale, user, expires), nil
}

// Commitment is the SHA-256 of a lottery's seed, from the beginning.
func (s Sale) Commitment() []byte { return s.commitment }

// Seed is a lottery's, once it is drawn; nil before.
func (s Sale) Seed() []byte { return s.seed }

// Ticket is what a place of a lottery was drawn by: SHA-256 of the seed and the user's id. The lower has the lower number.
type Ticket struct {
	Number int64
	Hash   []byte
}

// TicketPage is a page of a draw.
type TicketPage = page.Page[Ticket]

// TicketEdge is one ticket with its cursor.
type TicketEdge = page.Edge[Ticket]

// Tickets is a draw's outcome, by number, so that anybody can verify it. It is empty before the draw.
func (s *Service) Tickets(ctx context.Context, sale uuid.UUID, args page.Args) (TicketPage, error) {
	size, err := args.Size()
	if err != nil {
		return TicketPage{}, err
	}
	after, err := args.FromNumber(ticketList)
	if err != nil {
		return TicketPage{}, err
	}
	row, err := s.q.FlashSeed(ctx, s.Pool, sale)
	if postgres.NoRows(err) {
		return TicketPage{}, nil
	}
	if err != nil {
		return TicketPage{}, err
	}
	rows, err := s.q.FlashTickets(ctx, s.Pool, db.FlashTicketsParams{
		SaleID: sale, Seed: s.open(sale, row.Seed, row.Commitment), After: after, PageSize: int32(size + 1),
	})
	to := func(row db.FlashTicketsRow) Ticket { return Ticket{row.Number, row.Ticket} }
	return page.Of(rows, size, to, func(t Ticket) string { return page.EncodeNumber(ticketList, t.Number) }), err
}
