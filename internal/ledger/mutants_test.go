package ledger_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/pgtest"
)

// mutant is a ledger with one guard taken out, and a property that must see it.
type mutant struct {
	name         string
	statement    string // or, of a function, what stands for old
	function     string
	old, instead string
	caught       func(reporter, *pgtest.Database)
}

func mutants() []mutant {
	change := func(name, function, old, instead string, caught func(reporter, *pgtest.Database)) mutant {
		return mutant{name: name, function: function, old: old, instead: instead, caught: caught}
	}
	drop := func(name, statement string, caught func(reporter, *pgtest.Database)) mutant {
		return mutant{name: name, statement: statement, caught: caught}
	}
	const (
		post, inserted = "ledger.post", "ledger.check_inserted"
		isEntry, isLeg = "ledger.is_entry", "ledger.is_leg"
	)
	return []mutant{
		change("no floor", post, "m.balance < l.floor OR", "", rivalsCannotOverdraw),
		change("no ceiling", post, "OR m.balance > l.ceiling", "", aCeilingLetsDebtGrowAndBePaid),
		change("locks in no order", post, "ORDER BY id", "ORDER BY id DESC", postLocksInAccountOrder),
		change("the balance of before the wait", post, "SET balance = b.balance +", "SET balance = (SELECT s.balance FROM ledger.balance s WHERE s.account_id = b.account_id) +", whoWaitsForABalanceFindsTheNewest),
		change("the number of before the wait", post, "seq = b.seq + 1", "seq = (SELECT s.seq FROM ledger.balance s WHERE s.account_id = b.account_id) + 1", whoWaitsForABalanceFindsTheNewest),
		change("locks before all accounts are there", post, "WHERE NOT EXISTS",
			"WHERE (SELECT count(*) FROM (SELECT FROM ledger.balance WHERE account_id IN (SELECT id FROM named) FOR UPDATE) early) >= 0 AND NOT EXISTS", whoWaitsForAnAccountHoldsNoBalance),
		change("no hash", post, "ELSIF known <> p_hash THEN", "ELSIF false THEN", sameKeyOtherContentIsRefused),
		drop("no key", "ALTER TABLE ledger.entry DROP CONSTRAINT entry_key_key", oneKeyAtOnceIsPostedOnce),
		drop("no trigger on postings", "DROP TRIGGER whole_entry ON ledger.posting", theOwnerCannotPostWhatDoesNotBalance),
		change("no sum of zero", inserted, "IF n.unbalanced IS NOT NULL", "IF false", refusedEntriesLeaveNoTrace),
		change("a sum over all currencies", inserted, "sum(a.amount) AS total", "0 AS total", refusedEntriesLeaveNoTrace),
		change("entries can be appended to", inserted, "IF n.fresh IS NOT TRUE", "IF false", theOwnerCannotPostWhatDoesNotBalance),
		change("any currency on any account", inserted, "IF n.stray IS NOT NULL", "IF false", theOwnerCannotPostWhatDoesNotBalance),
		change("a reversal may be anything", inserted, "n.reverses IS NOT NULL AND EXISTS", "false AND EXISTS", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for several entries", inserted, "a.entry_id = e.id AND", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for several currencies", inserted, "a.currency = (SELECT currency FROM added LIMIT 1) AND", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass without the sum", inserted, "AND sum(a.amount) = 0", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for any number of legs", inserted, "AND count(*) <= 1000", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass under any transaction's number", inserted, "AND a.xid = e.xid", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass in any currency", inserted, "a.currency IS NOT DISTINCT FROM (", "a.currency IS NOT NULL AND '' IS DISTINCT FROM (", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass without accounts", inserted, "IS NOT DISTINCT FROM (", "= (", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for what is appended", inserted, "AND e.id > coalesce(nullif(current_setting('souk.last_entry', true), ''), '0')::bigint", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass that does not remember", inserted, "AND set_config('souk.last_entry', e.id::text, true) <> ''", "", theOwnerCannotPostWhatDoesNotBalance),
		change("entry by entry, and not remembered", inserted, "IF last IS NOT NULL THEN", "IF false THEN", theOwnerCannotPostWhatDoesNotBalance),
		change("only the last entry remembered", inserted, "last := greatest(last, n.id);", "last := n.id;", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for an older entry", inserted, "e.xid = pg_current_xact_id() AND e.reverses", "e.reverses", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for a reversal", inserted, "AND e.reverses IS NULL", "", theOwnerCannotPostWhatDoesNotBalance),
		change("one pass for any leg", inserted, "AND ledger.is_leg(a.amount, a.seq, a.balance)\n", "\n", anEntryHasItsParts),
		change("one pass for any entry", inserted, "AND ledger.is_entry(e.key, e.request_hash, e.flow, e.cause_kind)", "", anEntryHasItsParts),
		change("any parts, entry by entry", inserted, "IF n.whole IS NOT TRUE OR n.formed IS NOT TRUE", "IF false", anEntryHasItsParts),
		change("a balance outside its limits is let be", inserted, "IF n.refused IS NOT NULL", "IF false", rivalsCannotOverdraw),
		change("any reversal of an entry to come", inserted, "n.reverses >= n.id OR", "", theOwnerCannotPostWhatDoesNotBalance),
		change("any key", isEntry, "key <> '' AND length(key) <= 200", "true", anEntryHasItsParts),
		change("any hash", isEntry, "octet_length(request_hash) = 32", "true", anEntryHasItsParts),
		change("a flow of one letter", isEntry, "^[a-z_][a-z_]+ ", "^[a-z_]+ ", anEntryHasItsParts),
		change("any letters in a flow", isEntry, "^[a-z_][a-z_]+ ", "^..+ ", anEntryHasItsParts),
		change("a cause of one letter", isEntry, " [a-z_][a-z_]+$", " [a-z_]+$", anEntryHasItsParts),
		change("any letters in a cause", isEntry, " [a-z_][a-z_]+$", " ..+$", anEntryHasItsParts),
		change("a leg of nothing", isLeg, "amount <> 0", "true", anEntryHasItsParts),
		change("a number without a balance", isLeg, "(seq IS NULL) = (balance IS NULL)", "true", anEntryHasItsParts),
		change("numbers below one", isLeg, "seq > 0", "true", anEntryHasItsParts),
		drop("reversed again and again", "ALTER TABLE ledger.entry DROP CONSTRAINT entry_reverses_key", oneReversalWins),
		change("a watermark past what still runs", "ledger.roll_up", "pg_snapshot_xmin", "pg_snapshot_xmax", aLateCommitIsNotLostToTheRollup),
		drop("postings can be changed", "DROP TRIGGER immutable ON ledger.posting", theOwnerCannotChangeHistory),
		drop("entries can be changed", "DROP TRIGGER immutable ON ledger.entry", theOwnerCannotChangeHistory),
		drop("accounts can be changed", "DROP TRIGGER immutable ON ledger.account", theOwnerCannotChangeHistory),
		drop("balances can be deleted", "DROP TRIGGER kept ON ledger.balance", theOwnerCannotChangeHistory),
		drop("rollups can be deleted", "DROP TRIGGER kept ON ledger.rollup", theOwnerCannotChangeHistory),
		drop("freezes can be deleted", "DROP TRIGGER kept ON ledger.freeze", theOwnerCannotChangeHistory),
		drop("freezes can be changed", "DROP TRIGGER lifted_once ON ledger.freeze", theOwnerCannotChangeHistory),
		change("frozen wallets can be spent", post, "PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts);", "NULL;", nothingLeavesAFrozenWallet),
		change("a freeze stops money that comes in", "ledger.refuse_frozen", "AND l.amount < 0", "", nothingLeavesAFrozenWallet),
		change("a freeze stops everything", "ledger.refuse_frozen", "IF p_flow IN ('chargeback_lost', 'reversal') THEN", "IF false THEN", nothingLeavesAFrozenWallet),
		change("a lifted freeze stands", "ledger.refuse_frozen", "AND lifted_at IS NULL", "", nothingLeavesAFrozenWallet),
		change("a freeze does not wait", "ledger.freeze", "ORDER BY b.account_id FOR UPDATE", "", aFreezeWaitsForWhatIsOnItsWay),
		change("a freeze does not wait for first wallets", "ledger.open_accounts", "w.kind = 'wallet'", "false", aFreezeWaitsForAFirstWallet),
		change("the freeze is looked for before the lock", post, "WITH named AS", "PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts); p_flow := 'reversal'; WITH named AS", whoWaitedForAFreezeFindsIt),
		drop("a server may insert", "GRANT INSERT ON ledger.entry TO souk_app", aServerCanOnlyPost),
		drop("a server may open accounts", "ALTER FUNCTION ledger.open_accounts SECURITY DEFINER; GRANT EXECUTE ON FUNCTION ledger.open_accounts TO souk_app", aServerCanOnlyPost),
	}
}

// TestMutantsAreCaught proves the tests: each guard of the ledger is taken out in a database of its own, and the
// property that is there for it must fail.
func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			database := pgtest.New(t)
			m.apply(t, database)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			failures := failuresOf(ctx, func(r reporter) { m.caught(r, database) })
			if ctx.Err() != nil {
				t.Fatalf("no verdict: %v", ctx.Err())
			}
			if len(failures) == 0 {
				t.Fatal("the mutant survives")
			}
			t.Log(failures[0])
		})
	}
}

func (m mutant) apply(t *testing.T, database *pgtest.Database) {
	t.Helper()
	statement := m.statement
	if m.function != "" {
		var text string
		if err := database.Admin.QueryRow(t.Context(), "SELECT pg_get_functiondef($1::text::regproc)", m.function).Scan(&text); err != nil {
			t.Fatal(err)
		}
		if strings.Count(text, m.old) != 1 {
			t.Fatalf("%s has %q %d times, want it once", m.function, m.old, strings.Count(text, m.old))
		}
		statement = strings.Replace(text, m.old, m.instead, 1)
	}
	if _, err := database.Admin.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// failuresOf runs a property and gives what it reports.
func failuresOf(ctx context.Context, property func(reporter)) []string {
	r := &recorder{ctx: ctx}
	done := make(chan struct{})
	go func() { // Fatal ends the goroutine, as a test's does
		defer close(done)
		property(r)
	}()
	<-done
	return r.failures
}

// recorder keeps failures instead of failing.
type recorder struct {
	ctx      context.Context //nolint:containedctx // as a test has one
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprint(args...))
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
