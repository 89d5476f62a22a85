package order_test

import (
	"testing"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// A charge may be disputed several times. What each of them means for its order stands, whatever becomes of the others.
func TestSeveralChargebacksOfAnOrder(t *testing.T) {
	t.Parallel()
	const none, part = 0, 20_00
	for name, c := range map[string]struct {
		play     func(w *domaintest.CardWorld, o order.Order)
		disputed bool
		back     int64 // charged back in the end
		loss     int64
		end      order.Payment
	}{
		"two at once, the first won": {func(w *domaintest.CardWorld, o order.Order) {
			first, second := disputes(w, o, part, false), disputes(w, o, part, false)
			decides(w, first, "won")
			refusesAll(w, o)
			decides(w, second, "lost")
		}, false, part, none, order.Paid},
		"two at once, both lost": {func(w *domaintest.CardWorld, o order.Order) {
			first, second := disputes(w, o, part, false), disputes(w, o, part, false)
			decides(w, first, "lost")
			refusesAll(w, o)
			decides(w, second, "lost")
		}, false, 2 * part, none, order.Paid},
		"lost twice, and nothing was left for the second": {func(w *domaintest.CardWorld, o order.Order) {
			decides(w, disputes(w, o, none, false), "lost")
			decides(w, disputes(w, o, part, false), "lost")
		}, false, 70_00, part, order.Paid},
		"lost twice before the release, and one is won after it": {func(w *domaintest.CardWorld, o order.Order) {
			decides(w, disputes(w, o, none, false), "lost")
			decides(w, disputes(w, o, part, false), "lost") // finds nothing of the card's
			receives(w, o)
			later := disputes(w, o, part, false)
			refusesAll(w, o)
			decides(w, later, "won")
		}, false, 70_00, part, order.Settled},
		"lost after the release, and another is won": {func(w *domaintest.CardWorld, o order.Order) {
			receives(w, o)
			decides(w, disputes(w, o, part, false), "lost")
			decides(w, disputes(w, o, part, false), "won")
		}, true, none, part, order.Settled},
		"a loss is taken back while another is open": {func(w *domaintest.CardWorld, o order.Order) {
			first := disputes(w, o, part, false)
			decides(w, first, "lost")
			second := disputes(w, o, part, false)
			decides(w, first, "won")
			refusesAll(w, o)
			decides(w, second, "lost")
		}, false, part, none, order.Paid},
		"a loss is taken back after another was lost that found nothing": {func(w *domaintest.CardWorld, o order.Order) {
			first := disputes(w, o, none, false)
			decides(w, first, "lost")
			decides(w, disputes(w, o, part, false), "lost")
			decides(w, first, "won")
			receives(w, o)
		}, false, none, part, order.Settled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			o := sold(w, "pm_card_visa", 30_00)
			c.play(w, o)
			if o = now(w, o); o.Disputed != c.disputed || o.ChargedBack.Minor != c.back || o.Payment != c.end || loss(w) != -c.loss {
				t.Errorf("disputed %t, charged back %s, %s, a loss of %d", o.Disputed, o.ChargedBack, o.Payment, loss(w))
			}
			cleared(w)
			if c.end == order.Paid {
				receives(w, o)
				cleared(w)
			}
		})
	}
}

func receives(w *domaintest.CardWorld, o order.Order) {
	w.T.Helper()
	w.Must2(w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID))
}

// What was captured by hand while it was let go is on its way back when its bank takes it as well. Its order has nothing to do with
// that. The refund, which the card refuses then, is in the wallet, so that the platform bears what the bank takes.
func TestAChargebackOfWhatWasTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		captured, disputed int64
		outcome            string
		wallet, loss       int64
	}{
		"won, and the card takes no refund":  {0, 70_00, "won", 100_00, 0},
		"lost, and the card takes no refund": {0, 70_00, "lost", 100_00, 70_00},
		"a part, lost":                       {25_00, 25_00, "lost", 55_00, 25_00},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
			_, p, err := w.Pay(owed, card, 30_00)
			w.Must(err)
			w.Broken("cancel", stripefake.CutBefore)
			w.Must2(w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, "Broken."))
			w.Mended(stripefake.CutBefore)
			w.CaptureByHand(p.ID, c.captured)
			if p := w.Advance(p.ID); p.Status != payment.OrderVoided {
				t.Fatalf("the payment is %s", p.Status)
			}
			d, err := w.Stripe.OpenDispute(*w.Stripe.Journal()[0].Source, "fraudulent", c.disputed, false)
			w.Must(err)
			looks(w, d.ID)
			w.Must2(w.Payment.PushRefund(t.Context(), p.ID))
			w.Audited()
			decides(w, d.ID, c.outcome)
			if o := now(w, owed); o.Payment != order.Voided || o.Disputed || o.ChargedBack.Minor != 0 {
				t.Errorf("the order: %+v", o)
			}
			w.WantWallet(owed.BuyerID, c.wallet, 0)
			if loss(w) != -c.loss {
				t.Errorf("a loss of %d", loss(w))
			}
			cleared(w)
		})
	}
}
