package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/ledger"
)

// reads are times to read a balance, of accounts with short and long histories.
type reads struct {
	short, long int64 // postings
	rows        []read
}

type read struct {
	label       string
	short, long time.Duration // median of one read
}

const shortHistory = 1000

// loadHistories gives four accounts their histories: the wallets of users 1 and 2 and two bank accounts. Nothing but
// postings is loaded, under a role for which triggers are off: a read looks at neither entries nor other accounts.
func loadHistories(ctx context.Context, b *books, long int64) error {
	return b.load(ctx,
		"SET LOCAL session_replication_role = replica",
		"SET LOCAL maintenance_work_mem = '512MB'",
		`INSERT INTO ledger.account (id, kind, owner, ref, currency, mode, floor) OVERRIDING SYSTEM VALUE VALUES
			(300001, 'wallet', '00000000-0000-4000-8000-000000000001', '', 'EUR', 'guarded', 0),
			(300002, 'wallet', '00000000-0000-4000-8000-000000000002', '', 'EUR', 'guarded', 0),
			(300003, 'bank', '00000000-0000-0000-0000-000000000000', 'short', 'EUR', 'recorded', NULL),
			(300004, 'bank', '00000000-0000-0000-0000-000000000000', 'long', 'EUR', 'recorded', NULL)`,
		// Building an index is faster than growing it.
		"ALTER TABLE ledger.posting DROP CONSTRAINT posting_pkey, DROP CONSTRAINT posting_account_id_seq_key",
		"DROP INDEX ledger.posting_tail_idx",
		fmt.Sprintf(`INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
			SELECT 1000000000 + n, a.id, 'EUR', CASE WHEN a.guarded THEN 1 ELSE -1 END,
			       CASE WHEN a.guarded THEN n END, CASE WHEN a.guarded THEN n END
			FROM (VALUES (300001, true, %[1]d), (300002, true, %[2]d), (300003, false, %[1]d), (300004, false, %[2]d))
			     a (id, guarded, postings), generate_series(1, a.postings) n`, shortHistory, long),
		"INSERT INTO ledger.balance SELECT account_id, sum(amount), count(*) FROM ledger.posting WHERE account_id IN (300001, 300002) GROUP BY account_id",
		"INSERT INTO ledger.rollup (account_id) VALUES (300003), (300004)",
		"ALTER TABLE ledger.posting ADD PRIMARY KEY (entry_id, account_id), ADD UNIQUE (account_id, seq)",
		tailIndex)
}

// tailIndex is the migration's.
const tailIndex = "CREATE INDEX posting_tail_idx ON ledger.posting (account_id, xid, entry_id) INCLUDE (amount) WHERE seq IS NULL"

// load runs statements in one transaction, then does what the server and its jobs do sooner or later.
func (b *books) load(ctx context.Context, statements ...string) error {
	if err := pgx.BeginFunc(ctx, b.admin, func(tx pgx.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%.60s…: %w", statement, err)
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if _, err := ledger.RollUp(ctx, b.admin); err != nil {
		return err
	}
	return b.exec(ctx, "VACUUM (ANALYZE) ledger.entry", "VACUUM (ANALYZE) ledger.posting", "ANALYZE ledger.account", "ANALYZE ledger.balance", "CHECKPOINT")
}

// measureReads reads the balances in turns, so that what else the machine does meets them all.
func measureReads(ctx context.Context, b *books, long int64, out io.Writer) (reads, error) {
	fmt.Fprintf(out, "balances: loading %d postings on each of two accounts\n", long)
	if err := loadHistories(ctx, b, long); err != nil {
		return reads{}, err
	}
	user := func(n byte) uuid.UUID { return uuid.UUID{6: 0x40, 8: 0x80, 15: n} }
	accounts := []struct {
		account ledger.Account
		want    int64
	}{
		{ledger.Account{Kind: ledger.Wallet, Owner: user(1), Currency: "EUR"}, shortHistory},
		{ledger.Account{Kind: ledger.Wallet, Owner: user(2), Currency: "EUR"}, long},
		{ledger.Account{Kind: ledger.Bank, Ref: "short", Currency: "EUR"}, -shortHistory},
		{ledger.Account{Kind: ledger.Bank, Ref: "long", Currency: "EUR"}, -long},
	}
	const rounds, warm = 3000, 200
	conn, err := b.admin.Acquire(ctx)
	if err != nil {
		return reads{}, err
	}
	defer conn.Release()
	times := make([][]float64, len(accounts))
	for round := range rounds + warm {
		for i, a := range accounts {
			begun := time.Now()
			got, err := ledger.Balance(ctx, conn, a.account)
			took := time.Since(begun)
			if err != nil || got != a.want {
				return reads{}, fmt.Errorf("the balance is %d, want %d: %w", got, a.want, err)
			}
			if round >= warm {
				times[i] = append(times[i], float64(took))
			}
		}
	}
	at := func(i int) time.Duration { return time.Duration(median(times[i])) }
	return reads{short: shortHistory, long: long, rows: []read{
		{"guarded (a wallet)", at(0), at(1)}, {"recorded (the bank), rolled up", at(2), at(3)},
	}}, nil
}

// growth is the worse of the accounts' ratios, long history over short.
func (r reads) growth() (worst float64) {
	for _, row := range r.rows {
		worst = max(worst, float64(row.long)/float64(row.short))
	}
	return worst
}

func (r reads) print(out io.Writer) {
	fmt.Fprintf(out, "\nreading a balance, microseconds (median) %10d %10d postings\n", r.short, r.long)
	for _, row := range r.rows {
		fmt.Fprintf(out, "    %-38s %8.1f %10.1f\n", row.label, micros(row.short), micros(row.long))
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
