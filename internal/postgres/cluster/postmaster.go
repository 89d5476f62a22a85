package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/souklive/souk/internal/process"
)

// postmaster is what a running server says about itself in postmaster.pid.
type postmaster struct {
	pid       int
	data      string
	socketDir string
}

const postmasterFile = "postmaster.pid"

// readPostmaster reads the pid file of a data directory. Its lines: pid, data directory, start time,
// port, socket directory, listen address, shared memory key, status.
func readPostmaster(data string) (*postmaster, error) {
	raw, err := os.ReadFile(filepath.Join(data, postmasterFile))
	if err != nil {
		return nil, fmt.Errorf("no running server: %w", err)
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 5 {
		return nil, fmt.Errorf("%s is incomplete", postmasterFile)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return nil, fmt.Errorf("%s names no process: %q", postmasterFile, lines[0])
	}
	return &postmaster{pid: pid, data: data, socketDir: strings.TrimSpace(lines[4])}, nil
}

// survivor is the live server of this data directory, if there is one; the caller holds the lock, so
// nobody owns it. A pid file whose process is gone, or is some other program that got the number since,
// is removed: PostgreSQL would refuse to start on the latter. (Were we wrong, its own check of the
// shared memory would still keep a second server off the data.)
func (h *home) survivor() (*postmaster, error) {
	path := filepath.Join(h.data(), postmasterFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no survivor
	}
	pm, err := readPostmaster(h.data())
	if err == nil && isServer(pm.pid, h.data()) {
		if pm.socketDir == "" { // it has not come that far yet
			pm.socketDir = h.socketDir()
		}
		return pm, nil
	}
	if err := os.Remove(path); err != nil {
		return nil, fmt.Errorf("remove a stale pid file: %w", err)
	}
	return nil, nil //nolint:nilnil // no survivor
}

// isServer reports whether a process is PostgreSQL on this data directory, as launch starts it. One
// that has ended but that nobody waits for (a container without an init) has no command any more.
func isServer(pid int, data string) bool {
	args, err := process.Command(pid)
	if err != nil || len(args) == 0 {
		return false
	}
	at := slices.Index(args, "-D")
	return filepath.Base(args[0]) == "postgres" && at >= 0 && at+1 < len(args) && args[at+1] == data
}

// stop ends a server that is not our child: it can be signalled, but only watched, not waited for.
func (p *postmaster) stop(steps ...process.Step) error {
	for _, step := range steps {
		if err := syscall.Kill(p.pid, step.Signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		for end := time.Now().Add(step.Wait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if !isServer(p.pid, p.data) {
				return nil
			}
		}
	}
	return fmt.Errorf("stop PostgreSQL: process %d does not end", p.pid)
}
