package cluster_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
)

func TestFreshStart(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	cfg := config(dir)
	cfg.Fast = false
	running, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, running) })
	if !running.Owned() {
		t.Error("the first to start is not the owner")
	}
	settings := map[string]string{
		"server_encoding": "UTF8", "TimeZone": "UTC", "fsync": "on", "synchronous_commit": "on",
		"listen_addresses": "", "max_connections": "200", "lc_collate": "C.UTF-8", "data_checksums": "on", "jit": "off",
	}
	admin := connect(t, running.AdminURL("souk"))
	for name, want := range settings {
		if got := value[string](t, admin, "SELECT current_setting($1)", name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := value[string](t, admin, "SELECT current_user::text"); got != cluster.AdminRole {
		t.Errorf("the admin is %s", got)
	}
	pool, err := postgres.Open(t.Context(), running.ServerURL("souk"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.CheckServerRole(t.Context(), pool); err != nil {
		t.Errorf("the server's role: %v", err)
	}
	for _, path := range []string{"postgres", "postgres/data", "postgres/run"} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others may look in", path, info.Mode())
		}
	}
}

func TestStartAgainKeepsTheData(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	first := start(t, dir)
	execute(t, first.AdminURL("souk"), "CREATE TABLE kept AS SELECT 42 AS n")
	stop(t, first)
	if _, err := os.Stat(filepath.Join(dir, "postgres/data/postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stopped server left its pid file: %v", err)
	}
	second := start(t, dir)
	if got := value[int](t, connect(t, second.AdminURL("souk")), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d, want 42", got)
	}
}

func TestAttach(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	owner := start(t, dir)
	guest := start(t, dir)
	if guest.Owned() || guest.AdminURL("souk") != owner.AdminURL("souk") {
		t.Errorf("the second to start: owned %v, %s; want the owner's %s", guest.Owned(), guest.AdminURL("souk"), owner.AdminURL("souk"))
	}
	stop(t, guest)
	execute(t, owner.ServerURL("souk"), "SELECT 1") // still there
	stop(t, owner)
	if next := start(t, dir); !next.Owned() {
		t.Error("after the owner's end the next to start is not the owner")
	}
}

func TestStartsAtOnceHaveOneOwner(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	type result struct {
		cluster *cluster.Cluster
		err     error
	}
	results := make(chan result)
	const rivals = 4
	for range rivals {
		go func() {
			started, err := cluster.Start(t.Context(), config(dir))
			results <- result{started, err}
		}()
	}
	owners := 0
	for range rivals {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		if r.cluster.Owned() {
			owners++
			t.Cleanup(func() { stop(t, r.cluster) })
		}
	}
	if owners != 1 {
		t.Errorf("%d owners, want 1", owners)
	}
}

func TestTwoStateDirsSideBySide(t *testing.T) {
	t.Parallel()
	one, two := start(t, stateDir(t)), start(t, stateDir(t))
	execute(t, one.AdminURL("souk"), "CREATE TABLE mine ()")
	if value[bool](t, connect(t, two.AdminURL("souk")), "SELECT to_regclass('mine') IS NOT NULL") {
		t.Error("the two share a database")
	}
}

func TestLongStateDirGetsAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(stateDir(t), strings.Repeat("long/", 20))
	running := start(t, dir)
	execute(t, running.ServerURL("souk"), "SELECT 1")
	execute(t, start(t, dir).ServerURL("souk"), "SELECT 1") // an attached one finds it, too
	socket := value[string](t, connect(t, running.AdminURL("souk")), "SELECT current_setting('unix_socket_directories')")
	if strings.Contains(socket, "long") {
		t.Errorf("the socket is in %s", socket)
	}
	stop(t, running)
	if _, err := os.Stat(strings.Trim(socket, `"`)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory is still there: %v", err)
	}
}

func TestStateDirThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(stateDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"none": "", "a file": file, "below a file": filepath.Join(file, "below")} {
		if _, err := cluster.Start(t.Context(), config(dir)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBrokenDataIsReportedWithTheServersWords(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	stop(t, start(t, dir))
	if err := os.WriteFile(filepath.Join(dir, "postgres/data/postgresql.conf"), []byte("nonsense here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Start(t.Context(), config(dir))
	if err == nil || !strings.Contains(err.Error(), `parameter "nonsense"`) {
		t.Errorf("error %v, want the server's own log lines", err)
	}
}

func TestUnfinishedInitIsDoneAnew(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	stop(t, start(t, dir))
	// What a kill -9 in the middle of initdb leaves: half a directory under initdb's name.
	data := filepath.Join(dir, "postgres/data")
	unfinished := data + ".init-123"
	if err := os.Rename(data, unfinished); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(unfinished, "global")); err != nil {
		t.Fatal(err)
	}
	execute(t, start(t, dir).ServerURL("souk"), "SELECT 1")
	if _, err := os.Stat(unfinished); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished directory is still there: %v", err)
	}
}

func TestDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	stop(t, start(t, dir))
	if err := os.WriteFile(filepath.Join(dir, "postgres/data/PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Start(t.Context(), config(dir))
	var wrong *cluster.VersionError
	if !errors.As(err, &wrong) || wrong.Data != 9 || len(wrong.Have) == 0 {
		t.Errorf("error %v, want a VersionError for 9", err)
	}
}

func TestCancelledStart(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Start(ctx, config(dir)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	execute(t, start(t, dir).ServerURL("souk"), "SELECT 1") // and it did no harm
}

// stateDir is a directory that the server's user may enter, which t.TempDir is not for root.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "souk-cluster-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func config(dir string) cluster.Config {
	return cluster.Config{StateDir: dir, Database: "souk", Fast: true, Log: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, dir string) *cluster.Cluster {
	t.Helper()
	started, err := cluster.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, started) })
	return started
}

func stop(t *testing.T, running *cluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := running.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
}

func value[T any](t *testing.T, conn *pgx.Conn, query string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
