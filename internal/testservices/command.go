package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/souklive/souk/internal/process"
)

// killAfter is how long the command may take to end once it was told to.
const killAfter = 15 * time.Second

// runCommand runs the command to its end and returns its exit code. Signals go to the command and to
// everything that it started: its process group, which is the guard's.
func runCommand(command, environment []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	guardian, err := startGuard()
	if err != nil {
		return exitNoServices, err
	}
	defer guardian.release()
	group := guardian.group()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pgid: group}
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return exitNoServices, err
	}
	var overdue <-chan time.Time
	for {
		select {
		case <-child.Done():
			return commandCode(child.Err())
		case sig := <-signals:
			if number, ok := sig.(syscall.Signal); ok {
				_ = syscall.Kill(-group, number)
			}
			if overdue == nil {
				overdue = time.After(killAfter)
			}
		case <-overdue:
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	}
}

// commandCode is the code that a shell would report.
func commandCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return exitNoServices, fmt.Errorf("run the command: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitCode(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

func exitCode(sig os.Signal) int {
	if number, ok := sig.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 1
}
