package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

func TestAway(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	query := func(ctx context.Context, sql string) error {
		_, err := database.Pool.Exec(ctx, sql)
		return err
	}
	for name, c := range map[string]struct {
		away bool
		err  func() error
	}{
		"nothing":             {false, func() error { return nil }},
		"a mistake":           {false, func() error { return query(ctx, "SELECT 1 / 0") }},
		"a cancelled request": {false, func() error { return query(ended, "SELECT 1") }},
		"another's error":     {false, func() error { return errors.New("EOF") }},
		"hung up on":          {true, func() error { return query(ctx, "SELECT pg_terminate_backend(pg_backend_pid())") }},
		"nobody listens": {true, func() error {
			_, err := pgx.Connect(ctx, "postgres://nobody@127.0.0.1:1/nothing")
			return err
		}},
		"hung up on before": {true, func() error {
			conn, err := database.Admin.Acquire(ctx)
			if err != nil {
				return nil
			}
			defer conn.Release()
			if err := conn.Conn().PgConn().Conn().Close(); err != nil {
				return nil
			}
			_, err = conn.Exec(ctx, "SELECT 1")
			return err
		}},
	} {
		err := c.err()
		if got := postgres.Away(err); got != c.away || (c.away && err == nil) {
			t.Errorf("%s: Away(%v) = %v", name, err, got)
		}
	}
	database.Pool.Close()
	if err := query(ctx, "SELECT 1"); !postgres.Away(err) {
		t.Errorf("a closed pool: %v", err)
	}
}
