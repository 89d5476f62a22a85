package cluster

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

const (
	defaultDownload = 16
	// The library's archives, which have a checksum beside them.
	archives = "https://repo1.maven.org/maven2"
)

// fetch downloads PostgreSQL into the state directory by way of the embedded-postgres library, which
// keeps the archive in the user's cache for the next clone.
func fetch(ctx context.Context, log *slog.Logger, home *home, major int) (programs, error) {
	versions := map[int]embedded.PostgresVersion{14: embedded.V14, 15: embedded.V15, 16: embedded.V16}
	version, ok := versions[major]
	if !ok {
		return programs{}, fmt.Errorf("PostgreSQL %d is not offered for download", major)
	}
	dir := filepath.Join(home.dir, "programs-"+strconv.Itoa(major))
	log.Info("downloading PostgreSQL", "version", string(version), "to", dir)
	// The name stands for programs that were unpacked to the end.
	scratch, err := os.MkdirTemp(home.dir, "download-")
	if err != nil {
		return programs{}, fmt.Errorf("download: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	unpacked := filepath.Join(scratch, "programs")
	if err := download(archives, version, unpacked, scratch); err != nil {
		return programs{}, err
	}
	if err := makeReadable(unpacked); err != nil {
		return programs{}, fmt.Errorf("download: %w", err)
	}
	if _, err := majorOf(ctx, filepath.Join(unpacked, "bin")); err != nil {
		return programs{}, fmt.Errorf("the downloaded programs do not run: %w", err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
		return programs{}, fmt.Errorf("download: %w", err)
	}
	return programs{bin: filepath.Join(dir, "bin"), major: major}, nil
}

// download has the library fetch and unpack. Its one entry point also starts a server, on a TCP port
// and not as another user; a data directory that holds nothing but a version makes it fail at that,
// after unpacking. So what counts is whether the programs are there. It panics when the network goes
// away between the archive and its checksum.
func download(from string, version embedded.PostgresVersion, dir, scratch string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("download: %v", r)
		}
	}()
	data := filepath.Join(scratch, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	major, _, _ := strings.Cut(string(version), ".")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(major+"\n"), 0o600); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = scratch
	}
	config := embedded.DefaultConfig().Version(version).Port(port).DataPath(data).BinariesPath(dir).
		RuntimePath(filepath.Join(scratch, "run")).CachePath(filepath.Join(cache, "souk")).
		BinaryRepositoryURL(from).Logger(io.Discard)
	startErr := embedded.NewDatabase(config).Start()
	if _, err := os.Stat(filepath.Join(dir, "bin", "postgres")); err == nil && !isUnpackError(startErr) {
		return nil
	}
	return fmt.Errorf("download: %w", startErr)
}

// isUnpackError recognises the library's error for a damaged archive, which has no type.
func isUnpackError(err error) bool {
	return err != nil && strings.Contains(err.Error(), "unable to extract")
}

// makeReadable lets the server's user run what root unpacked.
func makeReadable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

func freePort() (uint32, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("unexpected address %v", listener.Addr())
	}
	return uint32(address.Port), nil
}
