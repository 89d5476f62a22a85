package want

import (
	"context"
	"log/slog"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	maxOpen    = 20
	maxAnswers = 10
	maxDays    = 90
	// Marks of the cursors of this package's lists.
	openList  = 'O'
	ownList   = 'o'
	offerList = '?'
)

// Status is how a want stands.
type Status string

// The statuses of a want.
const (
	Open    Status = "OPEN"
	Closed  Status = "CLOSED"  // by its buyer
	Expired Status = "EXPIRED" // its time was over
)

// Want is what a buyer looks for.
type Want struct {
	ID         uuid.UUID
	BuyerID    uuid.UUID
	Words      string
	Ceiling    *money.Amount // nil for any price
	Conditions []catalog.Condition
	CategoryID *uuid.UUID
	CreatedAt  time.Time
	ExpiresAt  time.Time
	ClosedAt   *time.Time
}

// NodeID is the id that clients see.
func (w Want) NodeID() id.ID { return id.Want.ID(w.ID) }

// StatusAt is how the want stands at a time.
func (w Want) StatusAt(now time.Time) Status {
	switch {
	case w.ClosedAt != nil:
		return Closed
	case !now.Before(w.ExpiresAt):
		return Expired
	default:
		return Open
	}
}

// WantPage is a page of wants.
type WantPage = page.Page[Want]

// WantEdge is one of them with its cursor.
type WantEdge = page.Edge[Want]

// Offer is a listing that fits a want.
type Offer struct {
	ListingID uuid.UUID
	BySeller  bool // who offered it; else it was found
	At        time.Time
}

// Cursor is the offer's place in its want's list.
func (o Offer) Cursor() string { return page.Key{At: o.At, ID: o.ListingID}.Encode(offerList) }

// OfferPage is a page of offers.
type OfferPage = page.Page[Offer]

// OfferEdge is one of them with its cursor.
type OfferEdge = page.Edge[Offer]

func wantOf(row db.Want) Want {
	w := Want{
		ID: row.ID, BuyerID: row.BuyerID, Words: row.Words, CategoryID: row.CategoryID,
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, ClosedAt: row.ClosedAt, Conditions: make([]catalog.Condition, len(row.Conditions)),
	}
	for i, c := range row.Conditions {
		w.Conditions[i] = catalog.Condition(c)
	}
	if row.Ceiling != nil {
		w.Ceiling = &money.Amount{Minor: *row.Ceiling, Currency: money.Currency(*row.Currency)}
	}
	return w
}

func offerOf(row db.WantOffer) Offer {
	return Offer{ListingID: row.ListingID, BySeller: row.BySeller, At: row.OfferedAt}
}

// Service holds the use cases of this package.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
	hub  realtime.Publisher
	log  *slog.Logger
}

// New makes a Service.
func New(pool *pgxpool.Pool, hub realtime.Publisher, log *slog.Logger) *Service {
	return &Service{pool: pool, q: db.New(), hub: hub, log: log}
}

// Input is what somebody looks for.
type Input struct {
	Words      string
	Ceiling    *money.Amount
	Conditions []catalog.Condition
	Category   *uuid.UUID
	Days       int // that it stays open
}

func (in *Input) check() error {
	in.Words = text.Clean(in.Words)
	if n := utf8.RuneCountInString(in.Words); n < 2 || n > 120 || !text.IsLine(in.Words) {
		return ErrWords.At("words")
	}
	if in.Ceiling != nil && in.Ceiling.Minor < 0 {
		return catalog.ErrPricePositive.At("ceiling")
	}
	if in.Days < 1 || in.Days > maxDays {
		return ErrDays.At("days")
	}
	return nil
}

func (in Input) row(buyer uuid.UUID) db.WantInsertParams {
	p := db.WantInsertParams{ID: id.New(), BuyerID: buyer, Words: in.Words, CategoryID: in.Category, Days: int32(in.Days), Conditions: []string{}}
	for _, c := range in.Conditions {
		if !slices.Contains(p.Conditions, string(c)) {
			p.Conditions = append(p.Conditions, string(c))
		}
	}
	if in.Ceiling != nil {
		p.Ceiling, p.Currency = &in.Ceiling.Minor, (*string)(&in.Ceiling.Currency)
	}
	return p
}

// Create posts what somebody looks for.
func (s *Service) Create(ctx context.Context, buyer uuid.UUID, in Input) (_ Want, err error) {
	if err := in.check(); err != nil {
		return Want{}, err
	}
	defer fault.Wrap(&err, "post a want")
	var row db.Want
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := s.q.WantBuyerLock(ctx, tx, buyer); err != nil {
			return err
		}
		n, err := s.q.WantCount(ctx, tx, buyer)
		if err != nil {
			return err
		}
		if n >= maxOpen {
			return ErrTooMany
		}
		row, err = s.q.WantInsert(ctx, tx, in.row(buyer))
		return err
	})
	switch {
	case postgres.Violates(err, "want_lexemes"):
		return Want{}, ErrWords.At("words")
	case postgres.Violates(err, "want_category_id_fkey"):
		return Want{}, ErrCategory.At("categoryId")
	}
	return wantOf(row), err
}

// Close ends a want of one's own. One that has ended stays so.
func (s *Service) Close(ctx context.Context, buyer, want uuid.UUID) (Want, error) {
	row, err := s.q.WantClose(ctx, s.pool, want, buyer)
	if postgres.NoRows(err) {
		return Want{}, ErrNotFound.At("wantId")
	}
	return wantOf(row), err
}

// Answer offers a listing of the seller's for a want, and tells its buyer, once.
func (s *Service) Answer(ctx context.Context, seller, want, listing uuid.UUID) (_ Want, err error) {
	defer fault.Wrap(&err, "answer want %s", want)
	var (
		row  db.Want
		told []realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = s.q.WantOpenLock(ctx, tx, want); postgres.NoRows(err) {
			return ErrNotFound.At("wantId")
		} else if err != nil {
			return err
		}
		if row.BuyerID == seller {
			return ErrOwn.At("wantId")
		}
		told, err = s.answerTx(ctx, tx, row, seller, listing)
		return err
	})
	if err != nil {
		return Want{}, err
	}
	s.hub.Publish(ctx, told...)
	return wantOf(row), nil
}

func (s *Service) answerTx(ctx context.Context, tx pgx.Tx, want db.Want, seller, listing uuid.UUID) ([]realtime.Event, error) {
	l, err := s.q.WantListing(ctx, tx, want.BuyerID, listing, seller)
	switch {
	case postgres.NoRows(err):
		return nil, catalog.ErrListingNotFound.At("listingId")
	case err != nil:
		return nil, err
	case !l.Active || !l.Offered:
		return nil, ErrNotOffered.At("listingId")
	}
	if err := s.q.WantOfferBySeller(ctx, tx, want.ID, listing); err != nil {
		return nil, err
	}
	n, err := s.q.WantOfferCount(ctx, tx, want.ID, seller)
	if err != nil {
		return nil, err
	}
	if n > maxAnswers {
		return nil, ErrTooManyOf
	}
	return notify.InsertTx(ctx, tx, notify.Note{
		Recipient: want.BuyerID, Kind: notify.WantAnswered, Subject: id.Listing.ID(listing), Key: "answer:" + want.ID.String() + ":" + listing.String(),
		Parameters: []notify.Parameter{notify.Text("want", id.Want.Encode(want.ID))},
	})
}

// SeenBy reads, for a loader, those of some wants that one person may see.
func (s *Service) SeenBy(ctx context.Context, viewer uuid.UUID, staff bool, ids []uuid.UUID) (map[uuid.UUID]Want, error) {
	rows, err := s.q.WantsSeenBy(ctx, s.pool, ids, viewer, staff)
	wants := make(map[uuid.UUID]Want, len(rows))
	for _, row := range rows {
		wants[row.ID] = wantOf(row)
	}
	return wants, err
}

// List is what buyers look for now, the newest first.
func (s *Service) List(ctx context.Context, category *uuid.UUID, args page.Args) (WantPage, error) {
	asked := page.AskedFor(category)
	size, before, err := bounds(args, openList, asked)
	if err != nil {
		return WantPage{}, err
	}
	rows, err := s.q.WantPage(ctx, s.pool, db.WantPageParams{BeforeAt: before.At, BeforeID: before.ID, CategoryID: category, PageSize: int32(size + 1)})
	return page.Of(rows, size, wantOf, cursorOf(openList, asked)), err
}

// Own are a buyer's wants, those that have ended among them, the newest first.
func (s *Service) Own(ctx context.Context, buyer uuid.UUID, args page.Args) (WantPage, error) {
	size, before, err := bounds(args, ownList)
	if err != nil {
		return WantPage{}, err
	}
	rows, err := s.q.WantPageOfBuyer(ctx, s.pool, db.WantPageOfBuyerParams{BuyerID: buyer, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	return page.Of(rows, size, wantOf, cursorOf(ownList)), err
}

// Offers are what fits a want, the newest first. They are for its buyer.
func (s *Service) Offers(ctx context.Context, want uuid.UUID, args page.Args) (OfferPage, error) {
	size, before, err := bounds(args, offerList)
	if err != nil {
		return OfferPage{}, err
	}
	rows, err := s.q.WantOfferPage(ctx, s.pool, db.WantOfferPageParams{WantID: want, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	return page.Of(rows, size, offerOf, Offer.Cursor), err
}

func bounds(args page.Args, list byte, asked ...page.Asked) (size int, before page.Key, err error) {
	if size, err = args.Size(); err == nil {
		before, err = args.Before(list, asked...)
	}
	return size, before, err
}

func cursorOf(list byte, asked ...page.Asked) func(Want) string {
	return func(w Want) string { return page.Key{At: w.CreatedAt, ID: w.ID}.Encode(list, asked...) }
}
