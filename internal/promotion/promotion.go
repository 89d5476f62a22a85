package promotion

import (
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
)

// Kind is what a promotion takes off.
type Kind string

// The kinds.
const (
	Percent      Kind = "PERCENT"       // a share of what it covers
	Amount       Kind = "AMOUNT"        // an amount, of all that it covers together
	FreeShipping Kind = "FREE_SHIPPING" // what the shipping costs of orders with something that it covers
)

// Promotion is a seller's, or the platform's.
type Promotion struct {
	ID             uuid.UUID
	SellerID       *uuid.UUID // who funds it; nil: the platform
	Code           *string    // nil: it applies by itself
	Title          string
	Kind           Kind
	BasisPoints    *int
	Amount         *money.Amount
	Most           *money.Amount // that a share or shipping comes to
	Currency       money.Currency
	Minimum        money.Amount // of what it covers, before promotions
	Stackable      bool
	Sellers        []uuid.UUID // what it covers: where all three are empty, all there is
	Listings       []uuid.UUID
	Categories     []uuid.UUID
	StartsAt       time.Time
	EndsAt         *time.Time
	EndedAt        *time.Time // by hand
	MaxUses        *int
	MaxUsesPerUser *int
	Uses           int
	Budget         *money.Amount
	Spent          money.Amount // of the budget
	CreatedAt      time.Time
}

// NodeID is the id that clients see.
func (p Promotion) NodeID() id.ID { return id.Promotion.ID(p.ID) }

// ByPlatform says that the platform funds it.
func (p Promotion) ByPlatform() bool { return p.SellerID == nil }

// ListingIDs are the listings that it covers.
func (p Promotion) ListingIDs() []id.ID { return encoded(id.Listing, p.Listings) }

// CategoryIDs are the categories that it covers.
func (p Promotion) CategoryIDs() []id.ID { return encoded(id.Category, p.Categories) }

// SellerIDs are the sellers whose goods it covers.
func (p Promotion) SellerIDs() []id.ID { return encoded(id.User, p.Sellers) }

func encoded(kind id.Kind, of []uuid.UUID) []id.ID {
	all := make([]id.ID, len(of))
	for i, u := range of {
		all[i] = kind.ID(u)
	}
	return all
}

func promotionOf(row db.Promotion) Promotion {
	c := money.Currency(row.Currency)
	amount := func(minor *int64) *money.Amount {
		if minor == nil {
			return nil
		}
		return new(money.New(*minor, c))
	}
	return Promotion{
		ID: row.ID, SellerID: row.SellerID, Code: row.Code, Title: row.Title, Kind: Kind(row.Kind), BasisPoints: number(row.BasisPoints), Amount: amount(row.Amount), Most: amount(row.Most),
		Currency: c, Minimum: money.New(row.Minimum, c), Stackable: row.Stackable, Sellers: row.SellerIds, Listings: row.ListingIds, Categories: row.CategoryIds,
		StartsAt: row.StartsAt, EndsAt: row.EndsAt, EndedAt: row.EndedAt, MaxUses: number(row.MaxUses), MaxUsesPerUser: number(row.MaxUsesPerUser), Uses: int(row.Uses),
		Budget: amount(row.Budget), Spent: money.New(row.Spent, c), CreatedAt: row.CreatedAt,
	}
}

func number(n *int32) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

func number32(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(*n))
}

// Normalise is a code as it is kept: in upper case, without spaces and hyphens, so that it is found however it is typed. It is empty where it is none.
func Normalise(code string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '-' || unicode.IsSpace(r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		default:
			return r
		}
	}, code)
	if len(clean) < 3 || len(clean) > 40 || strings.ContainsFunc(clean, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return ""
	}
	return clean
}

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	clock clock.Clock
}

// New makes a Service.
func New(pool *pgxpool.Pool, c clock.Clock) *Service {
	return &Service{pool: pool, q: db.New(), clock: c}
}
