package payment

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/stripefake"
)

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
