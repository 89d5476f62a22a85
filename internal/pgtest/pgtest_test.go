package pgtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

func TestNewIsMigratedAndSeparate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	one, two := pgtest.New(t), pgtest.New(t)

	if _, err := one.Pool.Exec(ctx, "INSERT INTO event (topic, version, kind, payload) VALUES ('test', 1, 'made', '{}')"); err != nil {
		t.Fatal(err)
	}
	if got := count(t, one.Admin, "event"); got != 1 {
		t.Errorf("the database has %d events, want 1", got)
	}
	if got := count(t, two.Admin, "event"); got != 0 {
		t.Errorf("another test's database has %d events, want 0", got)
	}
	pending, err := postgres.Pending(ctx, one.Pool)
	if err != nil || pending != 0 {
		t.Errorf("pending = %d, %v; want 0", pending, err)
	}
}

func TestPoolLogsInAsAServer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	database := pgtest.New(t)
	if err := postgres.CheckServerRole(ctx, database.Pool); err != nil {
		t.Errorf("the pool's role: %v", err)
	}
	if err := postgres.CheckServerRole(ctx, database.Admin); !errors.Is(err, postgres.ErrRoleTooStrong) {
		t.Errorf("the admin's role: %v, want ErrRoleTooStrong", err)
	}
	_, err := database.Pool.Exec(ctx, "CREATE TABLE mine ()")
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "42501" {
		t.Errorf("CREATE TABLE as a server: %v, want permission denied", err)
	}
}

func TestTxIsRolledBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second"} {
		// The two run one after the other, on the same database.
		t.Run(name, func(t *testing.T) {
			tx := pgtest.Tx(t)
			if got := count(t, tx, "event"); got != 0 {
				t.Fatalf("%d events, want none of an earlier test", got)
			}
			if _, err := tx.Exec(t.Context(), "INSERT INTO event (topic, version, kind, payload) VALUES ('test', 1, 'made', '{}')"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func count(t *testing.T, db querier, table string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
