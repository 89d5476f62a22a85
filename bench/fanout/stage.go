//go:build linux

package main

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
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/redisx"
)

// stage is what a measurement stands on: a PostgreSQL that keeps every commit, a Redis, a server that has the demo's people and
// takes the bids, and a hub of our own that commits events as a server does.
type stage struct {
	dir      string
	souk     string // the program
	database *cluster.Cluster
	admin    *pgxpool.Pool
	redisURL string
	redis    redis.UniversalClient
	hub      *realtime.Hub
	market   *market
	counted  bool // pg_stat_statements is there

	undo []func(context.Context) error
}

const databaseName = "souk"

func openStage(ctx context.Context, souk string) (_ *stage, err error) {
	s := &stage{souk: souk}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "souk-bench-*"); err != nil {
		return nil, err
	}
	s.undo = append(s.undo, func(context.Context) error { return os.RemoveAll(s.dir) })
	// PostgreSQL's user, who is not root, must be able to pass through the directory.
	if err := os.Chmod(s.dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, err
	}
	for _, open := range []func(context.Context) error{s.openDatabase, s.openRedis, s.openMarket, s.openHub} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openDatabase starts a private cluster, twice: pg_stat_statements has to be asked for before a start.
func (s *stage) openDatabase(ctx context.Context) (err error) {
	config := cluster.Config{StateDir: filepath.Join(s.dir, "state"), Database: databaseName, Log: warnings()}
	if s.database, err = cluster.Start(ctx, config); err != nil {
		return err
	}
	stop := func(ctx context.Context) error { return s.database.Stop(ctx) }
	if s.counted, err = s.preload(ctx); err != nil {
		return errors.Join(err, stop(ctx))
	}
	if s.counted {
		if err := stop(ctx); err != nil {
			return err
		}
		if s.database, err = cluster.Start(ctx, config); err != nil {
			return err
		}
	}
	s.undo = append(s.undo, stop)
	if s.admin, err = postgres.Open(ctx, s.database.AdminURL(databaseName), 4); err != nil {
		return err
	}
	s.undo = append(s.undo, func(context.Context) error { s.admin.Close(); return nil })
	if s.counted {
		_, err = s.admin.Exec(ctx, "CREATE EXTENSION pg_stat_statements")
	}
	return err
}

// preload asks for pg_stat_statements where this PostgreSQL has it.
func (s *stage) preload(ctx context.Context) (there bool, err error) {
	pool, err := postgres.Open(ctx, s.database.AdminURL(databaseName), 1)
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
func (s *stage) openRedis(ctx context.Context) error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("the servers of this benchmark share a redis-server, and there is none on PATH: %w", err)
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(addr, ":")
	server, err := spawn(anyCore, nil, io.Discard, program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir)
	if err != nil {
		return err
	}
	s.undo = append(s.undo, server.stop)
	s.redisURL = "redis://" + addr
	if err := await(ctx, "Redis", server, func() (err error) {
		s.redis, err = redisx.Open(ctx, s.redisURL)
		return err
	}); err != nil {
		return err
	}
	s.undo = append(s.undo, func(context.Context) error { return s.redis.Close() })
	return nil
}

// openMarket starts a server with the demo's people, which takes the bids, and opens lots on it.
func (s *stage) openMarket(ctx context.Context) error {
	seller, err := s.startSouk(ctx, anyCore, "demo")
	if err != nil {
		return err
	}
	s.undo = append(s.undo, seller.stop)
	s.market, err = openMarket(ctx, "http://"+seller.addr+"/graphql")
	return err
}

// openHub makes this process a server's equal in one thing: what it commits it publishes.
func (s *stage) openHub(context.Context) (err error) {
	s.hub, err = realtime.NewHub(realtime.Config{Pool: s.admin, Redis: s.redis, Log: warnings()})
	if err == nil {
		s.undo = append(s.undo, func(context.Context) error { s.hub.Close(); return nil })
	}
	return err
}

// startSouk starts the program on the stage's database and Redis, and waits until it answers.
func (s *stage) startSouk(ctx context.Context, core int, command ...string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp(s.dir, "souk-*")
	if err != nil {
		return nil, err
	}
	env := []string{
		"SOUK_ADDR=" + addr, "SOUK_STATE_DIR=" + state, "SOUK_LOG_LEVEL=warn", "REDIS_URL=" + s.redisURL,
		"DATABASE_URL=" + s.database.ServerURL(databaseName), "DATABASE_ADMIN_URL=" + s.database.AdminURL(databaseName),
	}
	if command[0] != "demo" { // one that takes no payments still wants to know with whom
		env = append(env, "STRIPE_SECRET_KEY=sk_test_nobody", "STRIPE_API_URL=http://127.0.0.1:1")
	}
	running, err := spawn(core, env, io.Discard, s.souk, command...)
	if err != nil {
		return nil, err
	}
	running.addr = addr
	err = await(ctx, "souk "+strings.Join(command, " "), running, func() error { return probe(ctx, "http://"+addr+"/readyz") })
	if err != nil {
		return nil, errors.Join(err, running.stop(ctx))
	}
	return running, nil
}

func probe(ctx context.Context, url string) error {
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

// await asks until a process answers.
func await(ctx context.Context, what string, s *server, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if ended := s.ended(); ended != nil {
			return fmt.Errorf("%s: %w", what, ended)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", what, errors.Join(err, ctx.Err()))
		}
	}
}

// close undoes all of it, also after an interrupt.
func (s *stage) close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, undo := range slices.Backward(s.undo) {
		err = errors.Join(err, undo(ctx))
	}
	return err
}

// freeAddr finds a port that is free now.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

func warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// descriptors is how many files a process may have open; it is raised as far as it may be.
func descriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	for _, most := range []uint64{wantedDescriptors, limit.Max} {
		raised := syscall.Rlimit{Cur: most, Max: max(most, limit.Max)}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(most), nil
		}
	}
	return int(limit.Cur), nil
}

// wantedDescriptors is enough for as many connections as a server takes, and what else it has open.
const wantedDescriptors = 21_000
