package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a transaction, or a pool, in which what is sent at once is a transaction of its own.
type Conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Step makes one statement on the tx that it is given, and reads its answer. It is run twice: first to hear what it asks, when
// every statement fails with an error that it gives back; then to read the answer.
type Step func(tx pgx.Tx) error

// Together sends the statements of some steps at once, and has the steps read the answers in their order: one round trip instead
// of many. PostgreSQL runs them one after the other, each with a snapshot of its own, and none after one that fails. The
// first step's error is the error.
func Together(ctx context.Context, conn Conn, steps ...Step) (err error) {
	if len(steps) == 0 {
		return nil
	}
	var batch pgx.Batch
	for i, step := range steps {
		if err := step(asking{batch: &batch}); !errors.Is(err, errAsked) {
			return errors.Join(fmt.Errorf("step %d made no statement", i+1), err)
		}
		if batch.Len() != i+1 {
			return fmt.Errorf("step %d made more than one statement", i+1)
		}
	}
	answers := conn.SendBatch(ctx, &batch)
	defer func() {
		if closed := answers.Close(); err == nil {
			err = closed
		}
	}()
	for _, step := range steps {
		if err := step(reading{answers: answers}); err != nil {
			return err
		}
	}
	return nil
}

// errAsked ends a step's first run.
var errAsked = errors.New("the statement is not sent yet")

// asking writes down what is asked.
type asking struct {
	pgx.Tx // nil: a step does nothing else with it
	batch  *pgx.Batch
}

func (a asking) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	a.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errAsked
}

func (a asking) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	a.batch.Queue(sql, args...)
	return nil, errAsked
}

func (a asking) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	a.batch.Queue(sql, args...)
	return unread{}
}

type unread struct{}

func (unread) Scan(...any) error { return errAsked }

// reading gives the next answer.
type reading struct {
	pgx.Tx
	answers pgx.BatchResults
}

func (r reading) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return r.answers.Exec()
}
func (r reading) Query(context.Context, string, ...any) (pgx.Rows, error) { return r.answers.Query() }
func (r reading) QueryRow(context.Context, string, ...any) pgx.Row        { return r.answers.QueryRow() }
