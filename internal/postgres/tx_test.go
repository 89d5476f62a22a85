package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

const insertEvent = "INSERT INTO event (topic, version, kind, payload) VALUES ('abc', 1, 'made', '{}')"

func TestInTxCommits(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	err := postgres.InTx(t.Context(), database.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), insertEvent)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := events(t, database); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	refused := errors.New("refused")
	err := postgres.InTx(t.Context(), database.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), insertEvent); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v, want the function's own", err)
	}
	if n := events(t, database); n != 0 {
		t.Errorf("%d events, want none", n)
	}
	if used := database.Pool.Stat().AcquiredConns(); used != 0 {
		t.Errorf("%d connections were not given back", used)
	}
}

func TestInTxRetriesWhatMaySucceed(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	for code, want := range map[string]int{"40001": 3, "40P01": 3, "23505": 1} {
		tries := 0
		err := postgres.InTx(t.Context(), database.Pool, func(pgx.Tx) error {
			tries++
			return &pgconn.PgError{Code: code}
		})
		if tries != want || err == nil {
			t.Errorf("%s: %d tries and %v, want %d and the error", code, tries, err, want)
		}
	}
	tries := 0
	err := postgres.InTx(t.Context(), database.Pool, func(pgx.Tx) error {
		if tries++; tries < 3 {
			return &pgconn.PgError{Code: "40001"}
		}
		return nil
	})
	if err != nil {
		t.Errorf("the third try succeeded: %v", err)
	}
}

func TestViolates(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	if _, err := tx.Exec(t.Context(), insertEvent); err != nil {
		t.Fatal(err)
	}
	_, err := tx.Exec(t.Context(), insertEvent)
	if !postgres.Violates(err, "event_pkey") || postgres.Violates(err, "epoch_pkey") || postgres.Violates(nil, "event_pkey") {
		t.Errorf("error %v: want a violation of event_pkey alone", err)
	}
}

func events(t *testing.T, database *pgtest.Database) (n int) {
	t.Helper()
	if err := database.Admin.QueryRow(t.Context(), "SELECT count(*) FROM event").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
