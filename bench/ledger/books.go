package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
)

// books are a database with our schema that lasts as long as the measurement.
type books struct {
	url   string
	admin *pgxpool.Pool
	undo  []func(context.Context) error
}

func openBooks(ctx context.Context, server string) (_ *books, err error) {
	b := &books{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if server == "" {
		if server, err = b.startCluster(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.createDatabase(ctx, server); err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, b.url, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if b.admin, err = postgres.Open(ctx, b.url, 4); err != nil {
		return nil, err
	}
	return b, nil
}

// startCluster starts a PostgreSQL with fsync, and answers its URL.
func (b *books) startCluster(ctx context.Context) (string, error) {
	parent, err := os.MkdirTemp("", "souk-bench-*")
	if err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	b.undo = append(b.undo, func(context.Context) error { return os.RemoveAll(parent) })
	// PostgreSQL's user, who is not root, must be able to pass through the directory.
	if err := os.Chmod(parent, 0o711); err != nil { //nolint:gosec // see above
		return "", fmt.Errorf("open the directory: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := cluster.Start(ctx, cluster.Config{StateDir: filepath.Join(parent, "state"), Log: log})
	if err != nil {
		return "", err
	}
	b.undo = append(b.undo, server.Stop)
	return server.AdminURL("postgres"), nil
}

func (b *books) createDatabase(ctx context.Context, server string) error {
	target, err := url.Parse(server)
	if err != nil || target.Scheme == "" {
		return errors.New("DATABASE_URL is no URL (postgres://…)")
	}
	name := "souk_bench_" + strings.ToLower(rand.Text()[:12])
	if err := execute(ctx, server, "CREATE DATABASE "+name); err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	b.undo = append(b.undo, func(ctx context.Context) error {
		return execute(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)")
	})
	target.Path = "/" + name
	b.url = target.String()
	return nil
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// close removes all that openBooks made, also after an interrupt.
func (b *books) close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if b.admin != nil {
		b.admin.Close()
	}
	for _, undo := range slices.Backward(b.undo) {
		err = errors.Join(err, undo(ctx))
	}
	return err
}

// exec runs statements, each in a transaction of its own.
func (b *books) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := b.admin.Exec(ctx, statement); err != nil {
			line, _, _ := strings.Cut(strings.TrimSpace(statement), "\n")
			return fmt.Errorf("%s …: %w", line, err)
		}
	}
	return nil
}
