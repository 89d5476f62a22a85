// Package pgtest gives tests a real PostgreSQL with the real schema.
//
// Tx is the default: a transaction that is rolled back. New is for tests in which commits or two
// connections matter: a database of their own, cloned from a template in some hundredths of a second.
// Both log in as a server does, with no more rights. A test without a database fails; it never skips.
package pgtest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/postgres"
)

// poolSize is small, so that many tests at once stay within the server's 200 connections, and large
// enough for a dozen rivals.
const poolSize = 12

// Database is a database of one test's own.
type Database struct {
	Pool  *pgxpool.Pool // as a server logs in: a member of souk_app
	Admin *pgxpool.Pool // as the schema's owner

	URL      string // of Pool
	AdminURL string // of Admin
}

// New clones the template into a database that is dropped when the test ends.
func New(t testing.TB) *Database {
	t.Helper()
	ctx := t.Context()
	service := start(t)
	name := "souk_test_" + strings.ToLower(rand.Text()[:12])
	if err := service.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+service.template); err != nil {
		t.Fatalf("pgtest: clone the template: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context is over by now.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := service.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: drop the test's database: %v", err)
		}
	})
	database := &Database{URL: service.serverURL(name), AdminURL: service.adminURL(name)}
	database.Pool = open(t, database.URL, poolSize)
	database.Admin = open(t, database.AdminURL, 4)
	// A clone is a database of its own: tests share one Redis, whose channels are told apart by the epoch.
	if _, err := database.Admin.Exec(ctx, "UPDATE epoch SET id = gen_random_uuid()"); err != nil {
		t.Fatalf("pgtest: a new epoch: %v", err)
	}
	return database
}

// Tx begins a transaction as a server on a database that the process's tests share, and rolls it back
// when the test ends.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	service := start(t)
	conn, err := pgx.Connect(t.Context(), service.serverURL(service.shared(t)))
	if err != nil {
		t.Fatalf("pgtest: connect: %v", err)
	}
	// Closing the session rolls back; the test's own context is over by then.
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatalf("pgtest: begin: %v", err)
	}
	return tx
}

func open(t testing.TB, url string, size int32) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, size)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { closeSoon(t, pool) })
	return pool
}

// closeSoon closes the pool, and names the test's fault if a connection was never given back: Close
// would wait for it for ever.
func closeSoon(t testing.TB, pool *pgxpool.Pool) {
	done := make(chan struct{})
	go func() { pool.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		t.Errorf("pgtest: %d connections were still in use 15 s after the test's end", pool.Stat().AcquiredConns())
	}
}
