package moneytest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/stripefake"
)

const (
	stripeKey     = "sk_test_model"
	webhookSecret = "whsec_model"
	returnURL     = "https://souk.example/payments/return"
)

// world is the product over a database and a Stripe of its own.
type world struct {
	*domaintest.World
	fake   *stripefake.Server
	tables []string // whose rows a refusal must leave alone
	shifts []string // statements that make rows older
	close  func()
}

// twist changes how the product is made, for a mutant; nil changes nothing.
type twist func(*payment.Config)

// stage is where runs play, one after the other, with people of their own each. A run that does not end well leaves its
// world behind, so that the next one, a smaller one of rapid's, starts with clean books; so does the tenth, as a world
// gets slower with what happened in it.
type stage struct {
	t     *testing.T
	twist twist
	harm  func(*world) // done to each world, for a mutant
	parts []part       // for each run; where it is empty each draws its own
	seen  *tally
	world *world
	runs  int

	scenes []scene // which the runs begin with, a share each
	shares int
	first  int // of the runs begin with none
	ended  int // runs that ended well

	failed bool // the last run did not end well
}

// enter gives a run its world; leave says that it ended well.
func (s *stage) enter(run *rapid.T) (w *world, leave func()) {
	if s.world != nil && (s.failed || s.runs%10 == 0) {
		s.world.close()
		s.world = nil
	}
	if s.world == nil {
		s.world = newWorld(s.t, s.twist)
		if s.harm != nil {
			s.harm(s.world)
		}
	}
	s.runs++
	s.failed = true
	s.world.T = scope{TB: s.t, run: run}
	return s.world, func() {
		s.failed = false
		s.ended++
	}
}

func newWorld(tb testing.TB, change twist) *world {
	tb.Helper()
	t := &room{TB: tb}
	tb.Cleanup(t.close)
	fake, err := stripefake.New(stripefake.Config{Key: stripeKey})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	w := &world{fake: fake, close: t.close}
	w.World = domaintest.NewPaying(t, func(c *payment.Config) {
		if c.Jobs, err = river.NewClient(riverpgxv5.New(c.Pool), &river.Config{}); err != nil {
			t.Fatal(err)
		}
		c.Provider, c.WebhookSecret = payment.NewStripe(stripeKey, listener.URL, new(domaintest.Impatient).Client()), webhookSecret
		c.ReturnURL = func() string { return returnURL }
		if change != nil {
			change(c)
		}
	})
	rows, err := w.Admin.Query(w.Ctx(), `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname IN ('public', 'ledger') AND tablename !~ '^(river_|goose_)' ORDER BY 1`)
	if err == nil {
		w.tables, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	w.Must(err)
	if rows, err = w.Admin.Query(w.Ctx(), shifts); err == nil {
		w.shifts, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	w.Must(err)
	return w
}

// room is what a world opens, to be closed before the test's end.
type room struct {
	testing.TB
	opened []func()
}

// Cleanup keeps what is to be closed.
func (r *room) Cleanup(f func()) { r.opened = append(r.opened, f) }

// close closes it, the last first. Closing again does nothing.
func (r *room) close() {
	for len(r.opened) > 0 {
		last := len(r.opened) - 1
		f := r.opened[last]
		r.opened = r.opened[:last]
		f()
	}
}

// scope is a run as a test: its failures are the run's, so that rapid makes the run smaller.
type scope struct {
	testing.TB
	run *rapid.T
}

func (s scope) Context() context.Context          { return s.run.Context() }
func (s scope) Helper()                           { s.run.Helper() }
func (s scope) Logf(format string, args ...any)   { s.run.Logf(format, args...) }
func (s scope) Error(args ...any)                 { s.run.Error(args...) }
func (s scope) Errorf(format string, args ...any) { s.run.Errorf(format, args...) }
func (s scope) Fatal(args ...any)                 { s.run.Fatal(args...) }
func (s scope) Fatalf(format string, args ...any) { s.run.Fatalf(format, args...) }
func (s scope) FailNow()                          { s.run.FailNow() }
func (s scope) Failed() bool                      { return s.run.Failed() }

// ledger sums the books up from their postings, and insists that the balances that authorise spending say the same.
func (w *world) ledger() books {
	w.T.Helper()
	rows, err := w.Admin.Query(w.Ctx(), `SELECT a.kind, a.owner, a.ref, a.currency, sum(p.amount)::bigint, coalesce(b.balance, sum(p.amount)::bigint)
		FROM ledger.account a JOIN ledger.posting p ON p.account_id = a.id LEFT JOIN ledger.balance b ON b.account_id = a.id
		GROUP BY a.id, b.balance`)
	w.Must(err)
	defer rows.Close()
	all := make(books)
	for rows.Next() {
		var (
			kind, currency string
			a              ledger.Account
			sum, balance   int64
		)
		w.Must(rows.Scan(&kind, &a.Owner, &a.Ref, &currency, &sum, &balance))
		if a.Kind, a.Currency = ledger.Kind(kind), money.Currency(currency); sum != balance {
			w.T.Fatalf("%v: the postings sum to %d, the balance is %d", a, sum, balance)
		}
		if sum != 0 {
			all[a] = sum
		}
	}
	w.Must(rows.Err())
	return all
}

// digest changes whenever a row is written or goes that is not a job's, also where it is written as it was.
func (w *world) digest() (digest string) {
	w.T.Helper()
	parts := make([]string, len(w.tables))
	for i, table := range w.tables {
		parts[i] = "(SELECT count(*) || ':' || coalesce(max(xmin::text::bigint), 0) FROM " + table + ")"
	}
	w.Must(w.Admin.QueryRow(w.Ctx(), "SELECT "+strings.Join(parts, " || ',' || ")).Scan(&digest))
	return digest
}

// ids reads a column of ids.
func (w *world) ids(query string, args ...any) []uuid.UUID {
	w.T.Helper()
	rows, err := w.Admin.Query(w.Ctx(), query, args...)
	w.Must(err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	w.Must(err)
	return ids
}

// pass lets time go by, at Stripe and for whatever payment keeps: each of its times lies that much further back.
func (w *world) pass(d time.Duration) {
	w.T.Helper()
	w.Must(w.fake.Advance(d))
	w.Must(postgres.InTx(w.Ctx(), w.Admin, func(tx pgx.Tx) error {
		// What guards rows against a change of their past is not for this.
		_, err := tx.Exec(w.Ctx(), `SET LOCAL session_replication_role = replica`)
		for _, shift := range w.shifts {
			if err == nil {
				_, err = tx.Exec(w.Ctx(), shift, d.Seconds())
			}
		}
		return err
	}))
}

// shifts are the statements that make rows older. A provider_event's created_at is Stripe's own.
const shifts = `SELECT format('UPDATE %I SET ', table_name) ||
		string_agg(format('%1$I = %1$I - make_interval(secs => $1)', column_name), ', ' ORDER BY column_name)
	FROM information_schema.columns
	WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
	  AND table_name IN ('top_up', 'card_setup', 'refund', 'withdrawal', 'orders', 'referral', 'order_payment', 'chargeback', 'provider_event', 'river_job')
	  AND (table_name, column_name) <> ('provider_event', 'created_at')
	GROUP BY table_name`

// work has the product's own jobs and sweeps do what is due, as a server does.
func (w *world) work() {
	w.T.Helper()
	workers := river.NewWorkers()
	payment.Workers(workers, w.Payment)
	ledger.Workers(workers, w.Pool)
	referral.Workers(workers, w.Referrals)
	regular := slices.Concat(payment.PeriodicJobs(), ledger.PeriodicJobs(), referral.PeriodicJobs())
	client, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{
		Workers: workers, PeriodicJobs: regular, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 2 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), TestOnly: true,
	})
	w.Must(err)
	w.Exec(`UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state IN ('available', 'scheduled', 'retryable')`)
	before := w.Int(`SELECT coalesce(max(id), 0) FROM river_job`)
	w.Must(client.Start(w.Ctx()))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		begun := w.Int(`SELECT count(*) FROM river_job WHERE id > $1`, before) // the regular ones come all at once
		left := w.Int(`SELECT count(*) FROM river_job WHERE state = 'running' OR state = 'available' AND scheduled_at <= now()`)
		if int(begun) >= len(regular) && left == 0 {
			break
		}
		if time.Now().After(deadline) {
			w.T.Fatalf("%d jobs were begun, %d are left", begun, left)
		}
	}
	w.Must(client.Stop(context.WithoutCancel(w.Ctx())))
}

// event is what Stripe tells, as it would send it.
type event struct {
	ID   string
	body []byte
}

// events are what Stripe has told since the one that was the last then, the oldest first.
func (w *world) events(last string) (fresh []event) {
	w.T.Helper()
	for page := "limit=1"; ; { // as mostly there are none
		r := httptest.NewRequestWithContext(w.Ctx(), http.MethodGet, "/v1/events?"+page, nil)
		r.Header.Set("Authorization", "Bearer "+stripeKey)
		answer := httptest.NewRecorder()
		w.fake.ServeHTTP(answer, r)
		var told struct {
			Data    []json.RawMessage
			HasMore bool `json:"has_more"`
		}
		w.Must(json.Unmarshal(answer.Body.Bytes(), &told))
		for _, raw := range told.Data {
			e := event{body: raw}
			w.Must(json.Unmarshal(raw, &e))
			if e.ID == last {
				return fresh
			}
			fresh = append([]event{e}, fresh...)
		}
		if !told.HasMore {
			return fresh
		}
		page = "limit=20&starting_after=" + fresh[0].ID
	}
}

// deliver sends an event to the webhook.
func (w *world) deliver(e event) {
	w.T.Helper()
	r := httptest.NewRequestWithContext(w.Ctx(), http.MethodPost, payment.WebhookPath, bytes.NewReader(e.body))
	r.Header.Set("Stripe-Signature", stripefake.Sign(e.body, webhookSecret, time.Now()))
	answer := httptest.NewRecorder()
	w.Payment.WebhookHandler().ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		w.T.Fatalf("the webhook answers %d: %s", answer.Code, answer.Body)
	}
}

// authenticate is a card's holder at their bank's page.
func (w *world) authenticate(page, outcome string) {
	w.T.Helper()
	r := httptest.NewRequestWithContext(w.Ctx(), http.MethodPost, page, strings.NewReader("outcome="+outcome))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.fake.ServeHTTP(answer, r)
	if answer.Code != http.StatusSeeOther {
		w.T.Fatalf("the bank's page answers %d: %s", answer.Code, answer.Body)
	}
}
