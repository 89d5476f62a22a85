package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/souklive/souk/internal/process"
)

// A killed `go test` leaves its test binaries running: a death signal reaches a child, not its
// children. So a second copy of this program reads from a pipe whose other end only we hold, and when
// that closes without us ending it first, it kills its process group. The command joins that group as it
// starts: there is no moment for a kill to slip through.

const guardArgument = "-guard"

// guardian is the second copy, seen from here.
type guardian struct {
	child *process.Child
	pipe  *os.File
}

func startGuard() (*guardian, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	cmd := exec.Command(self, guardArgument)
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	cmd.Stdin = reader
	child, err := process.Start(cmd, 0) // it has work to do after our death
	_ = reader.Close()
	if err != nil {
		_ = writer.Close()
		return nil, err
	}
	return &guardian{child: child, pipe: writer}, nil
}

// group is the guard's process group, which the command joins.
func (g *guardian) group() int { return g.child.PID() }

// release ends the watch.
func (g *guardian) release() {
	_ = g.child.Stop(context.Background())
	_ = g.pipe.Close()
}

// guard is the second copy's whole life. What the command is told, its group is told; the guard stays.
func guard(pipe io.Reader) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	_, _ = io.Copy(io.Discard, pipe) // until the other end is gone
	_ = syscall.Kill(0, syscall.SIGKILL)
}
