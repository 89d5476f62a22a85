package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/pgtest"
)

// syncBuffer is an output that the program writes while the test reads.
type syncBuffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // closed by the next write, where somebody waits for one
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.buf.Write(p)
}

// written is closed by the next write. A reader takes it before it looks.
func (b *syncBuffer) written() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return b.more
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// call runs the program to its end.
func call(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints syncBuffer
	code = run(t.Context(), args, environ, &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestCallsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"sreve"}, {"serve", "everything"}, {"serve", "api", "worker"}, {"serve", "--fast"}, {"ledger"}, {"ledger", "burn"},
		{"order"}, {"order", "explain"}, {"order", "explain", "lst_x"}, {"order", "check", "--xml"}, {"ledger", "check", "--xml"}, {"migrate", "--down"}, {"demo", "-x"},
	} {
		code, stdout, stderr := call(t, nil, args...)
		if code != exitUsage || stdout != "" || stderr == "" {
			t.Errorf("souk %q: exit %d, output %q, explanation %q", args, code, stdout, stderr)
		}
	}
	if _, _, stderr := call(t, nil, "sreve"); !strings.Contains(stderr, `"sreve"`) || !strings.Contains(stderr, "serve [api|worker]") {
		t.Errorf("an unknown command is not answered with those that there are: %s", stderr)
	}
}

func TestHelpNamesEverything(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"help", "--help", "-h"} {
		code, stdout, _ := call(t, nil, arg)
		if code != 0 {
			t.Errorf("souk %s: exit %d", arg, code)
		}
		for _, cmd := range commands() {
			if !strings.Contains(stdout, "  "+cmd.name) {
				t.Errorf("souk %s leaves out %s", arg, cmd.name)
			}
		}
		for _, f := range settingFields() {
			if !strings.Contains(stdout, f.name) {
				t.Errorf("souk %s leaves out %s", arg, f.name)
			}
		}
	}
	if code, _, stderr := call(t, nil, "serve", "-h"); code != 0 || !strings.Contains(stderr, "souk serve") {
		t.Errorf("souk serve -h: exit %d, %q", code, stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := call(t, nil, "version")
	if code != 0 || !strings.HasPrefix(stdout, "souk ") || !strings.Contains(stdout, "commit ") || !strings.Contains(stdout, "go1.") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

func TestRefusalsBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		environ []string
		args    []string
		want    []string
	}{
		{[]string{"SOUK_ENV=production"}, []string{"serve"}, []string{"DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "SOUK_SIGNING_KEY", "SOUK_PUBLIC_URL", "SOUK_CODE_KEYS", "SOUK_CODE_HASH_KEY"}},
		{inProduction(), []string{"demo"}, []string{"SOUK_ENV=production", "demo"}},
		{[]string{"STRIPE_SECRET_KEY=sk_test_1"}, []string{"demo"}, []string{"STRIPE_SECRET_KEY"}},
		{nil, []string{"serve", "api"}, []string{"DATABASE_URL", "REDIS_URL"}},
		{[]string{"REDIS_URL=redis://127.0.0.1:1"}, []string{"serve", "worker"}, []string{"DATABASE_URL"}},
		{[]string{"SOUK_LOG_LEVEL=loud", "SOUK_DB_MAX_CONNS=0"}, []string{"migrate"}, []string{"SOUK_LOG_LEVEL", "SOUK_DB_MAX_CONNS"}},
	} {
		state := filepath.Join(t.TempDir(), "state")
		code, _, stderr := call(t, append(test.environ, "SOUK_STATE_DIR="+state), test.args...)
		if code != exitFailure {
			t.Errorf("souk %q with %q: exit %d", test.args, test.environ, code)
		}
		for _, want := range test.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("souk %q with %q does not name %s: %s", test.args, test.environ, want, stderr)
			}
		}
		if found, _ := filepath.Glob(state); len(found) != 0 {
			t.Errorf("souk %q with %q made a state directory", test.args, test.environ)
		}
	}
}

func TestLedgerCheck(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}

	code, stdout, stderr := call(t, environ, "ledger", "check")
	if code != 0 || !strings.Contains(stdout, "Every balance holds.") || strings.Contains(stdout, "FAIL") {
		t.Fatalf("an empty ledger: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, environ, "ledger", "check", "--json")
	lines := 0
	for line := range strings.Lines(stdout) {
		var result struct {
			Name string
			OK   bool
		}
		if err := json.Unmarshal([]byte(line), &result); err != nil || result.Name == "" || !result.OK {
			t.Errorf("%v: %s", err, line)
		}
		lines++
	}
	if code != 0 || lines == 0 {
		t.Errorf("--json: exit %d, %d invariants", code, lines)
	}
}

// corruption is an entry of one leg, past every trigger and constraint that refuses it.
const corruption = `
	SET session_replication_role = replica;
	WITH a AS (
		INSERT INTO ledger.account (kind, currency, mode) VALUES ('bank', 'EUR', 'recorded') RETURNING id
	), e AS (
		INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id)
		VALUES ('corrupt', sha256('corrupt'), 'top_up', 'test', gen_random_uuid()) RETURNING id
	)
	INSERT INTO ledger.posting (entry_id, account_id, currency, amount) SELECT e.id, a.id, 'EUR', 100 FROM e, a;
	RESET session_replication_role;`

func TestLedgerCheckNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	if _, err := database.Admin.Exec(t.Context(), corruption); err != nil {
		t.Fatal(err)
	}
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}

	code, stdout, stderr := call(t, environ, "ledger", "check")
	if code != exitFailure || !strings.Contains(stdout, "FAIL") || !strings.Contains(stdout, "entry_sums_to_zero, rows: 1") ||
		strings.Contains(stdout, "Every balance holds.") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, environ, "ledger", "check", "--json")
	if code != exitFailure {
		t.Errorf("--json: exit %d", code)
	}
	broken := map[string]int{}
	for line := range strings.Lines(stdout) {
		var result struct {
			Name     string
			OK       bool
			Count    int
			Findings []struct {
				Subject string `json:"subject"`
				Detail  string `json:"detail"`
			}
		}
		if err := json.Unmarshal([]byte(line), &result); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if result.OK != (result.Count == 0) || len(result.Findings) != result.Count {
			t.Errorf("%+v", result)
		}
		if !result.OK && (result.Findings[0].Subject == "" || result.Findings[0].Detail == "") {
			t.Errorf("it does not say what is wrong: %s", line)
		}
		broken[result.Name] = result.Count
	}
	if broken["entry_sums_to_zero"] != 1 {
		t.Errorf("broken: %v", broken)
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}
	for range 2 {
		if code, stdout, stderr := call(t, environ, "migrate"); code != 0 || !strings.Contains(stdout, "up to date") {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	}
}

func TestServeAnswersAndStops(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, log syncBuffer
	environ := []string{
		"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_ADDR=" + addr,
		"SOUK_STATE_DIR=" + t.TempDir(), "SOUK_LOG_FORMAT=json",
	}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, environ, &out, &log) }()

	waitReady(t, addr, ended, &log)
	response := post(t, "http://"+addr+"/graphql", `{"query":"{ __typename }"}`)
	if response.code != http.StatusOK || !strings.Contains(response.body, `"Query"`) {
		t.Errorf("{ __typename }: %d %s", response.code, response.body)
	}
	response = post(t, "http://"+addr+"/graphql", strings.Repeat("x", 10<<20))
	if response.code != http.StatusRequestEntityTooLarge || !strings.Contains(response.body, "BODY_TOO_LARGE") {
		t.Errorf("10 MB: %d %.200s", response.code, response.body)
	}

	// The address is taken now, and it was asked for: a second server says so and ends.
	code, _, stderr := call(t, environ, "serve")
	if code != exitFailure || !strings.Contains(stderr, "SOUK_ADDR="+addr) {
		t.Errorf("a second server on the same address: exit %d: %s", code, stderr)
	}

	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("a clean stop exits %d: %s", code, log.String())
	}
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the address is still listened on")
	}
	if !strings.Contains(out.String(), "http://"+addr) {
		t.Errorf("the banner does not name the address:\n%s", out.String())
	}
	assertOrder(t, log.String(), `"part":"HTTP"`, `"part":"background work"`, `"part":"live events"`, `"part":"database connections"`)
}

func assertOrder(t *testing.T, text string, marks ...string) {
	t.Helper()
	last := -1
	for _, mark := range marks {
		at := strings.Index(text, mark)
		if at < 0 || at < last {
			t.Errorf("%s is missing or comes too early in:\n%s", mark, text)
			return
		}
		last = at
	}
}
