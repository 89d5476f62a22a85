// Package cluster runs a private PostgreSQL for a newcomer's machine and for tests.
//
// A cluster lives in a state directory: its data, its log, and a lock that tells which souk process
// owns it. The owner starts the server and stops it; another souk process that names the same
// directory attaches to the running one. The server listens on a Unix socket alone, in a directory
// that only its user may enter, so that no port can collide and no password is needed.
//
// A kill -9 of the owner takes the server with it (a death signal); whatever is left all the same, the
// next start recovers from: a stale or a foreign pid file, a live server without an owner, an initdb
// that was cut short.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/souklive/souk/internal/process"
)

// The two logins of a private cluster. The admin owns the schema and migrates; servers log in as the
// other, which can be no more than a member of souk_app.
const (
	AdminRole  = "souk_admin"
	ServerRole = "souk_server"
)

// Config says where the cluster lives and what may be done to have one.
type Config struct {
	StateDir string // made if missing; see DefaultStateDir
	Database string // created if missing; empty creates none
	Install  bool   // may install packages (as root) or download PostgreSQL
	Fast     bool   // no fsync: for tests, whose data may be lost with the machine
	Log      *slog.Logger
}

// Cluster is a running PostgreSQL server.
type Cluster struct {
	socketDir string
	log       *slog.Logger

	// Set for the owner alone.
	lock    *os.File
	child   *process.Child // the server, if we started it
	adopted *postmaster    // the server, if an owner left it behind
}

// Start returns when the cluster answers: the one that it starts, or the one of another souk process on
// the same directory. Without PostgreSQL on the machine and no way to get it, the error is a
// *NotFoundError; data of a version for which there are no programs is a *VersionError.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	home, err := openHome(cfg.StateDir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	cluster, err := startOrAttach(ctx, cfg, home)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL in %s: %w", home.dir, err)
	}
	return cluster, nil
}

// startOrAttach tries to become the owner, and attaches where there is one. It goes round because an
// owner may come up, or stop, while we look.
func startOrAttach(ctx context.Context, cfg Config, home *home) (*Cluster, error) {
	deadline := time.Now().Add(recoveryLimit)
	for ctx.Err() == nil {
		lock, err := home.tryLock()
		if err != nil {
			return nil, err
		}
		if lock != nil {
			cluster, err := own(ctx, cfg, home, lock)
			if err != nil {
				_ = lock.Close()
			}
			return cluster, err
		}
		attached, err := attach(ctx, cfg, home)
		if err == nil {
			return attached, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another souk process owns it, and it does not answer: %w", err)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

func attach(ctx context.Context, cfg Config, home *home) (*Cluster, error) {
	pm, err := readPostmaster(home.data())
	if err != nil {
		return nil, err
	}
	if pm.socketDir == "" {
		return nil, errors.New("the server is only starting")
	}
	cluster := &Cluster{socketDir: pm.socketDir, log: cfg.Log}
	database := cfg.Database
	if database == "" {
		database = maintenanceDatabase
	}
	// The owner makes the server's login last, so whoever can use it finds everything in place.
	if err := ping(ctx, cluster.ServerURL(database)); err != nil {
		return nil, err
	}
	return cluster, nil
}

// own adopts the server that an earlier owner left behind, or starts one. A server found alive may be
// on its way out, since its owner's death ends it: then we wait for that, and start our own.
func own(ctx context.Context, cfg Config, home *home, lock *os.File) (*Cluster, error) {
	for {
		cluster := &Cluster{lock: lock, log: cfg.Log}
		running, err := home.survivor()
		if err != nil {
			return nil, err
		}
		if running != nil {
			cfg.Log.Info("found a PostgreSQL server whose owner is gone", "pid", running.pid)
			cluster.socketDir, cluster.adopted = running.socketDir, running
		} else if err := cluster.launch(ctx, cfg, home); err != nil {
			return nil, err
		}
		err = cluster.setUp(ctx, cfg, home)
		if err == nil {
			return cluster, nil
		}
		if running != nil && cluster.ended() {
			continue
		}
		_ = cluster.stopServer(context.WithoutCancel(ctx))
		return nil, err
	}
}

func (c *Cluster) setUp(ctx context.Context, cfg Config, home *home) error {
	if err := c.awaitReady(ctx, home); err != nil {
		return err
	}
	return ensureLogins(ctx, c.AdminURL(maintenanceDatabase), cfg.Database)
}

// AdminURL is the connection string of the schema's owner for one database.
func (c *Cluster) AdminURL(database string) string { return c.url(AdminRole, database) }

// ServerURL is the connection string that a server gets.
func (c *Cluster) ServerURL(database string) string { return c.url(ServerRole, database) }

func (c *Cluster) url(user, database string) string {
	// The port names the socket's file; without it PGPORT would.
	query := url.Values{"host": {c.socketDir}, "port": {socketPort}, "user": {user}}
	return "postgres:///" + url.PathEscape(database) + "?" + query.Encode()
}

// Owned reports whether this process started (or adopted) the server and will stop it.
func (c *Cluster) Owned() bool { return c.lock != nil }

// Stop shuts an owned server down: fast, and if that takes too long, at once, which the next start
// recovers from. It does nothing to an attached one.
func (c *Cluster) Stop(ctx context.Context) error {
	if !c.Owned() {
		return nil
	}
	err := c.stopServer(ctx)
	_ = os.Remove(c.socketDir) // it may be in /tmp; not empty, if the server is still there
	// The lock goes last, so that the next owner never meets a server that is still stopping.
	_ = c.lock.Close()
	c.lock = nil
	return err
}

func (c *Cluster) stopServer(ctx context.Context) error {
	fast := process.Step{Signal: syscall.SIGINT, Wait: 20 * time.Second}
	immediate := process.Step{Signal: syscall.SIGQUIT, Wait: 10 * time.Second}
	if c.child != nil {
		if err := c.child.Stop(ctx, fast, immediate); err != nil {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		return nil
	}
	return c.adopted.stop(fast, immediate)
}

func (c *Cluster) launch(ctx context.Context, cfg Config, home *home) error {
	programs, err := findPrograms(ctx, cfg, home)
	if err != nil {
		return err
	}
	if err := home.prepare(); err != nil {
		return err
	}
	if err := initialise(ctx, cfg, home, programs); err != nil {
		return err
	}
	if c.socketDir, err = home.makeSocketDir(); err != nil {
		return err
	}
	log, err := home.openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()

	cmd := home.user.command(filepath.Join(programs.bin, "postgres"), serverArgs(cfg, home, c.socketDir)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = home.server(), log, log
	// SIGQUIT is PostgreSQL's immediate shutdown: nothing is flushed, the next start recovers.
	c.child, err = process.Start(cmd, syscall.SIGQUIT)
	if err != nil {
		return err
	}
	return nil
}

func serverArgs(cfg Config, home *home, socketDir string) []string {
	args := []string{"-D", home.data(), "-p", socketPort}
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + quoteList(socketDir), "unix_socket_permissions=0700",
		"shared_buffers=128MB", "max_connections=200", "timezone=UTC", "log_timezone=UTC",
		// A statement's estimated cost says little about its time here, and compiling one takes longer than any of ours runs.
		"jit=off",
		"fsync=" + onOff(!cfg.Fast), "synchronous_commit=" + onOff(!cfg.Fast), "full_page_writes=" + onOff(!cfg.Fast),
		"logging_collector=off", "log_destination=stderr", "log_line_prefix=%m [%p] ",
	}
	if cfg.Fast {
		// Tests create and drop databases all the time: a checkpoint each would cost more than they do.
		settings = append(settings, "max_wal_size=1GB", "checkpoint_timeout=1h", "autovacuum_naptime=1min")
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
