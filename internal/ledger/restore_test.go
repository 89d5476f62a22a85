package ledger_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

// TestADumpInAYoungerCluster is what docs/ledger.md says of restoring: the books hold transaction ids that this
// cluster has not reached.
func TestADumpInAYoungerCluster(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	later := func(column string) string {
		return column + " = (" + column + "::text::numeric + 1000000000000)::text::xid8"
	}
	tx, err := database.Admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, statement := range []string{
		"SET LOCAL session_replication_role = replica",
		"UPDATE ledger.entry SET " + later("xid"),
		"UPDATE ledger.posting SET " + later("xid"),
		"UPDATE ledger.rollup SET balance = -100, through = '1000999999999'", // as if rolled up just before the dump
	} {
		if _, err := tx.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}

	if _, err := ledger.RollUp(t.Context(), database.Pool); sqlState(err) != "SL010" {
		t.Errorf("roll up: %v, want SL010", err)
	}
	found := false
	if _, err := audit.Run(t.Context(), database.Pool, audit.Options{}, func(r audit.Result) {
		found = found || (r.Name == "account_rollup" && !r.OK())
	}); err != nil || !found {
		t.Errorf("the checker finds it: %t, %v", found, err)
	}

	err = pgx.BeginFunc(t.Context(), database.Admin, func(tx pgx.Tx) error {
		return run(t, tx, "SET LOCAL ROLE souk_ledger", "UPDATE ledger.rollup SET balance = 0, through = '0'")
	})
	if err != nil {
		t.Fatal(err)
	}
	wantBalance(t, database.Pool, platform(ledger.Bank), -100)
	mustPost(t, database.Pool, move("after", 30, platform(ledger.Bank), wallet(user)))
	for range 2 { // before rolling up and after
		wantBalance(t, database.Pool, platform(ledger.Bank), -130)
		wantBalance(t, database.Pool, wallet(user), 130)
		if _, err := ledger.RollUp(t.Context(), database.Pool); err != nil {
			t.Fatal(err)
		}
	}
	wantSound(t, database)
}
