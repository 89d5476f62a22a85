//go:build linux

package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
	"github.com/souklive/souk/internal/redisx"
)

// Rig is a database, a Redis and a directory for one run.
type Rig struct {
	Dir      string
	Souk     string // the program
	Database *cluster.Cluster
	Admin    *pgxpool.Pool
	RedisURL string
	Redis    redis.UniversalClient
	Counted  bool // pg_stat_statements is there

	undo []func(context.Context) error
}

// DatabaseName is the one database of the rig's PostgreSQL.
const DatabaseName = "souk"

// Open starts all of it. souk is the program's path.
func Open(ctx context.Context, souk string) (_ *Rig, err error) {
	r := &Rig{Souk: souk}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.Dir, err = os.MkdirTemp("", "souk-bench-*"); err != nil {
		return nil, err
	}
	r.Defer(func(context.Context) error { return os.RemoveAll(r.Dir) })
	// PostgreSQL's user, who is not root, must be able to pass through the directory.
	if err := os.Chmod(r.Dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, err
	}
	for _, open := range []func(context.Context) error{r.openDatabase, r.openRedis} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Defer has undo done at Close, before what was deferred earlier.
func (r *Rig) Defer(undo func(context.Context) error) { r.undo = append(r.undo, undo) }

// openDatabase starts a private cluster, twice: pg_stat_statements has to be asked for before a start.
func (r *Rig) openDatabase(ctx context.Context) (err error) {
	config := cluster.Config{StateDir: filepath.Join(r.Dir, "state"), Database: DatabaseName, Log: Warnings()}
	if r.Database, err = cluster.Start(ctx, config); err != nil {
		return err
	}
	stop := func(ctx context.Context) error { return r.Database.Stop(ctx) }
	if r.Counted, err = r.preload(ctx); err != nil {
		return errors.Join(err, stop(ctx))
	}
	if r.Counted {
		if err := stop(ctx); err != nil {
			return err
		}
		if r.Database, err = cluster.Start(ctx, config); err != nil {
			return err
		}
	}
	r.Defer(stop)
	if r.Admin, err = postgres.Open(ctx, r.Database.AdminURL(DatabaseName), 4); err != nil {
		return err
	}
	r.Defer(func(context.Context) error { r.Admin.Close(); return nil })
	if r.Counted {
		_, err = r.Admin.Exec(ctx, "CREATE EXTENSION pg_stat_statements")
	}
	return err
}

// preload asks for pg_stat_statements where this PostgreSQL has it.
func (r *Rig) preload(ctx context.Context) (there bool, err error) {
	pool, err := postgres.Open(ctx, r.Database.AdminURL(DatabaseName), 1)
	if err != nil {
		return false, err
	}
	defer pool.Close()
	err = pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')").Scan(&there)
	if err == nil && there {
		_, err = pool.Exec(ctx, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
	}
	return there, err
}

// openRedis starts a redis-server, without which the numbers would be another program's.
func (r *Rig) openRedis(ctx context.Context) error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("the servers of this benchmark share a redis-server, and there is none on PATH: %w", err)
	}
	addr, err := FreeAddr(ctx)
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(addr, ":")
	server, err := Spawn(AnyCore, nil, io.Discard, program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.Dir)
	if err != nil {
		return err
	}
	r.Defer(server.Stop)
	r.RedisURL = "redis://" + addr
	if err := Await(ctx, "Redis", server, func() (err error) {
		r.Redis, err = redisx.Open(ctx, r.RedisURL)
		return err
	}); err != nil {
		return err
	}
	r.Defer(func(context.Context) error { return r.Redis.Close() })
	return nil
}

// StartSouk starts the program on the rig's database and Redis, and waits until it answers.
func (r *Rig) StartSouk(ctx context.Context, core int, command ...string) (*Process, error) {
	addr, err := FreeAddr(ctx)
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp(r.Dir, "souk-*")
	if err != nil {
		return nil, err
	}
	env := []string{
		"SOUK_ADDR=" + addr, "SOUK_STATE_DIR=" + state, "SOUK_LOG_LEVEL=warn", "REDIS_URL=" + r.RedisURL,
		"DATABASE_URL=" + r.Database.ServerURL(DatabaseName), "DATABASE_ADMIN_URL=" + r.Database.AdminURL(DatabaseName),
	}
	if command[0] != "demo" { // one that takes no payments still wants to know with whom
		env = append(env, "STRIPE_SECRET_KEY=sk_test_nobody", "STRIPE_API_URL=http://127.0.0.1:1")
	}
	running, err := Spawn(core, env, io.Discard, r.Souk, command...)
	if err != nil {
		return nil, err
	}
	running.Addr = addr
	err = Await(ctx, "souk "+strings.Join(command, " "), running, func() error { return Probe(ctx, "http://"+addr+"/readyz") })
	if err != nil {
		return nil, errors.Join(err, running.Stop(ctx))
	}
	return running, nil
}

// CountStatements begins to count what is asked of PostgreSQL anew.
func (r *Rig) CountStatements(ctx context.Context) error {
	if !r.Counted {
		return errors.New("this PostgreSQL has no pg_stat_statements")
	}
	for _, statement := range []string{
		// A statement that is planned anew each time may cost more by that than by what it does.
		"ALTER SYSTEM SET pg_stat_statements.track_planning = on", "ALTER SYSTEM SET pg_stat_statements.track = 'all'",
		"SELECT pg_reload_conf()", "SELECT pg_stat_statements_reset()",
	} {
		if _, err := r.Admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Statements are what was asked of PostgreSQL since then, the dearest first, a line each: those of functions too, with a dot, whose time is
// in that of who called them. Each other was a round trip, or part of one.
func (r *Rig) Statements(ctx context.Context) (lines []string, err error) {
	rows, err := r.Admin.Query(ctx, `
		SELECT calls, plans, total_exec_time, mean_exec_time, total_plan_time / calls, rows, wal_bytes::bigint,
			CASE WHEN toplevel THEN '' ELSE '. ' END || regexp_replace(left(query, 90), '\s+', ' ', 'g')
		FROM pg_stat_statements WHERE calls > 5 ORDER BY total_exec_time + total_plan_time DESC LIMIT 80`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	lines = []string{fmt.Sprintf("%9s %9s %9s %9s %9s %9s %9s", "calls", "planned", "ms", "us each", "plan us", "rows", "WAL each")}
	for rows.Next() {
		var calls, plans, n, wal int64
		var total, mean, plan float64
		var query string
		if err := rows.Scan(&calls, &plans, &total, &mean, &plan, &n, &wal, &query); err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%9d %9d %9.0f %9.0f %9.0f %9d %9d  %s", calls, plans, total, mean*1000, plan*1000, n, wal/calls, query))
	}
	return lines, rows.Err()
}

// Probe asks for a page and insists on 200.
func Probe(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

const startPatience = time.Minute

// Await asks until a process answers.
func Await(ctx context.Context, what string, s *Process, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if ended := s.Ended(); ended != nil {
			return fmt.Errorf("%s: %w", what, ended)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", what, errors.Join(err, ctx.Err()))
		}
	}
}

// Close undoes all of it, also after an interrupt.
func (r *Rig) Close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, undo := range slices.Backward(r.undo) {
		err = errors.Join(err, undo(ctx))
	}
	return err
}

// FreeAddr finds a port that is free now.
func FreeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// Warnings is a log of what goes wrong.
func Warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
