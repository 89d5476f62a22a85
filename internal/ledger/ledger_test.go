package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pgtest"
)

const eur = money.Currency("EUR")

func wallet(user uuid.UUID) ledger.Account {
	return ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: eur}
}

func held(user uuid.UUID) ledger.Account {
	return ledger.Account{Kind: ledger.WalletHeld, Owner: user, Currency: eur}
}

func platform(kind ledger.Kind) ledger.Account { return ledger.Account{Kind: kind, Currency: eur} }

var cause = ledger.Cause{Kind: "test", ID: uuid.MustParse("018f0000-0000-7000-8000-000000000001")}

// reporter is what a property needs of a test. The properties that mutants_test.go turns on broken ledgers take it, so
// that a failure there is what is wanted.
type reporter interface {
	Helper()
	Context() context.Context
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// move is an entry of two legs.
func move(key string, amount int64, from, to ledger.Account) ledger.Entry {
	return ledger.Entry{Key: key, Flow: ledger.FlowHold, Cause: cause, Legs: []ledger.Leg{
		{Account: from, Amount: -amount}, {Account: to, Amount: amount},
	}}
}

// post posts in a transaction of its own, without the retries that would hide a deadlock.
func post(ctx context.Context, pool *pgxpool.Pool, e ledger.Entry) (posted ledger.Posted, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		posted, err = ledger.PostTx(ctx, tx, e)
		return err
	})
	return posted, err
}

func mustPost(t reporter, pool *pgxpool.Pool, e ledger.Entry) ledger.Posted {
	t.Helper()
	posted, err := post(t.Context(), pool, e)
	if err != nil {
		t.Fatal(err)
	}
	return posted
}

// fund is a user with money in their wallet.
func fund(t reporter, pool *pgxpool.Pool, amount int64) uuid.UUID {
	t.Helper()
	user := id.New()
	fundUser(t, pool, user, amount)
	return user
}

func fundUser(t reporter, pool *pgxpool.Pool, user uuid.UUID, amount int64) {
	t.Helper()
	mustPost(t, pool, move("fund:"+user.String(), amount, platform(ledger.Bank), wallet(user)))
}

func wantBalance(t reporter, q db.DBTX, a ledger.Account, want int64) {
	t.Helper()
	if got, err := ledger.Balance(t.Context(), q, a); err != nil || got != want {
		t.Errorf("balance of %s of %s = %d, %v; want %d", a.Kind, a.Owner, got, err, want)
	}
}

// wantSound runs the invariants of the books themselves; those that tie them to orders and holds need
// orders and holds, which these tests do without.
func wantSound(t reporter, database *pgtest.Database) {
	t.Helper()
	if _, err := audit.Run(t.Context(), database.Pool, audit.Options{}, func(r audit.Result) {
		if !r.OK() && (strings.HasPrefix(r.Name, "entry_") || strings.HasPrefix(r.Name, "account_")) {
			t.Errorf("%s %d rows: %v", r.Sentence, r.Count, r.Findings)
		}
	}); err != nil {
		t.Error(err)
	}
}

// fingerprint is everything that a refused entry might have left behind.
func fingerprint(t reporter, q db.DBTX) (text string) {
	t.Helper()
	const query = `SELECT concat_ws(' ',
		(SELECT count(*) || ' accounts' FROM ledger.account), (SELECT count(*) || ' entries' FROM ledger.entry),
		(SELECT count(*) || ' postings' FROM ledger.posting),
		(SELECT sum(seq) || ' guarded; ' || sum(balance * account_id::numeric) FROM ledger.balance))`
	if err := q.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func sqlState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return fmt.Sprint(err)
}
