package books_test

import (
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/pgtest"
)

// A page of postings reads a page, in both modes, in the middle of a long history as at its top, and with a plan that was
// made while the tables were empty. PostgreSQL counts, not a clock.
func TestAPageOfPostingsReadsAPage(t *testing.T) {
	t.Parallel()
	data := pgtest.New(t)
	ctx := t.Context()
	tx, err := data.Admin.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	exec := func(sql string) {
		t.Helper()
		if _, err := tx.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	const size = 20
	read := func(recorded bool, before int64) (rows int) {
		t.Helper()
		earlier := rowsRead(t, tx)
		if recorded {
			page, err := db.New().BooksTailPostings(ctx, tx, []int64{1_000_000}, []int64{before}, []int32{size})
			if rows = len(page); err != nil {
				t.Fatal(err)
			}
		} else {
			page, err := db.New().BooksNumberedPostings(ctx, tx, []int64{1_000_001}, []int64{before}, []int32{size})
			if rows = len(page); err != nil {
				t.Fatal(err)
			}
		}
		if n := rowsRead(t, tx) - earlier; n > 5*size {
			t.Errorf("a page before %d (recorded: %t) reads %d rows", before, recorded, n)
		}
		return rows
	}
	exec("SET LOCAL plan_cache_mode = force_generic_plan")
	read(true, math.MaxInt64)
	read(false, math.MaxInt64)
	exec("SET LOCAL session_replication_role = replica")
	exec(`INSERT INTO ledger.account (id, kind, currency, mode) OVERRIDING SYSTEM VALUE VALUES (1000000, 'bank', 'EUR', 'recorded')`)
	exec(`INSERT INTO ledger.account (id, kind, owner, currency, mode, floor) OVERRIDING SYSTEM VALUE
		VALUES (1000001, 'wallet', gen_random_uuid(), 'EUR', 'guarded', 0)`)
	exec(`INSERT INTO ledger.entry (id, key, request_hash, flow, cause_kind, cause_id) OVERRIDING SYSTEM VALUE
		SELECT n, 'n' || n, sha256(''), 'top_up', 'test', gen_random_uuid() FROM generate_series(1, 20000) n`)
	exec(`INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
		SELECT n, l.account, 'EUR', l.amount, l.seq, l.seq
		FROM generate_series(1, 20000) n, LATERAL (VALUES (1000000, -1, NULL), (1000001, 1, n)) l (account, amount, seq)`)
	for _, before := range []int64{math.MaxInt64, 20_000, 10_000, 100} {
		for _, recorded := range []bool{true, false} {
			if rows := read(recorded, before); rows != size {
				t.Errorf("a page before %d (recorded: %t) has %d postings", before, recorded, rows)
			}
		}
	}
}

// rowsRead is how many rows this transaction has read in the ledger so far, by scan and by index.
func rowsRead(t *testing.T, tx pgx.Tx) (rows int64) {
	t.Helper()
	const query = `SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
		WHERE schemaname = 'ledger' AND relname IN ('account', 'entry', 'posting')`
	if err := tx.QueryRow(t.Context(), query).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}
