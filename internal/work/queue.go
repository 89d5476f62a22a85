package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Tries is how often a change may fail. The last time is some minutes after the first.
const Tries = 10

// Queue works changes off that wait in a table, the oldest first, in transactions of which each may tell users. Several servers may work at one table: Next passes by what another
// has locked.
type Queue struct {
	Pool  *pgxpool.Pool
	Hub   realtime.Publisher
	Log   *slog.Logger
	Name  string // of one change, in the log
	Batch int32  // how many changes a transaction takes at most; one where it is 0

	// Next works at most so many changes off, or a part of them. It says which, also where it fails.
	Next func(ctx context.Context, tx pgx.Tx, most int32) (Worked, error)
	// PutOff counts a failure of a change, and says how many there were: it is tried again after a pause, and never after the last of its tries.
	PutOff func(ctx context.Context, f Failure) (failures int32, err error)
}

// Worked is what one transaction has done.
type Worked struct {
	Changes []int64          // none: nothing waits
	Events  []realtime.Event // to publish after the commit
}

// Failure is why a change could not be worked off.
type Failure struct {
	Change int64
	Why    string
	Last   int32 // after so many it is set aside
}

// Work works off whatever waits, and says how many events there were. Changes that fail are put off, and their errors given at the end.
func (q Queue) Work(ctx context.Context) (told int, err error) {
	var failed []error
	most, alone := max(q.Batch, 1), int32(0)
	for {
		size := most
		if alone > 0 { // one of some has failed: which?
			size, alone = 1, alone-1
		}
		var done Worked
		err := postgres.InTx(ctx, q.Pool, func(tx pgx.Tx) (err error) {
			done, err = q.Next(ctx, tx, size)
			return err
		})
		switch {
		case err == nil && len(done.Changes) == 0:
			return told, errors.Join(failed...)
		case err == nil:
			q.Hub.Publish(ctx, done.Events...)
			told += len(done.Events)
		case len(done.Changes) == 0 || ctx.Err() != nil:
			return told, errors.Join(append(failed, err)...)
		case len(done.Changes) > 1:
			alone = int32(len(done.Changes))
		default:
			if err := q.putOff(ctx, done.Changes[0], err); err != nil {
				return told, errors.Join(append(failed, err)...)
			}
			failed = append(failed, fmt.Errorf("%s %d: %w", q.Name, done.Changes[0], err))
		}
	}
}

// putOff counts a failure. Where that can't be written down either, nobody is to blame but the database.
func (q Queue) putOff(ctx context.Context, change int64, why error) error {
	failures, err := q.PutOff(ctx, Failure{Change: change, Why: why.Error(), Last: Tries})
	if postgres.NoRows(err) { // another has worked it off
		return nil
	}
	if err != nil {
		return errors.Join(why, err)
	}
	if failures >= Tries {
		q.Log.ErrorContext(ctx, "a change is set aside, as it fails each time; its row stays", "queue", q.Name, "change", change, "failures", failures, "error", why)
	}
	return nil
}
