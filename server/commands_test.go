package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/pgtest"
)

func TestLedgerCheckOnly(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}

	code, stdout, stderr := call(t, environ, "ledger", "check", "--only", "hold_sum,account_mode")
	if code != 0 || strings.Count(stdout, "ok    ") != 2 || !strings.Contains(stdout, "What was checked holds.") {
		t.Errorf("two checks: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, environ, "ledger", "check", "-only", "hold_sum,hold_sun")
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, `"hold_sun"`) {
		t.Errorf("an unknown check: exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestProgressIsTakenAwayBeforeTheResult(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer // both streams of a terminal
	c := &console{out: &screen, err: &screen}
	var o audit.Options
	report := c.showProgress(&o, c.reportLines)
	o.Begun(&audit.Check{Name: "hold_sum"})
	report(audit.Result{Name: "hold_sum", Sentence: "It holds.", Took: 1500 * time.Millisecond})
	if want := "\r\x1b[K      hold_sum …\r\x1b[Kok    It holds. (1.5 s)\n"; screen.String() != want {
		t.Errorf("the screen got %q, want %q", screen.String(), want)
	}
}
