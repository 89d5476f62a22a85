package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/pgtest"
)

// unknownCharge is a record of ours that no provider has.
const unknownCharge = `INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key, booked_at)
	VALUES ('stripe', 'txn_nobody', 'CHARGE', 'EUR', 500, 25, 'by hand', now() - interval '2 hours')`

func TestReconcile(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}
	code, stdout, stderr := call(t, environ, "reconcile")
	if code != 0 || !strings.Contains(stdout, "Our books and the provider's agree.") {
		t.Fatalf("empty books: exit %d\n%s%s", code, stdout, stderr)
	}
	if _, err := database.Admin.Exec(t.Context(), unknownCharge); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = call(t, environ, "reconcile", "--since", "4h", "--young", "3h")
	if code != 0 || !strings.Contains(stdout, "pending: 1") {
		t.Errorf("a young record: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, environ, "reconcile")
	if code != exitFailure || !strings.Contains(stdout, "UNKNOWN_TO_PROVIDER  txn_nobody  by hand") || !strings.Contains(stdout, "Differences: 2;") ||
		strings.Contains(stdout, "agree.") || strings.Contains(stderr, "souk:") {
		t.Errorf("an unknown record: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, environ, "reconcile", "--since", "1h")
	if code != 0 || !strings.Contains(stdout, "no sums") {
		t.Errorf("since an hour: exit %d\n%s", code, stdout)
	}

	code, stdout, _ = call(t, environ, "reconcile", "--json")
	var kinds []string
	for line := range strings.Lines(stdout) {
		var out struct {
			Kind, Run   string
			OK          *bool
			Differences int
		}
		if err := json.Unmarshal([]byte(line), &out); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if out.Kind != "" {
			kinds = append(kinds, out.Kind)
		} else if out.Run == "" || out.OK == nil || *out.OK || out.Differences != 2 {
			t.Errorf("the run is %s", line)
		}
	}
	if code != exitFailure || strings.Join(kinds, " ") != "UNKNOWN_TO_PROVIDER POSTED_DIFFERS" {
		t.Errorf("--json: exit %d, %v", code, kinds)
	}
}

func TestReconcileThatIsMisused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--since", "yesterday"}, {"--since", "2999-01-01"}, {"--since", "-1h"}, {"--young", "-1h"}, {"--young", "long"}, {"--xml"}, {"everything"},
	} {
		if code, stdout, stderr := call(t, nil, append([]string{"reconcile"}, args...)...); code != exitUsage || stdout != "" || stderr == "" {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"": "0001-01-01T00:00:00Z", "2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T18:30:00+01:00": "2026-01-31T17:30:00Z", "72h": "2026-01-29T12:00:00Z",
	} {
		if got, ok := parseSince(text, now); !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %s, %t, want %s", text, got, ok, want)
		}
	}
}

// Beside a server that has the play-money Stripe, the command asks that one.
func TestReconcileBesideAServer(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{
		"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir(), "SOUK_ADDR=127.0.0.1:0",
	}
	p := start(t, environ, "serve")
	p.url(t)
	code, stdout, stderr := call(t, environ, "reconcile")
	if code != 0 || !strings.Contains(stdout, "agree.") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
