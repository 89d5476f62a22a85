package e2e

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/stripefake"
)

const (
	captureIntent = "/v1/payment_intents/*/capture"
	cancelIntent  = "/v1/payment_intents/*/cancel"
)

// turns is the condition that a payment of an order gets a status.
func turns(status string) string {
	return "OLD.status <> '" + status + "' AND NEW.status = '" + status + "'"
}

// owed is an order of 40 euros that its buyer has won by card. In the buyer's wallet are 20.
type owed struct {
	*crashSite
	hana, bilal person
	card, order string
}

// untold has nobody tell the server of anything: it has to find out by itself.
var untold = stripefake.MishapRule{Mishap: stripefake.Drop, Times: -1}

// newOwed has these things go wrong with webhooks.
func newOwed(t *testing.T, mishaps ...stripefake.MishapRule) *owed {
	t.Helper()
	c := newCrashSite(t)
	c.fake.Deliveries().Add(mishaps...)
	o := &owed{crashSite: c, hana: c.server.signUp("Hana", "SELLER"), bilal: c.server.signUp("Bilal", "BUYER")}
	o.bilal.topUp(t, 20)
	o.card = o.bilal.Must(t, tour(t, "Save a card (buyer)"), apitest.Vars{"input": apitest.Vars{"paymentMethod": "pm_card_visa"}}).
		Str("cardSetupStart.cardSetup.card.id")
	listing := o.hana.Must(t, tour(t, "List an item"), apitest.Vars{"input": apitest.Vars{
		"title": "Brass coffee pot", "condition": "GOOD", "photoIds": []string{o.hana.sendPhoto(t)},
	}}).Str("listingCreate.listing.id")
	lot := o.hana.Must(t, tour(t, "Start an auction by card"), apitest.Vars{"input": apitest.Vars{
		"listingId": listing, "backing": "CARD", "startPrice": eur(4000), "durationSeconds": 600, "extensionSeconds": 0,
	}}).Str("auctionStart.auction.id")
	o.bilal.Must(t, tour(t, "Bid with a card"), apitest.Vars{"input": apitest.Vars{
		"auctionId": lot, "amount": eur(4000), "cardId": o.card, "idempotencyKey": "bid",
	}})
	if _, err := c.db.Admin.Exec(t.Context(), `WITH ended AS (UPDATE auction SET ends_at = clock_timestamp() WHERE true RETURNING *)
		INSERT INTO auction_end (auction_id, version, seq, ends_at, latest_end) SELECT id, version, bid_seq, ends_at, latest_end FROM ended`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the order", func() bool { return c.count(`SELECT count(*) FROM orders`) == 1 })
	var order uuid.UUID
	if err := c.db.Admin.QueryRow(t.Context(), `SELECT id FROM orders`).Scan(&order); err != nil {
		t.Fatal(err)
	}
	o.order = id.Order.Encode(order)
	return o
}

// pays is 15 euros from the wallet and the rest by card.
func (o *owed) pays() apitest.Vars {
	return apitest.Vars{"orderId": o.order, "cardId": o.card, "walletAmount": eur(1500), "idempotencyKey": "pay"}
}

func (o *owed) ships() apitest.Vars {
	return apitest.Vars{"orderId": o.order, "tracking": "SOUK-0001", "idempotencyKey": "ship"}
}

// authorised has it paid, up to the capture.
func (o *owed) authorised() {
	o.t.Helper()
	got := o.bilal.Must(o.t, tour(o.t, "Pay the order by card"), apitest.Vars{"input": o.pays()})
	if status := got.Str("orderPay.order.payment"); status != "AUTHORISED" {
		o.t.Fatalf("pay: %s", got.Raw())
	}
}

// ends waits until no payment is on its way, and greets whoever serves now.
func (o *owed) ends() {
	o.t.Helper()
	eventually(o.t, "the payment's end", func() bool {
		return o.count(`SELECT count(*) FROM order_payment WHERE status IN ('PROCESSING', 'CAPTURING', 'VOIDING')`) == 0
	})
	o.hana, o.bilal = o.hana.at(o.server), o.bilal.at(o.server)
}

// captured insists that the goods are sent, that the card has paid its part once, and that all is in escrow.
func (o *owed) captured() {
	o.t.Helper()
	for range 2 {
		got := o.hana.Must(o.t, tour(o.t, "Ship it"), apitest.Vars{"input": o.ships()})
		if got.Str("orderShip.order.payment") != "PAID" || got.Str("orderShip.order.fulfilment") != "SENT" {
			o.t.Errorf("the retried shipment: %s", got.Raw())
		}
	}
	o.charged(2000, 2500)
	if available, held := o.bilal.wallet(o.t); available != 500 || held != 0 {
		o.t.Errorf("the wallet has %d and %d held", available, held)
	}
	if escrow := o.count(`SELECT coalesce(sum(b.balance), 0) FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id WHERE a.kind = 'escrow'`); escrow != 4000 {
		o.t.Errorf("in escrow are %d", escrow)
	}
	o.checkBooks()
}

// charged insists on what cards have paid in all.
func (o *owed) charged(cents ...int64) {
	o.t.Helper()
	charges := o.movements("charge")
	if len(charges) != len(cents) {
		o.t.Fatalf("cards were charged %d times, want %d", len(charges), len(cents))
	}
	for i, want := range cents {
		if charges[i].Amount != want {
			o.t.Errorf("charge %d is of %d, want %d", i+1, charges[i].Amount, want)
		}
	}
}

func authorisationPoints() []crashPoint {
	return []crashPoint{
		at("before the intent is committed", commit("INSERT", "order_payment", "", lost)),
		at("when the intent is committed", commit("INSERT", "order_payment", "", happens)),
		at("before create", request("POST", createIntent, lost)),
		at("while create is on its way", request("POST", createIntent, happens)),
		at("after create", answer("POST", createIntent)),
		at("before Stripe's id is kept", commit("UPDATE", "order_payment", registered, lost)),
		at("before confirm", request("POST", confirmIntent, lost)),
		at("while confirm is on its way", request("POST", confirmIntent, happens)),
		at("after confirm", answer("POST", confirmIntent)),
		at("before the record is committed", commit("UPDATE", "order_payment", turns("AUTHORISED"), lost)),
		at("when the record is committed", commit("UPDATE", "order_payment", turns("AUTHORISED"), happens)),
	}
}

func TestKilledWhileAuthorising(t *testing.T) {
	t.Parallel()
	for _, point := range authorisationPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			o := newOwed(t, untold)
			o.dieAt(point, func() (wait func()) { return o.bilal.sends(tour(t, "Pay the order by card"), o.pays()) })
			o.ends()
			o.authorised() // the client's retry
			if n := o.count(`SELECT count(*) FROM order_payment`); n != 1 {
				t.Errorf("there are %d payments", n)
			}
			o.charged(2000)
			o.captured()
		})
	}
}

// capturePoints are every moment of a shipment that charges the card.
func capturePoints() []crashPoint {
	return []crashPoint{
		at("before the wish is committed", commit("UPDATE", "order_payment", turns("CAPTURING"), lost)),
		at("when the wish is committed", commit("UPDATE", "order_payment", turns("CAPTURING"), happens)),
		at("before the look", request("GET", anIntent, lost)),
		at("after the look", answer("GET", anIntent)),
		at("before capture", request("POST", captureIntent, lost)),
		at("while capture is on its way", request("POST", captureIntent, happens)),
		at("after capture", answer("POST", captureIntent)),
		at("before the entry is posted", write("INSERT", "provider_txn", "")),
		at("before the record is committed", commit("UPDATE", "order_payment", turns("CAPTURED"), lost)),
		at("when the record is committed, before the client is answered", commit("UPDATE", "order_payment", turns("CAPTURED"), happens)),

		at("before capture, and then after the resolver's", request("POST", captureIntent, lost), answer("POST", captureIntent)),
		at("after capture, and then before and when the resolver's record is committed", answer("POST", captureIntent),
			commit("UPDATE", "order_payment", turns("CAPTURED"), lost), commit("UPDATE", "order_payment", turns("CAPTURED"), happens)),
	}
}

func TestKilledInACapture(t *testing.T) {
	t.Parallel()
	for _, point := range capturePoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			o := newOwed(t, untold)
			o.authorised()
			o.dieAt(point, func() (wait func()) { return o.hana.sends(tour(t, "Ship it"), o.ships()) })
			o.ends()
			o.captured()
		})
	}
}

// voidPoints are every moment of a cancellation that lets the card go.
func voidPoints() []crashPoint {
	return []crashPoint{
		at("before the wish is committed", commit("UPDATE", "order_payment", turns("VOIDING"), lost)),
		at("when the wish is committed", commit("UPDATE", "order_payment", turns("VOIDING"), happens)),
		at("before the card is let go", request("POST", cancelIntent, lost)),
		at("while the card is let go", request("POST", cancelIntent, happens)),
		at("after the card is let go", answer("POST", cancelIntent)),
		at("before the record is committed", commit("UPDATE", "order_payment", turns("VOIDED"), lost)),
		at("when the record is committed", commit("UPDATE", "order_payment", turns("VOIDED"), happens)),
		at("after the card is let go, and then before the resolver's record is committed", answer("POST", cancelIntent),
			commit("UPDATE", "order_payment", turns("VOIDED"), lost)),
	}
}

func TestKilledInACancellation(t *testing.T) {
	t.Parallel()
	for _, point := range voidPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			o := newOwed(t, untold)
			o.authorised()
			input := apitest.Vars{"orderId": o.order, "reason": "It broke.", "idempotencyKey": "cancel"}
			o.dieAt(point, func() (wait func()) { return o.hana.sends(tour(t, "Cancel the order"), input) })
			o.ends()
			for range 2 {
				got := o.hana.Must(t, tour(t, "Cancel the order"), apitest.Vars{"input": input})
				if got.Str("orderCancel.order.payment") != "VOIDED" || got.Str("orderCancel.order.fulfilment") != "CANCELLED" {
					t.Errorf("the retried cancellation: %s", got.Raw())
				}
			}
			o.charged(2000)
			if available, held := o.bilal.wallet(t); available != 2000 || held != 0 {
				t.Errorf("the wallet has %d and %d held", available, held)
			}
			o.checkBooks()
		})
	}
}
