package books

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

// The lists' cursors bear these marks.
const (
	accountList = 'K'
	postingList = 'G'
)

// Service is the use cases of this package.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// New makes a Service over a pool.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// Mode is how an account is kept: see docs/ledger.md.
type Mode string

// The modes.
const (
	Guarded  Mode = "GUARDED"
	Recorded Mode = "RECORDED"
)

// Account is an account of the ledger.
type Account struct {
	ledger.Account // its name

	Number   int64 // its own
	Mode     Mode
	Floor    *money.Amount
	Ceiling  *money.Amount
	OpenedAt time.Time
}

// AccountPage is a page of accounts.
type AccountPage = page.Page[Account]

// AccountEdge is an account with its cursor.
type AccountEdge = page.Edge[Account]

// Filter says which accounts are listed: all that it does not exclude.
type Filter struct {
	Owner    *uuid.UUID
	Kind     *ledger.Kind
	Currency *money.Currency
}

// Accounts lists accounts, the newest first.
func (s *Service) Accounts(ctx context.Context, f Filter, args page.Args) (AccountPage, error) {
	size, err := args.Size()
	if err != nil {
		return AccountPage{}, err
	}
	asked := page.AskedFor(f)
	before, err := args.BeforeNumber(accountList, asked)
	if err != nil {
		return AccountPage{}, err
	}
	rows, err := s.accountRows(ctx, f, before, int32(size+1))
	if err != nil {
		return AccountPage{}, fmt.Errorf("list accounts: %w", err)
	}
	return page.Of(rows, size, accountOf, func(a Account) string { return page.EncodeNumber(accountList, a.Number, asked) }), nil
}

func (s *Service) accountRows(ctx context.Context, f Filter, before int64, size int32) ([]db.LedgerAccount, error) {
	kind, currency := (*string)(f.Kind), (*string)(f.Currency)
	switch {
	case f.Owner != nil:
		return s.q.BooksAccountPageOfOwner(ctx, s.pool, db.BooksAccountPageOfOwnerParams{
			Owner: *f.Owner, Before: before, Kind: kind, Currency: currency, PageSize: size,
		})
	case f.Kind != nil:
		return s.q.BooksAccountPageOfKind(ctx, s.pool, db.BooksAccountPageOfKindParams{
			Kind: *kind, Before: before, Currency: currency, PageSize: size,
		})
	default:
		return s.q.BooksAccountPage(ctx, s.pool, before, currency, size)
	}
}

// Account is the account of a name; nil where nothing has touched it yet.
func (s *Service) Account(ctx context.Context, name ledger.Account) (*Account, error) {
	row, err := s.q.BooksAccountNamed(ctx, s.pool, db.BooksAccountNamedParams{
		Owner: name.Owner, Kind: string(name.Kind), Currency: string(name.Currency), Ref: name.Ref,
	})
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	a := accountOf(row)
	return &a, nil
}

// AccountsByNumber reads accounts for a loader.
func (s *Service) AccountsByNumber(ctx context.Context, numbers []int64) (map[int64]Account, error) {
	rows, err := s.q.BooksAccounts(ctx, s.pool, numbers)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	accounts := make(map[int64]Account, len(rows))
	for _, row := range rows {
		accounts[row.ID] = accountOf(row)
	}
	return accounts, nil
}

// Balances reads the balances of accounts for a loader, in their minor units.
func (s *Service) Balances(ctx context.Context, numbers []int64) (map[int64]int64, error) {
	rows, err := s.q.BooksBalances(ctx, s.pool, numbers)
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	balances := make(map[int64]int64, len(rows))
	for _, row := range rows {
		balances[row.ID] = row.Balance
	}
	return balances, nil
}

func accountOf(row db.LedgerAccount) Account {
	c := money.Currency(row.Currency)
	a := Account{
		Number: row.ID, Mode: Recorded, OpenedAt: row.OpenedAt, Floor: amountOf(row.Floor, c), Ceiling: amountOf(row.Ceiling, c),
		Account: ledger.Account{Kind: ledger.Kind(row.Kind), Owner: row.Owner, Ref: row.Ref, Currency: c},
	}
	if row.Mode == "guarded" {
		a.Mode = Guarded
	}
	return a
}

func amountOf(minor *int64, c money.Currency) *money.Amount {
	if minor == nil {
		return nil
	}
	amount := money.New(*minor, c)
	return &amount
}
