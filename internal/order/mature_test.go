package order_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
)

// matures brings the end of the return windows of a seller's orders to now, and does what follows.
func matures(w *domaintest.World, seller uuid.UUID) {
	w.T.Helper()
	w.Exec("UPDATE orders SET mature_by = clock_timestamp() WHERE seller_id = $1 AND mature_by > clock_timestamp()", seller)
	w.Must(w.Orders.MatureDue(w.Ctx()))
}

// completed is an order that was sent and received.
func completed(w *domaintest.World, o order.Order) order.Order {
	w.T.Helper()
	w.Must2(w.Orders.Ship(w.Ctx(), o.SellerID, o.ID, ""))
	o, err := w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID)
	w.Must(err)
	return o
}

// What an order earned waits until its return window is over, and is its seller's then, once.
func TestEarningsMature(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	o := completed(w, w.Sale(100_01))
	wants := func(pending, available int64) {
		t.Helper()
		if p, a := w.Balance(ledger.SellerPending, o.SellerID), w.Balance(ledger.SellerAvailable, o.SellerID); p != pending || a != available {
			t.Errorf("%d wait and %d are theirs, want %d and %d", p, a, pending, available)
		}
		w.Audited()
	}
	if in := o.EarningsAt.Sub(*o.SettledAt).Round(time.Minute); in != order.DefaultPeriods().Return {
		t.Errorf("available after %s", in)
	}
	w.Must(w.Orders.MatureDue(t.Context()))
	wants(91_51, 0)
	other := w.Another(t)
	w.Exec("UPDATE orders SET mature_by = clock_timestamp() WHERE id = $1", o.ID)
	for _, err := range domaintest.AtOnce(4, func(i int) error { return []*domaintest.World{w, other}[i%2].Orders.MatureDue(t.Context()) }) {
		w.Must(err)
	}
	wants(0, 91_51)
	w.WantEvents(o.ID, "CREATED PAID SENT RECEIVED EARNINGS_AVAILABLE")
}

// A refund takes from where the money is: what waits of that very order, what its seller has, and what they will have.
func TestRefundsTakeFromWhereTheMoneyIs(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	buyer := w.Buyer(400_00)
	first := completed(w, w.SaleTo(buyer, 100_00))
	seller := first.SellerID
	wants := func(pending, available, debt int64) {
		t.Helper()
		if p, a, d := w.Balance(ledger.SellerPending, seller), w.Balance(ledger.SellerAvailable, seller), -w.Balance(ledger.SellerDebt, seller); p != pending || a != available || d != debt {
			t.Errorf("%d wait, %d are theirs, they owe %d; want %d, %d, %d", p, a, d, pending, available, debt)
		}
		w.Audited()
	}
	back := func(o order.Order, cents int64) {
		t.Helper()
		amount := domaintest.EUR(cents)
		w.Must2(w.Orders.Refund(t.Context(), order.Actor{User: seller}, order.RefundInput{Order: o.ID, Amount: &amount, IdempotencyKey: uuid.NewString()}))
	}
	wants(91_50, 0, 0)
	back(first, 40_00)
	wants(54_90, 0, 0)
	matures(w, seller)
	wants(0, 54_90, 0)
	second := completed(w, w.SaleBy(seller, buyer, 100_00))
	wants(91_50, 54_90, 0)
	back(first, 60_00) // what waits of the second order is not the first one's
	wants(91_50, 0, 0)
	matures(w, seller)
	paysOut(&domaintest.CardWorld{World: w}, seller, 91_50)
	back(second, 50_00)
	wants(0, 0, 45_75)
	third := completed(w, w.SaleBy(seller, buyer, 100_00)) // what they owe comes first
	wants(45_75, 0, 0)
	back(third, 100_00) // of which a part has paid what they owed
	wants(0, 0, 45_75)
}
