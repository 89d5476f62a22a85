package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/souklive/souk/db/migrations"
)

//go:embed grants.sql
var grants string

// Migrate brings the schema up to this binary: our migrations, then River's, then the grants of the
// servers' role. It needs the schema's owner, may be repeated, and may run on several servers at once:
// one works, the others wait and find nothing to do.
func Migrate(ctx context.Context, adminURL string, log *slog.Logger) error {
	config, err := pgxpool.ParseConfig(adminURL)
	if err != nil {
		return fmt.Errorf("migrate: database URL: %w", err)
	}
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["application_name"] = "souk migrate"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()

	unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer unlock()
	if err := migrateSouk(ctx, pool, log); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := migrateRiver(ctx, pool, log); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	if err := grant(ctx, pool); err != nil {
		return fmt.Errorf("migrate: grants: %w", err)
	}
	return nil
}

// migrationLock is "soukmigr" as a number. It covers all three steps, which goose's own lock would not.
const migrationLock = int64(0x736f756b6d696772)

// lockMigrations takes the advisory lock on a connection of its own, which a crash ends and so
// releases. It tries again rather than waits inside PostgreSQL: a waiting statement holds a snapshot,
// and CREATE INDEX CONCURRENTLY in the migration of whoever has the lock would wait for that.
func lockMigrations(ctx context.Context, pool *pgxpool.Pool) (unlock func(), err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	for {
		var taken bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", migrationLock).Scan(&taken); err != nil {
			conn.Release()
			return nil, fmt.Errorf("take the migration lock: %w", err)
		}
		if taken {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			conn.Release()
			return nil, fmt.Errorf("wait for another migration: %w", ctx.Err())
		}
	}
	return func() {
		// Closing the session gives the lock back, whatever state the session is in.
		_ = conn.Hijack().Close(context.WithoutCancel(ctx))
	}, nil
}

func migrateSouk(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	for _, result := range results {
		log.InfoContext(ctx, "migrated", "file", result.Source.Path, "took", result.Duration.Round(time.Millisecond))
	}
	return err
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	result, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return err
	}
	if n := len(result.Versions); n > 0 {
		log.InfoContext(ctx, "migrated the job queue", "version", result.Versions[n-1].Version)
	}
	return nil
}

func grant(ctx context.Context, pool *pgxpool.Pool) error {
	return InTx(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, grants)
		return err
	})
}

// Pending is how many of this binary's migrations the database lacks, River's included. A server's
// role may ask.
func Pending(ctx context.Context, pool *pgxpool.Pool) (int, error) {
	ours, err := migrationVersions()
	if err != nil {
		return 0, fmt.Errorf("pending migrations: %w", err)
	}
	jobs, err := riverVersions(pool)
	if err != nil {
		return 0, fmt.Errorf("pending migrations: %w", err)
	}
	missing, err := lacking(ctx, pool, ours, `SELECT count(DISTINCT version_id) FROM goose_db_version WHERE is_applied AND version_id = ANY($1)`)
	if err != nil {
		return 0, fmt.Errorf("pending migrations: %w", err)
	}
	missingJobs, err := lacking(ctx, pool, jobs, `SELECT count(*) FROM river_migration WHERE line = 'main' AND version = ANY($1)`)
	if err != nil {
		return 0, fmt.Errorf("pending migrations: %w", err)
	}
	return missing + missingJobs, nil
}

// lacking counts the versions that query does not find; without the table it is all of them.
func lacking(ctx context.Context, pool *pgxpool.Pool, versions []int64, query string) (int, error) {
	var found int
	err := pool.QueryRow(ctx, query, versions).Scan(&found)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42P01" { // undefined_table
		return len(versions), nil
	}
	return len(versions) - found, err
}

func migrationVersions() ([]int64, error) {
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return nil, err
	}
	versions := make([]int64, 0, len(names))
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	return versions, nil
}

func riverVersions(pool *pgxpool.Pool) ([]int64, error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return nil, err
	}
	var versions []int64
	for _, migration := range migrator.AllVersions() {
		versions = append(versions, int64(migration.Version))
	}
	return versions, nil
}

// SchemaHash names the schema that Migrate makes: it changes with any migration, with River's newest
// one, and with the grants. Tests name their template database by it.
func SchemaHash() (string, error) {
	hash := sha256.New()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", fmt.Errorf("schema hash: %w", err)
	}
	for _, name := range names {
		content, err := migrations.Files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("schema hash: %w", err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
	}
	jobs, err := riverVersions(nil)
	if err != nil {
		return "", fmt.Errorf("schema hash: %w", err)
	}
	fmt.Fprintf(hash, "river %v\n%s", jobs, grants)
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}
