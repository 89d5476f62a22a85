// Testservices runs a command with a PostgreSQL and a redis-server of its own:
//
//	go run ./internal/testservices go test ./...
//
// The command finds them in SOUK_TEST_DATABASE_URL and SOUK_TEST_REDIS_URL. They are installed with
// apt-get where they are missing and this is root; they end with the command, and with this process
// even if that is killed. Any number of them run side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/souklive/souk/internal/apt"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres/cluster"
	"github.com/souklive/souk/internal/redistest"
)

// The exit code for "the services could not be had", apart from the command's own codes.
const exitNoServices = 125

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: testservices command [argument ...]")
		os.Exit(2)
	}
	if os.Args[1] == guardArgument {
		guard(os.Stdin)
		return
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	code, err := run(log, os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ntestservices: %v\n", err)
	}
	os.Exit(code)
}

func run(log *slog.Logger, command []string) (code int, err error) {
	// From here on a Ctrl-C ends the command first and the services after it.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	type started struct {
		services *services
		err      error
	}
	starting := make(chan started, 1)
	go func() {
		services, err := startServices(ctx, log)
		starting <- started{services, err}
	}()
	var result started
	select {
	case result = <-starting:
	case sig := <-signals:
		cancel()
		result = <-starting
		if result.err == nil {
			result.services.stop(log)
		}
		return exitCode(sig), fmt.Errorf("%v while the services were starting", sig)
	}
	if result.err != nil {
		return exitNoServices, result.err
	}
	defer result.services.stop(log)
	return runCommand(command, result.services.environment(), signals)
}

// services are what the command gets.
type services struct {
	postgres *cluster.Temporary
	redis    *redistest.Server
}

func startServices(ctx context.Context, log *slog.Logger) (*services, error) {
	postgres, err := cluster.StartTemporary(ctx, log, true)
	if err != nil {
		return nil, err
	}
	redis, err := startRedis(ctx, log)
	if err != nil {
		return nil, errors.Join(err, postgres.Stop(context.WithoutCancel(ctx)))
	}
	return &services{postgres: postgres, redis: redis}, nil
}

func startRedis(ctx context.Context, log *slog.Logger) (*redistest.Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if err := apt.Redis(ctx, log); err != nil {
			return nil, fmt.Errorf("the tests need a real redis-server, which is not installed: %w\n"+
				"Install it (apt-get install redis-server), or name a running one: %s=redis://…", err, redistest.EnvURL)
		}
	}
	server, err := redistest.Launch(ctx)
	if err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	return server, nil
}

func (s *services) environment() []string {
	return append(os.Environ(), pgtest.EnvURL+"="+s.postgres.AdminURL("postgres"), redistest.EnvURL+"="+s.redis.URL)
}

func (s *services) stop(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := errors.Join(s.redis.Kill(), s.postgres.Stop(ctx)); err != nil {
		log.Warn("stopping the test services", "error", err)
	}
}
