package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/redistest"
)

// patience bounds a wait; a test that needs all of it has failed.
const patience = time.Minute

// program is souk, running inside the test.
type program struct {
	out, log  syncBuffer
	interrupt context.CancelFunc // what Ctrl-C does
	ended     chan struct{}
	code      int // once ended
}

// start runs the program until the test, or interrupt, ends it.
func start(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	own := slices.Concat(environ, []string{"SOUK_LOG_FORMAT=json"}) // the caller appends to its own again
	return launch(t, func(ctx context.Context, p *program) int {
		return run(ctx, args, own, &p.out, &p.log)
	})
}

// startSeeded is start for a demo whose data is made by seed.
func startSeeded(t *testing.T, environ []string, seed seeder) *program {
	t.Helper()
	config, err := loadConfig(append(environ, "SOUK_LOG_FORMAT=json"))
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, func(ctx context.Context, p *program) int {
		return exitCode(&p.log, serve(ctx, &console{out: &p.out, err: &p.log}, config, roleAll, seed))
	})
}

func launch(t *testing.T, body func(context.Context, *program) int) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{interrupt: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.code = body(ctx, p)
	}()
	t.Cleanup(func() { // before the directories and the database that it uses go
		cancel()
		<-p.ended
	})
	return p
}

// url waits until the program serves, and says where.
func (p *program) url(t *testing.T) string {
	t.Helper()
	p.await(t, `"msg":"serving"`)
	for line := range strings.Lines(p.log.String()) {
		var entry struct{ Msg, URL, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
			return "http://" + entry.Addr
		}
	}
	t.Fatal("no address in the log")
	return ""
}

// await waits until the log has the mark.
func (p *program) await(t *testing.T, mark string) {
	t.Helper()
	p.awaitIn(t, &p.log, mark)
}

// awaitBanner waits until the banner is there, whole.
func (p *program) awaitBanner(t *testing.T) {
	t.Helper()
	p.awaitIn(t, &p.out, "Ctrl-C stops everything cleanly.")
}

func (p *program) awaitIn(t *testing.T, output *syncBuffer, mark string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		written := output.written()
		if strings.Contains(output.String(), mark) {
			return
		}
		select {
		case <-written:
		case <-p.ended:
			if !strings.Contains(output.String(), mark) {
				t.Fatalf("it ended with %d before it said %s:\n%s", p.code, mark, p.log.String())
			}
		case <-timeout:
			t.Fatalf("it does not say %s:\n%s", mark, p.log.String())
		}
	}
}

// exit waits for the end and gives the exit code.
func (p *program) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", p.log.String())
	}
	return p.code
}

// onServices is a development server's environment, on a database and a state directory of its own.
func onServices(t *testing.T) ([]string, *pgtest.Database) {
	t.Helper()
	database := pgtest.New(t)
	return []string{
		"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "REDIS_URL=" + redistest.URL(t),
		"SOUK_ADDR=127.0.0.1:0", "SOUK_STATE_DIR=" + t.TempDir(),
	}, database
}

// productionOn is a production server's environment on the database.
func productionOn(t *testing.T, databaseURL string) []string {
	t.Helper()
	return []string{
		"SOUK_ENV=production", "DATABASE_URL=" + databaseURL, "REDIS_URL=" + redistest.URL(t), "SOUK_ADDR=127.0.0.1:0",
		"SOUK_PUBLIC_URL=https://souk.example", "STRIPE_SECRET_KEY=sk_test_nobody_is_called", "STRIPE_WEBHOOK_SECRET=whsec_of_tests", "SOUK_STATE_DIR=" + t.TempDir(),
		"SOUK_SIGNING_KEY=0123456789abcdef0123456789abcdef",
		"SOUK_CODE_KEYS=one:" + strings.Repeat("1", 64), "SOUK_CODE_HASH_KEY=" + strings.Repeat("2", 64),
	}
}

// openDir is a directory that PostgreSQL's user may enter, which t.TempDir is not for root.
func openDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "souk-test-state-*") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "state")
}

// postgresRuns reports whether the private cluster of a state directory has a server.
func postgresRuns(t *testing.T, state string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(state, "postgres", "data", "postmaster.pid"))
	return err == nil
}
