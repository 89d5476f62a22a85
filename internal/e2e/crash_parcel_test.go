package e2e

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/ledger"
)

const (
	fedexShips   = "/ship/v1/shipments"
	fedexCancels = "/ship/v1/shipments/cancel"

	buyLabel  = `mutation($input: ShipmentCreateInput!) { shipmentCreate(input: $input) { shipment { id status trackingNumber } userErrors { code } } }`
	giveLabel = `mutation($input: ShipmentCancelInput!) { shipmentCancel(input: $input) { shipment { status recall } userErrors { code } } }`
	labelBack = `mutation($input: OrderReturnLabelInput!) { orderReturnLabel(input: $input) { shipment { id status trackingNumber } userErrors { code } } }`
)

// atFedEx has a trap hold what goes to FedEx, and not to Stripe.
func atFedEx(t trap) trap {
	t.(*requestTrap).gate = func(c *crashSite) *gate { return c.fedex } //nolint:forcetypeassert // request and answer give nothing else
	return t
}

// depot is a seller in Lyon with shirts at 20 euros, whose parcels a FedEx brings that outlives the server, and a buyer in Paris with 300 euros and a card.
type depot struct {
	*crashSite

	carrier           *carrierfake.FedEx
	hana, bilal       person
	shirt, home, card string
	n                 int // of orders
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	d := &depot{carrier: carrierfake.NewFedEx("crash", "crash-secret", "740561073")}
	d.crashSite = newCrashSite(t, func(c *crashSite) {
		c.fedex = &gate{next: d.carrier}
		api := httptest.NewServer(c.fedex)
		t.Cleanup(api.Close)
		c.settings["FEDEX_CLIENT_ID"], c.settings["FEDEX_CLIENT_SECRET"], c.settings["FEDEX_ACCOUNT"], c.settings["FEDEX_API_URL"] = "crash", "crash-secret", "740561073", api.URL
	})
	d.hana, d.bilal = d.server.signUp("Hana", "SELLER"), d.server.signUp("Bilal", "BUYER")
	d.bilal.topUp(t, 300)
	d.card = d.bilal.Must(t, tour(t, "Save a card (buyer)"), apitest.Vars{"input": apitest.Vars{"paymentMethod": "pm_card_visa"}}).Str("cardSetupStart.cardSetup.card.id")
	d.shirt = d.hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
		"kind": "RETAIL", "title": "A shirt", "condition": "NEW", "photoIds": []string{d.hana.sendPhoto(t)}, "variants": []any{apitest.Vars{"price": eur(2000)}},
	}}).Str("listingCreate.listing.variants.0.id")
	place := d.hana.Must(t, tour(t, "Where stock lies"), apitest.Vars{"input": apitest.Vars{"name": "Home", "region": "FR"}}).Str("locationCreate.location.id")
	d.hana.Must(t, tour(t, "Receive stock"), apitest.Vars{"input": apitest.Vars{"variantId": d.shirt, "locationId": place, "quantity": 20, "idempotencyKey": "k"}})
	lives := func(who person, street, city, postal string) string {
		return who.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{
			"name": who.name, "line1": street, "city": city, "postalCode": postal, "country": "FR", "phone": "+33612345678",
		}}).Str("addressCreate.address.id")
	}
	lives(d.hana, "1 place Bellecour", "Lyon", "69002")
	d.home = lives(d.bilal, "12 rue de la Paix", "Paris", "75002")
	return d
}

// bought is another order of a shirt: paid from the wallet, or by card once it is sent.
func (d *depot) bought(byCard bool) (order string) {
	d.t.Helper()
	d.n++
	n := strconv.Itoa(d.n)
	d.bilal.Must(d.t, tour(d.t, "Put something into the cart"), apitest.Vars{"add": apitest.Vars{"variantId": d.shirt}})
	quote := d.bilal.Must(d.t, quoteCart, apitest.Vars{"input": apitest.Vars{"addressId": d.home, "idempotencyKey": "quote-" + n}})
	if quote.Str("checkoutQuote.quote.id") == "" {
		d.t.Fatalf("the quote: %s", quote.Raw())
	}
	yes := apitest.Vars{"quoteId": quote.Str("checkoutQuote.quote.id"), "total": eur(2000), "idempotencyKey": "yes-" + n}
	if byCard {
		yes["cardId"] = d.card
	}
	return d.bilal.Must(d.t, confirmQuote, apitest.Vars{"input": yes}).Str("checkoutConfirm.orders.0.id")
}

// key is of what is asked for at a point, which is another at each.
func key(p crashPoint) string { return strings.ReplaceAll(p.name, " ", "-") }

// die is dieAt, after which both are at the server that lives.
func (d *depot) die(point crashPoint, begin func() (wait func())) {
	d.t.Helper()
	d.dieAt(point, begin)
	d.hana, d.bilal = d.hana.at(d.server), d.bilal.at(d.server)
}

// live are the numbers of parcels that FedEx has and that were not cancelled.
func (d *depot) live() (numbers []string) {
	for _, p := range d.carrier.Parcels() {
		if !p.Cancelled {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// labels waits until no label is on its way, in either direction. A FedEx that knows of no parcel is believed after a day, which is over then.
func (d *depot) labels() {
	d.t.Helper()
	eventually(d.t, "the labels' end", func() bool {
		d.count(`WITH day AS (UPDATE shipment SET called_at = called_at - interval '25 hours', next_try_at = clock_timestamp() WHERE failure_code = 'NOT_KNOWN_YET' RETURNING 1) SELECT count(*) FROM day`)
		return d.count(`SELECT count(*) FROM shipment WHERE status = 'PENDING' OR recall = 'PENDING'`) == 0
	})
}

// paidOnce insists that our parcels and FedEx's are the same, that each was paid for once, and that orders and books hold.
func (d *depot) paidOnce() {
	d.t.Helper()
	live := d.live()
	if ours := d.count(`SELECT count(*) FROM shipment WHERE status <> 'FAILED' AND carrier_number = ANY ($1)`, live); ours != len(live) || d.count(`SELECT count(*) FROM shipment WHERE status <> 'FAILED'`) != ours {
		d.t.Errorf("FedEx has %v, of which we know %d", live, ours)
	}
	if owed := d.balance(ledger.CarrierPayable); owed != 1150*len(live) {
		d.t.Errorf("FedEx is owed %d for %d parcels", owed, len(live))
	}
	d.agrees()
}

// agrees insists that orders and books hold.
func (d *depot) agrees() {
	d.t.Helper()
	d.checkOrders()
	d.checkLedger()
}

// Killed around each step of the purchase of a label: whoever serves next brings it to its end, and the carrier has one parcel that is paid for, whether or not the client asks again.
func TestKilledWhileALabelIsBought(t *testing.T) {
	t.Parallel()
	registered := "OLD.carrier_number IS NULL AND NEW.carrier_number IS NOT NULL"
	d := newDepot(t)
	for i, point := range []crashPoint{
		at("before the wish is committed", commit("INSERT", "shipment", "", lost)),
		at("when the wish is committed", commit("INSERT", "shipment", "", happens)),
		at("before the carrier is asked", atFedEx(request("POST", fedexShips, lost))),
		at("after the carrier's answer", atFedEx(answer("POST", fedexShips))),
		at("before the number is committed", commit("UPDATE", "shipment", registered, lost)),
		at("when the number is committed", commit("UPDATE", "shipment", registered, happens)),
		at("before the label is said to be there", commit("UPDATE", "shipment", turns("LABELLED"), lost)),
		at("after the carrier's answer, and then after the next one's", atFedEx(answer("POST", fedexShips)), atFedEx(answer("POST", fedexShips))),
	} {
		ask := apitest.Vars{"orderId": d.bought(false), "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "grams": 900, "idempotencyKey": key(point)}
		d.die(point, func() (wait func()) { return d.hana.sends(buyLabel, ask) })
		if i == 0 { // nothing is left of it but for the retry
			if n := d.count(`SELECT count(*) FROM shipment`); n != 0 {
				t.Errorf("%s: %d shipments", point.name, n)
			}
		} else {
			d.labels()
		}
		made := d.hana.Must(t, buyLabel, apitest.Vars{"input": ask}).At("shipmentCreate.shipment")
		if live := d.live(); made.Str("status") != "LABELLED" || len(live) != i+1 || made.Str("trackingNumber") != live[i] {
			t.Errorf("%s: %s; FedEx has %v", point.name, made.Raw(), live)
		}
		d.paidOnce()
	}
}

// Killed while a label is given up, it is taken back once, and costs nothing.
func TestKilledWhileALabelIsTakenBack(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for _, point := range []crashPoint{
		at("before the wish is committed", commit("UPDATE", "shipment", "OLD.recall IS NULL AND NEW.recall = 'PENDING'", lost)),
		at("when the wish is committed", commit("UPDATE", "shipment", "OLD.recall IS NULL AND NEW.recall = 'PENDING'", happens)),
		at("before the carrier is asked", atFedEx(request("PUT", fedexCancels, lost))),
		at("after the carrier's answer", atFedEx(answer("PUT", fedexCancels))),
		at("before it is committed that it was taken back", commit("UPDATE", "shipment", "NEW.recall = 'TAKEN_BACK'", lost)),
	} {
		made := d.hana.Must(t, buyLabel, apitest.Vars{"input": apitest.Vars{
			"orderId": d.bought(false), "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "grams": 900, "idempotencyKey": key(point),
		}}).Str("shipmentCreate.shipment.id")
		give := apitest.Vars{"shipmentId": made}
		d.die(point, func() (wait func()) { return d.hana.sends(giveLabel, give) })
		if got := d.hana.Must(t, giveLabel, apitest.Vars{"input": give}); got.Str("shipmentCancel.shipment.status") != "FAILED" {
			t.Errorf("%s: %s", point.name, got.Raw())
		}
		d.labels()
		if n := d.count(`SELECT count(*) FROM shipment WHERE recall IS DISTINCT FROM 'TAKEN_BACK'`); n != 0 {
			t.Errorf("%s: %d labels were not taken back", point.name, n)
		}
		d.paidOnce()
	}
}

// Killed while a label is bought for what goes back, and as its first scan is told: one label, and who bears it has paid for it once.
func TestKilledWhileAReturnGoesBack(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for i, point := range []crashPoint{
		at("after the carrier's answer", atFedEx(answer("POST", fedexShips))),
		at("before the number is committed", commit("UPDATE", "shipment", "OLD.carrier_number IS NULL AND NEW.carrier_number IS NOT NULL", lost)),
	} {
		order := d.bought(false)
		d.hana.Must(t, buyLabel, apitest.Vars{"input": apitest.Vars{"orderId": order, "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "grams": 900, "idempotencyKey": order}})
		d.hana.Must(t, tour(t, "Ship it"), apitest.Vars{"input": apitest.Vars{"orderId": order, "idempotencyKey": "ship-" + order}})
		d.bilal.Must(t, tour(t, "Ask to send it back"), apitest.Vars{"input": apitest.Vars{"orderId": order, "reason": "DAMAGED", "text": "A hole."}})
		d.hana.Must(t, tour(t, "Ask for the goods back"), apitest.Vars{"input": apitest.Vars{"orderId": order, "text": "Please."}})
		ask := apitest.Vars{"orderId": order, "idempotencyKey": "back-" + order}
		d.die(point, func() (wait func()) { return d.bilal.sends(labelBack, ask) })
		d.labels()
		number := d.bilal.Must(t, labelBack, apitest.Vars{"input": ask}).Str("orderReturnLabel.shipment.trackingNumber")
		if live := d.live(); number != live[len(live)-1] || len(live) != 2*(i+1) {
			t.Errorf("%s: the label is %q, FedEx has %v", point.name, number, live)
		}
		d.paidOnce()

		scanned := []trap{commit("UPDATE", "order_claim", "OLD.carried_at IS NULL AND NEW.carried_at IS NOT NULL", i == 0)}
		d.die(crashPoint{"as it is scanned", scanned}, func() (wait func()) {
			d.carrier.Move(number, "PU", "Picked up", "PARIS")
			d.count(`WITH due AS (UPDATE shipment SET track_at = clock_timestamp() WHERE carrier_number = $1 RETURNING 1), j AS (INSERT INTO river_job (args, kind, max_attempts) VALUES ('{}', 'shipment_sweep', 1) RETURNING 1) SELECT count(*) FROM due, j`, number)
			return func() {}
		})
		eventually(t, "the scan", func() bool {
			return d.count(`SELECT count(*) FROM order_claim WHERE carried_at IS NOT NULL AND label_cost = 1150 AND status = 'RETURN_SENT'`) == i+1
		})
		if paid := d.balance(ledger.SellerDebt); paid != -1150*(i+1) {
			t.Errorf("%s: the seller has paid %d for the way back", point.name, -paid)
		}
		d.paidOnce()
	}
}

// Killed around each step of a hand-over in person that charges a card: the seller types the code in again, the card has paid once, and the order is there.
func TestKilledWhileHandingOver(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.fake.Deliveries().Add(untold)
	for i, point := range []crashPoint{
		at("before the code's rightness is committed", commit("UPDATE", "hand_over", "NEW.handed_at IS NOT NULL", lost)),
		at("when the code's rightness is committed", commit("UPDATE", "hand_over", "NEW.handed_at IS NOT NULL", happens)),
		at("before capture", request("POST", captureIntent, lost)),
		at("after capture", answer("POST", captureIntent)),
		at("when it is committed that it is sent", commit("UPDATE", "orders", "OLD.fulfilment <> 'SENT' AND NEW.fulfilment = 'SENT'", happens)),
		at("before it is committed that it is there", commit("UPDATE", "orders", "OLD.fulfilment <> 'RECEIVED' AND NEW.fulfilment = 'RECEIVED'", lost)),
	} {
		order := d.bought(true)
		code := d.bilal.Must(t, `query($id: ID!) { order(id: $id) { handOverCode } }`, apitest.Vars{"id": order}).Str("order.handOverCode")
		typed := apitest.Vars{"orderId": order, "code": code, "idempotencyKey": key(point)}
		d.die(point, func() (wait func()) { return d.hana.sends(tour(t, "Hand it over in person"), typed) })
		eventually(t, "the payment's end", func() bool { return d.count(`SELECT count(*) FROM order_payment WHERE status = 'CAPTURING'`) == 0 })
		for range 2 {
			if got := d.hana.Must(t, tour(t, "Hand it over in person"), apitest.Vars{"input": typed}).At("orderHandOver"); got.Str("order.payment") != "PAID" || got.Str("order.fulfilment") != "RECEIVED" {
				t.Errorf("%s: %s", point.name, got.Raw())
			}
		}
		if charges := d.movements("charge"); len(charges) != i+2 || charges[i+1].Amount != 2000 { // the first is the top-up's
			t.Errorf("%s: cards were charged %+v", point.name, charges)
		}
		d.agrees()
	}
	d.checkBooks()
}
