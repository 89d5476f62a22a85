package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	maintenanceDatabase = "postgres"
	startLimit          = 30 * time.Second // for a server that says nothing
	recoveryLimit       = 2 * time.Minute  // for one that says it is starting up: crash recovery
)

// awaitReady waits until the server answers, and returns the end of its log when it doesn't.
func (c *Cluster) awaitReady(ctx context.Context, home *home) error {
	begin := time.Now()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		err := ping(ctx, c.AdminURL(maintenanceDatabase))
		if err == nil {
			return nil
		}
		limit := startLimit
		if isStartingUp(err) {
			limit = recoveryLimit
		}
		if waited := time.Since(begin); waited > limit {
			return fmt.Errorf("no answer in %v: %w\n%s", waited.Round(time.Second), err, home.logTail())
		}
		if c.ended() {
			return fmt.Errorf("the server ended; %s", home.logTail())
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("wait for the server: %w", err)
		}
	}
}

// ended reports whether the server that we own is gone.
func (c *Cluster) ended() bool {
	if c.child == nil {
		return !isServer(c.adopted.pid, c.adopted.data)
	}
	select {
	case <-c.child.Done():
		return true
	default:
		return false
	}
}

func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// isStartingUp recognises cannot_connect_now: starting up, recovering, or shutting down.
func isStartingUp(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "57P03"
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ensureLogins makes what the admin needs before it can migrate, and what a server logs in as. Only a
// cluster's owner calls it, so nobody else makes the same roles at the same time.
func ensureLogins(ctx context.Context, adminURL, database string) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("connect as %s: %w", AdminRole, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	if database != "" {
		var exists bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists)
		if err != nil {
			return fmt.Errorf("look for database %s: %w", database, err)
		}
		if !exists {
			if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()); err != nil {
				return fmt.Errorf("create database %s: %w", database, err)
			}
		}
	}
	for _, role := range []struct{ name, create string }{
		{"souk_app", "CREATE ROLE souk_app NOLOGIN"},
		{ServerRole, "CREATE ROLE " + ServerRole + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE IN ROLE souk_app"},
	} {
		var exists bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role.name).Scan(&exists)
		if err != nil {
			return fmt.Errorf("look for role %s: %w", role.name, err)
		}
		if exists {
			continue
		}
		if _, err := conn.Exec(ctx, role.create); err != nil {
			return fmt.Errorf("create role %s: %w", role.name, err)
		}
	}
	return nil
}

// quoteList quotes one element of a comma-separated setting.
func quoteList(element string) string {
	return `"` + strings.ReplaceAll(element, `"`, `""`) + `"`
}
