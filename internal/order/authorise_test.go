package order_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

const (
	asks         = "pm_card_authenticationRequired"
	asksDeclines = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
)

// Each call that begins a payment is broken in each way, for a good card and a bad one: whatever the first answer, the
// money is set aside once or not at all, and the wallet's part with it.
func TestPaySurvivesEachFault(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"create", "confirm"} {
		for _, fault := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit} {
			t.Run(step+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				w := domaintest.NewWithCards(t)
				for method, want := range map[string]payment.OrderPaymentStatus{"pm_card_visa": payment.OrderAuthorised, "pm_card_chargeDeclined": payment.OrderFailed} {
					owed, card := w.Owed(100_00, 40_00, method)
					w.Broken(step, fault)
					o, p, err := w.Pay(owed, card, 30_00)
					if err != nil || o.Payment != order.PaymentPending || p.Status != payment.OrderProcessing {
						t.Fatalf("%s: %+v, %+v, %v", method, o, p, err)
					}
					w.WantWallet(owed.BuyerID, 10_00, 30_00)
					w.Mended(fault)
					if _, _, err := w.Pay(owed, card, 0); domaintest.Code(err) != "PAYMENT_IN_PROGRESS" {
						t.Errorf("%s: paid meanwhile: %v", method, err)
					}
					if p := w.Advance(p.ID); p.Status != want {
						t.Fatalf("%s: became %+v", method, p)
					}
					if want == payment.OrderFailed {
						w.WantWallet(owed.BuyerID, 40_00, 0)
					} else {
						w.WantWallet(owed.BuyerID, 10_00, 30_00)
					}
				}
				if n := len(w.Stripe.Journal()); n != 0 {
					t.Errorf("the provider moved %d times", n)
				}
				w.Audited()
			})
		}
	}
}

// A holder who is asked passes or fails, and whoever looks first records it.
func TestHolderIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, outcome string
		want            payment.OrderPaymentStatus
		refusal, event  string
	}{
		"passes":                          {asks, "succeed", payment.OrderAuthorised, "", "payment_intent.amount_capturable_updated"},
		"fails":                           {asks, "fail", payment.OrderFailed, "AUTHENTICATION_FAILED", "payment_intent.payment_failed"},
		"passes for a card that declines": {asksDeclines, "succeed", payment.OrderFailed, "CARD_DECLINED insufficient_funds", "payment_intent.payment_failed"},
	} {
		for _, by := range []string{"webhook", "refresh", "job"} {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				w := domaintest.NewWithCards(t)
				w.Listens()
				owed, card := w.Owed(100_00, 30_00, c.method)
				o, p, err := w.Pay(owed, card, 30_00)
				if err != nil || o.Payment != order.PaymentPending || p.Status != payment.OrderRequiresAction {
					t.Fatalf("got %+v, %+v, %v", o, p, err)
				}
				w.Audited()
				w.Holder(p.NextActionURL(), c.outcome)
				switch by {
				case "webhook":
					w.Hears(c.event)
				case "refresh":
					if _, err := w.Payment.RefreshOrderPayment(t.Context(), owed.BuyerID, p.ID); domaintest.Declined(err) != c.refusal {
						t.Errorf("the client hears %v", err)
					}
				case "job":
					w.Advance(p.ID)
				}
				if p = w.PaymentOf(owed); p.Status != c.want || domaintest.Declined(p.Refusal()) != c.refusal {
					t.Errorf("became %+v: %v", p, p.Refusal())
				}
				if c.want == payment.OrderAuthorised {
					w.WantWallet(owed.BuyerID, 0, 30_00)
					w.WantEvents(owed.ID, "CREATED AUTHORISED")
				} else {
					w.WantWallet(owed.BuyerID, 30_00, 0)
					w.WantEvents(owed.ID, "CREATED")
				}
				w.Audited()
			})
		}
	}
}

// A holder who never comes leaves everything as it was, after a day.
func TestHolderNeverComes(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 30_00, asks)
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	w.Exec("ALTER TABLE order_payment DISABLE TRIGGER order_payment_guard")
	w.Exec("UPDATE order_payment SET created_at = created_at - interval '23 hours'")
	w.Exec("ALTER TABLE order_payment ENABLE TRIGGER order_payment_guard")
	if p = w.Advance(p.ID); p.Status != payment.OrderFailed || domaintest.Code(p.Refusal()) != "PAYMENT_ABANDONED" {
		t.Errorf("became %+v: %v", p, p.Refusal())
	}
	w.WantWallet(owed.BuyerID, 30_00, 0)
	w.Audited()
}

// A payment that waits for its holder does not keep its buyer from paying in another way. That the holder passes all the
// same, at the worst moment, takes nothing.
func TestAnotherWayToPay(t *testing.T) {
	t.Parallel()
	for name, another := range map[string]string{"a card": "pm_card_visa", "the wallet": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			owed, card := w.Owed(100_00, 100_00, asks)
			_, first, err := w.Pay(owed, card, 60_00)
			w.Must(err)
			w.Holder(first.NextActionURL(), "succeed")
			in := order.PayInput{Order: owed.ID, IdempotencyKey: uuid.NewString()}
			want, wallet := payment.OrderCaptured, [2]int64{0, 0}
			if another != "" {
				second := w.Card(owed.BuyerID, another)
				in.Card, in.Wallet = &second, new(domaintest.EUR(90_00))
				want, wallet = payment.OrderAuthorised, [2]int64{10_00, 90_00}
			}
			_, p, err := w.Orders.Pay(t.Context(), owed.BuyerID, in)
			if err != nil || p.Status != want {
				t.Fatalf("paid: %+v, %v", p, err)
			}
			w.WantWallet(owed.BuyerID, wallet[0], wallet[1])
			w.Audited()
			if last := w.Advance(first.ID); last.Status != payment.OrderVoided {
				t.Errorf("the first is %+v", last)
			}
			w.WantWallet(owed.BuyerID, wallet[0], wallet[1])
			w.Audited()
		})
	}
}

// The webhook comes while the request that it answers is still under way.
func TestWebhookBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	w.Listens()
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	release := make(chan struct{})
	w.Stripe.Faults().Add(stripefake.Rule{Path: "/v1/payment_intents/*/confirm", Fault: stripefake.DelayAfter, Until: release})
	done := make(chan payment.OrderPayment, 1)
	go func() {
		_, p, err := w.Pay(owed, card, 30_00)
		if err != nil {
			t.Error(err)
		}
		done <- p
	}()
	w.Hears("payment_intent.amount_capturable_updated")
	if p := w.PaymentOf(owed); p.Status != payment.OrderAuthorised {
		t.Errorf("the webhook made it %+v", p)
	}
	close(release)
	if p := <-done; p.Status != payment.OrderAuthorised {
		t.Errorf("the request answers %+v", p)
	}
	w.WantEvents(owed.ID, "CREATED AUTHORISED")
	w.Audited()
}

// A client that hangs up leaves nothing in doubt.
func TestPayerHangsUp(t *testing.T) {
	t.Parallel()
	var hangUp context.CancelFunc
	w := domaintest.NewWithCards(t, func(p payment.Provider) payment.Provider {
		return calling{p, func() { hangUp() }}
	})
	owed, card := w.Owed(100_00, 0, "pm_card_visa")
	ctx, cancel := context.WithCancel(t.Context())
	hangUp = cancel
	_, p, err := w.Orders.Pay(ctx, owed.BuyerID, order.PayInput{Order: owed.ID, Card: &card, IdempotencyKey: "once"})
	if err != nil || p.Status != payment.OrderAuthorised || ctx.Err() == nil {
		t.Errorf("got %+v, %v", p, err)
	}
	w.Audited()
}

// calling calls back before a card is asked for money.
type calling struct {
	payment.Provider

	before func()
}

func (c calling) ConfirmIntent(ctx context.Context, id, returnURL, key string) (payment.Intent, error) {
	c.before()
	return c.Provider.ConfirmIntent(ctx, id, returnURL, key)
}
