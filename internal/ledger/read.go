package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
)

// Balance is an account's balance in its minor unit; an account that nothing has touched has none.
func Balance(ctx context.Context, q db.DBTX, a Account) (int64, error) {
	balance, err := db.New().LedgerBalance(ctx, q, db.LedgerBalanceParams{
		Owner: a.Owner, Kind: string(a.Kind), Currency: string(a.Currency), Ref: a.Ref,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("balance of %s of %s: %w", a.Kind, a.Owner, err)
	}
	return balance, nil
}

// OfCause is what the entries of one cause have left on an account. Where its caller holds the lock that all of them were posted under, it is what is
// there of it now.
func OfCause(ctx context.Context, q db.DBTX, a Account, cause Cause) (int64, error) {
	amount, err := db.New().LedgerOfCause(ctx, q, db.LedgerOfCauseParams{
		CauseKind: cause.Kind, CauseID: cause.ID, Owner: a.Owner, Kind: string(a.Kind), Currency: string(a.Currency), Ref: a.Ref,
	})
	if err != nil {
		return 0, fmt.Errorf("%s of %s by %s %s: %w", a.Kind, a.Owner, cause.Kind, cause.ID, err)
	}
	return amount, nil
}

// WalletBalance is what a user has in one currency.
type WalletBalance struct {
	Owner     uuid.UUID
	Currency  money.Currency
	Available money.Amount
	Held      money.Amount
	Frozen    bool // nothing may leave it
}

// Wallets is what a user has, one for each currency that was ever used, by currency.
func Wallets(ctx context.Context, q db.DBTX, user uuid.UUID) ([]WalletBalance, error) {
	rows, err := db.New().LedgerWallets(ctx, q, []uuid.UUID{user})
	if err != nil {
		return nil, fmt.Errorf("wallets of %s: %w", user, err)
	}
	wallets := make([]WalletBalance, len(rows))
	for i, row := range rows {
		c := money.Currency(row.Currency)
		wallets[i] = WalletBalance{Owner: user, Currency: c, Available: money.New(row.Available, c), Held: money.New(row.Held, c), Frozen: row.Frozen}
	}
	return wallets, nil
}

// OwnedBalance is the balance of one of an owner's accounts.
type OwnedBalance struct {
	Kind    Kind
	Balance money.Amount
}

// Owned is the balances of an owner's guarded accounts of some kinds, by currency and kind.
func Owned(ctx context.Context, q db.DBTX, owner uuid.UUID, kinds ...Kind) ([]OwnedBalance, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	rows, err := db.New().LedgerOwned(ctx, q, owner, names)
	if err != nil {
		return nil, fmt.Errorf("accounts of %s: %w", owner, err)
	}
	balances := make([]OwnedBalance, len(rows))
	for i, row := range rows {
		balances[i] = OwnedBalance{Kind: Kind(row.Kind), Balance: money.New(row.Balance, money.Currency(row.Currency))}
	}
	return balances, nil
}

// Line is one posting on a guarded account, with what caused it; of a reversal, with what caused the entry that it takes
// back.
type Line struct {
	Number  int64 // of the account's postings, from 1 without a hole
	Entry   int64
	Flow    Flow
	Cause   Cause
	Amount  money.Amount
	Balance money.Amount // after it
	At      time.Time
}

// CauseKind is what kind of thing caused the line.
func (l Line) CauseKind() string { return l.Cause.Kind }

// Statement is a guarded account's postings, newest first: those with a number below before, at most limit. Begin
// with before = 0 for the newest.
func Statement(ctx context.Context, q db.DBTX, a Account, before int64, limit int32) ([]Line, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := db.New().LedgerStatement(ctx, q, db.LedgerStatementParams{
		Owner: a.Owner, Kind: string(a.Kind), Currency: string(a.Currency), Ref: a.Ref, Before: before, PageSize: limit,
	})
	if err != nil {
		return nil, fmt.Errorf("statement of %s of %s: %w", a.Kind, a.Owner, err)
	}
	lines := make([]Line, len(rows))
	for i, row := range rows {
		lines[i] = Line{
			Number: row.Seq, Entry: row.EntryID, Flow: Flow(row.Flow), Cause: Cause{Kind: row.CauseKind, ID: row.CauseID},
			Amount: money.New(row.Amount, a.Currency), Balance: money.New(row.Balance, a.Currency), At: row.PostedAt,
		}
	}
	return lines, nil
}

// RollUp sums the recorded accounts up to what is certainly complete, so that reading them stays cheap. It is
// correct at any time, by any number of servers.
func RollUp(ctx context.Context, pool *pgxpool.Pool) (moved int64, err error) {
	moved, err = db.New().LedgerRollUp(ctx, pool)
	if err != nil {
		return 0, fmt.Errorf("roll up the ledger: %w", err)
	}
	return moved, nil
}
