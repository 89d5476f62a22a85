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
// that closes without us ending it first, it kills the command's whole process group.

const guardArgument = "-guard-process-group"

// startGuard starts the watch over a process group; release ends it.
func startGuard(group int) (release func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	cmd := exec.Command(self, guardArgument, strconv.Itoa(group))
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
	return func() {
		_ = child.Stop(context.Background())
		_ = writer.Close()
	}, nil
}

// guard is the second copy's whole life.
func guard(group string) int {
	pid, err := strconv.Atoi(group)
	if err != nil || pid <= 1 {
		return 2
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	return 0
}
