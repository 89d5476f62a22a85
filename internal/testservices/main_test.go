package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const asProgram = "SOUK_TESTSERVICES_TEST"

// TestMain lets the test binary be the program itself.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestCommandGetsServicesAndItsCodeIsReturned(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, script string
		code         int
		output       string
	}{
		{"success", `test -n "$SOUK_TEST_DATABASE_URL" && test -n "$SOUK_TEST_REDIS_URL" && echo fine`, 0, "fine\n"},
		{"failure", "exit 7", 7, ""},
		{"killed", "kill -KILL $$", 128 + 9, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd, output := program(test.script), new(bytes.Buffer)
			cmd.Stdout = output
			err := cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != test.code || output.String() != test.output {
				t.Errorf("code %d, output %q, %v; want %d, %q", got, output, err, test.code, test.output)
			}
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	code, err := runCommand([]string{"/nowhere/program"}, os.Environ(), nil)
	if code != exitNoServices || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("code %d, %v; want %d and not found", code, err, exitNoServices)
	}
}

// TestInterruptEndsTheCommandFirst tells the program to end, and sees the services alive while the
// command ends, and gone afterwards.
func TestInterruptEndsTheCommandFirst(t *testing.T) {
	t.Parallel()
	cmd := program(`trap 'test -S "$S" && echo alive; exit 3' TERM
		S=$(echo "$SOUK_TEST_DATABASE_URL" | sed 's/.*host=\([^&]*\).*/\1/; s/%2F/\//g')/.s.PGSQL.5432
		echo "$S"; while :; do sleep 0.05; done`)
	lines := startReading(t, cmd)
	socket := readLine(t, lines)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := readLine(t, lines); got != "alive" {
		t.Errorf("while the command ends: %q, want the services alive", got)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("code %d, want the command's own 3", got)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("PostgreSQL's socket is still there: %v", err)
	}
}

// TestKillLeavesNothing kills the program; the command's child, which no death signal reaches, has to end
// too: it holds the output open.
func TestKillLeavesNothing(t *testing.T) {
	t.Parallel()
	cmd := program(`sh -c 'echo started; while :; do sleep 0.05; done' & wait`)
	lines := startReading(t, cmd)
	if got := readLine(t, lines); got != "started" {
		t.Fatalf("the command said %q", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, lines)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the command's child outlives the killed program")
	}
	_ = cmd.Wait()
}

func TestNoRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := startRedis(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("error %v, want one that says how to install it", err)
	}
}

func program(script string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "sh", "-c", script)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

func startReading(t *testing.T, cmd *exec.Cmd) *bufio.Reader {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	return bufio.NewReader(out)
}

func readLine(t *testing.T, lines *bufio.Reader) string {
	t.Helper()
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
