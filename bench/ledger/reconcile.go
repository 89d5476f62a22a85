package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/reconcile"
)

// generated is a provider with so many charges, 100 a page, that takes no time to list them.
type generated int64

// Records implements payment.Books.
func (g generated) Records(_ context.Context, _ time.Time, after string) (page []payment.Record, more bool, err error) {
	var at int64
	if after != "" {
		if _, err := fmt.Sscanf(after, "txn_%d", &at); err != nil {
			return nil, false, err
		}
	}
	for n := at + 1; n <= min(at+100, int64(g)); n++ {
		page = append(page, payment.Record{
			ID: fmt.Sprintf("txn_%d", n), Type: "charge", Kind: "CHARGE", Gross: money.New(1, "EUR"), Fee: money.New(0, "EUR"),
			Source: fmt.Sprintf("ch_%d", n), CreatedAt: time.Unix(1_700_000_000+n, 0),
		})
	}
	return page, at+100 < int64(g), nil
}

// Record implements payment.Books.
func (g generated) Record(context.Context, string) (payment.Record, error) {
	return payment.Record{}, payment.ErrNoRecord
}

// loadEntries makes n entries of two legs, from the bank into 50 000 wallets, as post() would have left them. Triggers are off while it loads, and indexes are built when the rows are there.
func loadEntries(ctx context.Context, b *books, n int64) error {
	const wallets = 50_000
	return b.load(ctx,
		"SET LOCAL session_replication_role = replica",
		"SET LOCAL maintenance_work_mem = '512MB'",
		fmt.Sprintf(`INSERT INTO ledger.account (id, kind, owner, currency, mode, floor) OVERRIDING SYSTEM VALUE
			SELECT n, 'wallet', gen_random_uuid(), 'EUR', 'guarded', 0 FROM generate_series(1, %d) n`, wallets),
		`INSERT INTO ledger.account (id, kind, currency, mode) OVERRIDING SYSTEM VALUE VALUES (1000000, 'bank', 'EUR', 'recorded')`,
		"ALTER TABLE ledger.posting DROP CONSTRAINT posting_pkey, DROP CONSTRAINT posting_account_id_seq_key",
		"DROP INDEX ledger.posting_tail_idx",
		"DROP INDEX ledger.entry_cause_idx",
		fmt.Sprintf(`INSERT INTO ledger.entry (id, key, request_hash, flow, cause_kind, cause_id) OVERRIDING SYSTEM VALUE
			SELECT n, 'load:' || n, sha256(''), 'hold', 'bench', '00000000-0000-4000-8000-000000000001'
			FROM generate_series(0, %d) n`, n-1),
		fmt.Sprintf(`INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
			SELECT n, l.account, 'EUR', l.amount, l.seq, l.seq
			FROM generate_series(0, %[2]d) n,
			LATERAL (VALUES (1 + n %% %[1]d, 1, 1 + n / %[1]d), (1000000, -1, NULL)) l (account, amount, seq)`, wallets, n-1),
		"INSERT INTO ledger.balance SELECT account_id, sum(amount), count(*) FROM ledger.posting WHERE seq IS NOT NULL GROUP BY account_id",
		"INSERT INTO ledger.rollup (account_id) VALUES (1000000)",
		"ALTER TABLE ledger.posting ADD PRIMARY KEY (entry_id, account_id), ADD UNIQUE (account_id, seq)",
		tailIndex,
		"CREATE INDEX entry_cause_idx ON ledger.entry (cause_kind, cause_id)")
}

// loadRecords makes books in which n charges are booked, each by an entry of two legs.
func loadRecords(ctx context.Context, b *books, n int64) error {
	if err := loadEntries(ctx, b, n); err != nil {
		return err
	}
	return b.load(ctx,
		"SET LOCAL session_replication_role = replica",
		"SET LOCAL maintenance_work_mem = '512MB'",
		"UPDATE ledger.account SET kind = 'psp_clearing', ref = 'stripe' WHERE kind = 'bank'",
		"ALTER TABLE provider_txn DROP CONSTRAINT provider_txn_pkey",
		"DROP INDEX provider_txn_entry",
		fmt.Sprintf(`INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key)
			SELECT 'stripe', 'txn_' || n + 1, 'CHARGE', 'EUR', 1, 0, 'load:' || n FROM generate_series(0, %d) n`, n-1),
		"ALTER TABLE provider_txn ADD PRIMARY KEY (provider, id)",
		"CREATE INDEX provider_txn_entry ON provider_txn (entry_key)")
}

// reconcileLarge compares n records with a provider's, and says what it took.
func reconcileLarge(ctx context.Context, b *books, n int64, out io.Writer) error {
	fmt.Fprintf(out, "loading %d records\n", n)
	if err := loadRecords(ctx, b, n); err != nil {
		return err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	peak := watchPeak(watch, b)
	var read time.Duration
	begun := time.Now()
	run, err := reconcile.New(b.admin, generated(n), clock.System{}).Run(ctx, reconcile.Options{
		Read: func(int64) { read = time.Since(begun) },
	})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	stop()
	if !run.Agrees() || run.ProviderRecords != n || run.OurRecords != n {
		return errors.New("the loaded books do not agree with the provider")
	}
	fmt.Fprintf(out, "%d records copied in %.1f s, compared in %.1f s\n", n, read.Seconds(), (took - read).Seconds())
	fmt.Fprintf(out, "peak memory of this process %d MB; of PostgreSQL's largest backend, shared buffers aside, %d MB\n",
		statusMB("self", peakPattern), <-peak)
	return nil
}
