package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souklive/souk/internal/process"
)

const parentRole = "SOUK_PROCESS_TEST_PARENT"

// TestMain lets the test binary be a parent that starts a child and then waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv(parentRole) == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("cat") // ends at the end of its input, which outlives the parent
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(child.PID())
	select {}
}

func TestChildEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	input, output := pipe(t), pipe(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentRole+"=1")
	parent.Stdin, parent.Stdout = input.read, output.write
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	_ = output.write.Close()
	reader := bufio.NewReader(output.read)
	line, err := reader.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	args, err := process.Command(pid)
	for begun := time.Now(); err == nil && args[0] == "" && time.Since(begun) < 20*time.Second; { // the kernel says that a program runs a moment before it has its arguments
		time.Sleep(time.Millisecond)
		args, err = process.Command(pid)
	}
	if err != nil || len(args) != 1 || args[0] != "cat" {
		t.Errorf("the child's command is %q, %v; want cat", args, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	// The child holds the other end of the output: it closes when the child is gone.
	if err := output.read.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); err != nil {
		t.Errorf("the child outlives its killed parent: %v", err)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestOwnProcessGroup(t *testing.T) {
	t.Parallel()
	child := start(t, "sleep", "60")
	group, err := syscall.Getpgid(child.PID())
	if err != nil || group != child.PID() {
		t.Errorf("the child's group is %d, %v; want its own, %d", group, err, child.PID())
	}
}

func TestStopGoesThroughTheSteps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		steps  []process.Step
		want   syscall.Signal
	}{
		"the first is enough": {"sleep 60", []process.Step{{Signal: syscall.SIGTERM, Wait: time.Minute}}, syscall.SIGTERM},
		"the second is": {
			"trap '' INT; echo; exec sleep 60",
			[]process.Step{{Signal: syscall.SIGINT, Wait: 50 * time.Millisecond}, {Signal: syscall.SIGQUIT, Wait: time.Minute}},
			syscall.SIGQUIT,
		},
		"none is":  {"trap '' TERM; echo; exec sleep 60", []process.Step{{Signal: syscall.SIGTERM, Wait: 50 * time.Millisecond}}, syscall.SIGKILL},
		"no steps": {"sleep 60", nil, syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := pipe(t)
			cmd := exec.Command("sh", "-c", test.script)
			cmd.Stdout = output.write
			child, err := process.Start(cmd, syscall.SIGKILL)
			if err != nil {
				t.Fatal(err)
			}
			_ = output.write.Close()
			if strings.HasPrefix(test.script, "trap") {
				// It says so when the trap is set.
				if _, err := bufio.NewReader(output.read).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if err := child.Stop(t.Context(), test.steps...); err != nil {
				t.Fatal(err)
			}
			if got := endedBy(t, child.Err()); got != test.want {
				t.Errorf("ended by %v, want %v", got, test.want)
			}
			if err := child.Signal(syscall.SIGTERM); err != nil {
				t.Errorf("a signal to an ended child: %v, want none", err)
			}
		})
	}
}

func TestStopWithACancelledContextStillEndsTheChild(t *testing.T) {
	t.Parallel()
	child := start(t, "sleep", "60")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := child.Stop(ctx, process.Step{Signal: syscall.SIGCONT, Wait: time.Hour}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-child.Done():
	default:
		t.Error("Stop returned before the child's end")
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	_, err := process.Start(exec.Command("/nowhere/program"), syscall.SIGKILL)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestCommandOfNobody(t *testing.T) {
	t.Parallel()
	if args, err := process.Command(1 << 30); err == nil {
		t.Errorf("command %q of a process that can't be", args)
	}
}

type ends struct{ read, write *os.File }

func pipe(t *testing.T) ends {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close(); _ = write.Close() })
	return ends{read, write}
}

func start(t *testing.T, name string, args ...string) *process.Child {
	t.Helper()
	child, err := process.Start(exec.Command(name, args...), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Stop(context.Background()) })
	return child
}

func endedBy(t *testing.T, err error) syscall.Signal {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("ended with %v", err)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok {
		t.Fatalf("status %v", exit.Sys())
	}
	return status.Signal()
}
