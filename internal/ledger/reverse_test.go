package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

func reverse(ctx context.Context, pool *pgxpool.Pool, entry int64, key string) (posted ledger.Posted, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		posted, err = ledger.ReverseTx(ctx, tx, entry, key, cause)
		return err
	})
	return posted, err
}

func TestAReversalNegatesOnce(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	user := fund(t, database.Pool, 100)
	hold := mustPost(t, database.Pool, move("hold", 40, wallet(user), held(user)))

	first, err := reverse(ctx, database.Pool, hold.EntryID, "undo")
	if err != nil || first.Replayed {
		t.Fatalf("reversed %+v, %v", first, err)
	}
	wantBalance(t, database.Pool, wallet(user), 100)
	wantBalance(t, database.Pool, held(user), 0)

	if again, err := reverse(ctx, database.Pool, hold.EntryID, "undo"); err != nil || !again.Replayed || again.EntryID != first.EntryID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if _, err := reverse(ctx, database.Pool, hold.EntryID, "undo it once more"); !errors.Is(err, ledger.ErrReversed) {
		t.Errorf("under another key: %v, want ENTRY_REVERSED", err)
	}
	if _, err := reverse(ctx, database.Pool, 1, "undo"); !errors.Is(err, ledger.ErrKeyReused) {
		t.Errorf("another entry under the same key: %v, want IDEMPOTENCY_KEY_REUSED", err)
	}
	if _, err := reverse(ctx, database.Pool, 1<<40, "undo nothing"); !errors.Is(err, ledger.ErrNoEntry) {
		t.Errorf("no such entry: %v, want ENTRY_NOT_FOUND", err)
	}
	wantBalance(t, database.Pool, wallet(user), 100)
	wantSound(t, database)
}

func TestAReversalKeepsFloors(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	hold := mustPost(t, database.Pool, move("hold", 40, wallet(user), held(user)))
	mustPost(t, database.Pool, move("spend", 40, held(user), platform(ledger.Bank)))
	if _, err := reverse(t.Context(), database.Pool, hold.EntryID, "undo"); !errors.Is(err, ledger.ErrInsufficientFunds) {
		t.Errorf("reversing what was spent: %v", err)
	}
	wantBalance(t, database.Pool, wallet(user), 60)
}

func TestAReversalCanBeReversed(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	hold := mustPost(t, database.Pool, move("hold", 40, wallet(user), held(user)))
	undone, err := reverse(t.Context(), database.Pool, hold.EntryID, "undo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reverse(t.Context(), database.Pool, undone.EntryID, "redo"); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, database.Pool, held(user), 40)
	wantSound(t, database)
}
