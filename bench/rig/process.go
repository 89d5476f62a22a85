//go:build linux

package rig

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/souklive/souk/internal/process"
)

// AnyCore leaves a process where the kernel likes to have it.
const AnyCore = -1

// Pin is this program in the role of another: it goes to a core, and becomes the program that is named. Go's runtime then
// counts one processor.
func Pin(args []string) error {
	core, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the thread that calls exec is the one that remains
	if core != AnyCore {
		var mask [16]uint64
		mask[core/64] = 1 << (core % 64)
		_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))) //nolint:gosec // G103: how the call takes its set
		if errno != 0 {
			return fmt.Errorf("go to core %d: %w", core, errno)
		}
	}
	return syscall.Exec(args[1], args[1:], os.Environ())
}

// Process is a process whose work is measured.
type Process struct {
	Name  string
	Addr  string
	child *process.Child
	said  *bytes.Buffer // what it complained of
}

// Spawn starts a program on a core. out gets what it says.
func Spawn(core int, env []string, out io.Writer, program string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"pin", strconv.Itoa(core), program}, args...)...) //nolint:noctx // stopped by its steps, and by our death
	s := &Process{Name: program, said: &bytes.Buffer{}}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), out, s.said
	s.child, err = process.Start(cmd, syscall.SIGKILL)
	return s, err
}

// Stop ends it in order.
func (s *Process) Stop(ctx context.Context) error {
	return s.child.Stop(ctx, process.Step{Signal: syscall.SIGTERM, Wait: 20 * time.Second})
}

// Ended is why a server that should still run has ended.
func (s *Process) Ended() error {
	select {
	case <-s.child.Done():
		return fmt.Errorf("%s has ended (%w): %s", s.Name, errors.Join(s.child.Err(), io.EOF), s.said.String())
	default:
		return nil
	}
}

// Waited is how long the process's threads have been ready to run while others had their core; 0 where the kernel does not count it.
func (s *Process) Waited() (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.child.PID()))
	for _, thread := range threads {
		var ran, waited int64
		raw, gone := os.ReadFile(thread)
		if gone != nil {
			continue // it has ended meanwhile
		}
		if _, err := fmt.Sscan(string(raw), &ran, &waited); err != nil {
			return 0, fmt.Errorf("%s has %q: %w", thread, raw, err)
		}
		sum += time.Duration(waited)
	}
	return sum, err
}

// RSS is the process's resident memory in bytes.
func (s *Process) RSS() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.child.PID()))
	if err != nil {
		return 0, errors.Join(err, s.Ended())
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc has %q", raw)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// Talker is a process of this program that takes commands by line and answers each by one.
type Talker struct {
	*Process
	in  io.WriteCloser
	out *bufio.Scanner
}

// Converse starts this program in a role, with what it needs to know.
func Converse(core int, role string, spec any) (*Talker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	return ConverseWith(core, self, role, string(raw))
}

// ConverseWith starts another program that takes commands.
func ConverseWith(core int, program string, args ...string) (*Talker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"pin", strconv.Itoa(core), program}, args...)...) //nolint:noctx // it ends with its standard input
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	t := &Talker{Process: &Process{Name: strings.Join(args[:min(len(args), 1)], " "), said: &bytes.Buffer{}}, in: in, out: bufio.NewScanner(reader)}
	t.out.Buffer(nil, 64<<20)
	cmd.Stdout, cmd.Stderr = writer, t.said
	if t.child, err = process.Start(cmd, syscall.SIGKILL); err != nil {
		return nil, err
	}
	go func() {
		<-t.child.Done()
		_ = writer.Close()
	}()
	return t, nil
}

// Ask sends a command and gives what follows the expected word in the answer.
func (t *Talker) Ask(ctx context.Context, command, want string) (string, error) {
	if _, err := io.WriteString(t.in, command+"\n"); err != nil {
		return "", errors.Join(fmt.Errorf("tell %s to %s: %w", t.Name, command, err), t.Ended())
	}
	return t.Hear(ctx, want)
}

// Hear waits for a line.
func (t *Talker) Hear(ctx context.Context, want string) (string, error) {
	watching := context.AfterFunc(ctx, func() { _ = t.child.Signal(syscall.SIGKILL) })
	defer watching()
	if !t.out.Scan() {
		<-t.child.Done()
		return "", errors.Join(ctx.Err(), t.Ended())
	}
	rest, ok := strings.CutPrefix(t.out.Text(), want)
	if !ok {
		return "", fmt.Errorf("%s answered %.200q, want %s", t.Name, t.out.Text(), want)
	}
	return strings.TrimSpace(rest), nil
}

// End closes its input, upon which it should end, and insists.
func (t *Talker) End(ctx context.Context) error {
	_ = t.in.Close()
	return t.child.Stop(ctx, process.Step{Signal: syscall.SIGTERM, Wait: 10 * time.Second})
}
