package audit_test

import (
	"testing"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/pgtest"
)

func TestAnEmptyDatabaseHolds(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	checks, err := audit.Checks()
	if err != nil {
		t.Fatal(err)
	}
	var seen int
	ok, err := audit.Run(t.Context(), database.Pool, audit.Options{}, func(r audit.Result) {
		if seen++; !r.OK() {
			t.Errorf("%s: %d rows: %v", r.Name, r.Count, r.Findings)
		}
	})
	if err != nil || !ok || seen != len(checks) {
		t.Errorf("ok %t, %d of %d checks, %v", ok, seen, len(checks), err)
	}
}

func TestEveryCheckSaysWhatMustHold(t *testing.T) {
	t.Parallel()
	checks, err := audit.Checks()
	if err != nil || len(checks) == 0 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	for _, c := range checks {
		if len(c.Sentence) < 20 || c.Sentence[len(c.Sentence)-1] != '.' {
			t.Errorf("%s: %q is no sentence", c.Name, c.Sentence)
		}
	}
}
