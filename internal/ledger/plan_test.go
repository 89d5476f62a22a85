package ledger_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

// TestPlansDoNotAge makes a session plan while the tables are empty, and known to be, which is when a scan looks
// cheapest; then it counts what posting reads as they grow. Postgres counts, not a clock.
func TestPlansDoNotAge(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	if _, err := database.Admin.Exec(t.Context(), "VACUUM ANALYZE ledger.account, ledger.entry, ledger.posting, ledger.balance"); err != nil {
		t.Fatal(err)
	}
	tx, err := database.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()

	const batch = 100
	var reads []int64
	for round := range 4 {
		before := rowsRead(t, tx)
		for i := range batch {
			entry := move(fmt.Sprintf("%d:%d", round, i), 1, platform(ledger.Bank), wallet(id.New()))
			if _, err := ledger.PostTx(t.Context(), tx, entry); err != nil {
				t.Fatal(err)
			}
		}
		reads = append(reads, rowsRead(t, tx)-before)
	}
	// Each entry makes an account, so reading any table whole would add a hundred rows an entry each round.
	if first, last := reads[1], reads[len(reads)-1]; last > first*3/2 || last > 100*batch {
		t.Errorf("rows read by %d entries, round by round: %v; want them not to grow", batch, reads)
	}
}

// rowsRead is how many rows this transaction has read in the ledger so far, by scan and by index.
func rowsRead(t *testing.T, tx pgx.Tx) (rows int64) {
	t.Helper()
	const query = `SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
		WHERE schemaname = 'ledger' AND relname IN ('account', 'entry', 'posting', 'balance')`
	if err := tx.QueryRow(t.Context(), query).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}
