package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/stripefake"
	"github.com/souklive/souk/internal/stripefake/spectest"
)

const testKey = "sk_test_souk_0123456789abcdef"

// bundle is our books beside a Stripe of the test's own.
type bundle struct {
	*pgtest.Database
	t       *testing.T
	fake    *stripefake.Server
	url     string
	pay     *payment.Service
	service *Service
	user    uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupBehind(t, func(fake http.Handler) http.Handler { return fake })
}

// setupBehind has something between us and Stripe.
func setupBehind(t *testing.T, between func(fake http.Handler) http.Handler) *bundle {
	t.Helper()
	fake, err := stripefake.New(stripefake.Config{Key: testKey, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(between(fake))
	t.Cleanup(listener.Close)
	b := &bundle{Database: pgtest.New(t), t: t, fake: fake, url: listener.URL}
	jobs, err := river.NewClient(riverpgxv5.New(b.Pool), &river.Config{})
	b.must(err)
	stripe := payment.NewStripe(testKey, listener.URL, nil)
	b.pay = payment.New(payment.Config{Pool: b.Pool, Provider: stripe, Jobs: jobs})
	b.service = New(b.Pool, stripe, clock.System{})
	b.service.pause = 0
	b.user = id.New()
	b.exec(`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, 'amal@souk.test', 'Amal', 'ADMIN', 'x')`, b.user)
	return b
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// exec changes the database by hand, past every trigger.
func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	b.must(pgx.BeginFunc(b.t.Context(), b.Admin, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.t.Context(), "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		tag, err := tx.Exec(b.t.Context(), sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = errors.New("nothing was changed")
		}
		return err
	}))
}

func (b *bundle) topUp(amount money.Amount, card string) payment.TopUp {
	b.t.Helper()
	top, err := b.pay.TopUp(b.t.Context(), b.user, payment.TopUpInput{Amount: amount, PaymentMethod: card, IdempotencyKey: uuid.NewString()})
	if err != nil && domaintest.Code(err) != "CARD_DECLINED" {
		b.t.Fatal(err)
	}
	return top
}

// run compares as of an hour from now, when nothing is young any more, and gives what was found by kind.
func (b *bundle) run(o Options) (Run, []Difference) {
	b.t.Helper()
	if o.Cut.IsZero() {
		o.Cut = time.Now().Add(time.Hour)
	}
	var found []Difference
	o.Found = func(d Difference) { found = append(found, d) }
	run, err := b.service.Run(b.t.Context(), o)
	b.must(err)
	return run, found
}

// differs insists on exactly these kinds of differences, once each.
func (b *bundle) differs(o Options, want ...Kind) []Difference {
	b.t.Helper()
	run, found := b.run(o)
	var got []Kind
	for _, d := range found {
		if d.Kind != Pending {
			got = append(got, d.Kind)
		}
		if d.Detail == "" || d.Currency == "" {
			b.t.Errorf("a difference that says nothing: %+v", d)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("found %v, want %v: %+v", got, want, found)
	}
	if int(run.DifferenceCount) != len(want) || run.Agrees() != (len(want) == 0) {
		b.t.Errorf("the run says %d differences, agrees %t", run.DifferenceCount, run.Agrees())
	}
	return found
}

// charged is the charge of a top-up, as Stripe names it.
func (b *bundle) charge(top payment.TopUp) (charge string) {
	b.t.Helper()
	b.must(b.Admin.QueryRow(b.t.Context(), "SELECT charge_id FROM top_up WHERE id = $1", top.ID).Scan(&charge))
	return charge
}

// After a day with payments in two currencies, a decline, a withdrawal that arrived and one that came back, and payments that
// were charged back, won, lost and open, the books agree; and what the last record says is that of the provider's journal.
func TestTheBooksAgree(t *testing.T) {
	t.Parallel()
	b := setupBehind(t, func(fake http.Handler) http.Handler { return spectest.Watch(t, fake) })
	b.differs(Options{}) // nothing on both sides
	b.topUp(money.New(100_00, "EUR"), "pm_card_visa")
	b.topUp(money.New(2_000, "JPY"), "pm_card_visa")
	b.topUp(money.New(100_00, "EUR"), "pm_card_visa_chargeDeclined")
	_, err := b.pay.Withdraw(t.Context(), b.user, payment.WithdrawInput{Amount: money.New(30_00, "EUR"), IdempotencyKey: "arrives"})
	b.must(err)
	b.topUp(money.New(50_00, "EUR"), "pm_card_refundFail")
	_, err = b.pay.Withdraw(t.Context(), b.user, payment.WithdrawInput{Amount: money.New(50_00, "EUR"), IdempotencyKey: "comes back"})
	b.must(err)
	b.push()
	b.must(b.fake.Advance(time.Minute))
	b.push()
	for _, outcome := range []string{"won", "lost", ""} {
		b.chargedBack(b.topUp(money.New(20_00, "EUR"), "pm_card_visa"), outcome)
	}

	run, found := b.run(Options{})
	journal := b.fake.Journal()
	if !run.Agrees() || run.Pending != 0 || int(run.ProviderRecords) != len(journal) || run.OurRecords != run.ProviderRecords || len(journal) < 12 {
		t.Errorf("%+v, the journal has %d; found %+v", run, len(journal), found)
	}
	last, err := b.service.Last(t.Context())
	b.must(err)
	if last == nil || last.ID != run.ID || !last.Agrees() || last.ProviderRecords != run.ProviderRecords || !last.FinishedAt.Equal(run.FinishedAt.Truncate(time.Microsecond)) {
		t.Errorf("stored %+v, want %+v", last, run)
	}
}

// chargedBack has a payment disputed and, where there is an outcome, decided.
func (b *bundle) chargedBack(top payment.TopUp, outcome string) {
	b.t.Helper()
	dispute, err := b.fake.OpenDispute(b.charge(top), "fraudulent", 0, false)
	b.must(err)
	b.tells("charge.dispute.funds_withdrawn", dispute.ID)
	if outcome != "" {
		b.must(b.fake.DecideDispute(dispute.ID, outcome))
		b.tells("charge.dispute.closed", dispute.ID)
	}
}

// tells has us hear of an object by an event.
func (b *bundle) tells(kind, object string) {
	b.t.Helper()
	event := "evt_" + uuid.NewString()
	b.exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status) VALUES ($1, 'stripe', $2, $3, now(), 'RECEIVED')`, event, kind, object)
	b.must(b.pay.HandleEvent(b.t.Context(), event))
}

// push sends what is on its way, and hears what became of what was sent.
func (b *bundle) push() {
	b.t.Helper()
	rows, err := b.Admin.Query(b.t.Context(), "SELECT id FROM refund")
	b.must(err)
	refunds, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	b.must(err)
	for _, refund := range refunds {
		_, err := b.pay.PushRefund(b.t.Context(), refund)
		b.must(err)
	}
}

// A refund that is on its way has left the provider's balance, and not ours: it is pending however old it is.
func TestARefundOnItsWayIsPending(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.topUp(money.New(50_00, "EUR"), "pm_card_pendingRefund")
	_, err := b.pay.Withdraw(t.Context(), b.user, payment.WithdrawInput{Amount: money.New(20_00, "EUR"), IdempotencyKey: "on its way"})
	b.must(err)
	b.push()
	b.differs(Options{})
	if run, _ := b.run(Options{}); run.Pending != 1 {
		t.Errorf("%d are pending", run.Pending)
	}
}

// What is younger than the cut may be on one side alone, and the sums allow for it.
func TestYoungRecordsArePending(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.topUp(money.New(10_00, "EUR"), "pm_card_visa")
	top := b.topUp(money.New(50_00, "EUR"), "pm_card_visa")
	_, err := b.fake.OpenDispute(b.charge(top), "fraudulent", 50_00, false)
	b.must(err)
	b.postUnknown()
	long := time.Now().Add(-time.Hour)
	b.differs(Options{Cut: long})
	if run, _ := b.run(Options{Cut: long}); run.Pending != 2 {
		t.Errorf("%d are pending", run.Pending)
	}
}

// postUnknown books a charge that the provider never made.
func (b *bundle) postUnknown() {
	b.t.Helper()
	b.must(postgres.InTx(b.t.Context(), b.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(b.t.Context(), tx, ledger.Entry{
			Key: "by hand", Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "test", ID: b.user}, Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: ledger.PSPClearing, Ref: payment.ProviderName, Currency: "EUR"}, Amount: -5_00},
				{Account: ledger.Account{Kind: ledger.Wallet, Owner: b.user, Currency: "EUR"}, Amount: 5_00},
			},
		})
		return err
	}))
	b.exec(`INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key) VALUES ('stripe', 'txn_nobody', 'CHARGE', 'EUR', 500, 0, 'by hand')`)
}

func (b *bundle) entryOf(top payment.TopUp) (entry int64) {
	b.t.Helper()
	b.must(b.Admin.QueryRow(b.t.Context(), "SELECT id FROM ledger.entry WHERE key = $1", "topup:"+top.ID.String()+":credit").Scan(&entry))
	return entry
}

func (b *bundle) reverse(entry int64, key string) int64 {
	b.t.Helper()
	done, err := books.New(b.Pool).Reverse(b.t.Context(), b.user, books.ReverseInput{Entry: entry, Reason: "a mistake", IdempotencyKey: key})
	b.must(err)
	return done.ID
}

// Each kind of difference is made, at the provider or in the database, and is the one that is found.
func TestEachDifferenceIsFound(t *testing.T) {
	t.Parallel()
	const ofTopUp = " WHERE entry_key = 'topup:' || $1::uuid || ':credit'"
	for _, c := range []struct {
		name string
		make func(b *bundle, top payment.TopUp)
		want []Kind
	}{
		{"a chargeback that nobody booked", func(b *bundle, top payment.TopUp) {
			_, err := b.fake.OpenDispute(b.charge(top), "fraudulent", top.Amount.Minor, false)
			b.must(err)
		}, []Kind{Unbooked, BalanceDiffers}},
		{"a payout, which we never book", func(b *bundle, _ payment.TopUp) { b.payout(10_00) }, []Kind{UnbookedKind, BalanceDiffers}},
		{"a charge that was never made", func(b *bundle, _ payment.TopUp) { b.postUnknown() }, []Kind{UnknownToProvider, BalanceDiffers}},
		{"another amount", func(b *bundle, top payment.TopUp) {
			b.exec("UPDATE provider_txn SET gross = gross + 1"+ofTopUp, top.ID)
		}, []Kind{AmountDiffers, PostedDiffers}},
		{"another fee", func(b *bundle, top payment.TopUp) {
			b.exec("UPDATE provider_txn SET fee = fee + 1"+ofTopUp, top.ID)
		}, []Kind{FeeDiffers, PostedDiffers}},
		{"another currency", func(b *bundle, top payment.TopUp) {
			b.exec("UPDATE provider_txn SET currency = 'USD'"+ofTopUp, top.ID)
		}, []Kind{CurrencyDiffers, PostedDiffers, PostedWithoutRecord}},
		{"another kind", func(b *bundle, top payment.TopUp) {
			b.exec("UPDATE provider_txn SET kind = 'REFUND_FAILURE'"+ofTopUp, top.ID)
		}, []Kind{KindDiffers}},
		{"a reversed entry", func(b *bundle, top payment.TopUp) { b.reverse(b.entryOf(top), "once") }, []Kind{EntryReversed, BalanceDiffers}},
		{"a reversal that was reversed", func(b *bundle, top payment.TopUp) {
			b.reverse(b.reverse(b.entryOf(top), "once"), "back")
		}, nil},
		{"another posting", func(b *bundle, top payment.TopUp) {
			b.exec(`UPDATE ledger.posting SET amount = amount - 1 WHERE entry_id = $1 AND account_id = (SELECT id FROM ledger.account WHERE kind = 'psp_clearing')`, b.entryOf(top))
		}, []Kind{PostedDiffers, BalanceDiffers}},
		{"a posting without a record", func(b *bundle, top payment.TopUp) {
			b.exec("DELETE FROM provider_txn"+ofTopUp, top.ID)
		}, []Kind{Unbooked, PostedWithoutRecord}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.topUp(money.New(20_00, "EUR"), "pm_card_visa")
			top := b.topUp(money.New(70_00, "EUR"), "pm_card_bypassPending")
			c.make(b, top)
			b.differs(Options{}, c.want...)
		})
	}
}

// payout sends money from our balance at the provider to a bank, by nobody's doing here.
func (b *bundle) payout(amount int64) {
	b.t.Helper()
	form := url.Values{"amount": {strconv.FormatInt(amount, 10)}, "currency": {"eur"}}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/v1/payouts", strings.NewReader(form.Encode()))
	b.must(err)
	r.SetBasicAuth(testKey, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	b.must(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b.t.Fatalf("the payout was answered %s", answer.Status)
	}
}

// A difference names what can be looked up on both sides, and is read back page by page as it was found.
func TestDifferencesNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.topUp(money.New(70_00, "EUR"), "pm_card_visa")
	entry, charge := b.entryOf(top), b.charge(top)
	b.exec("UPDATE provider_txn SET gross = gross + 5")
	found := b.differs(Options{}, AmountDiffers, PostedDiffers)
	d := found[0]
	if !strings.HasPrefix(d.ProviderID, "txn_") || d.EntryKey != "topup:"+top.ID.String()+":credit" || d.EntryID == nil || *d.EntryID != entry ||
		*d.Theirs != money.New(70_00, "EUR") || *d.Ours != money.New(70_05, "EUR") || !strings.Contains(d.Detail, charge) {
		t.Errorf("got %+v", d)
	}
	last, err := b.service.Last(t.Context())
	b.must(err)
	var read []Difference
	first, args := 1, page.Args{}
	for args.First = &first; ; {
		p, err := b.service.Differences(t.Context(), last.ID, args)
		b.must(err)
		read = append(read, p.Nodes...)
		if args.After = p.PageInfo().EndCursor; !p.HasNext {
			break
		}
	}
	if fmt.Sprint(len(read), read[0].Detail, *read[0].Theirs, read[1].Kind) != fmt.Sprint(2, d.Detail, *d.Theirs, found[1].Kind) {
		t.Errorf("read %+v, found %+v", read, found)
	}
}

// With a beginning, what the provider made before it and we booked after it is asked for by its id.
func TestSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.topUp(money.New(20_00, "EUR"), "pm_card_visa")
	old := b.topUp(money.New(30_00, "EUR"), "pm_card_visa")
	b.postUnknown()
	now := time.Now()
	o := Options{Since: now.Add(time.Hour), Cut: now.Add(3 * time.Hour)}
	b.differs(o) // all of it lies before
	b.exec("UPDATE provider_txn SET booked_at = $2 WHERE entry_key = 'topup:' || $1::uuid || ':credit'", old.ID, now.Add(2*time.Hour))
	b.differs(o)
	b.exec("UPDATE provider_txn SET booked_at = $1 WHERE id = 'txn_nobody'", now.Add(2*time.Hour))
	b.differs(o, UnknownToProvider)
	b.exec("UPDATE provider_txn SET fee = fee + 1 WHERE entry_key = 'topup:' || $1::uuid || ':credit'", old.ID)
	b.differs(o, UnknownToProvider, FeeDiffers)
}

// The provider's bad moments are waited out; its refusals and what makes no sense are errors, and nothing is stored.
func TestTheProviderFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.topUp(money.New(20_00, "EUR"), "pm_card_visa")
	pages := stripefake.Rule{Method: http.MethodGet, Path: "/v1/balance_transactions", Times: 4, Fault: stripefake.RateLimit}
	b.fake.Faults().Add(pages)
	b.differs(Options{})
	pages.Times = -1
	b.fake.Faults().Add(pages)
	before, err := b.service.Last(t.Context())
	b.must(err)
	if _, err := b.service.Run(t.Context(), Options{}); err == nil {
		t.Error("a provider that never answers is no error")
	}
	for name, provider := range map[string]payment.Books{
		"lists one twice":             listed{{record("txn_1")}, {record("txn_1")}},
		"has more and gives none":     listed{{record("txn_1")}, {}, {record("txn_2")}},
		"refuses our key":             refusing{},
		"gives an id of no character": listed{{record("")}, {record("")}},
	} {
		s := New(b.Pool, provider, clock.System{})
		s.pause = 0
		if _, err := s.Run(t.Context(), Options{}); err == nil {
			t.Errorf("a provider that %s is no error", name)
		}
	}
	if after, err := b.service.Last(t.Context()); err != nil || after.ID != before.ID {
		t.Errorf("a run that failed is stored: %+v, %v", after, err)
	}
}

func record(id string) payment.Record {
	return payment.Record{ID: id, Type: "charge", Kind: "CHARGE", Gross: money.New(100, "EUR"), Fee: money.New(1, "EUR"), CreatedAt: time.Unix(0, 0)}
}

// listed is a provider that gives these pages.
type listed [][]payment.Record

func (l listed) Records(_ context.Context, _ time.Time, after string) ([]payment.Record, bool, error) {
	at := 0
	if after != "" {
		for i, p := range l {
			if len(p) > 0 && p[len(p)-1].ID == after {
				at = i + 1
				break
			}
		}
	}
	if at >= len(l) {
		return nil, false, nil
	}
	return l[at], at+1 < len(l), nil
}

func (l listed) Record(context.Context, string) (payment.Record, error) {
	return payment.Record{}, payment.ErrNoRecord
}

type refusing struct{ listed }

func (refusing) Records(context.Context, time.Time, string) ([]payment.Record, bool, error) {
	return nil, false, &payment.ProviderError{Op: "list", Outcome: payment.Locked, Err: errors.New("401")}
}

// thousands is a provider with n records, 100 a page.
type thousands int

func (n thousands) Records(_ context.Context, _ time.Time, after string) (records []payment.Record, more bool, err error) {
	at := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "txn_%d", &at); err != nil {
			return nil, false, err
		}
	}
	for i := at + 1; i <= min(at+100, int(n)); i++ {
		records = append(records, record(fmt.Sprintf("txn_%d", i)))
	}
	return records, at+100 < int(n), nil
}

func (n thousands) Record(context.Context, string) (payment.Record, error) {
	return payment.Record{}, payment.ErrNoRecord
}

// Many records come in batches; all are compared, and of many differences the first of a kind are kept.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 2*batch + 250
	b.exec(`INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key)
		SELECT 'stripe', 'txn_' || n, 'CHARGE', 'EUR', 100, CASE WHEN n % 30 = 0 THEN 2 ELSE 1 END, 'many' FROM generate_series(1, $1) n`, n)
	b.service.books = thousands(n)
	var told []int64
	run, found := b.run(Options{Read: func(records int64) { told = append(told, records) }, Since: time.Unix(0, 0)})
	if run.ProviderRecords != n || run.OurRecords != n || run.DifferenceCount != n/30 || len(found) != n/30 || len(told) != 3 || told[2] != n {
		t.Errorf("%+v, found %d, told %v", run, len(found), told)
	}
	first := 100
	p, err := b.service.Differences(t.Context(), run.ID, page.Args{First: &first})
	if err != nil || len(p.Nodes) != keep || p.HasNext {
		t.Errorf("%d are kept, more: %t, %v", len(p.Nodes), p.HasNext, err)
	}
}
