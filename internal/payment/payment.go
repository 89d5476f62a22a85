package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/realtime"
)

// Jobs enqueues a job inside a transaction; a River client does.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Config is what a Service is made of; Pool, Provider and Jobs are required.
type Config struct {
	Pool     *pgxpool.Pool
	Provider Provider
	Jobs     Jobs
	Log      *slog.Logger
	Clock    clock.Clock        // of job schedules alone
	Hub      realtime.Publisher // wakes the users who are told; none where nil

	WebhookSecret string        // of the signatures; webhooks are refused where it is empty
	ReturnURL     func() string // where a card's holder comes back to after 3-D Secure; nil or empty: no redirect is offered

	Rates            *fx.Service // what currencies are worth; nothing is exchanged where nil
	ExchangeMarginBP int64       // what the platform keeps of an exchange, in basis points
}

// Service is the use cases of payment.
type Service struct {
	pool     *pgxpool.Pool
	provider Provider
	jobs     Jobs
	log      *slog.Logger
	clock    clock.Clock
	hub      realtime.Publisher
	orders   Orders
	q        *db.Queries

	webhookSecret string
	returnURL     func() string

	rates    *fx.Service
	marginBP int64
}

// New makes a Service.
func New(config Config) *Service {
	s := &Service{
		pool: config.Pool, provider: config.Provider, jobs: config.Jobs,
		log: config.Log, clock: config.Clock, hub: config.Hub, q: db.New(),
		webhookSecret: config.WebhookSecret, returnURL: config.ReturnURL,
		rates: config.Rates, marginBP: config.ExchangeMarginBP,
	}
	if s.returnURL == nil {
		s.returnURL = func() string { return "" }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	return s
}

// Wallets are a user's wallets, one for each currency that ever had money, ordered by currency.
func (s *Service) Wallets(ctx context.Context, user uuid.UUID) ([]ledger.WalletBalance, error) {
	return ledger.Wallets(ctx, s.pool, user)
}

// SellerFunds is what a seller has earned in one currency and not been paid out yet.
type SellerFunds struct {
	Pending   money.Amount // not theirs to withdraw yet
	Available money.Amount
}

// SellerBalance is a seller's earnings by currency, in the order of the currencies' codes; a currency
// in which the seller never earned is left out.
func (s *Service) SellerBalance(ctx context.Context, seller uuid.UUID) ([]SellerFunds, error) {
	owned, err := ledger.Owned(ctx, s.pool, seller, ledger.SellerPending, ledger.SellerAvailable)
	if err != nil {
		return nil, err
	}
	var all []SellerFunds
	for _, account := range owned { // by currency
		c := account.Balance.Currency
		if n := len(all); n == 0 || all[n-1].Available.Currency != c {
			all = append(all, SellerFunds{Pending: money.New(0, c), Available: money.New(0, c)})
		}
		funds := &all[len(all)-1]
		if account.Kind == ledger.SellerPending {
			funds.Pending = account.Balance
		} else {
			funds.Available = account.Balance
		}
	}
	return all, nil
}

// TopUpOf is one of the user's own top-ups.
func (s *Service) TopUpOf(ctx context.Context, user, id uuid.UUID) (TopUp, error) {
	row, err := s.q.TopUpOfUser(ctx, s.pool, id, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return TopUp{}, ErrTopUpNotFound
	}
	if err != nil {
		return TopUp{}, fmt.Errorf("read a top-up: %w", err)
	}
	return topUpFrom(row), nil
}

// TopUpsOf reads, for a loader, those of some top-ups that are the user's own.
func (s *Service) TopUpsOf(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]TopUp, error) {
	rows, err := s.q.TopUpsOfUser(ctx, s.pool, ids, user)
	if err != nil {
		return nil, fmt.Errorf("read top-ups: %w", err)
	}
	topUps := make(map[uuid.UUID]TopUp, len(rows))
	for _, row := range rows {
		topUps[row.ID] = topUpFrom(row)
	}
	return topUps, nil
}

// TopUpsByID reads anybody's top-ups for a loader; an id that names none is absent from the map.
func (s *Service) TopUpsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]TopUp, error) {
	rows, err := s.q.TopUpsByID(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read top-ups: %w", err)
	}
	topUps := make(map[uuid.UUID]TopUp, len(rows))
	for _, row := range rows {
		topUps[row.ID] = topUpFrom(row)
	}
	return topUps, nil
}
