package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/souklive/souk/internal/audit"
)

// loadBooks makes whole books of n postings: top-ups from the bank into 50 000 wallets, two legs each, as post() would
// have left them. Triggers are off while it loads, and indexes are built when the rows are there.
func loadBooks(ctx context.Context, b *books, n int64) error {
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
			FROM generate_series(0, %d) n`, n/2-1),
		fmt.Sprintf(`INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
			SELECT n, l.account, 'EUR', l.amount, l.seq, l.seq
			FROM generate_series(0, %[2]d) n,
			LATERAL (VALUES (1 + n %% %[1]d, 1, 1 + n / %[1]d), (1000000, -1, NULL)) l (account, amount, seq)`, wallets, n/2-1),
		"INSERT INTO ledger.balance SELECT account_id, sum(amount), count(*) FROM ledger.posting WHERE seq IS NOT NULL GROUP BY account_id",
		"INSERT INTO ledger.rollup (account_id) VALUES (1000000)",
		"ALTER TABLE ledger.posting ADD PRIMARY KEY (entry_id, account_id), ADD UNIQUE (account_id, seq)",
		tailIndex,
		"CREATE INDEX entry_cause_idx ON ledger.entry (cause_kind, cause_id)")
}

// checkLarge runs every check on large books, and says what it took.
func checkLarge(ctx context.Context, b *books, postings int64, out io.Writer) error {
	fmt.Fprintf(out, "loading %d postings\n", postings)
	if err := loadBooks(ctx, b, postings); err != nil {
		return err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	peak := watchPeak(watch, b)
	fmt.Fprintf(out, "\n%-28s %8s\n", "check", "seconds")
	begun := time.Now()
	ok, err := audit.Run(ctx, b.admin, audit.Options{}, func(r audit.Result) {
		fmt.Fprintf(out, "%-28s %8.1f\n", r.Name, r.Took.Seconds())
	})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	stop()
	if !ok {
		return errors.New("the loaded books do not hold")
	}
	fmt.Fprintf(out, "%-28s %8.1f\n\n", "all", took.Seconds())
	fmt.Fprintf(out, "peak memory of this process %d MB; of PostgreSQL's largest backend, shared buffers aside, %d MB\n",
		statusMB("self", peakPattern), <-peak)
	return nil
}

var (
	peakPattern = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)
	anonPattern = regexp.MustCompile(`(?m)^RssAnon:\s+(\d+) kB$`)
)

// statusMB reads one number of /proc/<pid>/status; where there is none, 0.
func statusMB(pid string, pattern *regexp.Regexp) int64 {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	match := pattern.FindSubmatch(text)
	if match == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(match[1]), 10, 64)
	return kilobytes >> 10
}

// watchPeak gives, at the end, the most private memory that a backend of this database had at one time.
func watchPeak(ctx context.Context, b *books) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		var most int64
		for ctx.Err() == nil {
			rows, _ := b.admin.Query(ctx, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database()")
			for rows.Next() {
				var pid string
				if rows.Scan(&pid) == nil {
					most = max(most, statusMB(pid, anonPattern))
				}
			}
			rows.Close()
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		peak <- most
	}()
	return peak
}
