package audit

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/souklive/souk/internal/pgtest"
)

// broken runs all checks as a server does and answers the names of those that fail.
func broken(t *testing.T, database *pgtest.Database, o Options) (names []string, results []Result) {
	t.Helper()
	ok, err := Run(t.Context(), database.Pool, o, func(r Result) {
		results = append(results, r)
		if !r.OK() {
			names = append(names, r.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if ok != (len(names) == 0) {
		t.Errorf("ok is %t, and these fail: %v", ok, names)
	}
	return names, results
}

func TestWhatTheUseCasesDoHolds(t *testing.T) {
	t.Parallel()
	database := tell(t).Database
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	names, results := broken(t, database, Options{})
	if len(names) > 0 || len(results) != len(checks) || len(checks) == 0 {
		t.Errorf("%d of %d checks ran, these fail: %+v", len(results), len(checks), names)
		for _, r := range results {
			if !r.OK() {
				t.Log(r)
			}
		}
	}
}

func TestAnEmptyDatabaseHolds(t *testing.T) {
	t.Parallel()
	if names, _ := broken(t, pgtest.New(t), Options{}); len(names) > 0 {
		t.Errorf("these fail: %v", names)
	}
}

func TestOnlySomeChecks(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	var begun []string
	_, results := broken(t, database, Options{
		Only:  []string{"hold_sum", "account_mode", "hold_sum"},
		Begun: func(c *Check) { begun = append(begun, c.Name) },
	})
	if want := []string{"account_mode", "hold_sum"}; len(results) != 2 || !slices.Equal(begun, want) {
		t.Errorf("%d results, begun %v; want %v", len(results), begun, want)
	}
	var unknown *UnknownCheckError
	_, err := Run(t.Context(), database.Pool, Options{Only: []string{"hold_sum", "hold_sun"}}, func(r Result) {
		t.Errorf("%s ran beside a name that does not exist", r.Name)
	})
	if !errors.As(err, &unknown) || unknown.Name != "hold_sun" {
		t.Errorf("%v, want an UnknownCheckError", err)
	}
}

func TestEveryCheckSaysWhatMustHold(t *testing.T) {
	t.Parallel()
	checks, err := Checks()
	if err != nil || len(checks) == 0 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	for _, c := range checks {
		if len(c.Sentence) < 20 || c.Sentence[len(c.Sentence)-1] != '.' {
			t.Errorf("%s: %q is no sentence", c.Name, c.Sentence)
		}
	}
}

// TestAllIsCountedAndLittleIsKept breaks one invariant a hundred thousand times.
func TestAllIsCountedAndLittleIsKept(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	const many = 100_000
	if _, err := database.Admin.Exec(t.Context(), `
		INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id)
		SELECT n, sha256(''), 'test', 'test', gen_random_uuid() FROM generate_series(1, $1) n`, many); err != nil {
		t.Fatal(err)
	}
	for limit, kept := range map[int]int{0: 20, -1: 20, 3: 3} {
		names, results := broken(t, database, Options{Limit: limit})
		if !slices.Equal(names, []string{"entry_has_legs"}) {
			t.Fatalf("these fail: %v", names)
		}
		i := slices.IndexFunc(results, func(r Result) bool { return !r.OK() })
		if r := results[i]; r.Count != many || len(r.Findings) != kept || r.Findings[0].Subject == "" || r.Took <= 0 {
			t.Errorf("limit %d: %+v", limit, r)
		}
	}
}

func TestAnInterruptedRunIsNoResult(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	ok, err := Run(ctx, database.Pool, Options{}, func(Result) { seen++; cancel() })
	if ok || !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("%t after %d checks, %v", ok, seen, err)
	}
}

// TestOneSnapshot posts between two checks: the run does not see it.
func TestOneSnapshot(t *testing.T) {
	t.Parallel()
	s := tell(t)
	first := true
	ok, err := Run(t.Context(), s.Pool, Options{}, func(Result) {
		if first {
			first = false
			s.exec("UPDATE ledger.balance SET balance = balance + 1")
		}
	})
	if err != nil || !ok {
		t.Errorf("%t, %v: the run saw what came after its start", ok, err)
	}
	if names, _ := broken(t, s.Database, Options{}); len(names) == 0 {
		t.Error("the next run does not see it either")
	}
}
