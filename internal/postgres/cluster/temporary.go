package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Temporary is a cluster that lasts as long as the process that started it: for tests.
type Temporary struct {
	*Cluster
	dir string
}

const temporaryPrefix = "souk-test-"

// StartTemporary starts a fast cluster in a directory of its own. It also removes the directories of
// earlier ones whose process was killed.
func StartTemporary(ctx context.Context, log *slog.Logger, install bool) (*Temporary, error) {
	base, err := temporaryBase()
	if err != nil {
		return nil, err
	}
	sweep(base, log)
	dir, err := os.MkdirTemp(base, temporaryPrefix)
	if err != nil {
		return nil, fmt.Errorf("temporary PostgreSQL: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the server's user passes through
		return nil, fmt.Errorf("temporary PostgreSQL: %w", err)
	}
	cluster, err := Start(ctx, Config{StateDir: dir, Install: install, Fast: true, Log: log})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &Temporary{Cluster: cluster, dir: dir}, nil
}

// Stop ends the server at once and removes its directory.
func (t *Temporary) Stop(ctx context.Context) error {
	return errors.Join(t.Cluster.Stop(ctx), os.RemoveAll(t.dir))
}

// memory is a directory in memory, where there is one. Tests make and drop thousands of small files, which a disk's file system is slow at: each new
// database has a thousand.
const (
	memory     = "/dev/shm"
	memoryRoom = 8 << 30 // bytes: several times what all tests at once have used
)

// temporaryBase is the first temporary directory that the server's user can enter. Who has set TMPDIR has chosen.
func temporaryBase() (string, error) {
	user, err := accountFor("")
	if err != nil {
		return "", fmt.Errorf("temporary PostgreSQL: %w", err)
	}
	candidates := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if os.Getenv("TMPDIR") == "" && roomIn(memory) >= memoryRoom {
		candidates = append([]string{memory}, candidates...)
	}
	for _, dir := range candidates {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && user.canEnter(dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("temporary PostgreSQL: user %q can enter no temporary directory", user.name)
}

// roomIn is how many bytes a directory has left; none where that can't be said.
func roomIn(dir string) uint64 {
	var stat syscall.Statfs_t
	if syscall.Statfs(dir, &stat) != nil {
		return 0
	}
	return stat.Bavail * uint64(stat.Bsize)
}

// sweep removes the temporary clusters whose process is gone: their lock is free. One that is being
// made has no lock yet, so young directories are left alone.
func sweep(base string, log *slog.Logger) {
	dirs, _ := filepath.Glob(filepath.Join(base, temporaryPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || ownerOf(info) != os.Geteuid() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		removeIfDead(dir, log)
	}
}

func removeIfDead(dir string, log *slog.Logger) {
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil || lock == nil {
		return
	}
	defer func() { _ = lock.Close() }()
	home, err := openHome(dir)
	if err != nil {
		return
	}
	if running, err := home.survivor(); err == nil && running != nil {
		orphan := &Cluster{adopted: running, log: log}
		if orphan.stopServer(context.Background()) != nil {
			return
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		log.Warn("could not remove a dead test run's directory", "directory", dir, "error", err)
	}
}
