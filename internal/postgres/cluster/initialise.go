package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/souklive/souk/internal/process"
)

// initialise makes the data directory, if there is none. initdb works on another name, so that the
// name `data` never stands for half a directory.
func initialise(ctx context.Context, cfg Config, home *home, programs programs) error {
	if _, err := os.Lstat(filepath.Join(home.data(), "PG_VERSION")); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory: %w", err)
	}
	unfinished, err := filepath.Glob(home.data() + ".init-*")
	if err != nil {
		return fmt.Errorf("look for an unfinished data directory: %w", err)
	}
	for _, dir := range unfinished {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove an unfinished data directory: %w", err)
		}
	}
	level := slog.LevelInfo
	if cfg.Fast {
		level = slog.LevelDebug // every test run makes one
	}
	cfg.Log.Log(ctx, level, "making a private PostgreSQL", "directory", home.server(), "version", programs.major)
	fresh, err := os.MkdirTemp(home.server(), "data.init-")
	if err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := home.user.give(fresh); err != nil {
		return err
	}
	// Not every system knows C.UTF-8; C sorts the same way.
	if err = initdb(ctx, cfg, home, programs, fresh, "C.UTF-8"); err != nil && strings.Contains(err.Error(), "locale") {
		err = initdb(ctx, cfg, home, programs, fresh, "C")
	}
	if err != nil {
		_ = os.RemoveAll(fresh)
		return err
	}
	if err := os.Rename(fresh, home.data()); err != nil {
		return fmt.Errorf("put the data directory in place: %w", err)
	}
	return nil
}

func initdb(ctx context.Context, cfg Config, home *home, programs programs, dir, locale string) error {
	args := []string{
		"-D", dir, "-U", AdminRole, "--encoding=UTF8", "--locale=" + locale,
		// Whoever gets to the socket is let in, and its directory lets in nobody but the server's user.
		"--auth-local=trust", "--auth-host=reject",
	}
	if cfg.Fast {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	var output strings.Builder
	cmd := home.user.command(filepath.Join(programs.bin, "initdb"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = home.server(), &output, &output
	child, err := process.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return err
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		_ = child.Stop(ctx, process.Step{Signal: syscall.SIGTERM, Wait: 5 * time.Second})
		return fmt.Errorf("initdb: %w", ctx.Err())
	}
	if err := child.Err(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output.String())
	}
	return nil
}
