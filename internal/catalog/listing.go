package catalog

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

// Status says whether a listing can be taken.
type Status string

// The statuses of a listing.
const (
	Active   Status = "ACTIVE"
	Reserved Status = "RESERVED"
	Sold     Status = "SOLD"
)

// Kind is the kind of a listing.
type Kind string

// OneOff is a single item that exists once.
const OneOff Kind = "ONE_OFF"

// Condition of an item.
type Condition string

// The conditions.
const (
	ConditionNew     Condition = "NEW"
	ConditionLikeNew Condition = "LIKE_NEW"
	ConditionGood    Condition = "GOOD"
	ConditionFair    Condition = "FAIR"
)

var conditions = []Condition{ConditionNew, ConditionLikeNew, ConditionGood, ConditionFair}

const (
	photosPerListing = 5
	listingList      = 'L' // marks cursors of lists of listings
)

// Listing is something for sale.
type Listing struct {
	ID          uuid.UUID
	SellerID    uuid.UUID
	Kind        Kind
	Title       string
	Description string
	Condition   Condition
	Price       *money.Amount // nil where the item is sold by auction only
	Status      Status
	CreatedAt   time.Time
}

// NodeID is the id that clients see.
func (l Listing) NodeID() id.ID { return id.Listing.ID(l.ID) }

// Cursor is the listing's place in a list.
func (l Listing) Cursor() string {
	return page.Key{At: l.CreatedAt, ID: l.ID}.Encode(listingList)
}

// ListingPage is a page of a list of Listings.
type ListingPage = page.Page[Listing]

// ListingEdge is one row of it.
type ListingEdge = page.Edge[Listing]

func listingOf(row db.Listing) Listing {
	l := Listing{
		ID: row.ID, SellerID: row.SellerID, Kind: Kind(row.Kind), Title: row.Title, Description: row.Description,
		Condition: Condition(row.Condition), Status: Status(row.Status), CreatedAt: row.CreatedAt,
	}
	if row.Price != nil {
		l.Price = &money.Amount{Minor: *row.Price, Currency: money.Currency(*row.Currency)}
	}
	return l
}

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	photos *PhotoStore
}

// New makes the service; photos keeps and serves the pictures' bytes.
func New(pool *pgxpool.Pool, photos *PhotoStore) *Service {
	return &Service{pool: pool, q: db.New(), photos: photos}
}

// CreateInput describes a new listing.
type CreateInput struct {
	Title       string
	Description string
	Condition   Condition
	Price       *money.Amount // nil to sell by auction only
	Photos      []uuid.UUID   // in the order in which they are shown
}

func (in *CreateInput) validate() error {
	in.Title, in.Description = text.Clean(in.Title), text.Clean(in.Description)
	if n := utf8.RuneCountInString(in.Title); n < 3 || n > 140 {
		return ErrTitleLength.At("title")
	}
	if utf8.RuneCountInString(in.Description) > 5000 {
		return ErrDescriptionLength.At("description")
	}
	if !text.IsLine(in.Title) {
		return ErrTextControl.At("title")
	}
	if !text.IsProse(in.Description) {
		return ErrTextControl.At("description")
	}
	if !slices.Contains(conditions, in.Condition) {
		return ErrCondition.At("condition")
	}
	if in.Price != nil && in.Price.Minor <= 0 {
		return ErrPricePositive.At("price")
	}
	seen := make(map[uuid.UUID]bool, len(in.Photos))
	for _, p := range in.Photos {
		seen[p] = true
	}
	if len(in.Photos) < 1 || len(in.Photos) > photosPerListing || len(seen) != len(in.Photos) {
		return ErrPhotoCount.At("photoIds")
	}
	return nil
}

// Create lists a one-off item with the seller's uploaded photos.
func (s *Service) Create(ctx context.Context, seller uuid.UUID, in CreateInput) (_ Listing, err error) {
	if err := in.validate(); err != nil {
		return Listing{}, err
	}
	defer fault.Wrap(&err, "create a listing")
	var (
		price    *int64
		currency *string
	)
	if in.Price != nil {
		price, currency = &in.Price.Minor, (*string)(&in.Price.Currency)
	}
	var row db.Listing
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.claimPhotosTx(ctx, tx, seller, in.Photos); err != nil {
			return err
		}
		row, err = s.q.ListingInsert(ctx, tx, db.ListingInsertParams{
			ID: id.New(), SellerID: seller, Kind: string(OneOff), Title: in.Title, Description: in.Description,
			Condition: string(in.Condition), Price: price, Currency: currency,
		})
		if err != nil {
			return err
		}
		return s.q.ListingPhotosInsert(ctx, tx, row.ID, in.Photos)
	})
	if postgres.Violates(err, "listing_photo_photo_id_key") {
		err = ErrPhotoUnknown.At("photoIds")
	}
	if err != nil {
		return Listing{}, err
	}
	return listingOf(row), nil
}

func (s *Service) claimPhotosTx(ctx context.Context, tx pgx.Tx, owner uuid.UUID, ids []uuid.UUID) error {
	photos, err := s.q.PhotosOwnedFree(ctx, tx, ids, owner)
	if err != nil {
		return err
	}
	stored := 0
	for _, p := range photos {
		if p.Status == string(Stored) {
			stored++
		}
	}
	if stored != len(ids) {
		return ErrPhotoUnknown.At("photoIds")
	}
	return nil
}

// List is the newest listings first.
func (s *Service) List(ctx context.Context, args page.Args) (ListingPage, error) {
	size, err := args.Size()
	if err != nil {
		return ListingPage{}, err
	}
	before, err := args.Before(listingList)
	if err != nil {
		return ListingPage{}, err
	}
	rows, err := s.q.ListingPage(ctx, s.pool, before.At, before.ID, int32(size+1))
	return page.Of(rows, size, listingOf, Listing.Cursor), err
}

// ByID reads listings for a loader.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Listing, error) {
	rows, err := s.q.ListingsByID(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	listings := make(map[uuid.UUID]Listing, len(rows))
	for _, row := range rows {
		listings[row.ID] = listingOf(row)
	}
	return listings, nil
}

// Get reads one listing.
func (s *Service) Get(ctx context.Context, listing uuid.UUID) (Listing, error) {
	found, err := s.ByID(ctx, []uuid.UUID{listing})
	if err != nil {
		return Listing{}, err
	}
	l, ok := found[listing]
	if !ok {
		return Listing{}, ErrListingNotFound
	}
	return l, nil
}

// OnMarket is a seller's newest listings that are not sold, a hundred at most.
func (s *Service) OnMarket(ctx context.Context, seller uuid.UUID) ([]Listing, error) {
	rows, err := s.q.ListingsOnMarket(ctx, s.pool, seller, page.MaxFirst)
	listings := make([]Listing, len(rows))
	for i, row := range rows {
		listings[i] = listingOf(row)
	}
	return listings, err
}

// ReserveTx takes the seller's own listing off the market for an auction. Only one taker succeeds.
func (s *Service) ReserveTx(ctx context.Context, tx pgx.Tx, listing, seller uuid.UUID) error {
	n, err := s.q.ListingReserve(ctx, tx, listing, seller)
	if err == nil && n == 0 {
		return ErrListingTaken
	}
	return err
}

// SellTx marks a reserved listing as sold.
func (s *Service) SellTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Reserved, Sold)
}

// ReturnTx puts a sold listing back on the market: its sale has come to nothing, and its seller has it still.
func (s *Service) ReturnTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Sold, Active)
}

// FreeTx puts a reserved listing back on the market.
func (s *Service) FreeTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Reserved, Active)
}

// FreeAllTx is FreeTx for many.
func (s *Service) FreeAllTx(ctx context.Context, tx pgx.Tx, listings []uuid.UUID) error {
	n, err := s.q.ListingsFree(ctx, tx, listings)
	if err == nil && n != int64(len(listings)) {
		return fault.New(fault.Internal, "LISTING_MOVE", "%d of %d listings are reserved", n, len(listings))
	}
	return err
}

func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID, from, to Status) error {
	n, err := s.q.ListingMove(ctx, tx, string(to), listing, string(from))
	if err == nil && n != 1 {
		return fault.New(fault.Internal, "LISTING_MOVE", "listing %s is not %s", listing, from)
	}
	return err
}
