package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/postgres/cluster"
	"github.com/souklive/souk/internal/redistest"
)

// trouble is everything that can be broken, and mended.
type trouble struct {
	t        *testing.T
	w        *oracle
	sites    []*site           // a server's each
	redis    *redistest.Server // behind a wire
	wire     *wire
	cluster  *redistest.Cluster // in place of the two
	redises  []*redistest.Server
	postgres *cluster.Cluster
	config   cluster.Config
}

// fault breaks something for a while and mends it.
type fault struct {
	name string
	make func(ctx context.Context, rng *rand.Rand) error
}

// ofRedis are the faults between servers; ofServers are of servers and their database. The two go on at the same time.
func (x *trouble) ofRedis() []fault {
	return []fault{
		{"Redis killed", func(ctx context.Context, rng *rand.Rand) error {
			if err := x.redis.Kill(); err != nil {
				return err
			}
			pause(ctx, between(rng, 200*time.Millisecond, 2500*time.Millisecond))
			return x.redis.Restart(context.WithoutCancel(ctx))
		}},
		{"Redis restarted", func(ctx context.Context, _ *rand.Rand) error {
			if err := x.redis.Stop(); err != nil {
				return err
			}
			return x.redis.Restart(context.WithoutCancel(ctx))
		}},
		{"Redis frozen", func(ctx context.Context, rng *rand.Rand) error {
			if err := x.redis.Pause(); err != nil {
				return err
			}
			pause(ctx, between(rng, 200*time.Millisecond, 3500*time.Millisecond))
			return x.redis.Resume()
		}},
		{"Redis paused its clients", func(ctx context.Context, rng *rand.Rand) error {
			d := between(rng, 200*time.Millisecond, 2500*time.Millisecond)
			err := x.ask(ctx, "CLIENT", "PAUSE", d.Milliseconds(), "ALL")
			pause(ctx, d)
			return err
		}},
		{"Redis killed its subscribers", func(ctx context.Context, _ *rand.Rand) error {
			return x.ask(ctx, "CLIENT", "KILL", "TYPE", "pubsub")
		}},
		{"Redis overran its subscribers", x.overrun},
		{"the way to Redis went silent", func(ctx context.Context, rng *rand.Rand) error {
			x.wire.silent.Store(true)
			pause(ctx, between(rng, 200*time.Millisecond, 3500*time.Millisecond))
			x.wire.silent.Store(false)
			x.wire.cut() // what was swallowed is missing from the middle of replies
			return nil
		}},
	}
}

// overrun publishes more to the servers than Redis keeps for a client, so that it ends them.
func (x *trouble) overrun(ctx context.Context, _ *rand.Rand) error {
	if err := x.ask(ctx, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 256kb 64kb 1"); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: x.redis.Addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	var before map[string]bool
	for begun := time.Now(); len(before) == 0 && time.Since(begun) < patience; pause(ctx, 100*time.Millisecond) { // they come back
		var err error
		if before, err = subscribers(ctx, client); err != nil {
			return err
		}
	}
	channels, err := client.PubSubChannels(ctx, "*").Result()
	if err != nil {
		return err
	}
	for _, channel := range channels {
		if err := client.Publish(ctx, channel, strings.Repeat("x", 1<<20)).Err(); err != nil {
			return err
		}
	}
	gone := 0
	for id := range before {
		now, err := subscribers(ctx, client)
		if err != nil {
			return err
		}
		if !now[id] {
			gone++
		}
	}
	if gone == 0 {
		return fmt.Errorf("none of %d subscribers of %d channels was overrun", len(before), len(channels))
	}
	x.w.count("subscribers overrun", gone)
	return nil
}

// subscribers are the ids of the clients that are subscribed to something.
func subscribers(ctx context.Context, client *redis.Client) (map[string]bool, error) {
	list, err := client.Do(ctx, "CLIENT", "LIST", "TYPE", "pubsub").Text()
	found := map[string]bool{}
	for line := range strings.Lines(list) {
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
		found[id] = true
	}
	return found, err
}

// ask sends Redis a command, past the wire.
func (x *trouble) ask(ctx context.Context, command ...any) error {
	client := redis.NewClient(&redis.Options{Addr: x.redis.Addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	return client.Do(ctx, command...).Err()
}

func (x *trouble) ofServers() []fault {
	return []fault{
		{"a server killed", func(ctx context.Context, rng *rand.Rand) error {
			n := rng.IntN(len(x.sites))
			x.server(n).kill()
			return x.restart(ctx, n)
		}},
		{"a server stopped in order", func(ctx context.Context, rng *rand.Rand) error {
			n := rng.IntN(len(x.sites))
			_ = x.server(n).signal(syscall.SIGTERM) // with Redis or Postgres gone it may say that it could not
			return x.restart(ctx, n)
		}},
		{"a server frozen", func(ctx context.Context, rng *rand.Rand) error {
			child := x.server(rng.IntN(len(x.sites))).child
			if err := child.Signal(syscall.SIGSTOP); err != nil {
				return err
			}
			pause(ctx, between(rng, 200*time.Millisecond, 2*time.Second))
			return child.Signal(syscall.SIGCONT)
		}},
		{"Postgres restarted", func(ctx context.Context, rng *rand.Rand) error {
			if err := x.postgres.Stop(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			pause(ctx, between(rng, 0, 1500*time.Millisecond))
			return x.startPostgres(context.WithoutCancel(ctx))
		}},
		{"Postgres crashed", x.crashPostgres},
	}
}

// crashPostgres kills one of its processes: the others end themselves, and the database recovers. While it recovers from the crash before it lets nobody in.
func (x *trouble) crashPostgres(ctx context.Context, _ *rand.Rand) error {
	conn, err := pgx.Connect(ctx, x.postgres.AdminURL("souk"))
	for begun := time.Now(); err != nil && time.Since(begun) < patience; {
		pause(ctx, 100*time.Millisecond)
		conn, err = pgx.Connect(ctx, x.postgres.AdminURL("souk"))
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var pid int
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

func (x *trouble) startPostgres(ctx context.Context) (err error) {
	x.postgres, err = cluster.Start(ctx, x.config)
	return err
}

func (x *trouble) server(n int) *server {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	return x.w.servers[n]
}

// restart brings a server back. One that finds no Redis or no Postgres ends, and is started again.
func (x *trouble) restart(ctx context.Context, n int) error {
	for begun := time.Now(); time.Since(begun) < patience; {
		srv := x.sites[n].launch()
		select {
		case srv.url = <-srv.log.serving:
			x.w.mu.Lock()
			x.w.servers[n] = srv
			x.w.mu.Unlock()
			return nil
		case <-srv.child.Done():
			srv.ended = true
			x.w.count("starts that failed for another fault", 1)
			pause(context.WithoutCancel(ctx), 200*time.Millisecond)
		}
	}
	return fmt.Errorf("server %d does not come back", n)
}

// makes has all faults happen in a random order, and then any of them until ctx ends.
func (x *trouble) makes(ctx context.Context, rng *rand.Rand, faults []fault) {
	order := rng.Perm(len(faults))
	for i := 0; i < len(order) || ctx.Err() == nil; i++ {
		f := faults[rng.IntN(len(faults))]
		if i < len(order) {
			f = faults[order[i]]
		}
		begun := time.Now()
		if err := f.make(context.WithoutCancel(ctx), rng); err != nil {
			x.t.Errorf("%s: %v", f.name, err)
			return
		}
		x.w.count("fault: "+f.name, 1)
		x.w.note("%s for %s", f.name, time.Since(begun).Round(time.Millisecond))
		pause(ctx, between(rng, 200*time.Millisecond, 1500*time.Millisecond))
	}
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

// ownPostgres starts a PostgreSQL that may be broken without harm to other tests.
func ownPostgres(t *testing.T) (*cluster.Cluster, cluster.Config) {
	t.Helper()
	config := cluster.Config{StateDir: filepath.Join(stateDir(t), "db"), Database: "souk", Fast: true, Log: slog.New(slog.DiscardHandler)}
	if err := os.Mkdir(config.StateDir, 0o711); err != nil {
		t.Fatal(err)
	}
	started, err := cluster.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), started.AdminURL("souk"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	// A fast cluster tells of commits that a crash of its own may undo.
	if _, err := conn.Exec(t.Context(), "ALTER ROLE "+cluster.ServerRole+" SET synchronous_commit = on"); err != nil {
		t.Fatal(err)
	}
	return started, config
}
