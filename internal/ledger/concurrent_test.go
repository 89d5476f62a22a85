package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

// rivals is as many as a test's pool has connections, so that they are all inside the database at once.
const rivals = 12

// atOnce runs n goroutines from one start and gives their errors.
func atOnce(n int, work func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = work(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func TestOppositeTransfersDoNotDeadlock(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	users := []uuid.UUID{fund(t, database.Pool, 100_000), fund(t, database.Pool, 100_000), fund(t, database.Pool, 100_000)}
	const rounds = 40
	for i, err := range atOnce(rivals, func(i int) error {
		for round := range rounds {
			a, b, c := wallet(users[i%3]), wallet(users[(i+1)%3]), wallet(users[(i+2)%3])
			if i%2 == 1 {
				a, b = b, a
			}
			_, err := post(ctx, database.Pool, ledger.Entry{
				Key: fmt.Sprintf("%d:%d", i, round), Flow: ledger.FlowHold, Cause: cause,
				Legs: []ledger.Leg{{Account: a, Amount: -3}, {Account: b, Amount: 2}, {Account: c, Amount: 1}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	wantSound(t, database)
}

func TestPostLocksInAccountOrder(t *testing.T) {
	t.Parallel()
	postLocksInAccountOrder(t, pgtest.New(t))
}

// postLocksInAccountOrder opens two accounts in the order of their owners, and two against it: the legs are sorted by
// owner, the locks are not. Nor do they rest on a plan that happens to walk the accounts in order: without hash and merge
// joins, the legs are what is walked.
func postLocksInAccountOrder(t reporter, database *pgtest.Database) {
	one, two, three, four := id.New(), id.New(), id.New(), id.New() // rising
	locksInOrder(t, database, one, two)
	locksInOrder(t, database, four, three)
}

// lockAtOnce locks the balances of an owner, or fails.
const lockAtOnce = `SELECT FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id WHERE a.owner = $1 FOR UPDATE OF b NOWAIT`

func locksInOrder(t reporter, database *pgtest.Database, first, second uuid.UUID) {
	ctx := t.Context()
	fundUser(t, database.Pool, first, 100)
	fundUser(t, database.Pool, second, 100)
	low, err := database.Admin.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = low.Rollback(ctx) }()
	if _, err := low.Exec(ctx, lockAtOnce, first); err != nil {
		t.Fatal(err)
	}

	// A session of its own: those of the pool have their plans already.
	rival, err := pgx.Connect(ctx, database.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rival.Close(context.WithoutCancel(ctx)) }()
	if _, err := rival.Exec(ctx, "SET enable_hashjoin = off; SET enable_mergejoin = off"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- pgx.BeginFunc(ctx, rival, func(tx pgx.Tx) error {
			_, err := ledger.PostTx(ctx, tx, move("waits:"+first.String(), 1, wallet(second), wallet(first)))
			return err
		})
	}()
	waitForLock(ctx, t, database)
	// The post waits for the first account; if it held the second already, this would fail.
	if _, err := low.Exec(ctx, lockAtOnce, second); err != nil {
		t.Errorf("the later account was locked before the earlier one: %v", err)
	}
	if err := low.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waitForLock returns when a session of this database waits for another.
func waitForLock(ctx context.Context, t reporter, database *pgtest.Database) {
	t.Helper()
	const query = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)`
	for waiting := false; !waiting; {
		if err := database.Admin.QueryRow(ctx, query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoWaitsForAnAccountHoldsNoBalance(t *testing.T) {
	t.Parallel()
	whoWaitsForAnAccountHoldsNoBalance(t, pgtest.New(t))
}

// whoWaitsForAnAccountHoldsNoBalance lets a post wait for an account that another transaction makes. The other may
// still want any balance: if the post held one, they would deadlock.
func whoWaitsForAnAccountHoldsNoBalance(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	user, other := fund(t, database.Pool, 100), id.New()
	maker, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maker.Rollback(ctx) }()
	if _, err := ledger.PostTx(ctx, maker, move("makes", 1, platform(ledger.Bank), wallet(other))); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := post(ctx, database.Pool, move("waits", 1, wallet(user), wallet(other)))
		done <- err
	}()
	waitForLock(ctx, t, database)
	if _, err := database.Admin.Exec(ctx, lockAtOnce, user); err != nil {
		t.Errorf("a balance was locked before all accounts were there: %v", err)
	}
	if err := maker.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	wantBalance(t, database.Pool, wallet(other), 2)
}

func TestWhoWaitsForABalanceFindsTheNewest(t *testing.T) {
	t.Parallel()
	whoWaitsForABalanceFindsTheNewest(t, pgtest.New(t))
}

// whoWaitsForABalanceFindsTheNewest lets a post begin, and so take its snapshot, before the balance that it will find.
func whoWaitsForABalanceFindsTheNewest(t reporter, database *pgtest.Database) {
	spendBehind(t, database, 40, nil)
	spendBehind(t, database, 41, ledger.ErrInsufficientFunds)
	wantSound(t, database)
}

// spendBehind spends from a wallet of 100 while 60 of it are being spent.
func spendBehind(t reporter, database *pgtest.Database, amount int64, want error) {
	ctx := t.Context()
	user := fund(t, database.Pool, 100)
	first, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback(ctx) }()
	if _, err := ledger.PostTx(ctx, first, move("first:"+user.String(), 60, wallet(user), held(user))); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := post(ctx, database.Pool, move("second:"+user.String(), amount, wallet(user), platform(ledger.Bank)))
		done <- err
	}()
	waitForLock(ctx, t, database)
	if err := first.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, want) {
		t.Errorf("%d of the 40 that are left: %v, want %v", amount, err, want)
	}
	left := int64(40)
	if want == nil {
		left -= amount
	}
	wantBalance(t, database.Pool, wallet(user), left)
}

// A transaction that cannot see an account made since its snapshot is told to start again, rather than trying for ever.
func TestAnAccountThatCannotBeSeenEndsThePost(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	user := id.New()
	tx, err := database.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	wantBalance(t, tx, wallet(user), 0)
	fundUser(t, database.Pool, user, 100)
	if _, err := ledger.PostTx(ctx, tx, move("late", 1, platform(ledger.Bank), wallet(user))); sqlState(err) != "40001" {
		t.Errorf("%v, want a serialization failure", err)
	}
}

func TestOneKeyAtOnceIsPostedOnce(t *testing.T) {
	t.Parallel()
	oneKeyAtOnceIsPostedOnce(t, pgtest.New(t))
}

func oneKeyAtOnceIsPostedOnce(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	user := fund(t, database.Pool, 100)
	results := make([]ledger.Posted, rivals)
	for i, err := range atOnce(rivals, func(i int) (err error) {
		results[i], err = post(ctx, database.Pool, move("one", 100, wallet(user), held(user)))
		return err
	}) {
		if err != nil {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	fresh := 0
	for _, posted := range results {
		if posted.EntryID != results[0].EntryID {
			t.Errorf("entries %d and %d", posted.EntryID, results[0].EntryID)
		}
		if !posted.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d posted, want 1", fresh)
	}
	wantBalance(t, database.Pool, held(user), 100)
}

func TestOneReversalWins(t *testing.T) {
	t.Parallel()
	oneReversalWins(t, pgtest.New(t))
}

func oneReversalWins(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	user := fund(t, database.Pool, 100)
	hold := mustPost(t, database.Pool, move("hold", 40, wallet(user), held(user)))
	won := 0
	for i, err := range atOnce(rivals, func(i int) error {
		_, err := reverse(ctx, database.Pool, hold.EntryID, fmt.Sprintf("undo %d", i))
		return err
	}) {
		if err == nil {
			won++
		} else if !errors.Is(err, ledger.ErrReversed) {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d reversals, want 1", won)
	}
	wantBalance(t, database.Pool, wallet(user), 100)
}

func TestRivalsCannotOverdraw(t *testing.T) {
	t.Parallel()
	rivalsCannotOverdraw(t, pgtest.New(t))
}

func rivalsCannotOverdraw(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	const each = 30
	user := fund(t, database.Pool, 5*each+each/2)
	spent := 0
	for i, err := range atOnce(rivals, func(i int) error {
		_, err := post(ctx, database.Pool, move(fmt.Sprintf("spend %d", i), each, wallet(user), held(user)))
		return err
	}) {
		if err == nil {
			spent++
		} else if !errors.Is(err, ledger.ErrInsufficientFunds) {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	if spent != 5 {
		t.Errorf("%d spent, want 5", spent)
	}
	wantBalance(t, database.Pool, wallet(user), each/2)
	wantSound(t, database)
}

func TestRivalsOpenOneAccount(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	owners := []uuid.UUID{id.New(), id.New(), id.New()}
	for i, err := range atOnce(rivals, func(i int) error {
		entry := ledger.Entry{Key: fmt.Sprint("open ", i), Flow: ledger.FlowHold, Cause: cause,
			Legs: []ledger.Leg{{Account: platform(ledger.Bank), Amount: -3}}}
		for k := range owners { // each in another order
			entry.Legs = append(entry.Legs, ledger.Leg{Account: wallet(owners[(i+k)%len(owners)]), Amount: 1})
		}
		_, err := post(ctx, database.Pool, entry)
		return err
	}) {
		if err != nil {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	for _, owner := range owners {
		wantBalance(t, database.Pool, wallet(owner), rivals)
	}
	wantSound(t, database)
}

func TestARecordedAccountIsExactWhileItIsRolledUp(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	const rounds = 30
	fees := platform(ledger.PlatformFees)
	mustPost(t, database.Pool, move("first", 1, platform(ledger.Bank), fees))
	for i, err := range atOnce(rivals, func(i int) error {
		last := int64(0)
		for round := range rounds {
			if i%3 == 0 { // a third of them roll up and read: what is committed never goes missing
				if _, err := ledger.RollUp(ctx, database.Pool); err != nil {
					return err
				}
				got, err := ledger.Balance(ctx, database.Pool, fees)
				if err != nil || got < last || got > 1+rivals*rounds {
					return fmt.Errorf("read %d after %d: %w", got, last, err)
				}
				last = got
				continue
			}
			if _, err := post(ctx, database.Pool, move(fmt.Sprintf("%d:%d", i, round), 1, platform(ledger.Bank), fees)); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("rival %d: %v", i, err)
		}
	}
	want := int64(1 + (rivals-rivals/3)*rounds)
	wantBalance(t, database.Pool, fees, want)
	if _, err := ledger.RollUp(ctx, database.Pool); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, database.Pool, fees, want)
	wantSound(t, database)
}

// A watermark of row ids would step over the entry that got its id first and is committed last.
func TestALateCommitIsNotLostToTheRollup(t *testing.T) {
	t.Parallel()
	aLateCommitIsNotLostToTheRollup(t, pgtest.New(t))
}

func aLateCommitIsNotLostToTheRollup(t reporter, database *pgtest.Database) {
	ctx := t.Context()
	fees := platform(ledger.PlatformFees)
	mustPost(t, database.Pool, move("first", 1, platform(ledger.Bank), fees))
	late, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Rollback(ctx) }()
	low, err := ledger.PostTx(ctx, late, move("late", 10, platform(ledger.Bank), fees))
	if err != nil {
		t.Fatal(err)
	}
	var xid string
	if err := late.QueryRow(ctx, "SELECT pg_current_xact_id()::text").Scan(&xid); err != nil {
		t.Fatal(err)
	}
	if high := mustPost(t, database.Pool, move("early", 100, platform(ledger.Bank), fees)); high.EntryID < low.EntryID {
		t.Fatalf("entry %d came before %d", high.EntryID, low.EntryID)
	}

	if _, err := ledger.RollUp(ctx, database.Pool); err != nil {
		t.Fatal(err)
	}
	if rolledPast(ctx, t, database, xid) {
		t.Error("the rollup went past a transaction that still runs")
	}
	wantBalance(t, database.Pool, fees, 101)
	if err := late.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, database.Pool, fees, 111)
	// Transaction ids are the cluster's: other tests may hold the watermark back a while longer.
	for !rolledPast(ctx, t, database, xid) {
		if _, err := ledger.RollUp(ctx, database.Pool); err != nil {
			t.Fatal(err)
		}
	}
	wantBalance(t, database.Pool, fees, 111)
	wantSound(t, database)
}

// rolledPast says that every rollup holds what that transaction posted.
func rolledPast(ctx context.Context, t reporter, database *pgtest.Database, xid string) (past bool) {
	t.Helper()
	const query = `SELECT bool_and(through > $1::text::xid8) FROM ledger.rollup`
	if err := database.Admin.QueryRow(ctx, query, xid).Scan(&past); err != nil {
		t.Fatal(err)
	}
	return past
}

func TestARecordedAccountIsNotARowThatSalesWaitFor(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	fees := platform(ledger.PlatformFees)
	buyer, other := fund(t, database.Pool, 100), fund(t, database.Pool, 100)
	mustPost(t, database.Pool, move("first", 1, wallet(buyer), fees))
	slow, err := database.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback(ctx) }()
	if _, err := ledger.PostTx(ctx, slow, move("slow", 1, wallet(buyer), fees)); err != nil {
		t.Fatal(err)
	}
	// The slow sale is not committed; whoever would wait for it now fails.
	err = pgx.BeginFunc(ctx, database.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '1ms'"); err != nil {
			return err
		}
		_, err := ledger.PostTx(ctx, tx, move("quick", 1, wallet(other), fees))
		return err
	})
	if err != nil {
		t.Errorf("a second sale waited for the first: %v", err)
	}
}
