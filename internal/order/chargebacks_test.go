package order_test

import (
	"testing"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
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
