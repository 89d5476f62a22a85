package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
)

// heard keeps what is published.
type heard struct {
	mu     sync.Mutex
	events []realtime.Event
}

func (h *heard) Publish(_ context.Context, events ...realtime.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, events...)
}

var errBad = errors.New("this one is bad")

// bench is a queue over want_change: what it works off it deletes, and what is bad it can't.
type bench struct {
	data *pgtest.Database
	work.Queue

	hub  *heard
	log  *bytes.Buffer
	bad  map[int64]bool
	down atomic.Bool // nothing can be put off either
}

func newBench(t *testing.T, changes int, batch int32) *bench {
	t.Helper()
	b := &bench{data: pgtest.New(t), hub: &heard{}, log: &bytes.Buffer{}, bad: make(map[int64]bool)}
	b.exec(t, fmt.Sprintf(`INSERT INTO want_change (listing_id) SELECT gen_random_uuid() FROM generate_series(1, %d)`, changes))
	b.Queue = work.Queue{Pool: b.data.Pool, Hub: b.hub, Log: slog.New(slog.NewTextHandler(b.log, nil)), Name: "a change", Batch: batch, Next: b.next, PutOff: b.putOff}
	return b
}

func (b *bench) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := b.data.Admin.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// ids are those of the changes for which a condition holds.
func (b *bench) ids(t *testing.T, condition string) []int64 {
	t.Helper()
	rows, err := b.data.Admin.Query(t.Context(), `SELECT id FROM want_change WHERE `+condition+` ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (b *bench) next(ctx context.Context, tx pgx.Tx, most int32) (done work.Worked, err error) {
	rows, err := tx.Query(ctx, `SELECT id FROM want_change WHERE set_aside_at IS NULL AND (next_try_at IS NULL OR next_try_at <= clock_timestamp()) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, most)
	if err == nil {
		done.Changes, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	if err != nil {
		return done, err
	}
	for _, id := range done.Changes {
		if b.bad[id] {
			return done, errBad
		}
		done.Events = append(done.Events, realtime.Event{Version: id})
	}
	_, err = tx.Exec(ctx, `DELETE FROM want_change WHERE id = ANY ($1)`, done.Changes)
	return done, err
}

func (b *bench) putOff(ctx context.Context, f work.Failure) (failures int32, err error) {
	if b.down.Load() {
		return 0, errors.New("the database does not answer")
	}
	err = b.Pool.QueryRow(ctx, `UPDATE want_change SET failures = failures + 1, failure = $2, next_try_at = clock_timestamp() + interval '1 hour',
		set_aside_at = CASE WHEN failures + 1 >= $3 THEN clock_timestamp() END WHERE id = $1 RETURNING failures`, f.Change, f.Why, f.Last).Scan(&failures)
	return failures, err
}

// What fails is put off, alone, whichever of a batch it is; all others are worked off and told. After its last try it is set aside, with an error in the log, and its row stays.
func TestABadChangeHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, batch := range []int32{0, 1, 4, 100} {
		t.Run(fmt.Sprint("batches of ", batch), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10, batch)
			all := b.ids(t, `true`)
			b.bad[all[0]], b.bad[all[5]] = true, true
			bad := []int64{all[0], all[5]}
			told, err := b.Work(t.Context())
			if told != 8 || len(b.hub.events) != 8 || !errors.Is(err, errBad) {
				t.Errorf("%d and %d are told, %v", told, len(b.hub.events), err)
			}
			if left := b.ids(t, `failures = 1 AND failure = 'this one is bad'`); !slices.Equal(left, bad) || len(b.ids(t, `true`)) != 2 {
				t.Errorf("%v are left of %v", left, b.ids(t, `true`))
			}
			if told, err := b.Work(t.Context()); told != 0 || err != nil {
				t.Errorf("before its time comes: %d, %v", told, err)
			}
			for n := 2; n <= work.Tries+2; n++ {
				b.exec(t, `UPDATE want_change SET next_try_at = clock_timestamp()`)
				_, err := b.Work(t.Context())
				if is := errors.Is(err, errBad); is != (n <= work.Tries) {
					t.Errorf("try %d: %v", n, err)
				}
			}
			if aside := b.ids(t, fmt.Sprintf(`set_aside_at IS NOT NULL AND failures = %d`, work.Tries)); !slices.Equal(aside, bad) {
				t.Errorf("%v are set aside", aside)
			}
			if n := strings.Count(b.log.String(), "set aside"); n != 2 {
				t.Errorf("it is told %d times: %s", n, b.log)
			}
			b.bad = nil // it is mended, and somebody brings them back
			b.exec(t, `UPDATE want_change SET failures = 0, next_try_at = NULL, set_aside_at = NULL`)
			if told, err := b.Work(t.Context()); told != 2 || err != nil {
				t.Errorf("mended: %d, %v", told, err)
			}
		})
	}
}

// Where a failure can't be written down no change is to blame, and where ctx ends neither.
func TestADatabaseThatIsDownCountsAgainstNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3, 1)
	b.bad[b.ids(t, `true`)[0]] = true
	b.down.Store(true)
	if told, err := b.Work(t.Context()); told != 0 || !errors.Is(err, errBad) {
		t.Errorf("%d, %v", told, err)
	}
	b.down.Store(false)
	ctx, cancel := context.WithCancel(t.Context())
	next := b.Next
	b.Next = func(ctx context.Context, tx pgx.Tx, most int32) (work.Worked, error) {
		defer cancel()
		return next(ctx, tx, most)
	}
	if _, err := b.Work(ctx); err == nil {
		t.Error("it was stopped")
	}
	if n := len(b.ids(t, `failures = 0`)); n != 3 {
		t.Errorf("%d of 3 have not failed", n)
	}
}

// Several servers work one queue off: each change once.
func TestManyWorkAtOneQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t, 60, 7)
	b.bad[b.ids(t, `true`)[30]] = true
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := b.Work(t.Context()); err != nil && !errors.Is(err, errBad) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := b.Work(t.Context()); err != nil && !errors.Is(err, errBad) { // whoever was shut out by another's batch that failed has ended before
		t.Error(err)
	}
	seen := make(map[int64]int)
	for _, e := range b.hub.events {
		seen[e.Version]++
	}
	if len(seen) != 59 || len(b.hub.events) != 59 || len(b.ids(t, `true`)) != 1 {
		t.Errorf("%d changes are told, %d times", len(seen), len(b.hub.events))
	}
}

// A loop does it again whatever it says, logs what failed, and ends with its context.
func TestEvery(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := work.Every(ctx, time.Millisecond, slog.New(slog.NewTextHandler(&log, nil)), "looking", func(context.Context) error {
		if n++; n == 3 {
			cancel()
			return ctx.Err()
		}
		return map[int]error{1: errBad}[n]
	})
	if err != nil || n != 3 || strings.Count(log.String(), "doing=looking") != 1 || !strings.Contains(log.String(), errBad.Error()) {
		t.Errorf("%d times, %v: %s", n, err, &log)
	}
}
