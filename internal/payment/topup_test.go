package payment

import (
	"context"
	"log/slog"
	"strings"
	"sync"
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
