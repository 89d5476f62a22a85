package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/taxonomy"
)

// Kind is the kind of a listing.
type Kind string

// The kinds.
const (
	OneOff      Kind = "ONE_OFF"      // a single item that exists once
	Giveaway    Kind = "GIVEAWAY"     // a single item that costs nothing
	Retail      Kind = "RETAIL"       // a product with a stock, in variants
	DigitalCode Kind = "DIGITAL_CODE" // a code that is handed over: a game key, a gift card, a licence
	AuctionLot  Kind = "LOT"          // a single item that is sold by auction only
)

// Once says that there is one of a kind's thing, so that it is reserved and sold as a whole; of the others there is a stock.
func (k Kind) Once() bool { return k == OneOff || k == Giveaway || k == AuctionLot }

// Condition of an item.
type Condition string

// The conditions.
const (
	ConditionNew     Condition = "NEW"
	ConditionLikeNew Condition = "LIKE_NEW"
	ConditionGood    Condition = "GOOD"
	ConditionFair    Condition = "FAIR"
)

var (
	kinds      = []Kind{OneOff, Giveaway, Retail, DigitalCode, AuctionLot}
	conditions = []Condition{ConditionNew, ConditionLikeNew, ConditionGood, ConditionFair}
)

// Marks of the cursors of this package's lists.
const (
	listingList = 'L' // what everybody sees, by when it was published
	ownList     = 'l' // a seller's own, by when it was made
	priceList   = '$'
)

// Listing is something for sale.
type Listing struct {
	ID          uuid.UUID
	SellerID    uuid.UUID
	Kind        Kind
	Title       string
	Description string
	Condition   Condition
	Price       *money.Amount // the lowest of its variants'; nil where the item is sold by auction only, and in drafts
	OptionNames []string      // in what its variants differ
	Status      Status
	CreatedAt   time.Time
	PublishedAt *time.Time
	CategoryID  *uuid.UUID
	BrandID     *uuid.UUID
	MinimumTier *identity.Tier // of those to whom it is offered; nil for everybody

	By *identity.User // who sells it, where it was read with its seller

	beneath Status // what a hidden one is
	private bool   // it was read by a right of the reader's own
}

// Withheld says that not everybody may see it, or that whoever reads it by a right of their own can't tell: its photos go by links.
func (l Listing) Withheld() bool {
	return l.private || l.Status == Draft || l.Status == Hidden || l.PublishedAt == nil || l.MinimumTier != nil
}

// NodeID is the id that clients see.
func (l Listing) NodeID() id.ID { return id.Listing.ID(l.ID) }

func publicCursor(asked page.Asked) func(Listing) string {
	return func(l Listing) string { return page.Key{At: *l.PublishedAt, ID: l.ID}.Encode(listingList, asked) }
}

func ownCursor(asked page.Asked) func(Listing) string {
	return func(l Listing) string { return page.Key{At: l.CreatedAt, ID: l.ID}.Encode(ownList, asked) }
}

// ListingPage is a page of a list of Listings.
type ListingPage = page.Page[Listing]

// ListingEdge is one row of it.
type ListingEdge = page.Edge[Listing]

func listingOf(row db.Listing) Listing {
	l := Listing{
		ID: row.ID, SellerID: row.SellerID, Kind: Kind(row.Kind), Title: row.Title, Description: row.Description,
		Condition: Condition(row.Condition), Price: amountOf(row.Price, row.Currency), OptionNames: row.OptionNames, Status: Status(row.Status),
		CreatedAt: row.CreatedAt, PublishedAt: row.PublishedAt, beneath: Status(row.Status),
		CategoryID: row.CategoryID, BrandID: row.BrandID, MinimumTier: (*identity.Tier)(row.MinimumTier),
	}
	if row.HiddenFrom != nil {
		l.beneath = Status(*row.HiddenFrom)
	}
	return l
}

func publicOf(row db.PublicListing) Listing {
	l := listingOf(db.Listing{
		ID: row.ID, SellerID: row.SellerID, Kind: row.Kind, Title: row.Title, Description: row.Description, Condition: row.Condition,
		Price: row.Price, Currency: row.Currency, Status: row.Status, CreatedAt: row.CreatedAt, OptionNames: row.OptionNames,
		HiddenFrom: row.HiddenFrom, PublishedAt: row.PublishedAt, CategoryID: row.CategoryID, BrandID: row.BrandID, MinimumTier: row.MinimumTier,
	})
	l.By = &identity.User{
		ID: row.SellerID, Email: row.SellerEmail, Name: row.SellerName, Role: identity.Role(row.SellerRole), BirthDate: row.SellerBirthDate,
		Tier: identity.Tier(row.SellerTier), CreatedAt: row.SellerSince,
	}
	return l
}

func privateOf(row db.Listing) Listing {
	l := listingOf(row)
	l.private = true
	return l
}

func amountOf(minor *int64, currency *string) *money.Amount {
	if minor == nil {
		return nil
	}
	return &money.Amount{Minor: *minor, Currency: money.Currency(*currency)}
}

// columnsOf is an amount as two columns.
func columnsOf(a *money.Amount) (minor *int64, currency *string) {
	if a == nil {
		return nil, nil
	}
	return &a.Minor, (*string)(&a.Currency)
}

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	media *media.Service

	taxonomy *taxonomy.Service
}

// New makes the service.
func New(pool *pgxpool.Pool, photos *media.Service) *Service {
	return &Service{pool: pool, q: db.New(), media: photos, taxonomy: taxonomy.New(pool)}
}

// Filter narrows a list of listings; what is nil does not.
type Filter struct {
	Seller *uuid.UUID
	Kind   *Kind
	Status *Status // nil for what is on the market or sold

	Category *uuid.UUID // with all below it
	Brand    *uuid.UUID
}

// statuses are those that a list shows where nobody asks for one.
var statuses = []string{string(Active), string(Reserved), string(Sold)}

// List is the newest listings that everybody may see.
func (s *Service) List(ctx context.Context, f Filter, args page.Args) (ListingPage, error) {
	size, err := args.Size()
	if err != nil {
		return ListingPage{}, err
	}
	asked := page.AskedFor(f)
	before, err := args.Before(listingList, asked)
	if err != nil {
		return ListingPage{}, err
	}
	wanted := statuses
	if f.Status != nil {
		wanted = []string{string(*f.Status)}
	}
	var within []uuid.UUID
	if f.Category != nil {
		if within, err = s.taxonomy.Within(ctx, *f.Category); err != nil || len(within) == 0 {
			return ListingPage{}, err
		}
	}
	if f == (Filter{}) {
		rows, err := s.q.ListingPageOfAll(ctx, s.pool, before.At, before.ID, int32(size+1))
		return page.Of(rows, size, publicOf, publicCursor(asked)), err
	}
	rows, err := s.q.ListingPage(ctx, s.pool, db.ListingPageParams{
		BeforeAt: before.At, BeforeID: before.ID, Statuses: wanted, SellerID: f.Seller, Kind: (*string)(f.Kind), Categories: within, BrandID: f.Brand, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, publicOf, publicCursor(asked)), err
}

// Own is a seller's listings, drafts and hidden ones among them, the newest first.
func (s *Service) Own(ctx context.Context, seller uuid.UUID, status *Status, args page.Args) (ListingPage, error) {
	size, err := args.Size()
	if err != nil {
		return ListingPage{}, err
	}
	asked := page.AskedFor(status)
	before, err := args.Before(ownList, asked)
	if err != nil {
		return ListingPage{}, err
	}
	rows, err := s.q.ListingsOfSeller(ctx, s.pool, db.ListingsOfSellerParams{
		SellerID: seller, BeforeAt: before.At, BeforeID: before.ID, Status: (*string)(status), PageSize: int32(size + 1),
	})
	return page.Of(rows, size, listingOf, ownCursor(asked)), err
}

// ByID reads listings for a loader, whether or not everybody may see them: for who has a right of their own, as the parties of an
// order have. What is shown to others comes from Public or SeenBy.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Listing, error) {
	rows, err := s.q.ListingsByID(ctx, s.pool, ids)
	return byID(rows, privateOf), err
}

// Public reads, for a loader, what everybody may see of some listings.
func (s *Service) Public(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Listing, error) {
	rows, err := s.q.ListingsPublic(ctx, s.pool, ids)
	return byID(rows, publicOf), err
}

// SeenBy reads, for a loader, what one person may see of some listings: besides what is public what is offered to
// their tier, their own, and all where they are staff.
func (s *Service) SeenBy(ctx context.Context, viewer uuid.UUID, staff bool, ids []uuid.UUID) (map[uuid.UUID]Listing, error) {
	rows, err := s.q.ListingsSeenBy(ctx, s.pool, ids, viewer, staff)
	return byID(rows, func(row db.Listing) Listing {
		l := listingOf(row)
		l.private = staff || l.SellerID == viewer
		return l
	}), err
}

func byID[R any](rows []R, to func(R) Listing) map[uuid.UUID]Listing {
	listings := make(map[uuid.UUID]Listing, len(rows))
	for _, row := range rows {
		l := to(row)
		listings[l.ID] = l
	}
	return listings
}

// Get reads one listing, whether or not everybody may see it.
func (s *Service) Get(ctx context.Context, listing uuid.UUID) (Listing, error) {
	return only(s.ByID(ctx, []uuid.UUID{listing}))
}

// GetSeenBy reads one listing that a person may see.
func (s *Service) GetSeenBy(ctx context.Context, viewer, listing uuid.UUID) (Listing, error) {
	return only(s.SeenBy(ctx, viewer, false, []uuid.UUID{listing}))
}

// only is the one listing that was asked for.
func only(found map[uuid.UUID]Listing, err error) (Listing, error) {
	if err != nil {
		return Listing{}, err
	}
	for _, l := range found {
		return l, nil
	}
	return Listing{}, ErrListingNotFound
}

// OnMarket is a seller's newest listings that are on the market or in a lot, a hundred at most.
func (s *Service) OnMarket(ctx context.Context, seller uuid.UUID) ([]Listing, error) {
	rows, err := s.q.ListingsOnMarket(ctx, s.pool, seller, page.MaxFirst)
	listings := make([]Listing, len(rows))
	for i, row := range rows {
		listings[i] = listingOf(row)
	}
	return listings, err
}

func isKind(k Kind) bool { return slices.Contains(kinds, k) }
