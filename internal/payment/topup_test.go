package payment

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/stripefake"
)

func refusal(err error) *fault.Error {
	e, _ := fault.As(err)
	return e
}

func TestTopUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 50_00))
	if err != nil || top.Status != TopUpSucceeded || top.ResolvedAt == nil {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.wants(b.user, 50_00, 0)
	if fees := b.sum(ledger.PSPFees, uuid.Nil); fees != -1_00 { // 1.5 % and 25 cents
		t.Errorf("fees stand at %d", fees)
	}
	b.agrees()
	own, err := b.TopUpOf(t.Context(), b.user, top.ID)
	if err != nil || own.Amount != eur(50_00) {
		t.Errorf("own: %+v, %v", own, err)
	}
	if _, err := b.TopUpOf(t.Context(), b.newUser(), top.ID); code(err) != "TOP_UP_NOT_FOUND" {
		t.Errorf("a stranger's: %v", err)
	}
	if n := b.count("SELECT count(*) FROM river_job WHERE kind = 'top_up_resolve' AND args->>'id' = $1", top.ID.String()); n != 1 {
		t.Errorf("%d jobs look after it", n)
	}
}

func TestTopUpInEachCurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, l := range limits() {
		for _, minor := range []int64{l.min, l.max} {
			in := TopUpInput{Amount: money.New(minor, l.currency), PaymentMethod: "pm_card_visa", IdempotencyKey: uuid.NewString()}
			if top, err := b.TopUp(t.Context(), b.user, in); err != nil || top.Status != TopUpSucceeded {
				t.Errorf("%s: %+v, %v", in.Amount, top, err)
			}
		}
	}
}

func TestTopUpRefusesInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := input("pm_card_visa", 10_00)
	for name, test := range map[string]struct {
		change func(*TopUpInput)
		code   string
	}{
		"zero":             {func(in *TopUpInput) { in.Amount = eur(0) }, "TOP_UP_TOO_SMALL"},
		"negative":         {func(in *TopUpInput) { in.Amount = eur(-10_00) }, "TOP_UP_TOO_SMALL"},
		"below":            {func(in *TopUpInput) { in.Amount = eur(99) }, "TOP_UP_TOO_SMALL"},
		"above":            {func(in *TopUpInput) { in.Amount = eur(10_000_01) }, "TOP_UP_TOO_LARGE"},
		"int64":            {func(in *TopUpInput) { in.Amount = eur(1<<63 - 1) }, "TOP_UP_TOO_LARGE"},
		"unsupported":      {func(in *TopUpInput) { in.Amount = money.New(10_00, "CHF") }, "CURRENCY_UNSUPPORTED"},
		"no currency":      {func(in *TopUpInput) { in.Amount = money.New(10_00, "") }, "CURRENCY_UNSUPPORTED"},
		"a millime":        {func(in *TopUpInput) { in.Amount = money.New(10_001, "TND") }, "AMOUNT_TOO_PRECISE"},
		"no method":        {func(in *TopUpInput) { in.PaymentMethod = "" }, "PAYMENT_METHOD_INVALID"},
		"long method":      {func(in *TopUpInput) { in.PaymentMethod = strings.Repeat("x", 256) }, "PAYMENT_METHOD_INVALID"},
		"no key":           {func(in *TopUpInput) { in.IdempotencyKey = "" }, "IDEMPOTENCY_KEY_INVALID"},
		"key with newline": {func(in *TopUpInput) { in.IdempotencyKey = "a\nb" }, "IDEMPOTENCY_KEY_INVALID"},
		"key with NUL":     {func(in *TopUpInput) { in.IdempotencyKey = "a\x00" }, "IDEMPOTENCY_KEY_INVALID"},
		"long key":         {func(in *TopUpInput) { in.IdempotencyKey = strings.Repeat("x", 256) }, "IDEMPOTENCY_KEY_INVALID"},
	} {
		in := good
		test.change(&in)
		if _, err := b.TopUp(t.Context(), b.user, in); code(err) != test.code {
			t.Errorf("%s: got %v, want %s", name, err, test.code)
		}
	}
	if n := b.count("SELECT count(*) FROM top_up"); n != 0 || len(b.fake.Journal()) != 0 || b.entries() != 0 {
		t.Errorf("refused input left %d rows", n)
	}
}

func TestTopUpDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for card, want := range map[string]struct{ code, shown string }{
		"pm_card_visa_chargeDeclined":                      {"CARD_DECLINED", "generic_decline"},
		"pm_card_visa_chargeDeclinedInsufficientFunds":     {"CARD_DECLINED", "insufficient_funds"},
		"pm_card_visa_chargeDeclinedLostCard":              {"CARD_DECLINED", "generic_decline"},
		"pm_card_visa_chargeDeclinedStolenCard":            {"CARD_DECLINED", "generic_decline"},
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": {"CARD_DECLINED", "card_velocity_exceeded"},
		"pm_card_visa_chargeDeclinedFraudulent":            {"CARD_DECLINED", "generic_decline"},
		"pm_card_radarBlock":                               {"CARD_DECLINED", "generic_decline"},
		"pm_card_chargeCustomerFail":                       {"CARD_DECLINED", "generic_decline"},
		"pm_card_threeDSecureRequiredProcessingError":      {"CARD_DECLINED", "generic_decline"},
		"pm_card_chargeDeclinedExpiredCard":                {"CARD_EXPIRED", ""},
		"pm_card_chargeDeclinedIncorrectCvc":               {"CARD_CVC_INCORRECT", ""},
		"pm_card_chargeDeclinedProcessingError":            {"CARD_PROCESSING_ERROR", ""},
		"pm_nobody_knows":                                  {"PAYMENT_METHOD_UNKNOWN", ""},
	} {
		in := input(card, 20_00)
		for range 2 { // the second is the same key: the same answer
			top, err := b.TopUp(t.Context(), b.user, in)
			e := refusal(err)
			if e == nil || e.Code != want.code || top.Status != TopUpFailed {
				t.Fatalf("%s: %+v, %v", card, top, err)
			}
			if shown, _ := e.Data["declineCode"].(string); shown != want.shown {
				t.Errorf("%s shows %q, want %q", card, shown, want.shown)
			}
		}
	}
	if b.entries() != 0 {
		t.Error("a decline moved money")
	}
	b.agrees()
}

// A holder who passes at their bank may have a card that is declined all the same.
func TestTopUpDeclinedAfterTheHolderPassed(t *testing.T) {
	t.Parallel()
	for card, want := range map[string]string{
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_threeDSecureRequiredChargeDeclined":                    "generic_decline",
	} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			b := listening(t)
			top, err := b.TopUp(t.Context(), b.user, input(card, 20_00))
			if err != nil || top.Status != RequiresAction {
				t.Fatalf("%+v, %v", top, err)
			}
			b.authenticates(top.NextActionURL(), "succeed")
			top, err = b.RefreshTopUp(t.Context(), b.user, top.ID)
			e := refusal(err)
			if e == nil || e.Code != "CARD_DECLINED" || e.Data["declineCode"] != want || top.Status != TopUpFailed || b.entries() != 0 {
				t.Errorf("%+v, %v", top, err)
			}
			b.agrees()
		})
	}
}

func TestTopUpAwaitsTheHolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_authenticationRequired", 20_00))
	if err != nil || top.Status != RequiresAction || b.entries() != 0 {
		t.Fatalf("got %+v, %v", top, err)
	}
	if again, err := b.Resolve(t.Context(), top.ID); err != nil || again.Status != RequiresAction {
		t.Fatalf("a look: %+v, %v", again, err)
	}
	b.age(top.ID, keyLife)
	if late := b.settle(top.ID); late.Status != TopUpFailed || late.FailureCode != failedAbandoned {
		t.Errorf("a day later: %+v", late)
	}
}

func TestTopUpKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := input("pm_card_visa", 20_00)
	first, err := b.TopUp(t.Context(), b.user, in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.TopUp(t.Context(), b.user, in); err != nil || again.ID != first.ID || again.Status != TopUpSucceeded {
		t.Errorf("again: %+v, %v", again, err)
	}
	for _, change := range []func(*TopUpInput){
		func(in *TopUpInput) { in.Amount = eur(20_01) },
		func(in *TopUpInput) { in.Amount.Currency = "USD" },
		func(in *TopUpInput) { in.PaymentMethod = "pm_card_mastercard" },
	} {
		other := in
		change(&other)
		if _, err := b.TopUp(t.Context(), b.user, other); code(err) != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("other input: %v", err)
		}
	}
	if theirs, err := b.TopUp(t.Context(), b.newUser(), in); err != nil || theirs.ID == first.ID {
		t.Errorf("another user's same key: %+v, %v", theirs, err)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

func TestTopUpOfOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := input("pm_card_visa", 20_00)
	tops := make([]TopUp, 10)
	var group sync.WaitGroup
	for i := range tops {
		group.Go(func() {
			var err error
			if tops[i], err = b.TopUp(t.Context(), b.user, in); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, top := range tops {
		if top.ID != tops[0].ID {
			t.Error("one key made two top-ups")
		}
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// TestTopUpSurvivesEachFault breaks each call in each way, for good and bad cards: whatever the first
// answer, nobody is charged twice and no charge is without its entry.
func TestTopUpSurvivesEachFault(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"create", "confirm"} {
		for _, kind := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit} {
			for card, want := range map[string]TopUpStatus{"pm_card_visa": TopUpSucceeded, "pm_card_chargeDeclined": TopUpFailed} {
				t.Run(step+"/"+string(kind)+"/"+card, func(t *testing.T) {
					t.Parallel()
					b := setup(t)
					b.broken(step, kind)
					in := input(card, 30_00)
					top, err := b.TopUp(t.Context(), b.user, in)
					if err != nil || top.Status != Processing {
						t.Fatalf("got %+v, %v; want it processing", top, err)
					}
					b.wants(b.user, 0, 0)
					if b.fake.Faults().Fired()[kind] == 0 {
						t.Fatal("the fault never fired")
					}
					b.fake.Faults().Clear()
					if again, err := b.TopUp(t.Context(), b.user, in); err != nil || again.ID != top.ID || again.Status != Processing {
						t.Errorf("the same key meanwhile: %+v, %v", again, err)
					}
					if got := b.settle(top.ID); got.Status != want {
						t.Fatalf("settled as %+v", got)
					}
					wallet := int64(0)
					if want == TopUpSucceeded {
						wallet = 30_00
					}
					b.wants(b.user, wallet, 0)
					b.agrees()
				})
			}
		}
	}
}

func TestLookUpFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken("confirm", stripefake.CutAfter)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	for _, kind := range []stripefake.Fault{stripefake.CutBefore, stripefake.ErrorBefore, stripefake.RateLimit} {
		b.fake.Faults().Clear()
		b.broken("fetch", kind)
		if now, err := b.Resolve(t.Context(), top.ID); err != nil || now.Status != Processing {
			t.Fatalf("%s: %+v, %v", kind, now, err)
		}
	}
	b.fake.Faults().Clear()
	if got := b.settle(top.ID); got.Status != TopUpSucceeded {
		t.Fatalf("settled as %+v", got)
	}
	b.wants(b.user, 30_00, 0)
	b.agrees()
}

func TestOneCutIsHealedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fake.Faults().Add(stripefake.Rule{Path: "/v1/payment_intents/*/confirm", Fault: stripefake.CutAfter})
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != TopUpSucceeded {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.wants(b.user, 30_00, 0)
	b.agrees()
}

func TestResolversRace(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"create", "confirm"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken(step, stripefake.CutAfter)
			top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
			if err != nil || top.Status != Processing {
				t.Fatalf("got %+v, %v", top, err)
			}
			b.fake.Faults().Clear()
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					if _, err := b.Resolve(t.Context(), top.ID); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			b.settle(top.ID)
			b.wants(b.user, 30_00, 0)
			b.agrees()
		})
	}
}

func TestOldTopUps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		step  string
		fault stripefake.Fault
		want  TopUpStatus
	}{
		{"create", stripefake.CutAfter, TopUpFailed},       // registered at most: no money was asked for
		{"confirm", stripefake.CutBefore, TopUpFailed},     // cancelled, so that it never is
		{"confirm", stripefake.CutAfter, TopUpSucceeded},   // charged: it counts, however late
		{"confirm", stripefake.ErrorAfter, TopUpSucceeded}, // the same
	} {
		t.Run(test.step+"/"+string(test.fault), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken(test.step, test.fault)
			top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
			if err != nil || top.Status != Processing {
				t.Fatalf("got %+v, %v", top, err)
			}
			b.fake.Faults().Clear()
			b.age(top.ID, keyLife)
			watched := &watchedProvider{Provider: b.provider}
			b.provider = watched
			if got := b.settle(top.ID); got.Status != test.want {
				t.Fatalf("settled as %+v", got)
			}
			if n := watched.asked.Load(); n != 0 {
				t.Errorf("%d requests with a key that is too old", n)
			}
			b.agrees()
		})
	}
}

// watchedProvider counts the requests that lead to money.
type watchedProvider struct {
	Provider
	asked atomic.Int64
}

func (w *watchedProvider) CreateIntent(ctx context.Context, r IntentRequest) (Intent, error) {
	w.asked.Add(1)
	return w.Provider.CreateIntent(ctx, r)
}

func (w *watchedProvider) ConfirmIntent(ctx context.Context, id, returnURL, key string) (Intent, error) {
	w.asked.Add(1)
	return w.Provider.ConfirmIntent(ctx, id, returnURL, key)
}

// rivalProvider confirms each intent under another key, just before we do.
type rivalProvider struct{ Provider }

func (r rivalProvider) ConfirmIntent(ctx context.Context, id, returnURL, key string) (Intent, error) {
	_, _ = r.Provider.ConfirmIntent(ctx, id, returnURL, "rival:"+key) // a decline is an error
	return r.Provider.ConfirmIntent(ctx, id, returnURL, key)
}

func TestRivalWasFaster(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provider = rivalProvider{b.provider}
	if top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00)); err != nil || top.Status != TopUpSucceeded {
		t.Errorf("a good card: %+v, %v", top, err)
	}
	if top, err := b.TopUp(t.Context(), b.user, input("pm_card_chargeDeclinedExpiredCard", 30_00)); code(err) != "CARD_EXPIRED" || top.Status != TopUpFailed {
		t.Errorf("an expired card: %+v, %v", top, err)
	}
	b.wants(b.user, 30_00, 0)
	b.agrees()
}

func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := make(chan struct{})
	b.fake.Faults().Add(stripefake.Rule{Path: "/v1/payment_intents/*/confirm", Fault: stripefake.Delay, Until: release})
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan TopUp, 1)
	go func() {
		top, err := b.TopUp(ctx, b.user, input("pm_card_visa", 30_00))
		if err != nil {
			t.Error(err)
		}
		done <- top
	}()
	for b.fake.Faults().Fired()[stripefake.Delay] == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	hangUp()
	var inFlight uuid.UUID
	if err := b.data.Admin.QueryRow(t.Context(), "SELECT id FROM top_up").Scan(&inFlight); err != nil {
		t.Fatal(err)
	}
	if now, err := b.Resolve(t.Context(), inFlight); err != nil || now.Status != Processing {
		t.Errorf("a resolver while the request is in flight: %+v, %v", now, err)
	}
	close(release)
	if top := <-done; top.Status != TopUpSucceeded {
		t.Errorf("got %+v", top)
	}
	b.wants(b.user, 30_00, 0)
	b.agrees()
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t)
	right := b.provider
	url, stop, err := b.fake.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop(context.Background()) }()
	b.provider = NewStripe("sk_test_of_somebody_else", url, nil)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.provider = right
	if got := b.settle(top.ID); got.Status != TopUpSucceeded {
		t.Errorf("settled as %+v", got)
	}
	b.agrees()
}

// TestProviderRestarts is what kill -9 does to the demo, whose Stripe lives in the same process.
func TestProviderRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stripe.json")
	config := stripefake.Config{Key: testKey, Seed: 7, StateFile: path}
	fake, err := stripefake.New(config)
	if err != nil {
		t.Fatal(err)
	}
	b := setupWith(t, fake)
	b.broken("confirm", stripefake.CutAfter)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	if err := fake.Close(); err != nil {
		t.Fatal(err)
	}
	if b.fake, err = stripefake.New(config); err != nil {
		t.Fatal(err)
	}
	url, stop, err := b.fake.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop(context.Background()) }()
	b.provider = NewStripe(testKey, url, nil)
	if got := b.settle(top.ID); got.Status != TopUpSucceeded {
		t.Fatalf("settled as %+v", got)
	}
	b.agrees()
}

// A provider that has lost an intent must not make us believe that nothing was charged.
func TestProviderForgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken("confirm", stripefake.CutAfter)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	empty := setup(t)
	b.provider = empty.provider
	if now, err := b.Resolve(t.Context(), top.ID); err != nil || now.Status != Processing {
		t.Errorf("got %+v, %v", now, err)
	}
}

// TestStorm runs many top-ups through a provider that fails in every way at random.
func TestStorm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provider = NewStripe(testKey, b.listen(), &http.Client{Timeout: 5 * time.Second})
	rates := make(map[stripefake.Fault]float64)
	for _, each := range stripefake.Faults() {
		rates[each] = 0.09
	}
	b.fake.Faults().Rates(rates, 2*time.Millisecond)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for i := range 10 {
				card := "pm_card_visa"
				if i%5 == 4 {
					card = "pm_card_chargeDeclined"
				}
				if _, err := b.TopUp(t.Context(), b.user, input(card, 10_00)); err != nil && code(err) != "CARD_DECLINED" {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, each := range stripefake.Faults() {
		if b.fake.Faults().Fired()[each] == 0 {
			t.Errorf("%s never fired", each)
		}
	}
	for range 8 { // the faults go on: what stays open is looked at again
		if err := b.sweep(t.Context(), -time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	b.fake.Faults().Clear()
	for range 3 {
		if err := b.sweep(t.Context(), -time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.count("SELECT count(*) FROM top_up WHERE status = 'SUCCEEDED'"); n != 48 {
		t.Errorf("%d of 48 good cards were charged", n)
	}
	b.wants(b.user, 48*10_00, 0)
	b.agrees()
}

func (b *bundle) listen() string {
	b.t.Helper()
	url, stop, err := b.fake.Listen("127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = stop(context.Background()) })
	return url
}

// TestJob lets River itself find the job and do it.
func TestJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken("confirm", stripefake.CutAfter)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 30_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.fake.Faults().Clear()
	workers := river.NewWorkers()
	Workers(workers, b.Service)
	worker, err := river.NewClient(riverpgxv5.New(b.data.Pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}},
		PeriodicJobs: PeriodicJobs(), Logger: slog.New(slog.DiscardHandler),
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
			if event.Job.Kind != (TopUpResolve{}).Kind() {
				continue
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the job was not done")
		}
		break
	}
	b.wants(b.user, 30_00, 0)
	b.agrees()
}

func TestLookAgain(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]time.Duration{
		0: 5 * time.Second, 40 * time.Second: 10 * time.Second, 2 * time.Hour: 30 * time.Minute, 20 * time.Hour: time.Hour,
	} {
		if got := lookAgain(age); got != want {
			t.Errorf("after %s: %s, want %s", age, got, want)
		}
	}
}
