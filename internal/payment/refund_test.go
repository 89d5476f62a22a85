package payment

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stripe/stripe-go/v76"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/stripefake"
	"github.com/souklive/souk/internal/stripefake/spectest"
)

// paid is a top-up of the bundle's user that has succeeded.
func (b *bundle) paid(card string, cents int64) TopUp {
	b.t.Helper()
	top, err := b.TopUp(b.t.Context(), b.user, input(card, cents))
	if err != nil || top.Status != TopUpSucceeded {
		b.t.Fatalf("pay in: %+v, %v", top, err)
	}
	return top
}

// opens writes the intent to refund a part of a top-up, out of its user's wallet, as a use case does.
func (b *bundle) opens(top TopUp, cents int64) uuid.UUID {
	b.t.Helper()
	refund := id.New()
	var intent string
	if err := b.data.Admin.QueryRow(b.t.Context(), "SELECT provider_id FROM top_up WHERE id = $1", top.ID).Scan(&intent); err != nil {
		b.t.Fatal(err)
	}
	err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		err := b.OpenRefundTx(ctx, tx, NewRefund{
			ID: refund, User: top.User, Cause: RefundOfWithdrawal, CauseID: refund,
			Charge: TopUpCharge, ChargeID: top.ID, ProviderID: intent, Amount: eur(cents),
		})
		if err != nil {
			return err
		}
		return post(ctx, tx, ledger.Entry{
			Key: "test:" + refund.String(), Flow: ledger.FlowWithdrawal, Cause: ledger.Cause{Kind: "test", ID: refund},
			Legs: []ledger.Leg{of(ledger.Wallet, top.User, "EUR", -cents), RefundLeg(refund, eur(cents))},
		})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return refund
}

// pushes brings a refund forward and insists on its status.
func (b *bundle) pushes(refund uuid.UUID, want RefundStatus) Refund {
	b.t.Helper()
	r, err := b.PushRefund(b.t.Context(), refund)
	if err != nil || r.Status != want {
		b.t.Fatalf("got %+v, %v, want %s", r, err, want)
	}
	inFlight := int64(0)
	if want == RefundProcessing {
		inFlight = r.Amount.Minor
	}
	if got := b.sum(ledger.RefundInFlight, refund); got != inFlight {
		b.t.Errorf("%d are in flight, want %d", got, inFlight)
	}
	return r
}

// ages makes a refund's attempt older than it is.
func (b *bundle) ages(refund uuid.UUID, by time.Duration) {
	b.t.Helper()
	_, err := b.data.Admin.Exec(b.t.Context(),
		"UPDATE refund SET attempt_at = attempt_at - make_interval(secs => $2) WHERE id = $1 AND status = 'PROCESSING'", refund, by.Seconds())
	if err != nil {
		b.t.Fatal(err)
	}
}

// refundsThere is how many refunds the provider has made, and what they come to.
func (b *bundle) refundsThere() (n int, cents int64) {
	for _, m := range b.fake.Journal() {
		if m.Type == "refund" {
			n, cents = n+1, cents-m.Amount
		}
	}
	return n, cents
}

func (b *bundle) wantsThere(n int, cents int64) {
	b.t.Helper()
	if gotN, got := b.refundsThere(); gotN != n || got != cents {
		b.t.Errorf("the provider made %d refunds of %d, want %d of %d", gotN, got, n, cents)
	}
}

// stripe is a client of the fake for what happens outside of our system.
func (b *bundle) stripe() *Stripe {
	outside, ok := b.provider.(*Stripe)
	if !ok {
		b.t.Fatal("the provider is not Stripe")
	}
	return outside
}

func (b *bundle) told(kind feed.Kind) int {
	b.t.Helper()
	return b.count("SELECT count(*) FROM event WHERE topic = $1 AND kind = $2", string(feed.Topic(b.user)), string(kind))
}

func TestRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	watched := httptest.NewServer(spectest.Watch(t, b.fake))
	t.Cleanup(watched.Close)
	b.provider = NewStripe(testKey, watched.URL, nil)
	top := b.paid("pm_card_visa", 50_00)
	first, second := b.opens(top, 20_00), b.opens(top, 30_00)
	b.wants(b.user, 0, 0)
	if r := b.pushes(first, RefundSucceeded); r.SettledAt == nil || r.Refusal() != nil || r.RefusalCode() != nil || r.Amount != eur(20_00) {
		t.Errorf("got %+v", r)
	}
	if got := b.sum(ledger.RefundInFlight, second); got != 30_00 {
		t.Errorf("%d of the other are in flight", got)
	}
	b.pushes(second, RefundSucceeded)
	entries := b.entries()
	b.pushes(first, RefundSucceeded)
	b.wantsThere(2, 50_00)
	b.wants(b.user, 0, 0)
	b.agrees()
	if n := b.entries(); n != entries || b.told(feed.RefundChanged) != 2 {
		t.Errorf("%d entries after another push, before %d; told %d times", n, entries, b.told(feed.RefundChanged))
	}
	if _, err := b.RefundOf(t.Context(), b.newUser(), first); !errors.Is(err, ErrRefundNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if r, err := b.RefundOf(t.Context(), b.user, first); err != nil || r.Status != RefundSucceeded {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := b.PushRefund(t.Context(), uuid.New()); !errors.Is(err, ErrRefundNotFound) {
		t.Errorf("one that does not exist: %v", err)
	}
}

// Whatever goes wrong with the request, the card gets the money once.
func TestRefundSurvivesEachFault(t *testing.T) {
	t.Parallel()
	for fault, sent := range map[stripefake.Fault]bool{
		stripefake.CutBefore: false, stripefake.CutAfter: true, stripefake.ErrorBefore: false, stripefake.ErrorAfter: true, stripefake.RateLimit: false,
	} {
		for _, blind := range []bool{false, true} {
			name := string(fault)
			if blind {
				name += ", and the look fails as well"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
				b.fake.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/refunds", Fault: fault, Times: -1})
				want := RefundProcessing
				if blind {
					b.fake.Faults().Add(stripefake.Rule{Method: http.MethodGet, Path: "/v1/refunds", Fault: stripefake.RateLimit, Times: -1})
				} else if sent { // the look finds what the answer did not tell
					want = RefundSucceeded
				}
				b.pushes(refund, want)
				if b.fake.Faults().Fired()[fault] == 0 {
					t.Fatalf("%s never fired", fault)
				}
				b.ages(refund, 25*time.Hour) // no key is worth anything any more
				b.pushes(refund, want)
				b.fake.Faults().Clear()
				b.ages(refund, refundDecided)
				b.pushes(refund, RefundSucceeded)
				b.wantsThere(1, 10_00)
				b.wants(b.user, 20_00, 0)
				b.agrees()
			})
		}
	}
}

// A key is sent for a minute, then nothing until what was sent is decided, then the next.
func TestAttemptsOfARefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
	b.fake.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/refunds", Fault: stripefake.ErrorBefore, Times: -1})
	fired := func() int { return b.fake.Faults().Fired()[stripefake.ErrorBefore] }
	attempt := func() int { return b.count("SELECT attempt FROM refund WHERE id = $1", refund) }
	b.pushes(refund, RefundProcessing)
	young := fired()
	if young == 0 || attempt() != 1 {
		t.Fatalf("sent %d times, attempt %d", young, attempt())
	}
	b.ages(refund, refundSending)
	b.pushes(refund, RefundProcessing)
	if fired() != young || attempt() != 1 {
		t.Errorf("sent %d times, attempt %d, while it is not decided", fired(), attempt())
	}
	b.ages(refund, refundDecided-refundSending)
	b.pushes(refund, RefundProcessing)
	if fired() == young || attempt() != 2 {
		t.Errorf("sent %d times, attempt %d, when it is decided", fired(), attempt())
	}
	b.fake.Faults().Clear()
	b.pushes(refund, RefundProcessing) // the second key has answered 500 as well
	b.ages(refund, refundDecided)
	b.pushes(refund, RefundSucceeded)
	b.wantsThere(1, 10_00)
	b.agrees()
}

func TestRefundWaitsForItsCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_pendingRefund", 30_00), 10_00)
	for range 2 {
		b.pushes(refund, RefundProcessing)
		b.agrees()
		b.ages(refund, time.Hour)
	}
	b.wantsThere(1, 10_00)
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.pushes(refund, RefundSucceeded)
	b.wants(b.user, 20_00, 0)
	b.agrees()
	if n := b.told(feed.RefundChanged); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The webhook finishes a refund that was pending, and undoes one that had arrived.
func TestRefundEvents(t *testing.T) {
	t.Parallel()
	b := listening(t)
	waits := b.opens(b.paid("pm_card_pendingRefund", 30_00), 10_00)
	fails := b.opens(b.paid("pm_card_refundFail", 40_00), 15_00)
	b.pushes(waits, RefundProcessing)
	b.pushes(fails, RefundSucceeded)
	b.wants(b.user, 45_00, 0)
	b.agrees()
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.hears("refund.failed", 1)
	b.hears("refund.updated", 2)
	b.hears("charge.refund.updated", 2)
	for range 2 {
		b.handles()
	}
	if r, err := b.RefundOf(t.Context(), b.user, waits); err != nil || r.Status != RefundSucceeded {
		t.Errorf("the pending one: %+v, %v", r, err)
	}
	r, err := b.RefundOf(t.Context(), b.user, fails)
	if err != nil || r.Status != RefundFailed || !errors.Is(r.Refusal(), ErrRefundReturned) || r.SettledAt == nil {
		t.Errorf("the one that failed: %+v, %v", r, err)
	}
	b.wants(b.user, 60_00, 0)
	b.agrees()
	if n := b.told(feed.RefundChanged); n != 3 {
		t.Errorf("told %d times", n)
	}
	if n := b.count("SELECT count(*) FROM provider_event WHERE kind ~ 'refund' AND status NOT IN ('DONE', 'IGNORED')"); n != 0 {
		t.Errorf("%d events are open", n)
	}
	b.pushes(fails, RefundFailed)
}

// A refund that somebody made at the provider's own site is none of ours; what is left tells the next one.
func TestRefundMadeOutside(t *testing.T) {
	t.Parallel()
	b := listening(t)
	top := b.paid("pm_card_refundFail", 30_00)
	refund := b.opens(top, 30_00)
	var intent string
	if err := b.data.Admin.QueryRow(t.Context(), "SELECT intent_id FROM refund").Scan(&intent); err != nil {
		t.Fatal(err)
	}
	if _, err := b.stripe().api.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: new(int64(1_00))}); err != nil {
		t.Fatal(err)
	}
	r := b.pushes(refund, RefundFailed)
	if !errors.Is(r.Refusal(), ErrRefundRejected) || r.SettledAt != nil {
		t.Errorf("got %+v", r)
	}
	b.wants(b.user, 30_00, 0)
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.hears("refund.failed", 1)
	b.handles()
	if status, reason := b.eventStatus("refund.failed"); status != eventIgnored {
		t.Errorf("%s: %s", status, reason)
	}
}

func TestRefundOfADisputedCharge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_createDispute", 30_00), 30_00)
	if err := b.fake.Advance(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	if r := b.pushes(refund, RefundFailed); *r.RefusalCode() != "REFUND_REJECTED" {
		t.Errorf("got %+v", r)
	}
	b.wants(b.user, 30_00, 0)
	b.wantsThere(0, 0)
}

// A provider that does not know the charge is the wrong one: the money stays on its way.
func TestRefundAtTheWrongProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
	right := b.provider
	b.provider = setup(t).provider
	b.pushes(refund, RefundProcessing)
	b.provider = NewStripe("sk_test_of_somebody_else", b.listen(), nil)
	b.pushes(refund, RefundProcessing)
	b.provider = right
	b.pushes(refund, RefundSucceeded)
	b.agrees()
}

// tells is a provider that says what a test wants of a refund.
type tells struct {
	Provider

	sent SentRefund
}

func (p *tells) CreateRefund(context.Context, RefundRequest) (SentRefund, error) { return p.sent, nil }
func (p *tells) Refund(context.Context, string) (SentRefund, error)              { return p.sent, nil }
func (p *tells) RefundsOfIntent(context.Context, string) ([]SentRefund, error)   { return nil, nil }

// What the fake's cards do not do: a refund that fails while it is pending, with the provider's records and without,
// and answers that make no sense.
func TestRefundThatNeverSettles(t *testing.T) {
	t.Parallel()
	left, back := ProviderTxn{ID: "txn_1", Gross: eur(-10_00)}, ProviderTxn{ID: "txn_2", Gross: eur(10_00)}
	base := SentRefund{ID: "re_1", State: RefundStateFailed, Amount: eur(10_00), FailureCode: "declined"}
	with := func(change func(*SentRefund)) SentRefund { r := base; change(&r); return r }
	for name, test := range map[string]struct {
		sent    SentRefund
		status  RefundStatus // empty where it is an error
		records int
	}{
		"never on the books":           {base, RefundFailed, 0},
		"on the books and off again":   {with(func(r *SentRefund) { r.Left, r.Returned = left, back }), RefundFailed, 2},
		"not off the books yet":        {with(func(r *SentRefund) { r.Left = left }), RefundProcessing, 0},
		"arrived, not on the books":    {with(func(r *SentRefund) { r.State = RefundStateSucceeded }), RefundProcessing, 0},
		"pending, on the books":        {with(func(r *SentRefund) { r.State, r.Left = RefundStatePending, left }), RefundProcessing, 0},
		"another amount":               {with(func(r *SentRefund) { r.Amount = eur(9_00) }), "", 0},
		"another amount on the books":  {with(func(r *SentRefund) { r.Left.ID, r.Left.Gross = "t", eur(-9_00) }), "", 0},
		"another amount off the books": {with(func(r *SentRefund) { r.Left, r.Returned.ID = left, "t" }), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
			b.provider = &tells{b.provider, test.sent}
			if test.status == "" {
				if r, err := b.PushRefund(t.Context(), refund); err == nil {
					t.Errorf("got %+v", r)
				}
				test.status = RefundProcessing
			} else {
				b.pushes(refund, test.status)
			}
			if n := b.count("SELECT count(*) FROM provider_txn WHERE kind LIKE 'REFUND%'"); n != test.records {
				t.Errorf("%d records", n)
			}
			if test.status == RefundFailed {
				b.wants(b.user, 30_00, 0)
			} else {
				b.wants(b.user, 20_00, 0)
			}
		})
	}
}

func TestPushesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
	entries := b.entries()
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if _, err := b.PushRefund(t.Context(), refund); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b.pushes(refund, RefundSucceeded) // all may have met the first's request, still running
	b.wantsThere(1, 10_00)
	if n := b.entries(); n != entries+1 {
		t.Errorf("%d entries", n-entries)
	}
	b.agrees()
}

// A rejection that comes late does not undo what a rival was told.
func TestRejectionBesideARival(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
	stale, err := b.q.RefundGet(t.Context(), b.pool, refund)
	if err != nil {
		t.Fatal(err)
	}
	b.ages(refund, refundDecided)
	b.pushes(refund, RefundSucceeded)
	if row, err := b.rejectRefund(t.Context(), stale); err != nil || row.Status != string(RefundSucceeded) {
		t.Errorf("got %+v, %v", row, err)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// A server that dies between the commit and the call leaves a refund that the sweep finds, and so does its job.
func TestRefundsLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.paid("pm_card_visa", 30_00)
	old, older := b.opens(top, 10_00), b.opens(top, 5_00)
	b.ages(older, 48*time.Hour)
	if err := b.sweepRefunds(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	b.wantsThere(0, 0) // too young for the sweep
	if err := b.sweepRefunds(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	b.pushes(old, RefundSucceeded)
	b.pushes(older, RefundSucceeded)
	b.wantsThere(2, 15_00)
	b.agrees()
}

func TestRefundJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refund := b.opens(b.paid("pm_card_visa", 30_00), 10_00)
	workers := river.NewWorkers()
	Workers(workers, b.Service)
	worker, err := river.NewClient(riverpgxv5.New(b.data.Pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	completed, cancel := worker.Subscribe(river.EventKindJobCompleted)
	defer cancel()
	if err := worker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Stop(context.Background()) }()
	for {
		select {
		case event := <-completed:
			if event.Job.Kind != (RefundResolve{}).Kind() {
				continue
			}
		case <-time.After(patienceWith):
			t.Fatal("the job was not done")
		}
		break
	}
	if r, err := b.RefundOf(t.Context(), b.user, refund); err != nil || r.Status != RefundSucceeded {
		t.Errorf("got %+v, %v", r, err)
	}
	b.agrees()
}

func TestOpenRefundRefusesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, cents := range []int64{0, -5} {
		err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
			return b.OpenRefundTx(ctx, tx, NewRefund{ID: id.New(), User: b.user, Amount: eur(cents)})
		})
		if code(err) != "AMOUNT_NOT_POSITIVE" {
			t.Errorf("%d: %v", cents, err)
		}
	}
}

// The database refuses each move that the code does not make.
func TestRefundMovesOneWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.paid("pm_card_visa", 30_00)
	settled, open := b.opens(top, 10_00), b.opens(top, 5_00)
	b.pushes(settled, RefundSucceeded)
	failed := b.opens(b.paid("pm_card_createDispute", 5_00), 5_00)
	if err := b.fake.Advance(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.pushes(failed, RefundFailed)
	for _, test := range []struct {
		refund uuid.UUID
		change string
	}{
		{settled, "status = 'PROCESSING', settled_at = NULL, balance_txn_id = NULL"},
		{settled, "status = 'FAILED', failure_code = 'x', failed_at = now(), settled_at = NULL, balance_txn_id = NULL"},
		{settled, "status = 'FAILED', failure_code = 'x', failed_at = now()"}, // without the record of its coming back
		{settled, "balance_txn_id = 'txn_other'"},
		{settled, "provider_id = 're_other'"},
		{failed, "status = 'SUCCEEDED', failure_code = NULL, failed_at = NULL"},
		{failed, "failure_code = 'another'"},
		{open, "amount = 6"},
		{open, "user_id = gen_random_uuid()"},
		{open, "intent_id = 'pi_other'"},
		{open, "attempt = 0"},
		{open, "status = 'SUCCEEDED'"},
		{open, "status = 'FAILED'"},
	} {
		_, err := b.data.Pool.Exec(t.Context(), "UPDATE refund SET "+test.change+" WHERE id = $1", test.refund)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || !slices.Contains([]string{"SK252", "23514"}, refused.Code) {
			t.Errorf("%s: %v", test.change, err)
		}
	}
	if _, err := b.data.Pool.Exec(t.Context(), "DELETE FROM refund"); err == nil {
		t.Error("the server may delete refunds")
	}
}
