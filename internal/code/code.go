package code

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

const revealList = 'C' // marks cursors of reveals

// Code is a code that was sold, without what it says.
type Code struct {
	ID         uuid.UUID
	VariantID  uuid.UUID
	OrderID    uuid.UUID
	SoldAt     time.Time
	RevealedAt *time.Time // for the first time; nil while its buyer has not looked
}

// NodeID is the id that clients see.
func (c Code) NodeID() id.ID { return id.Code.ID(c.ID) }

// Reveal is one time that a code was shown.
type Reveal struct {
	CodeID  uuid.UUID
	OrderID uuid.UUID
	UserID  uuid.UUID
	At      time.Time

	number int64
}

// Code and Order are the ids that clients see.
func (r Reveal) Code() id.ID { return id.Code.ID(r.CodeID) }

// Order is the id of the order that the code was sold to.
func (r Reveal) Order() id.ID { return id.Order.ID(r.OrderID) }

// RevealPage is a page of who was shown codes.
type RevealPage = page.Page[Reveal]

// RevealEdge is one of them with its cursor.
type RevealEdge = page.Edge[Reveal]

// Service holds the use cases of this package.
type Service struct {
	pool    *pgxpool.Pool
	q       *db.Queries
	keys    *Keys
	catalog *catalog.Service
	stock   *inventory.Service
}

// New makes a Service.
func New(pool *pgxpool.Pool, keys *Keys, listings *catalog.Service, stock *inventory.Service) *Service {
	return &Service{pool: pool, q: db.New(), keys: keys, catalog: listings, stock: stock}
}

// Digest is a keyed hash of something that codes are part of.
func (s *Service) Digest(of []byte) [32]byte { return s.keys.Digest("request", of) }

// SellTx gives an order so many codes of a variant, in the transaction that pays for them. What is sold was reserved, so that too few
// is our mistake and undoes it all.
func (s *Service) SellTx(ctx context.Context, tx pgx.Tx, order, variant uuid.UUID, quantity int) (err error) {
	defer fault.Wrap(&err, "sell codes of %s", variant)
	sold, err := s.q.CodesSell(ctx, tx, order, variant, int32(quantity))
	if err == nil && len(sold) != quantity {
		err = fmt.Errorf("%d of %d codes are there", len(sold), quantity)
	}
	return err
}

// OfOrders reads, for a loader, the codes that orders were given.
func (s *Service) OfOrders(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Code, error) {
	rows, err := s.q.CodesOfOrders(ctx, s.pool, orders)
	codes := make(map[uuid.UUID][]Code, len(orders))
	for _, row := range rows {
		codes[row.OrderID] = append(codes[row.OrderID], Code{
			ID: row.ID, VariantID: row.VariantID, OrderID: row.OrderID, SoldAt: row.SoldAt, RevealedAt: row.RevealedAt,
		})
	}
	return codes, err
}

// Reveal shows a code to who bought it. That it was shown is kept before anybody reads it.
func (s *Service) Reveal(ctx context.Context, buyer, code uuid.UUID) (plain string, err error) {
	defer fault.Wrap(&err, "reveal code %s", code)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.q.CodeOfBuyer(ctx, tx, code, buyer)
		switch {
		case postgres.NoRows(err):
			return ErrNotFound.At("codeId")
		case err != nil:
			return err
		case row.Payment != "PAID" && row.Payment != "SETTLED":
			return ErrRefunded.At("codeId")
		}
		w := wrapped{batch: row.BatchID, variant: row.VariantID, keyID: row.KeyID, key: row.WrappedKey}
		if plain, err = s.keys.open(w, row.ID, row.Sealed); err != nil {
			return ErrUnreadable.Because(err)
		}
		return s.q.CodeRevealInsert(ctx, tx, row.ID, row.VariantID, buyer)
	})
	if err != nil {
		return "", err
	}
	return plain, nil
}

// Reveals is who was shown codes of a variant, the newest first: for its seller, and for staff.
func (s *Service) Reveals(ctx context.Context, viewer, variant uuid.UUID, staff bool, args page.Args) (RevealPage, error) {
	size, err := args.Size()
	if err != nil {
		return RevealPage{}, err
	}
	before, err := args.BeforeNumber(revealList)
	if err != nil {
		return RevealPage{}, err
	}
	of, err := s.catalog.VariantsByID(ctx, []uuid.UUID{variant})
	if err != nil {
		return RevealPage{}, err
	}
	if v, there := of[variant]; !there || (v.SellerID != viewer && !staff) {
		return RevealPage{}, catalog.ErrVariantNotFound
	}
	rows, err := s.q.CodeRevealPage(ctx, s.pool, variant, before, int32(size+1))
	return page.Of(rows, size, revealOf, func(r Reveal) string { return page.EncodeNumber(revealList, r.number) }), err
}

func revealOf(row db.CodeRevealPageRow) Reveal {
	r := row.CodeReveal
	return Reveal{CodeID: r.CodeID, OrderID: row.OrderID, UserID: r.UserID, At: r.RevealedAt, number: r.ID}
}
