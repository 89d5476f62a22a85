package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	before := applied(t, database.Admin)
	if err := postgres.Migrate(t.Context(), database.AdminURL, silent()); err != nil {
		t.Fatal(err)
	}
	if after := applied(t, database.Admin); after != before {
		t.Errorf("%d migrations are recorded, before %d", after, before)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	forget(t, database)
	const servers = 4
	errs := make(chan error)
	for range servers {
		go func() { errs <- postgres.Migrate(t.Context(), database.AdminURL, silent()) }()
	}
	for range servers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if pending, err := postgres.Pending(t.Context(), database.Pool); err != nil || pending != 0 {
		t.Errorf("pending %d, %v; want 0", pending, err)
	}
}

// TestRolesInTwoDatabasesAtOnce runs the migration that makes cluster-wide roles from several databases.
func TestRolesInTwoDatabasesAtOnce(t *testing.T) {
	t.Parallel()
	const databases = 3
	errs := make(chan error)
	for range databases {
		database := pgtest.New(t)
		forget(t, database)
		go func() { errs <- postgres.Migrate(t.Context(), database.AdminURL, silent()) }()
	}
	for range databases {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestMigrateWithoutASuperuser migrates as docs/operations.md sets up a database of one's own.
func TestMigrateWithoutASuperuser(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	database := pgtest.New(t)
	name := database.Admin.Config().ConnConfig.Database + "_own"
	execute(t, database.Admin, "CREATE ROLE "+name+" LOGIN CREATEROLE PASSWORD 'souk-test'")
	// The cluster has the roles already; on a fresh one they would be this admin's own.
	execute(t, database.Admin, "GRANT souk_ledger, souk_app TO "+name+" WITH ADMIN OPTION")
	execute(t, database.Admin, "CREATE DATABASE "+name+" TEMPLATE template0 OWNER "+name)
	t.Cleanup(func() {
		cleanUp(t, database.AdminURL, "DROP DATABASE "+name+" WITH (FORCE)")
		cleanUp(t, database.AdminURL, "DROP ROLE "+name)
	})
	admin := asRole(t, database.AdminURL, name, name)
	if err := postgres.Migrate(ctx, admin, silent()); err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Open(ctx, asRole(t, database.URL, "souk_server", name), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if pending, err := postgres.Pending(ctx, server); err != nil || pending != 0 {
		t.Errorf("pending %d, %v; want 0", pending, err)
	}
	if err := rolledBack(t, server, "INSERT INTO event (topic, version, kind, payload) VALUES ('abc', 1, 'made', '{}')"); err != nil {
		t.Errorf("the server can't write: %v", err)
	}
}

func TestMigrateWaitsForAnother(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	conn, err := database.Admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const lock = int64(0x736f756b6d696772) // postgres.migrationLock
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", lock); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := postgres.Migrate(ctx, database.AdminURL, silent()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another migrates: %v, want to wait until the deadline", err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", lock); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), database.AdminURL, silent()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestMigrateFailsOnABadURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://%zz", "postgres:///none?host=/nowhere"} {
		if err := postgres.Migrate(t.Context(), url, silent()); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}

func TestPendingCountsWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	database := pgtest.New(t)
	for _, statement := range []string{
		"DELETE FROM goose_db_version WHERE version_id = 2",
		"DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)",
	} {
		execute(t, database.Admin, statement)
	}
	if pending, err := postgres.Pending(ctx, database.Pool); err != nil || pending != 2 {
		t.Errorf("pending %d, %v; want one of ours and one of River's", pending, err)
	}
	forget(t, database)
	execute(t, database.Admin, "DROP TABLE IF EXISTS river_migration")
	pending, err := postgres.Pending(ctx, database.Pool)
	if err != nil || pending < 5 {
		t.Errorf("pending %d, %v on an empty database; want all", pending, err)
	}
}

func TestServersRights(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	for name, test := range map[string]struct {
		statement string
		allowed   bool
	}{
		"write a table":          {"INSERT INTO event (topic, version, kind, payload) VALUES ('abc', 1, 'made', '{}')", true},
		"enqueue a job":          {"INSERT INTO river_job (kind, args, max_attempts) VALUES ('nothing', '{}', 1)", true},
		"read the migrations":    {"SELECT * FROM goose_db_version", true},
		"rewrite the migrations": {"DELETE FROM goose_db_version", false},
		"rewrite River's":        {"DELETE FROM river_migration", false},
		"make a table":           {"CREATE TABLE mine ()", false},
		"empty a table":          {"TRUNCATE event", false},
		"change a table":         {"ALTER TABLE event ADD COLUMN mine int", false},
		"become the ledger":      {"SET ROLE souk_ledger", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := rolledBack(t, database.Pool, test.statement)
			var pgErr *pgconn.PgError
			switch {
			case test.allowed && err != nil:
				t.Errorf("refused: %v", err)
			case !test.allowed && (!errors.As(err, &pgErr) || pgErr.Code != "42501"):
				t.Errorf("error %v, want permission denied", err)
			}
		})
	}
}

func TestCheckServerRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	database := pgtest.New(t)
	if err := postgres.CheckServerRole(ctx, database.Pool); err != nil {
		t.Errorf("a server's own role: %v", err)
	}
	// Roles belong to the cluster; these have the names of this test's database.
	name := database.Admin.Config().ConnConfig.Database
	for suffix, grant := range map[string]string{
		"_super":   "SUPERUSER",
		"_creator": "CREATEROLE",
		"_owner":   "IN ROLE souk_ledger",
	} {
		role := name + suffix
		execute(t, database.Admin, "CREATE ROLE "+role+" LOGIN PASSWORD 'souk-test' "+grant)
		t.Cleanup(func() { cleanUp(t, database.AdminURL, "DROP ROLE "+role) })
		config := database.Pool.Config()
		config.ConnConfig.User = role
		config.MaxConns = 1
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		err = postgres.CheckServerRole(ctx, pool)
		pool.Close()
		if !errors.Is(err, postgres.ErrRoleTooStrong) {
			t.Errorf("%s: %v, want ErrRoleTooStrong", suffix, err)
		}
	}
}

func TestSchemaHash(t *testing.T) {
	t.Parallel()
	one, err := postgres.SchemaHash()
	if err != nil {
		t.Fatal(err)
	}
	two, err := postgres.SchemaHash()
	if err != nil || one != two || !regexp.MustCompile("^[0-9a-f]{12}$").MatchString(one) {
		t.Errorf("%q, then %q, %v", one, two, err)
	}
}

// forget empties the database, so that Migrate has everything to do. The roles stay: they are the cluster's.
func forget(t *testing.T, database *pgtest.Database) {
	t.Helper()
	execute(t, database.Admin, "DROP SCHEMA IF EXISTS ledger CASCADE")
	execute(t, database.Admin, "DROP SCHEMA public CASCADE")
	execute(t, database.Admin, "CREATE SCHEMA public")
	execute(t, database.Admin, "GRANT USAGE ON SCHEMA public TO PUBLIC")
}

func applied(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	const query = "SELECT (SELECT count(*) FROM goose_db_version) + (SELECT count(*) FROM river_migration)"
	if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func rolledBack(t *testing.T, pool *pgxpool.Pool, statement string) error {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), statement)
	return err
}

func execute(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// asRole is url for another login and database.
func asRole(t *testing.T, rawURL, role, database string) string {
	t.Helper()
	parsed, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + database
	query := parsed.Query()
	query.Set("user", role)
	query.Set("password", "souk-test")
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

func cleanUp(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Error(err)
	}
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
