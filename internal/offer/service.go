package offer

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	maxQuantity = 1000
	maxNames    = 10 // prices that are named in an offer
	maxLive     = 20
	maxToday    = 20
	// lowest is the part of the listed price from which an offer may be: a tenth.
	lowest = 10

	answerWithin   = 48 * time.Hour
	checkOutWithin = 24 * time.Hour

	// paceEvery and paceBurst are how often somebody may name a price: so often on the average, and so many at once.
	paceEvery, paceBurst = 5 * time.Second, 20
)

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	hub   realtime.Publisher
	log   *slog.Logger
	names *pace.Limiter[uuid.UUID] // nil where there is no limit
}

// Config is what a Service is made of.
type Config struct {
	Pool *pgxpool.Pool
	Hub  realtime.Publisher
	Log  *slog.Logger
	Pace bool // somebody names so many prices in a time, at each server, and no more
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{pool: c.Pool, q: db.New(), hub: c.Hub, log: c.Log}
	if c.Pace {
		s.names = pace.New[uuid.UUID](paceEvery, paceBurst, clock.System{})
	}
	return s
}

// paced refuses who names prices too fast.
func (s *Service) paced(user uuid.UUID) error {
	if s.names == nil {
		return nil
	}
	wait, ok := s.names.Take(user)
	if ok {
		return nil
	}
	slow := *ErrTooFast
	slow.RetryIn = wait
	return &slow
}

// SeenBy reads, for a loader, those of some offers that one person may see.
func (s *Service) SeenBy(ctx context.Context, viewer uuid.UUID, staff bool, ids []uuid.UUID) (map[uuid.UUID]Offer, error) {
	rows, err := s.q.OffersSeenBy(ctx, s.pool, ids, staff, viewer)
	offers := make(map[uuid.UUID]Offer, len(rows))
	for _, row := range rows {
		offers[row.ID] = offerOf(row)
	}
	return offers, err
}

// Made are the offers that somebody has made, the newest first: all, or those that may come to something.
func (s *Service) Made(ctx context.Context, buyer uuid.UUID, live bool, args page.Args) (OfferPage, error) {
	asked := page.AskedFor(live)
	size, before, err := bounds(args, buyerList, asked)
	if err != nil {
		return OfferPage{}, err
	}
	rows, err := s.q.OfferPageOfBuyer(ctx, s.pool, db.OfferPageOfBuyerParams{UserID: buyer, BeforeAt: before.At, BeforeID: before.ID, Live: live, PageSize: int32(size + 1)})
	return page.Of(rows, size, offerOf, cursorOf(buyerList, asked)), err
}

// Received are the offers for what somebody sells, as Made.
func (s *Service) Received(ctx context.Context, seller uuid.UUID, live bool, args page.Args) (OfferPage, error) {
	asked := page.AskedFor(live)
	size, before, err := bounds(args, sellerList, asked)
	if err != nil {
		return OfferPage{}, err
	}
	rows, err := s.q.OfferPageOfSeller(ctx, s.pool, db.OfferPageOfSellerParams{UserID: seller, BeforeAt: before.At, BeforeID: before.ID, Live: live, PageSize: int32(size + 1)})
	return page.Of(rows, size, offerOf, cursorOf(sellerList, asked)), err
}

func bounds(args page.Args, list byte, asked page.Asked) (size int, before page.Key, err error) {
	if size, err = args.Size(); err == nil {
		before, err = args.Before(list, asked)
	}
	return size, before, err
}

func cursorOf(list byte, asked page.Asked) func(Offer) string {
	return func(o Offer) string { return page.Key{At: o.CreatedAt, ID: o.ID}.Encode(list, asked) }
}

// Steps reads, for a loader, what was named in offers and what became of it, the first first.
func (s *Service) Steps(ctx context.Context, offers []uuid.UUID) (map[uuid.UUID][]Step, error) {
	rows, err := s.q.OfferSteps(ctx, s.pool, offers)
	steps := make(map[uuid.UUID][]Step, len(offers))
	for _, row := range rows {
		step := row.PriceOfferStep
		steps[step.OfferID] = append(steps[step.OfferID], Step{
			Status: Status(step.Status), By: Party(step.MovedBy), Price: money.New(step.UnitPrice, money.Currency(row.Currency)), At: step.MovedAt,
		})
	}
	return steps, err
}

// newestOffers is how many offers a conversation shows.
const newestOffers = 10

// OfConversations reads, for a loader, the newest ten offers that the buyer of each conversation has made for its listing, the oldest first. Who may see the conversation may see them.
func (s *Service) OfConversations(ctx context.Context, conversations []uuid.UUID) (map[uuid.UUID][]Offer, error) {
	rows, err := s.q.OffersOfConversations(ctx, s.pool, newestOffers, conversations)
	offers := make(map[uuid.UUID][]Offer, len(conversations))
	for _, row := range rows {
		offers[row.ConversationID] = append(offers[row.ConversationID], offerOf(row.PriceOffer))
	}
	return offers, err
}

// Takes reads, for a loader, which listings take offers. Those that never do have nothing.
func (s *Service) Takes(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.q.OffersTaken(ctx, s.pool, listings)
	takes := make(map[uuid.UUID]bool, len(rows))
	for _, row := range rows {
		takes[row.ID] = row.Takes
	}
	return takes, err
}

// SetTaken says whether a listing of the seller's own takes offers from now on. What is talked about already goes on.
func (s *Service) SetTaken(ctx context.Context, seller, listing uuid.UUID, takes bool) (err error) {
	defer fault.Wrap(&err, "say whether listing %s takes offers", listing)
	kind, err := s.q.OfferListingKind(ctx, s.pool, listing, seller)
	switch {
	case postgres.NoRows(err):
		return ErrListing.At("listingId")
	case err != nil:
		return err
	case !takesEver(kind) && takes:
		return ErrNotTaken.At("listingId")
	case !takesEver(kind):
		return nil
	}
	return s.q.OffersTakeSet(ctx, s.pool, takes, listing)
}

// takesEver says that listings of a kind may take offers: what has a price, and is no code, which nobody looks at before.
func takesEver(kind string) bool {
	return catalog.Kind(kind) == catalog.OneOff || catalog.Kind(kind) == catalog.Retail
}
