package order_test

import (
	"testing"
	"time"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
)

// What is said to Stripe about orders, and what the fake answers, agrees with the official description: authorising with and
// without the holder, declining, capturing, letting go, expiring, and refunding.
func TestOrdersSpeakStripe(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithWatchedCards(t)
	pay := func(method string) order.Order {
		owed, card := w.Owed(100_00, 40_00, method)
		o, p, err := w.Pay(owed, card, 40_00)
		if p.Status == "" {
			t.Fatal(err)
		}
		if p.NextActionURL() != nil {
			w.Holder(p.NextActionURL(), "succeed")
			w.Advance(p.ID)
		}
		return o
	}
	sold := pay("pm_card_visa")
	w.Must2(w.Orders.Ship(t.Context(), sold.SellerID, sold.ID, ""))
	w.Must2(refund(w, sold, 30_00))
	w.Must2(refund(w, sold, 0))
	pay("pm_card_chargeDeclinedInsufficientFunds")
	cancelled := pay("pm_card_authenticationRequired")
	w.Must2(w.Orders.Cancel(t.Context(), order.Actor{User: cancelled.SellerID}, cancelled.ID, ""))
	expired := pay("pm_card_mastercard")
	w.Must(w.Stripe.Advance(8 * 24 * time.Hour))
	if _, err := w.Orders.Ship(t.Context(), expired.SellerID, expired.ID, ""); domaintest.Code(err) != "CAPTURE_FAILED" {
		t.Errorf("shipped too late: %v", err)
	}
	w.Audited()
}
