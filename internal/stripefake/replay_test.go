package stripefake

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

func TestIdempotentReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := mustPay(t, b, keyed(payment("pm_card_visa"), "k1"))
	again := mustPay(t, b, keyed(payment("pm_card_visa"), "k1"))
	if first.ID != again.ID || !bytes.Equal(first.LastResponse.RawJSON, again.LastResponse.RawJSON) {
		t.Errorf("the replay differs:\n%s\n%s", first.LastResponse.RawJSON, again.LastResponse.RawJSON)
	}
	if again.LastResponse.Header.Get("Idempotent-Replayed") != "true" || first.LastResponse.Header.Get("Idempotent-Replayed") != "" {
		t.Error("Idempotent-Replayed is not on the second answer alone")
	}
	other := keyed(payment("pm_card_visa"), "k1")
	other.Amount = stripe.Int64(1251)
	_, err := b.api.PaymentIntents.New(other)
	if e := stripeErr(t, err, http.StatusBadRequest); e.Type != stripe.ErrorTypeIdempotency {
		t.Errorf("other parameters: %s", e.Type)
	}
	_, err = b.api.PaymentIntents.New(keyed(payment("pm_card_visa_chargeDeclined"), "k2"))
	declined := stripeErr(t, err, http.StatusPaymentRequired)
	_, err = b.api.PaymentIntents.New(keyed(payment("pm_card_visa_chargeDeclined"), "k2"))
	if e := stripeErr(t, err, http.StatusPaymentRequired); e.ChargeID != declined.ChargeID {
		t.Error("a decline was repeated, not replayed")
	}
	if n := len(b.server.Journal()); n != 1 {
		t.Errorf("%d movements, want 1", n)
	}
	b.clock.advance(24 * time.Hour)
	if late := mustPay(t, b, keyed(payment("pm_card_visa"), "k1")); late.ID == first.ID {
		t.Error("the key was remembered for more than its 24 hours")
	}
}

func TestRefusedInputLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wrong := keyed(payment("pm_no"), "k")
	_, err := b.api.PaymentIntents.New(wrong)
	_ = stripeErr(t, err, http.StatusNotFound)
	mustPay(t, b, keyed(payment("pm_card_visa"), "k"))
}

func TestKeyInProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := make(chan struct{})
	b.server.Faults().Add(Rule{Method: "POST", Path: "/v1/payment_intents", Fault: Delay, Until: release})
	type result struct {
		intent *stripe.PaymentIntent
		err    error
	}
	slow := make(chan result, 1)
	go func() {
		intent, err := b.api.PaymentIntents.New(keyed(payment("pm_card_visa"), "k"))
		slow <- result{intent, err}
	}()
	for b.server.Faults().Fired()[Delay] == 0 || !b.claimed("k") {
		if t.Context().Err() != nil {
			t.Fatal("the slow request never arrived")
		}
		time.Sleep(time.Millisecond)
	}
	_, err := b.api.PaymentIntents.New(keyed(payment("pm_card_visa"), "k"))
	if e := stripeErr(t, err, http.StatusConflict); e.Code != "idempotency_key_in_use" {
		t.Errorf("got %s", e.Code)
	}
	close(release)
	first := <-slow
	if first.err != nil {
		t.Fatal(first.err)
	}
	if again := mustPay(t, b, keyed(payment("pm_card_visa"), "k")); again.ID != first.intent.ID {
		t.Error("the key was answered twice")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault   Fault
		moved   int // movements after the faulty request
		after   int // and after the same key again
		status  int // of the faulty answer; 0 is a broken connection
		replays int // status of the same key again
	}{
		{CutBefore, 0, 1, 0, 200},
		{CutAfter, 1, 1, 0, 200},
		{ErrorBefore, 0, 0, 500, 500},
		{ErrorAfter, 1, 1, 500, 500},
		{RateLimit, 0, 1, 429, 200},
		{Delay, 1, 1, 200, 200},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.server.Faults().Add(Rule{Fault: test.fault, Wait: time.Millisecond})
			for i, want := range []struct{ status, moved int }{{test.status, test.moved}, {test.replays, test.after}} {
				_, err := b.api.PaymentIntents.New(keyed(payment("pm_card_visa"), "k"))
				var e *stripe.Error
				switch got := errors.As(err, &e); {
				case want.status == 200 && err != nil, want.status == 0 && (err == nil || got):
					t.Fatalf("request %d: %v", i, err)
				case want.status > 200:
					_ = stripeErr(t, err, want.status)
				}
				if n := len(b.server.Journal()); n != want.moved {
					t.Fatalf("request %d: %d movements, want %d", i, n, want.moved)
				}
			}
			if n := b.server.Faults().Fired()[test.fault]; n != 1 {
				t.Errorf("fired %d times", n)
			}
		})
	}
}

func TestFaultByHeader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_visa")
	p.Headers = http.Header{FaultHeader: {"rate_limit"}}
	_, err := b.api.PaymentIntents.New(p)
	_ = stripeErr(t, err, http.StatusTooManyRequests)
	p.Headers.Set(FaultHeader, "gremlins")
	_, err = b.api.PaymentIntents.New(p)
	_ = stripeErr(t, err, http.StatusBadRequest)
}

func TestSeededRatesReplay(t *testing.T) {
	t.Parallel()
	run := func() string {
		b := setupWith(t, Config{Seed: 42})
		b.server.Faults().Rates(map[Fault]float64{RateLimit: 0.3, ErrorAfter: 0.3}, 0)
		var outcomes strings.Builder
		for range 40 {
			_, err := b.api.PaymentIntents.New(payment("pm_card_visa"))
			if e, ok := errors.AsType[*stripe.Error](err); ok {
				outcomes.WriteString(http.StatusText(e.HTTPStatusCode)[:1])
			} else {
				outcomes.WriteString("o")
			}
		}
		return outcomes.String()
	}
	first := run()
	if second := run(); first != second {
		t.Errorf("one seed gave\n%s\n%s", first, second)
	}
	for _, each := range []string{"o", "T", "I"} {
		if !strings.Contains(first, each) {
			t.Errorf("outcome %s never came: %s", each, first)
		}
	}
}

func TestSameSeedSameIDs(t *testing.T) {
	t.Parallel()
	a := mustPay(t, setupWith(t, Config{Seed: 1}), payment("pm_card_visa"))
	b := mustPay(t, setupWith(t, Config{Seed: 1}), payment("pm_card_visa"))
	c := mustPay(t, setupWith(t, Config{Seed: 2}), payment("pm_card_visa"))
	if a.ID != b.ID || a.ID == c.ID {
		t.Errorf("seeds 1, 1, 2 gave %s, %s, %s", a.ID, b.ID, c.ID)
	}
}

func TestConcurrentPaymentsOfOneKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := b.api.PaymentIntents.New(keyed(payment("pm_card_visa"), "k"))
			var e *stripe.Error
			if err != nil && (!errors.As(err, &e) || e.HTTPStatusCode != http.StatusConflict) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := len(b.server.Journal()); n != 1 {
		t.Errorf("%d movements of one key", n)
	}
}
