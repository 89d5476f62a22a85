package order_test

import (
	"regexp"
	"testing"

	"github.com/souklive/souk/db/migrations"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
)

// Orders from before there were payments get theirs by the migration, and can be refunded like any other.
func TestOldOrdersGetTheirPayments(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	paid, settled := w.Sale(30_00), w.Sale(40_00)
	w.Must2(w.Orders.Ship(t.Context(), settled.SellerID, settled.ID, ""))
	w.Must2(w.Orders.ConfirmReceipt(t.Context(), settled.BuyerID, settled.ID))
	migration, err := migrations.Files.ReadFile("00014_order_payment.sql")
	w.Must(err)
	fill := regexp.MustCompile(`(?s)INSERT INTO order_payment .*?;`).FindString(string(migration))
	w.Exec("DELETE FROM order_payment")
	w.Exec(fill)
	w.Audited()
	for _, o := range []order.Order{paid, settled} {
		_, err := w.Orders.Refund(t.Context(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, IdempotencyKey: o.ID.String()})
		w.Must(err)
		w.WantWallet(o.BuyerID, o.Total.Minor, 0)
	}
	w.Audited()
}
