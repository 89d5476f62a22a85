package referral

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Status is how far a referral has come.
type Status string

// The statuses. Matured and Cancelled are final.
const (
	Waiting   Status = "WAITING"   // for the referee's first purchase
	Pending   Status = "PENDING"   // until the order can no longer be returned
	Matured   Status = "MATURED"   // in the referrer's wallet
	Cancelled Status = "CANCELLED" // the order was undone
)

// Referral is one user brought by another, as the referrer sees it.
type Referral struct {
	ID          uuid.UUID
	Referrer    uuid.UUID
	RefereeName string
	Status      Status
	Commission  *money.Amount // from Pending on
	JoinedAt    time.Time
	MaturesAt   *time.Time // from Pending on
	ResolvedAt  *time.Time
}

// NodeID is the id that clients see.
func (r Referral) NodeID() id.ID { return id.Referral.ID(r.ID) }

// Program is what a user sees of their own referrals; each part of it is a use case of Service.
type Program struct{ User uuid.UUID }

// ReferralPage is a page of a list of Referrals.
type ReferralPage = page.Page[Referral]

// ReferralEdge is one row of it.
type ReferralEdge = page.Edge[Referral]

// Config is what a Service is made of; Pool is required.
type Config struct {
	Pool        *pgxpool.Pool
	Hub         realtime.Publisher // wakes the users who are told; none where nil
	Log         *slog.Logger
	BasisPoints int64         // of an order's total that its buyer's referrer gets
	Window      time.Duration // from an order's completion to the commission's maturity, above zero
}

// Service is the use cases of referral.
type Service struct {
	pool        *pgxpool.Pool
	q           *db.Queries
	hub         realtime.Publisher
	log         *slog.Logger
	basisPoints int64
	window      time.Duration
}

// New makes a Service.
func New(config Config) *Service {
	s := &Service{
		pool: config.Pool, q: db.New(), hub: config.Hub, log: config.Log,
		basisPoints: config.BasisPoints, window: config.Window,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// PendingOf is what a user may still earn, by currency.
func (s *Service) PendingOf(ctx context.Context, user uuid.UUID) ([]money.Amount, error) {
	owned, err := ledger.Owned(ctx, s.pool, user, ledger.ReferralPending)
	if err != nil {
		return nil, err
	}
	pending := []money.Amount{}
	for _, account := range owned {
		if account.Balance.Minor > 0 {
			pending = append(pending, account.Balance)
		}
	}
	return pending, nil
}

// EarnedBy is what a user has earned so far, by currency.
func (s *Service) EarnedBy(ctx context.Context, user uuid.UUID) ([]money.Amount, error) {
	rows, err := s.q.ReferralEarned(ctx, s.pool, user)
	if err != nil {
		return nil, fmt.Errorf("sum the commissions of %s: %w", user, err)
	}
	earned := make([]money.Amount, len(rows))
	for i, row := range rows {
		earned[i] = money.New(row.Earned, money.Currency(row.Currency))
	}
	return earned, nil
}

// Get is one of the referrals of a referrer.
func (s *Service) Get(ctx context.Context, referrer, id uuid.UUID) (Referral, error) {
	row, err := s.q.ReferralOfReferrer(ctx, s.pool, id, referrer)
	if postgres.NoRows(err) {
		return Referral{}, ErrNotFound
	}
	if err != nil {
		return Referral{}, fmt.Errorf("read a referral: %w", err)
	}
	return referralOf(row.Referral, row.RefereeName), nil
}

// ByID reads, for a loader, those of some referrals that are the referrer's own.
func (s *Service) ByID(ctx context.Context, referrer uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Referral, error) {
	rows, err := s.q.ReferralsOfReferrer(ctx, s.pool, ids, referrer)
	if err != nil {
		return nil, fmt.Errorf("read referrals: %w", err)
	}
	referrals := make(map[uuid.UUID]Referral, len(rows))
	for _, row := range rows {
		referrals[row.Referral.ID] = referralOf(row.Referral, row.RefereeName)
	}
	return referrals, nil
}

const referredList = 'R' // marks the cursors of the list

// List is whom a user has brought, the newest first.
func (s *Service) List(ctx context.Context, referrer uuid.UUID, args page.Args) (ReferralPage, error) {
	size, err := args.Size()
	if err != nil {
		return ReferralPage{}, err
	}
	before, err := args.Before(referredList)
	if err != nil {
		return ReferralPage{}, err
	}
	rows, err := s.q.ReferralPage(ctx, s.pool, db.ReferralPageParams{
		ReferrerID: referrer, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	of := func(row db.ReferralPageRow) Referral { return referralOf(row.Referral, row.RefereeName) }
	cursor := func(r Referral) string { return page.Key{At: r.JoinedAt, ID: r.ID}.Encode(referredList) }
	return page.Of(rows, size, of, cursor), err
}

func referralOf(row db.Referral, refereeName string) Referral {
	r := Referral{
		ID: row.ID, Referrer: row.ReferrerID, RefereeName: refereeName, Status: Status(row.Status),
		JoinedAt: row.JoinedAt, MaturesAt: row.MaturesAt, ResolvedAt: row.ResolvedAt,
	}
	if r.Status != Waiting {
		r.Commission = new(commissionOf(row))
	}
	return r
}

// commissionOf is the commission of a row that has one.
func commissionOf(row db.Referral) money.Amount {
	if row.Amount == nil || row.Currency == nil {
		return money.Amount{}
	}
	return money.New(*row.Amount, money.Currency(*row.Currency))
}
