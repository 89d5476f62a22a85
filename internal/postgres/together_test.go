package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

// number reads one number by a statement.
func number(ctx context.Context, into *int, sql string, args ...any) postgres.Step {
	return func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(into) }
}

func TestTogether(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), pgtest.Tx(t)
	var first, events, all int
	err := postgres.Together(ctx, tx,
		number(ctx, &first, "SELECT $1::integer", 41),
		func(tx pgx.Tx) error { _, err := tx.Exec(ctx, insertEvent); return err },
		func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, "SELECT n FROM generate_series(1, 3) n")
			if err != nil {
				return err
			}
			numbers, err := pgx.CollectRows(rows, pgx.RowTo[int])
			all = len(numbers)
			return err
		},
		number(ctx, &events, "SELECT count(*) FROM event"),
	)
	if err != nil || first != 41 || all != 3 || events != 1 {
		t.Errorf("got %d, %d rows, %d events, %v: each sees what those before it did", first, all, events, err)
	}
}

// What follows a statement that fails is not done, and its own error is told.
func TestTogetherStops(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	var none int
	err := postgres.InTx(ctx, database.Pool, func(tx pgx.Tx) error {
		return postgres.Together(ctx, tx,
			func(tx pgx.Tx) error { _, err := tx.Exec(ctx, insertEvent); return err },
			number(ctx, &none, "SELECT 1 / 0"),
			number(ctx, &none, "SELECT 7"),
		)
	})
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "22012" {
		t.Errorf("error %v, want the division's", err)
	}
	if none != 0 || events(t, database) != 0 {
		t.Error("something was done")
	}
	if used := database.Pool.Stat().AcquiredConns(); used != 0 {
		t.Errorf("%d connections were not given back", used)
	}
}

// A step's own refusal of what it reads is the error, and the transaction can be used on.
func TestTogetherRefusal(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), pgtest.Tx(t)
	refused, n := errors.New("refused"), 0
	err := postgres.Together(ctx, tx,
		func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, "SELECT 1").Scan(&n); err != nil {
				return err
			}
			return refused
		},
		number(ctx, new(int), "SELECT 2"),
	)
	if !errors.Is(err, refused) || n != 1 {
		t.Errorf("got %d, %v", n, err)
	}
	if err := tx.QueryRow(ctx, "SELECT 3").Scan(&n); err != nil || n != 3 {
		t.Errorf("afterwards got %d, %v", n, err)
	}
}

func TestTogetherWantsOneStatementAStep(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), pgtest.Tx(t)
	for name, step := range map[string]postgres.Step{
		"none": func(pgx.Tx) error { return nil },
		"two": func(tx pgx.Tx) error {
			_, _ = tx.Exec(ctx, "SELECT 1")
			_, err := tx.Exec(ctx, "SELECT 2")
			return err
		},
	} {
		if err := postgres.Together(ctx, tx, step); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
