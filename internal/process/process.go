// Package process runs child processes that do not outlive this one.
//
// A child gets a process group of its own, so that a terminal's Ctrl-C reaches us alone and we decide
// the order in which things stop; and, on Linux, a death signal, so that kill -9 of this process
// leaves nothing behind.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Child is a started process.
type Child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // written before done is closed
}

// Start runs cmd. The kernel sends onOurDeath to it when this process ends without stopping it.
func Start(cmd *exec.Cmd, onOurDeath syscall.Signal) (*Child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	setDeathSignal(cmd.SysProcAttr, onOurDeath)

	child := &Child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go child.hold(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return child, nil
}

// hold keeps one OS thread for the child's whole life: the death signal comes when the *thread* that
// started the child ends, and the Go runtime ends idle threads when it likes.
func (c *Child) hold(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.done)
}

// PID is the child's process id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err says how the child ended; nil is exit code 0. It may be called once Done is closed.
func (c *Child) Err() error { return c.err }

// Signal sends sig to the child alone. A child that has ended already is no error.
func (c *Child) Signal(sig os.Signal) error {
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to process %d: %w", sig, c.PID(), err)
	}
	return nil
}

// Step is one attempt at ending a child: a signal, and how long to wait for its effect.
type Step struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// Stop goes through the steps until the child has ended, and then kills it. A cancelled context cuts
// the waiting short, not the steps: the child is gone when Stop returns.
func (c *Child) Stop(ctx context.Context, steps ...Step) error {
	for _, step := range steps {
		if err := c.Signal(step.Signal); err != nil {
			return err
		}
		if c.waitFor(ctx, step.Wait) {
			return nil
		}
	}
	if err := c.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-c.done
	return nil
}

func (c *Child) waitFor(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}
