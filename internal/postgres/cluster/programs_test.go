package cluster

import (
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	have := []programs{{"/17", 17}, {"/15", 15}, {"/12", 12}}
	for wanted, bin := range map[int]string{0: "/17", 15: "/15", 12: "/12", 16: "", 9: ""} {
		if got, ok := choose(have, wanted); got.bin != bin || ok != (bin != "") {
			t.Errorf("choose(%d) = %q, %v; want %q", wanted, got.bin, ok, bin)
		}
	}
	if got, ok := choose([]programs{{"/12", 12}}, 0); ok {
		t.Errorf("for a new cluster: %v, want none as old as that", got)
	}
}

func TestMajorOf(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": 15,
		"postgres (PostgreSQL) 17rc1":                          17,
		"postgres from another world":                          0,
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "postgres"), "#!/bin/sh\necho '"+output+"'\n")
		if _, err := majorOf(t.Context(), dir); err == nil {
			t.Error("a directory without initdb was taken")
		}
		write(t, filepath.Join(dir, "initdb"), "#!/bin/sh\n")
		if got, err := majorOf(t.Context(), dir); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", output, got, err, want)
		}
	}
}

func TestDownloadedProgramsAreFound(t *testing.T) {
	t.Parallel()
	home := &home{dir: t.TempDir()}
	bin := filepath.Join(home.dir, "programs-99", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bin, "initdb"), "#!/bin/sh\n")
	write(t, filepath.Join(bin, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
	have, _ := installed(t.Context(), home)
	if len(have) == 0 || have[0].bin != bin || have[0].major != 99 {
		t.Errorf("installed: %v, want %s first", have, bin)
	}
}

func TestNotFoundNamesTheThreeWays(t *testing.T) {
	t.Parallel()
	text := (&NotFoundError{Looked: []string{"/a"}, Install: os.ErrPermission, Download: os.ErrClosed}).Error()
	for _, want := range []string{"apt-get install postgresql", "permission denied", "download", "file already closed", "DATABASE_URL", "/a"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

func TestDefaultStateDir(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	if os.Geteuid() != 0 {
		if got, want := DefaultStateDir(open), filepath.Join(open, ".souk"); got != want {
			t.Errorf("DefaultStateDir = %s, want %s", got, want)
		}
		return
	}
	if got, want := DefaultStateDir("/usr/share"), "/usr/share/.souk"; got != want {
		t.Errorf("where everybody may enter: %s, want %s", got, want)
	}
	closed := filepath.Join(open, "souk")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := DefaultStateDir(closed); !strings.HasPrefix(got, "/var/lib/souk/souk-") {
		t.Errorf("where the server's user may not enter: %s", got)
	}
}

// TestRemoteStateDir pins the name: `make clean-state` computes it as well.
func TestRemoteStateDir(t *testing.T) {
	t.Parallel()
	if got, want := remoteStateDir("/root/souk"), "/var/lib/souk/souk-7036449e"; got != want {
		t.Errorf("remoteStateDir = %s, want %s", got, want)
	}
	if one, two := remoteStateDir("/root/a/souk"), remoteStateDir("/root/b/souk"); one == two {
		t.Errorf("two clones share %s", one)
	}
	if got := remoteStateDir("/"); filepath.Dir(got) != "/var/lib/souk" {
		t.Errorf("for /: %s", got)
	}
}

func TestSocketDirOfSomebodyElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := &home{dir: dir, user: account{name: "me", uid: os.Geteuid()}}
	if err := os.MkdirAll(home.server(), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, occupy := range map[string]func(path string) error{
		"open to others": func(path string) error { return mkdir(path, 0o755) },
		"a link":         func(path string) error { return os.Symlink(dir, path) },
		"a file":         func(path string) error { return os.WriteFile(path, nil, 0o700) },
	} {
		if err := occupy(home.socketDir()); err != nil {
			t.Fatal(err)
		}
		if got, err := home.makeSocketDir(); err == nil {
			t.Errorf("%s: %s was taken", name, got)
		}
		if err := os.Remove(home.socketDir()); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		other, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		account, err := toAccount(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := mkdir(home.socketDir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := account.give(home.socketDir()); err != nil {
			t.Fatal(err)
		}
		if got, err := home.makeSocketDir(); err == nil {
			t.Errorf("another user's: %s was taken", got)
		}
	}
}

func TestSweepKeepsTheLiving(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	living, dead, young := filepath.Join(base, temporaryPrefix+"living"), filepath.Join(base, temporaryPrefix+"dead"), filepath.Join(base, temporaryPrefix+"young")
	for _, dir := range []string{living, dead, young} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := lockFile(filepath.Join(living, "lock"))
	if err != nil || lock == nil {
		t.Fatalf("lock %v, %v", lock, err)
	}
	defer func() { _ = lock.Close() }()
	age(t, living)
	age(t, dead)
	sweep(base, discard())
	left, _ := filepath.Glob(filepath.Join(base, "*"))
	if fmt.Sprint(left) != fmt.Sprint([]string{living, young}) {
		t.Errorf("left are %v, want the living and the young", left)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// mkdir makes a directory with just this mode, whatever the umask.
func mkdir(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func age(t *testing.T, path string) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
