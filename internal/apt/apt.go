// Package apt installs Debian packages for a newcomer's machine, where that is possible and wanted.
package apt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Possible reports whether this process may install packages: it is root and the machine has apt-get.
func Possible() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// Install installs packages, and says so in the log first. It asks nothing and keeps the machine's
// own configuration files.
func Install(ctx context.Context, log *slog.Logger, packages ...string) error {
	if !Possible() {
		return errors.New("installing packages needs root and apt-get")
	}
	log.Info("installing what is missing with apt-get", "packages", strings.Join(packages, " "))
	if err := run(ctx, "update", "-qq"); err != nil {
		// An unreachable third-party source fails the update; the package may be there all the same.
		log.Warn("apt-get update failed", "error", err)
	}
	args := append([]string{
		"install", "-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold",
		"-o", "DPkg::Lock::Timeout=120",
	}, packages...)
	return run(ctx, args...)
}

// PostgreSQL installs the server's programs, without the cluster that Debian would otherwise create and
// start on port 5432 (create_main_cluster, in a drop-in that only adds to the machine's own file).
func PostgreSQL(ctx context.Context, log *slog.Logger) error {
	const dropIn = "/etc/postgresql-common/createcluster.d/souk.conf"
	if err := writeMissing(dropIn, "# written by souk before it installed postgresql\ncreate_main_cluster = false\n"); err != nil {
		return err
	}
	return Install(ctx, log, "postgresql")
}

// Redis installs redis-server, and keeps the package from starting it (policy-rc.d), unless the
// machine has a policy of its own.
func Redis(ctx context.Context, log *slog.Logger) error {
	const policy = "/usr/sbin/policy-rc.d"
	if _, err := os.Stat(policy); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil { //nolint:gosec // dpkg runs it
			return fmt.Errorf("keep redis-server from starting: %w", err)
		}
		defer func() { _ = os.Remove(policy) }()
	}
	return Install(ctx, log, "redis-server")
}

func writeMissing(path, content string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as the package makes it
		return fmt.Errorf("make %s: %w", filepath.Dir(path), err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil { //nolint:gosec // as the package makes it
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, lastLines(string(out), 10))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
