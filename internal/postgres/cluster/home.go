package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	socketPort = "5432"
	// A Unix socket's path has room for 107 bytes and a NUL.
	maxSocketDir = 107 - len("/.s.PGSQL."+socketPort)
	maxLogSize   = 10 << 20
)

// home is a state directory:
//
//	lock                 held by the souk process that owns the server
//	postgres/            the server's user owns this and everything below
//	postgres/data        the data directory; data.init-* is one that initdb has not finished
//	postgres/run         the socket, unless its path is too long
//	postgres/server.log
//	programs-N           PostgreSQL N, where it had to be downloaded
type home struct {
	dir  string // absolute, without symbolic links
	user account
}

func openHome(dir string) (*home, error) {
	if dir == "" {
		return nil, errors.New("no state directory given")
	}
	// The server's user passes through this directory; it may see no more of it than that.
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	home := &home{dir: dir}
	if home.user, err = accountFor(home.data()); err != nil {
		return nil, err
	}
	return home, nil
}

func (h *home) server() string { return filepath.Join(h.dir, "postgres") }
func (h *home) data() string   { return filepath.Join(h.server(), "data") }
func (h *home) log() string    { return filepath.Join(h.server(), "server.log") }

// tryLock returns the lock's file, or nil while another process holds it. The kernel lets go of it
// when the process ends, however it ends; the server does not inherit it.
func (h *home) tryLock() (*os.File, error) {
	return lockFile(filepath.Join(h.dir, "lock"))
}

func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil //nolint:nilnil // nobody's fault: the lock is taken
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// prepare makes the server's directory.
func (h *home) prepare() error {
	// The package that was just installed may have brought the user postgres along.
	var err error
	if h.user, err = accountFor(h.data()); err != nil {
		return err
	}
	if !h.user.canEnter(h.dir) {
		return fmt.Errorf("the server runs as user %q, who cannot enter %s: choose another SOUK_STATE_DIR, such as /var/lib/souk",
			h.user.name, h.dir)
	}
	if err := os.MkdirAll(h.server(), 0o700); err != nil {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	return h.user.give(h.server())
}

// socketDir is where the socket goes: within the state directory if the path is short enough, else a
// short name in the temporary directory.
func (h *home) socketDir() string {
	short := "souk-" + digest(h.dir, 12)
	for _, dir := range []string{filepath.Join(h.server(), "run"), filepath.Join(os.TempDir(), short)} {
		if len(dir) <= maxSocketDir {
			return dir
		}
	}
	return filepath.Join("/tmp", short)
}

// makeSocketDir makes the socket's directory, or checks that nobody but the server's user can have
// made the one that is there.
func (h *home) makeSocketDir() (string, error) {
	dir := h.socketDir()
	err := os.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		if err := h.user.give(dir); err != nil {
			return "", err
		}
	case !errors.Is(err, fs.ErrExist):
		return "", fmt.Errorf("make the socket's directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("socket's directory: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || ownerOf(info) != h.user.uid {
		return "", fmt.Errorf("%s is not a directory of user %q alone: someone else made it; remove it", dir, h.user.name)
	}
	return dir, nil
}

// openLog opens the server's log for appending, or anew when it has become large.
func (h *home) openLog() (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(h.log()); err == nil && info.Size() > maxLogSize {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(h.log(), flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	return file, nil
}

// logTail is the end of the server's log, for an error message.
func (h *home) logTail() string {
	const window = 4096
	file, err := os.Open(h.log())
	if err != nil {
		return "(no log)"
	}
	defer func() { _ = file.Close() }()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-window), io.SeekStart)
	}
	text, _ := io.ReadAll(file)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	lines = lines[max(0, len(lines)-12):]
	return fmt.Sprintf("the last lines of %s:\n  %s", h.log(), bytes.Join(lines, []byte("\n  ")))
}

// DefaultStateDir is where a clone keeps its state: .souk in the working directory. Root's server runs
// as another user; where that user cannot enter the working directory (/root, say), the state goes to
// /var/lib/souk under a name that only this clone has.
func DefaultStateDir(workdir string) string {
	if abs, err := filepath.Abs(workdir); err == nil {
		workdir = abs
	}
	local := filepath.Join(workdir, ".souk")
	user, err := accountFor(filepath.Join(local, "postgres", "data"))
	if err != nil || user.canEnter(workdir) {
		return local
	}
	return remoteStateDir(workdir)
}

func remoteStateDir(workdir string) string {
	base := strings.Trim(filepath.Base(workdir), "/.")
	if base == "" {
		base = "root"
	}
	return filepath.Join("/var/lib/souk", base+"-"+digest(workdir, 8))
}

func digest(text string, length int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:length]
}
