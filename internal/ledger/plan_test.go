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
	if _, err := database.Admin.Exec(t.Context(), "VACUUM ANALYZE ledger.account, ledger.entry, ledger.posting, ledger.balance, ledger.freeze"); err != nil {
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
			user := id.New()
			for _, entry := range []ledger.Entry{
				move(fmt.Sprintf("in %d:%d", round, i), 2, platform(ledger.Bank), wallet(user)),
				move(fmt.Sprintf("out %d:%d", round, i), 1, wallet(user), held(user)), // looks for a freeze
			} {
				if _, err := ledger.PostTx(t.Context(), tx, entry); err != nil {
					t.Fatal(err)
				}
			}
			frozen := ledger.Freeze{ID: id.New(), Owner: user, Cause: cause, Reason: "grows as well"}
			if _, _, err := ledger.FreezeTx(t.Context(), tx, frozen); err != nil {
				t.Fatal(err)
			}
		}
		reads = append(reads, rowsRead(t, tx)-before)
	}
	t.Logf("rows read by %d users' entries, round by round: %v", batch, reads)
	// Each user brings accounts, so reading any table whole would add hundreds of rows an entry each round.
	if first, last := reads[1], reads[len(reads)-1]; last > first*3/2 || last > 100*batch {
		t.Errorf("rows read by %d users' entries, round by round: %v; want them not to grow", batch, reads)
	}
}

// rowsRead is how many rows this transaction has read in the ledger so far, by scan and by index.
func rowsRead(t *testing.T, tx pgx.Tx) (rows int64) {
	t.Helper()
	const query = `SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
		WHERE schemaname = 'ledger' AND relname IN ('account', 'entry', 'posting', 'balance', 'freeze')`
	if err := tx.QueryRow(t.Context(), query).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}
