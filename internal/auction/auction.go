package auction

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// Status of an auction.
type Status string

// The statuses of an auction.
const (
	Open   Status = "OPEN"
	Sold   Status = "SOLD"
	Unsold Status = "UNSOLD"
)

// Backing is what stands behind the bids of a lot.
type Backing string

// The kinds of backing.
const (
	ByHold Backing = "HOLD" // the amount, held in the bidder's wallet
	ByCard Backing = "CARD" // a saved card of the bidder's, which the winner is asked to pay with
)

const (
	auctionList  = 'A' // mark the cursors of the two lists
	bidList      = 'b'
	minDuration  = 5 * time.Second
	maxDuration  = 7 * 24 * time.Hour
	maxExtension = 600 * time.Second
)

// Auction is one lot. Everything in it may be seen by everyone.
type Auction struct {
	ID          uuid.UUID     `json:"id"`
	ListingID   uuid.UUID     `json:"listingId"`
	SellerID    uuid.UUID     `json:"sellerId"`
	ShowID      *uuid.UUID    `json:"showId"`
	LotNumber   *int32        `json:"lotNumber"`
	Backing     Backing       `json:"backing"`
	StartPrice  money.Amount  `json:"startPrice"`
	Price       *money.Amount `json:"price"` // of the leading bid; nil until the first
	NextMinimum money.Amount  `json:"nextMinimum"`
	BidCount    int32         `json:"bidCount"`
	LeaderID    *uuid.UUID    `json:"leaderId"`
	Status      Status        `json:"status"`
	OpenedAt    time.Time     `json:"openedAt"`
	EndsAt      time.Time     `json:"endsAt"`
	Extension   time.Duration `json:"extension"`
	ClosedAt    *time.Time    `json:"closedAt"`
	Version     int64         `json:"version"`
}

// NodeID is the id that clients see.
func (a Auction) NodeID() id.ID { return id.Auction.ID(a.ID) }

// Cursor is the auction's place in a list.
func (a Auction) Cursor() string { return page.Key{At: a.EndsAt, ID: a.ID}.Encode(auctionList) }

// ExtensionSeconds is by how much a late bid moves the end.
func (a Auction) ExtensionSeconds() int { return int(a.Extension / time.Second) }

// AuctionPage is a page of a list of Auctions.
type AuctionPage = page.Page[Auction]

// AuctionEdge is one row of it.
type AuctionEdge = page.Edge[Auction]

func stateOf(row db.Auction) State {
	c := money.Currency(row.Currency)
	return State{
		Status: Status(row.Status), Seller: row.SellerID, StartPrice: money.New(row.StartPrice, c),
		Price: money.New(row.Price, c), Leader: row.LeaderID, BidCount: row.BidCount, EndsAt: row.EndsAt,
		Extension: time.Duration(row.Extension) * time.Second,
	}
}

func (s *Service) auctionOf(row db.Auction) Auction {
	state := stateOf(row)
	a := Auction{
		ID: row.ID, ListingID: row.ListingID, SellerID: row.SellerID, ShowID: row.ShowID, LotNumber: row.LotNumber,
		Backing: Backing(row.Backing), StartPrice: state.StartPrice, NextMinimum: state.NextMinimum(s.increments), BidCount: row.BidCount,
		LeaderID: row.LeaderID, Status: state.Status, OpenedAt: row.OpenedAt, EndsAt: row.EndsAt,
		Extension: state.Extension, ClosedAt: row.ClosedAt, Version: row.Version,
	}
	if row.BidCount > 0 {
		a.Price = &state.Price
	}
	return a
}

// Service holds the use cases of this package.
type Service struct {
	pool       *pgxpool.Pool
	q          *db.Queries
	catalog    *catalog.Service
	shows      *show.Service
	payment    *payment.Service
	orders     *order.Service
	hub        realtime.Publisher
	increments Increments
}

// Config are the parts that the service works with.
type Config struct {
	Pool    *pgxpool.Pool
	Catalog *catalog.Service
	Shows   *show.Service
	Payment *payment.Service
	Orders  *order.Service
	Hub     realtime.Publisher
}

// New makes the service; it reads the increments once.
func New(ctx context.Context, c Config) (_ *Service, err error) {
	defer fault.Wrap(&err, "read the bid increments")
	s := &Service{
		pool: c.Pool, q: db.New(), catalog: c.Catalog, shows: c.Shows, payment: c.Payment, orders: c.Orders,
		hub: c.Hub, increments: Increments{},
	}
	rows, err := s.q.IncrementList(ctx, c.Pool)
	for _, row := range rows {
		currency := money.Currency(row.Currency)
		s.increments[currency] = append(s.increments[currency], Increment{FromPrice: row.FromPrice, Step: row.Step})
	}
	return s, err
}

// StartInput describes a lot that opens at once.
type StartInput struct {
	Listing    uuid.UUID
	Show       *uuid.UUID // the seller's live show that the lot is part of, if any
	Backing    Backing    // ByHold where it is empty
	StartPrice money.Amount
	Duration   time.Duration
	Extension  time.Duration // zero: sudden death
}

func (s *Service) validate(in StartInput) error {
	switch {
	case in.StartPrice.Minor <= 0:
		return ErrNotPositive.At("startPrice")
	case len(s.increments[in.StartPrice.Currency]) == 0:
		return ErrNoIncrements.At("startPrice")
	case in.StartPrice.Minor > maxBid(in.StartPrice.Currency):
		return ErrBidTooHigh.At("startPrice")
	case in.Duration < minDuration || in.Duration > maxDuration:
		return ErrDuration.At("durationSeconds")
	case in.Extension < 0 || in.Extension > maxExtension:
		return ErrDuration.At("extensionSeconds")
	}
	return nil
}

// Start opens an auction of the seller's own listing.
func (s *Service) Start(ctx context.Context, seller uuid.UUID, in StartInput) (_ Auction, err error) {
	if err := s.validate(in); err != nil {
		return Auction{}, err
	}
	defer fault.Wrap(&err, "start an auction of listing %s", in.Listing)
	var (
		a     Auction
		event realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var lot *int32
		if in.Show != nil {
			n, err := s.shows.TakeLotNumberTx(ctx, tx, seller, *in.Show)
			if err != nil {
				return err
			}
			lot = &n
		}
		if err := s.catalog.ReserveTx(ctx, tx, in.Listing, seller); err != nil {
			return err
		}
		row, err := s.q.AuctionInsert(ctx, tx, db.AuctionInsertParams{
			ID: id.New(), ListingID: in.Listing, SellerID: seller, ShowID: in.Show, LotNumber: lot,
			Backing: string(cmp.Or(in.Backing, ByHold)), Currency: string(in.StartPrice.Currency), StartPrice: in.StartPrice.Minor,
			Extension: int32(in.Extension / time.Second), DurationSeconds: int32(in.Duration / time.Second),
		})
		if err != nil {
			return err
		}
		a = s.auctionOf(row)
		event, err = appendTx(ctx, tx, EventOpened, Change{Auction: a})
		return err
	})
	if err != nil {
		return Auction{}, err
	}
	s.hub.Publish(ctx, event)
	return a, nil
}

// ByID reads auctions for a loader.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Auction, error) {
	rows, err := s.q.AuctionsByID(ctx, s.pool, ids)
	return s.byKey(rows, func(a Auction) uuid.UUID { return a.ID }), err
}

// LatestByListing reads, for a loader, each listing's newest auction.
func (s *Service) LatestByListing(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID]Auction, error) {
	rows, err := s.q.AuctionsLatestByListing(ctx, s.pool, listings)
	return s.byKey(rows, func(a Auction) uuid.UUID { return a.ListingID }), err
}

func (s *Service) byKey(rows []db.Auction, key func(Auction) uuid.UUID) map[uuid.UUID]Auction {
	auctions := make(map[uuid.UUID]Auction, len(rows))
	for _, row := range rows {
		a := s.auctionOf(row)
		auctions[key(a)] = a
	}
	return auctions
}

// ByShow reads, for a loader, each show's newest twenty lots, the newest first.
func (s *Service) ByShow(ctx context.Context, shows []uuid.UUID) (map[uuid.UUID][]Auction, error) {
	rows, err := s.q.AuctionsByShow(ctx, s.pool, shows)
	lots := make(map[uuid.UUID][]Auction, len(shows))
	for _, row := range rows {
		lots[*row.ShowID] = append(lots[*row.ShowID], s.auctionOf(row))
	}
	return lots, err
}

// Get reads one auction.
func (s *Service) Get(ctx context.Context, auction uuid.UUID) (Auction, error) {
	found, err := s.ByID(ctx, []uuid.UUID{auction})
	if err != nil {
		return Auction{}, err
	}
	a, ok := found[auction]
	if !ok {
		return Auction{}, ErrNotFound
	}
	return a, nil
}

// List is the auctions, the latest end first; status narrows it where it is not nil.
func (s *Service) List(ctx context.Context, status *Status, args page.Args) (AuctionPage, error) {
	size, err := args.Size()
	if err != nil {
		return AuctionPage{}, err
	}
	before, err := args.Before(auctionList)
	if err != nil {
		return AuctionPage{}, err
	}
	rows, err := s.q.AuctionPage(ctx, s.pool, db.AuctionPageParams{
		Status: (*string)(status), BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, s.auctionOf, Auction.Cursor), err
}

func maxBid(c money.Currency) int64 {
	limit := int64(1_000_000)
	for range c.Digits() {
		limit *= 10
	}
	return limit
}
