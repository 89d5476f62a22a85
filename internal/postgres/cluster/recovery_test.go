package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/souklive/souk/internal/postgres/cluster"
)

const ownerDir = "SOUK_CLUSTER_TEST_OWNER"

// TestMain lets the test binary be a souk process that owns a cluster until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(ownerDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	cfg := config(dir)
	cfg.Fast = false // what it committed must survive
	owned, err := cluster.Start(context.Background(), cfg)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("ready", owned.Owned())
	select {}
}

func TestKilledOwnerTakesTheServerAlong(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	owner := startOwner(t, dir)
	server := serverPID(t, dir)
	execute(t, start(t, dir).AdminURL("souk"), "CREATE TABLE kept AS SELECT 42 AS n")
	kill(t, owner)

	next := start(t, dir)
	if !next.Owned() {
		t.Error("the next to start is not the owner")
	}
	if got := value[int](t, connect(t, next.AdminURL("souk")), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d, want 42", got)
	}
	if serverPID(t, dir) == server {
		t.Error("the killed owner's server still runs")
	}
}

func TestOrphanIsAdoptedAndStopped(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	start(t, dir).Abandon()
	orphan := serverPID(t, dir)

	next := start(t, dir)
	if got := serverPID(t, dir); !next.Owned() || got != orphan {
		t.Errorf("owned %v, server %d; want the orphan %d as our own", next.Owned(), got, orphan)
	}
	execute(t, next.ServerURL("souk"), "SELECT 1")
	stop(t, next)
	if again := start(t, dir); serverPID(t, dir) == orphan {
		t.Errorf("the adopted server outlived its Stop (owned again: %v)", again.Owned())
	}
}

func TestDyingOrphanIsReplaced(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	owner := startOwner(t, dir)
	orphan := serverPID(t, dir)
	// Frozen, the server has its death signal and has not acted on it yet.
	signal(t, orphan, syscall.SIGSTOP)
	t.Cleanup(func() { _ = syscall.Kill(orphan, syscall.SIGCONT) })
	kill(t, owner)

	cfg := config(dir)
	// The first thing that is logged is that the orphan was found; from then on it may die.
	cfg.Log = slog.New(slog.NewTextHandler(writer(func() { _ = syscall.Kill(orphan, syscall.SIGCONT) }), nil))
	next, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, next) })
	execute(t, next.ServerURL("souk"), "SELECT 1")
	if serverPID(t, dir) == orphan {
		t.Error("the dying server was kept")
	}
}

// writer calls itself when something is written.
type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

func TestStalePIDFile(t *testing.T) {
	t.Parallel()
	unrelated := exec.Command("sleep", "600")
	if err := unrelated.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unrelated.Process.Kill(); _ = unrelated.Wait() })
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dir := stateDir(t)
	stop(t, start(t, dir))
	for name, content := range map[string]string{
		"an unrelated live process": pidFile(unrelated.Process.Pid),
		"a process that is gone":    pidFile(gone.Process.Pid),
		"ourselves":                 pidFile(os.Getpid()),
		"empty":                     "",
		"nonsense":                  "x\ny\nz\n1\n2\n",
		"everybody":                 pidFile(-1),
	} {
		// One after the other: a single state directory serves them all.
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "postgres/data/postmaster.pid"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			again := start(t, dir)
			execute(t, again.ServerURL("souk"), "SELECT 1")
			stop(t, again)
		})
	}
	if err := unrelated.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the unrelated process was harmed: %v", err)
	}
}

func pidFile(pid int) string {
	return fmt.Sprintf("%d\n/somewhere\n1700000000\n5432\n/nowhere\n\n  1234 5678\nready\n", pid)
}

func startOwner(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready true\n" {
		t.Fatalf("the owner said %q, %v", line, err)
	}
	return cmd
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

func serverPID(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "postgres/data/postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
