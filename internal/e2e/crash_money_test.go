package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/stripefake"
)

// crashSite is a site whose server can be killed at a moment of the test's choice: its Stripe is the test's, its webhooks
// pass through the test, and both outlive it.
type crashSite struct {
	*site
	server   *server
	fake     *stripefake.Server
	stripe   *gate // the server's requests to Stripe
	webhooks *gate // Stripe's events to the server
	fedex    *gate // the server's requests to FedEx, where that is the test's too

	address atomic.Pointer[string] // of the server that lives; nil while none does
}

// crashKey is Stripe's secret key there.
const crashKey = "sk_test_crash"

// newCrashSite has a running server, with more of what outlives it where that is said.
func newCrashSite(t *testing.T, with ...func(*crashSite)) *crashSite {
	t.Helper()
	const secret = "whsec_crash"
	fake, err := stripefake.New(stripefake.Config{Key: crashKey, WebhookRetry: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	c := &crashSite{site: newSite(t), fake: fake}
	if c.program, err = plain(); err != nil {
		t.Fatal(err)
	}
	c.stripe, c.webhooks = &gate{next: fake}, &gate{next: http.HandlerFunc(c.deliver)}
	api, hooks := httptest.NewServer(c.stripe), httptest.NewServer(c.webhooks)
	t.Cleanup(api.Close)
	t.Cleanup(hooks.Close)
	t.Cleanup(func() { _ = fake.Close() })
	fake.Notify(stripefake.Endpoint{URL: hooks.URL, Secret: secret})
	c.settings["STRIPE_SECRET_KEY"], c.settings["STRIPE_API_URL"], c.settings["STRIPE_WEBHOOK_SECRET"] = crashKey, api.URL, secret
	for _, more := range with {
		more(c)
	}
	c.serve()
	return c
}

// serve starts a server.
func (c *crashSite) serve() {
	c.t.Helper()
	c.server = c.start()
	c.address.Store(&c.server.url)
}

// deliver brings an event to the server that lives, if one does.
func (c *crashSite) deliver(w http.ResponseWriter, r *http.Request) {
	address := c.address.Load()
	if address == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	forward, err := http.NewRequestWithContext(r.Context(), http.MethodPost, *address+"/webhooks/stripe", r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward.Header = r.Header.Clone()
	response, err := http.DefaultClient.Do(forward)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// crashPoint is a moment at which the server dies; where there are more traps, so does each server that comes after it.
type crashPoint struct {
	name  string
	traps []trap
}

func at(name string, traps ...trap) crashPoint { return crashPoint{name, traps} }

// dieAt lets something begin, kills the server where the point says, and starts the next one after some minutes, until
// one lives.
func (c *crashSite) dieAt(point crashPoint, begin func() (wait func())) {
	c.t.Helper()
	wait := func() {}
	for i, t := range point.traps {
		held := t.arm(c)
		if i == 0 {
			wait = begin()
		} else {
			c.serve()
		}
		caught(c.t, held)
		c.address.Store(nil)
		c.server.kill()
		t.release(c)
		c.pass(5 * time.Minute)
	}
	wait()
	c.serve()
}

// pass lets time go by in the database: whatever is kept there is that much older, what was to be done later is due, and
// the dead server's place as the leader of the jobs has run out.
func (c *crashSite) pass(d time.Duration) {
	c.t.Helper()
	err := postgres.InTx(c.t.Context(), c.db.Admin, func(tx pgx.Tx) error {
		// What guards rows against a change of their past is not for this.
		if _, err := tx.Exec(c.t.Context(), `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		rows, err := tx.Query(c.t.Context(), olderRows)
		if err != nil {
			return err
		}
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, statement := range statements {
			if err == nil {
				_, err = tx.Exec(c.t.Context(), statement, d.Seconds())
			}
		}
		return err
	})
	if err != nil {
		c.t.Fatalf("let time pass: %v", err)
	}
}

// olderRows are the statements that make all rows older; what is generated from them follows. A provider_event's created_at is Stripe's own.
const olderRows = `SELECT format('UPDATE %I.%I SET ', table_schema, table_name) ||
		string_agg(format('%1$I = %1$I - make_interval(secs => $1)', column_name), ', ' ORDER BY column_name)
	FROM information_schema.columns JOIN information_schema.tables t USING (table_schema, table_name)
	WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone' AND is_generated = 'NEVER'
	  AND table_name !~ '^(goose_|app_user|session|river_migration)' AND (table_name, column_name) <> ('provider_event', 'created_at')
	GROUP BY table_schema, table_name`

// heard says that each event that is kept has been acted on.
func (c *crashSite) heard() bool {
	return c.count(`SELECT count(*) FROM provider_event WHERE status IN ('RECEIVED', 'FAILED')`) == 0
}

// told says that each event so far has been delivered and acted on.
func (c *crashSite) told() bool {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "/v1/events?delivery_success=false", nil)
	r.Header.Set("Authorization", "Bearer "+crashKey)
	answer := httptest.NewRecorder()
	c.fake.ServeHTTP(answer, r)
	return apitest.Look(c.t, answer.Body.Bytes()).Str("data.0.id") == "" && c.heard()
}

// count asks the database for a number.
func (c *crashSite) count(query string, args ...any) (n int) {
	c.t.Helper()
	if err := c.db.Admin.QueryRow(c.t.Context(), query, args...).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// rescue does at once what River does after minutes: jobs that the dead server had begun are begun anew. One that the living server has
// begun by now may run twice, as any job may.
func (c *crashSite) rescue() {
	c.t.Helper()
	c.count(`WITH anew AS (UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'running' RETURNING id) SELECT count(*) FROM anew`)
}

// movements are what moved our balance at Stripe.
func (c *crashSite) movements(kind string) (all []stripefake.BalanceTransaction) {
	for _, m := range c.fake.Journal() {
		if m.Type == kind {
			all = append(all, m)
		}
	}
	return all
}

// checkBooks insists that each of Stripe's movements is booked once, that nothing else is, that souk reconcile says so as
// well, and that all balances hold.
func (c *crashSite) checkBooks() {
	c.t.Helper()
	journal := c.fake.Journal()
	for _, m := range journal {
		booked := c.count(`SELECT count(*) FROM provider_txn p JOIN ledger.entry e ON e.key = p.entry_key
			WHERE p.id = $1 AND p.gross = $2 AND p.fee = $3`, m.ID, m.Amount, m.Fee)
		if booked != 1 {
			c.t.Errorf("Stripe's %s of %d, %s, is booked %d times", m.Type, m.Amount, m.ID, booked)
		}
	}
	if booked := c.count(`SELECT count(*) FROM provider_txn`); booked != len(journal) {
		c.t.Errorf("%d movements are booked, Stripe knows of %d", booked, len(journal))
	}
	out, err := c.command("reconcile", "--young", "0s").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Our books and the provider's agree.")) {
		c.t.Errorf("souk reconcile: %v\n%s", err, out)
	}
	c.checkLedger()
	c.checkOrders()
}

// passes is the card's holder, who passes at their bank.
func (c *crashSite) passes(page string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, page, strings.NewReader("outcome=succeed"))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stay.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		c.t.Fatalf("the bank's page answered %s", response.Status)
	}
}

// sends hands an operation to the server, and does not mind if nobody answers; the function that it gives waits for the end.
func (p person) sends(query string, input apitest.Vars) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.Do(query, apitest.Vars{"input": input}) // unknown, which is the point
	}()
	return func() { <-done }
}
