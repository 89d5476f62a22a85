package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/ledger"
)

// orderRefund is one way in which an order of 40 euros, 15 from the wallet and 25 by card, gives money back.
type orderRefund struct {
	name   string
	ready  func(o *owed)        // brings the order there
	asks   func(o *owed) string // the operation, the seller's
	field  string               // of its answer
	input  apitest.Vars         // but for the order and the key
	points []crashPoint

	cents  int64  // that the card gets
	wallet int    // the buyer's, afterwards
	escrow int    // of the order, afterwards
	ends   string // the order's payment and fulfilment
}

func orderRefunds() []orderRefund {
	refund := func(o *owed) string { return tour(o.t, "Refund a part") }
	cancel := func(o *owed) string { return tour(o.t, "Cancel the order") }
	return []orderRefund{
		{name: "in part", ready: (*owed).sent, asks: refund, field: "orderRefund", input: apitest.Vars{"amount": eur(1000), "reason": "a dent"},
			points: refundPoints(), cents: -625, wallet: 875, escrow: 3000, ends: "PAID SENT"},
		{name: "in full", ready: (*owed).sent, asks: refund, field: "orderRefund", input: apitest.Vars{"reason": "broken"},
			points: shortRefundPoints(), cents: -2500, wallet: 2000, ends: "REFUNDED SENT"},
		{name: "after the release", ready: (*owed).released, asks: refund, field: "orderRefund", input: apitest.Vars{"reason": "broken"},
			points: shortRefundPoints(), cents: -2500, wallet: 2000, ends: "REFUNDED RECEIVED"},
		{name: "by a cancellation", ready: (*owed).takenByHand, asks: cancel, field: "orderCancel", input: apitest.Vars{"reason": "It broke."},
			points: shortRefundPoints(), cents: -2500, wallet: 2000, ends: "REFUNDED CANCELLED"},
	}
}

// shortRefundPoints are those of refundPoints at which it matters what the refund is of.
func shortRefundPoints() []crashPoint {
	return []crashPoint{
		at("before the intent is committed", commit("INSERT", "refund", "", lost)),
		at("when the intent is committed", commit("INSERT", "refund", "", happens)),
		at("while it is on its way", request("POST", refunds, happens)),
		at("after it is sent", answer("POST", refunds)),
		at("before the record is committed", commit("UPDATE", "refund", settled, lost)),
		at("before it is sent, and then after the resolver has sent it", request("POST", refunds, lost), answer("POST", refunds)),
	}
}

func TestKilledInAnOrdersRefund(t *testing.T) {
	t.Parallel()
	for _, r := range orderRefunds() {
		for _, point := range r.points {
			t.Run(r.name+" "+point.name, func(t *testing.T) {
				t.Parallel()
				o := newOwed(t, untold)
				r.ready(o)
				input := apitest.Vars{"orderId": o.order, "idempotencyKey": "back"}
				maps.Copy(input, r.input)
				o.dieAt(point, func() (wait func()) { return o.hana.sends(r.asks(o), input) })
				eventually(t, "the refund's end", func() bool {
					return o.count(`SELECT count(*) FROM refund WHERE status = 'PROCESSING'`) == 0 && o.heard()
				})
				o.hana, o.bilal = o.hana.at(o.server), o.bilal.at(o.server)
				for range 2 { // the client's retry
					got := o.hana.Must(t, r.asks(o), apitest.Vars{"input": input})
					if code := got.At(r.field).Str("userErrors.0.code"); code != "" {
						t.Errorf("the retry: %s", got.Raw())
					}
				}
				o.refunded(r)
			})
		}
	}
}

// refunded insists that each source has its part back once.
func (o *owed) refunded(r orderRefund) {
	o.t.Helper()
	if rows, arrived := o.count(`SELECT count(*) FROM order_refund`), o.count(`SELECT count(*) FROM refund WHERE status = 'SUCCEEDED'`); rows != 1 || arrived != 1 {
		o.t.Errorf("there are %d refunds, and %d have arrived at the card", rows, arrived)
	}
	if now := o.state(); now != r.ends {
		o.t.Errorf("the order is %s, want %s", now, r.ends)
	}
	if escrow := o.balance(ledger.Escrow); escrow != r.escrow {
		o.t.Errorf("in escrow are %d, want %d", escrow, r.escrow)
	}
	if seller, fees := o.balance(ledger.SellerAvailable), o.balance(ledger.PlatformFees); seller != 0 || fees != 0 {
		o.t.Errorf("the seller has %d and the platform %d, want nothing", seller, fees)
	}
	o.charged(2000, 2500)
	o.refundedOnce(o.bilal, r.cents, r.wallet)
}

// sent has the order paid and sent.
func (o *owed) sent() {
	o.t.Helper()
	o.authorised()
	o.hana.Must(o.t, tour(o.t, "Ship it"), apitest.Vars{"input": o.ships()})
	o.must("PAID SENT")
}

// released has it received: the seller has their earnings.
func (o *owed) released() {
	o.t.Helper()
	o.sent()
	o.bilal.Must(o.t, tour(o.t, "Confirm receipt"), apitest.Vars{"input": apitest.Vars{"orderId": o.order, "idempotencyKey": "received"}})
	o.must("SETTLED RECEIVED")
}

// takenByHand has it paid and not sent: somebody has captured the card's part in Stripe's dashboard.
func (o *owed) takenByHand() {
	o.t.Helper()
	o.authorised()
	var intent string
	if err := o.db.Admin.QueryRow(o.t.Context(), `SELECT provider_id FROM order_payment`).Scan(&intent); err != nil {
		o.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(o.t.Context(), http.MethodPost, "/v1/payment_intents/"+intent+"/capture", nil)
	r.Header.Set("Authorization", "Bearer "+crashKey)
	answer := httptest.NewRecorder()
	if o.fake.ServeHTTP(answer, r); answer.Code != http.StatusOK {
		o.t.Fatalf("capture by hand: %s", answer.Body)
	}
	payments := o.bilal.Must(o.t, `query($id: ID!) { order(id: $id) { payments { id } } }`, apitest.Vars{"id": o.order})
	o.bilal.Must(o.t, `mutation($input: OrderPaymentRefreshInput!) { orderPaymentRefresh(input: $input) { userErrors { code } } }`,
		apitest.Vars{"input": apitest.Vars{"orderPaymentId": payments.Str("order.payments.0.id")}})
	o.must("PAID PENDING")
}

// must insists on the order's two states before the test begins.
func (o *owed) must(want string) {
	o.t.Helper()
	if now := o.state(); now != want {
		o.t.Fatalf("the order is %s, want %s", now, want)
	}
}

// state is the order's payment and fulfilment.
func (o *owed) state() string {
	o.t.Helper()
	var payment, fulfilment string
	if err := o.db.Admin.QueryRow(o.t.Context(), `SELECT payment, fulfilment FROM orders`).Scan(&payment, &fulfilment); err != nil {
		o.t.Fatal(err)
	}
	return fmt.Sprint(payment, " ", fulfilment)
}

// balance is what all accounts of a kind have together.
func (c *crashSite) balance(kind ledger.Kind) int {
	c.t.Helper()
	return c.count(`SELECT coalesce(sum(p.amount), 0) FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = $1`, string(kind))
}
