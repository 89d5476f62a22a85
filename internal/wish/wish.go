package wish

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	maxWishes = 1000
	maxWaits  = 200
	wishList  = 'W' // mark cursors of the two lists
	waitList  = 'w'
)

// Wish is that somebody wishes for a listing.
type Wish struct {
	UserID    uuid.UUID
	ListingID uuid.UUID
	Price     *money.Amount // when it was wished for, or what was told last
	WishedAt  time.Time
}

// Cursor is the wish's place in its user's list.
func (w Wish) Cursor() string { return page.Key{At: w.WishedAt, ID: w.ListingID}.Encode(wishList) }

// WishPage is a page of a user's wishes.
type WishPage = page.Page[Wish]

// WishEdge is one of them with its cursor.
type WishEdge = page.Edge[Wish]

func wishOf(row db.Wish) Wish {
	w := Wish{UserID: row.UserID, ListingID: row.ListingID, WishedAt: row.WishedAt}
	if row.Price != nil {
		w.Price = &money.Amount{Minor: *row.Price, Currency: money.Currency(*row.Currency)}
	}
	return w
}

// Wait is that somebody wants to be told when there is some of a variant.
type Wait struct {
	VariantID uuid.UUID
	Since     time.Time
}

// Cursor is the wait's place in its user's list.
func (w Wait) Cursor() string { return page.Key{At: w.Since, ID: w.VariantID}.Encode(waitList) }

// WaitPage is a page of what a user waits for.
type WaitPage = page.Page[Wait]

// WaitEdge is one of them with its cursor.
type WaitEdge = page.Edge[Wait]

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	stock *inventory.Service
	hub   realtime.Publisher
	log   *slog.Logger
}

// Config is what a Service needs.
type Config struct {
	Pool      *pgxpool.Pool
	Inventory *inventory.Service
	Hub       realtime.Publisher
	Log       *slog.Logger
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{pool: c.Pool, q: db.New(), stock: c.Inventory, hub: c.Hub, log: c.Log}
}

// Add has somebody wish for a listing that they may see. Who does already goes on.
func (s *Service) Add(ctx context.Context, user, listing uuid.UUID) (_ Wish, err error) {
	defer fault.Wrap(&err, "wish for listing %s", listing)
	var row db.Wish
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		l, err := s.q.WishListingLock(ctx, tx, listing, user)
		if postgres.NoRows(err) {
			return catalog.ErrListingNotFound.At("listingId")
		}
		if err != nil {
			return err
		}
		if l.SellerID == user {
			return ErrOwnListing.At("listingId")
		}
		insert := db.WishInsertParams{UserID: user, ListingID: listing, Price: l.Price, Currency: l.Currency}
		if err := s.q.WishInsert(ctx, tx, insert); err != nil {
			return err
		}
		n, err := s.q.WishCount(ctx, tx, user)
		if err != nil {
			return err
		}
		if n > maxWishes { // two at once may get one too many: nothing rests on it
			return ErrTooMany
		}
		row, err = s.q.WishOf(ctx, tx, user, listing)
		return err
	})
	return wishOf(row), err
}

// Remove has somebody wish for a listing no more; who does not is as before.
func (s *Service) Remove(ctx context.Context, user, listing uuid.UUID) error {
	return s.q.WishDelete(ctx, s.pool, user, listing)
}

// List is what somebody wishes for, the newest first.
func (s *Service) List(ctx context.Context, user uuid.UUID, args page.Args) (WishPage, error) {
	size, err := args.Size()
	if err != nil {
		return WishPage{}, err
	}
	before, err := args.Before(wishList)
	if err != nil {
		return WishPage{}, err
	}
	rows, err := s.q.WishPage(ctx, s.pool, db.WishPageParams{UserID: user, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	return page.Of(rows, size, wishOf, Wish.Cursor), err
}

// Among reads, for a loader, which of some listings somebody wishes for.
func (s *Service) Among(ctx context.Context, user uuid.UUID, listings []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.q.WishedAmong(ctx, s.pool, user, listings)
	wished := make(map[uuid.UUID]bool, len(listings))
	for _, l := range listings {
		wished[l] = false
	}
	for _, l := range rows {
		wished[l] = true
	}
	return wished, err
}

// Await has somebody told, once, when there is some of a variant. Where there is some already, they are told at once.
func (s *Service) Await(ctx context.Context, user, variant uuid.UUID) (err error) {
	defer fault.Wrap(&err, "wait for variant %s", variant)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		v, err := s.q.WaitVariantLock(ctx, tx, variant, user)
		if postgres.NoRows(err) {
			return catalog.ErrVariantNotFound.At("variantId")
		}
		if err != nil {
			return err
		}
		if v.SellerID == user {
			return ErrOwnListing.At("variantId")
		}
		if err := s.q.WaitStockLock(ctx, tx, variant); err != nil {
			return err
		}
		if err := s.q.WaitBegin(ctx, tx, user, variant); err != nil {
			return err
		}
		n, err := s.q.WaitCount(ctx, tx, user)
		if err == nil && n > maxWaits { // two at once may get one too many
			return ErrTooManyOf
		}
		return err
	})
	if err != nil {
		return err
	}
	// A first stock that came in this very moment saw nobody who waits. It is looked at once more, as the wait is there to be seen.
	free, err := s.stock.Available(ctx, []uuid.UUID{variant})
	if err != nil || free[variant] == 0 {
		return err
	}
	return s.q.WishChangeInsert(ctx, s.pool, variant)
}

// Forget has somebody wait for a variant no more; who does not is as before.
func (s *Service) Forget(ctx context.Context, user, variant uuid.UUID) error {
	return s.q.WaitEnd(ctx, s.pool, user, variant)
}

// Waits are what somebody waits for, the newest first.
func (s *Service) Waits(ctx context.Context, user uuid.UUID, args page.Args) (WaitPage, error) {
	size, err := args.Size()
	if err != nil {
		return WaitPage{}, err
	}
	before, err := args.Before(waitList)
	if err != nil {
		return WaitPage{}, err
	}
	rows, err := s.q.WaitPage(ctx, s.pool, db.WaitPageParams{UserID: user, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	return page.Of(rows, size, func(row db.AvailabilityWait) Wait { return Wait{row.VariantID, row.Since} }, Wait.Cursor), err
}
