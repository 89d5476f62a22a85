package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/ledger"
)

// goesBack is an order that was sent and of which its seller awaits the goods: what they sent was at fault, or its buyer has changed their mind. Where a label of ours brings them,
// its carrier has scanned it: 11.50, that who bears it is to pay.
func (d *depot) goesBack(byCard bool, reason string, labelled bool) (order string) {
	d.t.Helper()
	order = d.bought(byCard)
	if labelled {
		d.hana.Must(d.t, buyLabel, apitest.Vars{"input": apitest.Vars{"orderId": order, "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "grams": 900, "idempotencyKey": order}})
	}
	sent := d.hana.Must(d.t, tour(d.t, "Ship it"), apitest.Vars{"input": apitest.Vars{"orderId": order, "idempotencyKey": "ship-" + order}})
	if sent.Str("orderShip.order.payment") != "PAID" {
		d.t.Fatalf("it is sent: %s", sent.Raw())
	}
	d.bilal.Must(d.t, tour(d.t, "Ask to send it back"), apitest.Vars{"input": apitest.Vars{"orderId": order, "reason": reason, "text": "It goes back."}})
	d.hana.Must(d.t, tour(d.t, "Ask for the goods back"), apitest.Vars{"input": apitest.Vars{"orderId": order, "text": "Please."}})
	if !labelled {
		d.bilal.Must(d.t, tour(d.t, "Say that it is on its way back"), apitest.Vars{"input": apitest.Vars{"orderId": order, "tracking": "LX 1"}})
		return order
	}
	number := d.bilal.Must(d.t, labelBack, apitest.Vars{"input": apitest.Vars{"orderId": order, "idempotencyKey": "back-" + order}}).Str("orderReturnLabel.shipment.trackingNumber")
	scanned := d.count(`SELECT count(*) FROM order_claim WHERE carried_at IS NOT NULL`)
	d.carrier.Move(number, "PU", "Picked up", "PARIS")
	d.count(`WITH due AS (UPDATE shipment SET track_at = clock_timestamp() WHERE carrier_number = $1 RETURNING 1), j AS (INSERT INTO river_job (args, kind, max_attempts) VALUES ('{}', 'shipment_sweep', 1) RETURNING 1) SELECT count(*) FROM due, j`, number)
	eventually(d.t, "the scan", func() bool {
		return d.count(`SELECT count(*) FROM order_claim WHERE carried_at IS NOT NULL`) == scanned+1
	})
	return order
}

// wallet is what the buyer has and may spend.
func (d *depot) wallet() int {
	d.t.Helper()
	available, held := d.bilal.wallet(d.t)
	if held != 0 {
		d.t.Errorf("%d are held", held)
	}
	return available
}

// Killed around each step of a return's receipt: the seller says again that it has come, and it is refunded once to where it was paid from, back on the shelf once, and its way is paid once.
func TestKilledWhileAReturnIsReceived(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.fake.Deliveries().Add(untold)
	const wayPaid = "OLD.label_cost IS NULL AND NEW.label_cost IS NOT NULL"
	cards, ways := 0, 0
	for i, c := range []struct {
		crashPoint

		byCard, labelled bool
		refunded         int // of 20 euros
	}{
		{at("before the receipt is committed", commit("INSERT", "order_return_receipt", "", lost)), false, false, 2000},
		{at("when it is put back", write("INSERT", "order_restock", "")), false, false, 2000},
		{at("before its way is paid", commit("UPDATE", "order_claim", wayPaid, lost)), false, true, 850},
		{at("when its way is paid", commit("UPDATE", "order_claim", wayPaid, happens)), false, true, 850},
		{at("when the receipt is committed, and the card is to be refunded", commit("INSERT", "order_return_receipt", "", happens)), true, false, 2000},
		{at("after the card's refund", answer("POST", refunds)), true, false, 2000},
	} {
		reason := "DAMAGED"
		if c.labelled {
			reason = "CHANGED_MIND"
		}
		order, before := d.goesBack(c.byCard, reason, c.labelled), d.wallet()
		came := apitest.Vars{"orderId": order, "lines": []any{apitest.Vars{"number": 1, "quantity": 1, "restock": true}}, "idempotencyKey": key(c.crashPoint)}
		d.die(c.crashPoint, func() (wait func()) { return d.hana.sends(tour(t, "It has come back"), came) })
		for range 2 {
			got := d.hana.Must(t, `mutation($input: OrderReturnReceivedInput!) { orderReturnReceived(input: $input) { order { refunded { minor } problems { status } } userErrors { code } } }`,
				apitest.Vars{"input": came}).At("orderReturnReceived.order")
			if cents(t, got.Str("refunded.minor")) != c.refunded || got.Str("problems.0.status") != "RESOLVED" {
				t.Errorf("%s: %s", c.name, got.Raw())
			}
		}
		eventually(t, "the refund's end", func() bool { return d.count(`SELECT count(*) FROM refund WHERE status = 'PROCESSING'`) == 0 })
		toWallet := c.refunded
		if c.byCard {
			toWallet = 0
			cards++
		}
		if c.labelled {
			ways++
		}
		if got := d.wallet() - before; got != toWallet {
			t.Errorf("%s: the wallet got %d", c.name, got)
		}
		if n := d.movements("refund"); len(n) != cards || cards > 0 && n[cards-1].Amount != -2000 {
			t.Errorf("%s: cards got %+v", c.name, n)
		}
		receipts, back := d.count(`SELECT count(*) FROM order_return_receipt`), d.count(`SELECT coalesce(sum(quantity), 0) FROM order_restock`)
		if receipts != i+1 || back != i+1 || d.count(`SELECT on_hand FROM stock`) != 20 {
			t.Errorf("%s: %d receipts, %d are back", c.name, receipts, back)
		}
		if n := d.count(`SELECT count(*) FROM ledger.entry WHERE flow = 'return_label'`); n != ways {
			t.Errorf("%s: the way back was paid %d times in all, for %d labels", c.name, n, ways)
		}
		d.agrees()
	}
	d.checkBooks()
}

// Killed in the job that takes a label from the wallet of its buyer, who kept the goods after all: it is taken once.
func TestKilledWhileALabelIsTakenFromAWallet(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	const paid = "OLD.label_cost IS NULL AND NEW.label_cost IS NOT NULL"
	for i, point := range []crashPoint{
		at("when it is written", write("UPDATE", "order_claim", paid)),
		at("before the commit", commit("UPDATE", "order_claim", paid, lost)),
		at("when it is committed", commit("UPDATE", "order_claim", paid, happens)),
	} {
		order, before := d.goesBack(false, "CHANGED_MIND", true), d.wallet()
		kept := apitest.Vars{"orderId": order, "idempotencyKey": "kept-" + order}
		d.die(point, func() (wait func()) {
			d.bilal.Must(t, tour(t, "Confirm receipt"), apitest.Vars{"input": kept})
			d.count(`WITH j AS (INSERT INTO river_job (args, kind, max_attempts) VALUES ('{}', 'order_claim', 1) RETURNING 1) SELECT count(*) FROM j`)
			return func() {}
		})
		eventually(t, "the label's payment", func() bool { return d.count(`SELECT count(*) FROM order_claim WHERE label_charge = 1150`) == i+1 })
		d.count(`WITH j AS (INSERT INTO river_job (args, kind, max_attempts) VALUES ('{}', 'order_claim', 1) RETURNING 1) SELECT count(*) FROM j`)
		eventually(t, "the job's end", func() bool {
			return d.count(`SELECT count(*) FROM river_job WHERE kind = 'order_claim' AND state = 'available'`) == 0
		})
		if taken := before - d.wallet(); taken != 1150 {
			t.Errorf("%s: %d were taken", point.name, taken)
		}
		if income := d.balance(ledger.ShippingIncome); income != 1150*(i+1) {
			t.Errorf("%s: the platform has %d for %d labels", point.name, income, i+1)
		}
		d.paidOnce()
	}
}
