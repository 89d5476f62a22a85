package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/souklive/souk/internal/process"
)

// A killed `go test` leaves its test binaries running: a death signal reaches a child, not its
// children. So a second copy of this program reads from a pipe whose other end only we hold, and when
// that closes without us ending it first, it kills the command's whole process group. It runs before the
// command does, and is told the group through the pipe: there is no moment for a kill to slip through.

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

// watch names the process group that must not outlive us.
func (g *guardian) watch(group int) error {
	if _, err := g.pipe.WriteString(strconv.Itoa(group)); err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	return nil
}

// release ends the watch.
func (g *guardian) release() {
	_ = g.child.Stop(context.Background())
	_ = g.pipe.Close()
}

// guard is the second copy's whole life.
func guard(pipe io.Reader) int {
	group, _ := io.ReadAll(pipe) // until the other end is gone
	pid, err := strconv.Atoi(string(group))
	if err != nil || pid <= 1 {
		return 2
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	return 0
}
