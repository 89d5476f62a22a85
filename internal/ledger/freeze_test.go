package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

// freeze freezes a user, for a cause of this reason's own.
func freeze(t reporter, database *pgtest.Database, user uuid.UUID, reason string) uuid.UUID {
	t.Helper()
	freezeID, _, err := tryFreeze(t.Context(), database, user, reason)
	if err != nil {
		t.Fatal(err)
	}
	return freezeID
}

func tryFreeze(ctx context.Context, database *pgtest.Database, user uuid.UUID, reason string) (freezeID uuid.UUID, fresh bool, err error) {
	err = pgx.BeginFunc(ctx, database.Pool, func(tx pgx.Tx) error {
		why := ledger.Cause{Kind: "test", ID: uuid.NewSHA1(uuid.Nil, []byte(reason))}
		freezeID, fresh, err = ledger.FreezeTx(ctx, tx, ledger.Freeze{ID: id.New(), Owner: user, Cause: why, Reason: reason})
		return err
	})
	return freezeID, fresh, err
}

// lift ends all of a user's freezes.
func lift(t reporter, database *pgtest.Database, user uuid.UUID) {
	t.Helper()
	standing, err := ledger.Freezes(t.Context(), database.Pool, user, true, 10)
	if err != nil || len(standing) == 0 {
		t.Fatalf("freezes of %s: %v, %v", user, standing, err)
	}
	for _, f := range standing {
		if err := pgx.BeginFunc(t.Context(), database.Pool, func(tx pgx.Tx) error {
			_, err := ledger.LiftTx(t.Context(), tx, f.ID, cause, "well again")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingLeavesAFrozenWallet(t *testing.T) {
	t.Parallel()
	nothingLeavesAFrozenWallet(t, pgtest.New(t))
}

func nothingLeavesAFrozenWallet(t reporter, database *pgtest.Database) {
	user, other := fund(t, database.Pool, 100), fund(t, database.Pool, 100)
	mustPost(t, database.Pool, move("held before", 40, wallet(user), held(user)))
	freeze(t, database, user, "a reason")
	before := fingerprint(t, database.Pool)
	for name, legs := range map[string][]ledger.Leg{
		"a hold": move("", 1, wallet(user), held(user)).Legs,
		"among others": {
			{Account: wallet(other), Amount: -1}, {Account: wallet(user), Amount: -1}, {Account: held(other), Amount: 2},
		},
		"more than there is": move("", 1000, wallet(user), held(user)).Legs,
	} {
		_, err := post(t.Context(), database.Pool, ledger.Entry{Key: name, Flow: ledger.FlowHold, Cause: cause, Legs: legs})
		frozen, ok := errors.AsType[*ledger.FrozenError](err)
		if !errors.Is(err, ledger.ErrFrozen) || !ok || frozen.Owner != user || frozen.Since.IsZero() {
			t.Errorf("%s: %v, want ErrFrozen of %s", name, err, user)
		}
	}
	if after := fingerprint(t, database.Pool); after != before {
		t.Errorf("refusals left %s, before it was %s", after, before)
	}

	for _, entry := range []ledger.Entry{
		move("held before", 40, wallet(user), held(user)), // the first answer
		move("comes in", 5, platform(ledger.Bank), wallet(user)),
		move("released", 10, held(user), wallet(user)),
		move("consumed", 10, held(user), ledger.Account{Kind: ledger.Escrow, Owner: id.New(), Currency: eur}),
		move("another's", 10, wallet(other), held(other)),
		{Key: "lost", Flow: ledger.FlowChargebackLost, Cause: cause, Legs: move("", 3, wallet(user), platform(ledger.ChargebackLoss)).Legs},
	} {
		if _, err := post(t.Context(), database.Pool, entry); err != nil {
			t.Errorf("%s: %v", entry.Key, err)
		}
	}
	in := mustPost(t, database.Pool, move("comes in", 5, platform(ledger.Bank), wallet(user)))
	if _, err := reverse(t.Context(), database.Pool, in.EntryID, "an admin's correction"); err != nil {
		t.Errorf("a reversal: %v", err)
	}

	freeze(t, database, user, "another reason")
	lift(t, database, user)
	if _, err := post(t.Context(), database.Pool, move("lifted", 1, wallet(user), held(user))); err != nil {
		t.Errorf("lifted: %v", err)
	}
	wantSound(t, database)
}

func TestFreezesStandAlone(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	user := fund(t, database.Pool, 100)
	one, fresh, err := tryFreeze(ctx, database, user, "one")
	if err != nil || !fresh {
		t.Fatalf("%t, %v", fresh, err)
	}
	if again, fresh, err := tryFreeze(ctx, database, user, "one"); again != one || fresh || err != nil {
		t.Errorf("the same cause again: %s, %t, %v; want %s", again, fresh, err, one)
	}
	two := freeze(t, database, user, "two")
	end := func(freezeID uuid.UUID) (lifted bool) {
		t.Helper()
		if err := pgx.BeginFunc(ctx, database.Pool, func(tx pgx.Tx) (err error) {
			lifted, err = ledger.LiftTx(ctx, tx, freezeID, cause, "enough")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return lifted
	}
	for i, c := range []struct {
		freeze         uuid.UUID
		lifted, frozen bool
	}{{one, true, true}, {one, false, true}, {two, true, false}} {
		if lifted := end(c.freeze); lifted != c.lifted {
			t.Errorf("%d: lifted = %t, want %t", i, lifted, c.lifted)
		}
		if frozen, err := ledger.Frozen(ctx, database.Pool, user); frozen != c.frozen || err != nil {
			t.Errorf("%d: frozen = %t, %v; want %t", i, frozen, err, c.frozen)
		}
	}
	again := freeze(t, database, user, "one")
	all, err := ledger.Freezes(ctx, database.Pool, user, false, 10)
	if err != nil || len(all) != 3 || all[0].ID != again || all[0].LiftedAt != nil || all[2].ID != one || all[2].LiftedAt == nil || all[2].LiftReason != "enough" {
		t.Errorf("freezes: %+v, %v", all, err)
	}
	if f, found, err := ledger.FreezeByID(ctx, database.Pool, two); err != nil || !found || f.Reason != "two" || f.Owner != user || f.LiftedBy != cause {
		t.Errorf("%+v, %t, %v", f, found, err)
	}
	if _, found, err := ledger.FreezeByID(ctx, database.Pool, id.New()); err != nil || found {
		t.Errorf("a freeze that nobody made: %t, %v", found, err)
	}
}

// Whoever has begun to spend when the freeze comes is waited for.
func TestAFreezeWaitsForWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	aFreezeWaitsForWhatIsOnItsWay(t, pgtest.New(t))
}

func aFreezeWaitsForWhatIsOnItsWay(t reporter, database *pgtest.Database) {
	user := fund(t, database.Pool, 100)
	mustPost(t, database.Pool, move("no first account", 1, wallet(user), held(user)))
	freezeBehind(t, database, user, move("spends", 30, wallet(user), held(user)))
	wantBalance(t, database.Pool, wallet(user), 69)
}

// A wallet that its own transaction alone can see has no row that a freeze could lock.
func TestAFreezeWaitsForAFirstWallet(t *testing.T) {
	t.Parallel()
	aFreezeWaitsForAFirstWallet(t, pgtest.New(t))
}

func aFreezeWaitsForAFirstWallet(t reporter, database *pgtest.Database) {
	user := id.New()
	freezeBehind(t, database, user, move("first", 30, platform(ledger.Bank), wallet(user)))
	if _, err := post(t.Context(), database.Pool, move("spends", 10, wallet(user), held(user))); !errors.Is(err, ledger.ErrFrozen) {
		t.Errorf("%v, want ErrFrozen", err)
	}
}

// freezeBehind freezes a user while an entry is posted and not committed, and insists that it waits.
func freezeBehind(t reporter, database *pgtest.Database, user uuid.UUID, e ledger.Entry) {
	t.Helper()
	ctx := t.Context()
	spender, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spender.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := ledger.PostTx(ctx, spender, e); err != nil {
		t.Fatal(err)
	}
	frozen := make(chan error, 1)
	go func() {
		_, _, err := tryFreeze(ctx, database, user, "a reason")
		frozen <- err
	}()
	if early, err := waitsOrEnds(ctx, t, database, frozen); early {
		t.Fatalf("the freeze did not wait for what was on its way: %v", err)
	}
	if err := spender.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-frozen; err != nil {
		t.Fatal(err)
	}
}

// waitsOrEnds returns when a session of this database waits for another, or what was begun has ended.
func waitsOrEnds(ctx context.Context, t reporter, database *pgtest.Database, done chan error) (ended bool, err error) {
	t.Helper()
	const query = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)`
	for waiting := false; !waiting; {
		select {
		case err := <-done:
			return true, err
		default:
		}
		if err := database.Admin.QueryRow(ctx, query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	return false, nil
}

// Whoever waits for the wallet while it is frozen finds the freeze when they get it.
func TestWhoWaitedForAFreezeFindsIt(t *testing.T) {
	t.Parallel()
	whoWaitedForAFreezeFindsIt(t, pgtest.New(t))
}

func whoWaitedForAFreezeFindsIt(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	user := fund(t, database.Pool, 100)
	mustPost(t, database.Pool, move("no first account", 1, wallet(user), held(user)))
	tx, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, _, err := ledger.FreezeTx(ctx, tx, ledger.Freeze{ID: id.New(), Owner: user, Cause: cause, Reason: "a reason"}); err != nil {
		t.Fatal(err)
	}
	spent := make(chan error, 1)
	go func() {
		_, err := post(ctx, database.Pool, move("spends", 30, wallet(user), held(user)))
		spent <- err
	}()
	if early, err := waitsOrEnds(ctx, t, database, spent); early {
		t.Fatalf("spent without the wallet's lock: %v", err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-spent; !errors.Is(err, ledger.ErrFrozen) {
		t.Errorf("%v, want ErrFrozen", err)
	}
	wantBalance(t, database.Pool, wallet(user), 99)
}

// One freezes while the others spend as fast as they can: from the moment at which it has returned, nothing is spent.
func TestNothingIsSpentAfterAFreeze(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	user := fund(t, database.Pool, 1_000_000)
	var (
		spent  atomic.Int64
		after  atomic.Bool // the freeze has returned
		latest int64       // the wallet then
	)
	for i, err := range atOnce(rivals, func(i int) error {
		if i == 0 {
			for spent.Load() < 2*rivals { // they are all on their way
				continue
			}
			if _, _, err := tryFreeze(ctx, database, user, "a reason"); err != nil {
				return err
			}
			after.Store(true)
			balance, err := ledger.Balance(ctx, database.Pool, wallet(user))
			latest = balance
			return err
		}
		for n := 0; ; n++ {
			late := after.Load()
			_, err := post(ctx, database.Pool, move(fmt.Sprintf("%d:%d", i, n), 1, wallet(user), held(user)))
			switch {
			case err == nil && late:
				return errors.New("spent after the freeze")
			case errors.Is(err, ledger.ErrFrozen):
				return nil
			case err != nil:
				return err
			}
			spent.Add(1)
		}
	}) {
		if err != nil {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	wantBalance(t, database.Pool, wallet(user), latest)
	wantBalance(t, database.Pool, held(user), spent.Load())
	wantSound(t, database)
}
