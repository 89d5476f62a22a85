package auction

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

const (
	auctionList = 'A' // mark the cursors of the two lists
	bidList     = 'b'
)

// Service holds the use cases of this package.
type Service struct {
	pool       *pgxpool.Pool
	q          *db.Queries
	catalog    *catalog.Service
	shows      *show.Service
	payment    *payment.Service
	orders     *order.Service
	hub        realtime.Publisher
	log        *slog.Logger
	metrics    *metrics
	increments Increments
	bids       *batch.Queue[uuid.UUID, *ask, Placed]
	chanceFor  time.Duration
}

// Config are the parts that the service works with.
type Config struct {
	Pool       *pgxpool.Pool
	Catalog    *catalog.Service
	Shows      *show.Service
	Payment    *payment.Service
	Orders     *order.Service
	Hub        realtime.Publisher
	Log        *slog.Logger          // nothing is logged where it is nil
	ChanceFor  time.Duration         // how long a second chance stands; a day where it is zero
	Registerer prometheus.Registerer // of the metrics; they are not shown where it is nil
}

// New makes the service; it reads the increments once.
func New(ctx context.Context, c Config) (_ *Service, err error) {
	defer fault.Wrap(&err, "read the bid increments")
	s := &Service{
		pool: c.Pool, q: db.New(), catalog: c.Catalog, shows: c.Shows, payment: c.Payment, orders: c.Orders,
		hub: c.Hub, log: c.Log, increments: Increments{}, chanceFor: cmp.Or(c.ChanceFor, defaultChanceFor),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.metrics, err = newMetrics(c.Registerer); err != nil {
		return nil, err
	}
	s.bids = batch.New(batch.Config[uuid.UUID, *ask, Placed]{Run: s.commit, Most: batchMax, Waiting: waitingMax, Timeout: commitTime})
	rows, err := s.q.IncrementList(ctx, c.Pool)
	for _, row := range rows {
		currency := money.Currency(row.Currency)
		s.increments[currency] = append(s.increments[currency], Increment{FromPrice: row.FromPrice, Step: row.Step})
	}
	return s, err
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
	asked := page.AskedFor(status)
	before, err := args.Before(auctionList, asked)
	if err != nil {
		return AuctionPage{}, err
	}
	rows, err := s.q.AuctionPage(ctx, s.pool, db.AuctionPageParams{
		Status: (*string)(status), BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	cursors := make(map[uuid.UUID]string, len(rows)) // a paused lot is listed by an end that it does not show
	for _, row := range rows {
		cursors[row.ID] = listed(row).Encode(auctionList, asked)
	}
	return page.Of(rows, size, s.auctionOf, func(a Auction) string { return cursors[a.ID] }), err
}
