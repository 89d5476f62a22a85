package graph_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const returnLabel = `mutation($input: OrderReturnLabelInput!) { orderReturnLabel(input: $input) { shipment ` + shipmentFields + ` userErrors { code field } } }`

// toGoBack is an order that FedEx has brought, and that is to go back.
func toGoBack(t *testing.T, reason string) *postOffice {
	t.Helper()
	p := newPostOffice(t)
	p.FedEx.Move(p.byFedEx().Str("trackingNumber"), "DL", "Delivered", "PARIS")
	p.due()
	p.buyer.Must(t, returnRequest, input(apitest.Vars{"orderId": p.order, "reason": reason, "text": "It goes back."}))
	p.seller.Must(t, returnAccept, input(apitest.Vars{"orderId": p.order, "text": "Send it."}))
	return p
}

// label has one bought for what goes back.
func (p *postOffice) label() apitest.JSON {
	p.t.Helper()
	return p.buyer.Must(p.t, returnLabel, input(apitest.Vars{"orderId": p.order, "idempotencyKey": uuid.NewString()})).At("orderReturnLabel.shipment")
}

// problem is the order's newest, as its buyer sees it.
func (p *postOffice) problem() apitest.JSON {
	p.t.Helper()
	return p.buyer.Must(p.t, `query($id: ID!) { order(id: $id) { problems { status return { bearer sentAt carriedAt arrivedAt labelCost { amount } } } } }`, apitest.Vars{"id": p.order}).At("order.problems.0")
}

// A label for what goes back: from the buyer to where it came from, bought once, told to its buyer alone; its scans bring the return on, and who bears it has paid for it.
func TestAReturnWithALabel(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		bearer, refunded, payment string
		charged                   int64 // of the label's 11.50, from the seller
	}{
		"DAMAGED":      {"SELLER", "20.00", "REFUNDED", 11_50},
		"CHANGED_MIND": {"BUYER", "8.50", "PAID", 10_35}, // the seller's part of what is kept
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			p := toGoBack(t, reason)
			made := p.label()
			number := made.Str("trackingNumber")
			if made.Str("status") != "LABELLED" || number == "" || made.Str("carrier") != "FEDEX" || !strings.Contains(string(made.Raw()), `"returns":true`) {
				t.Fatalf("%s", made.Raw())
			}
			if again := p.label(); again.Str("id") != made.Str("id") || len(p.registered()) != 2 {
				t.Errorf("asked again: %s", again.Raw())
			}
			parcels := p.FedEx.Parcels()
			if back := parcels[len(parcels)-1]; back.Shipper.Contact.Name != "Amal Haddad" || !strings.HasPrefix(back.Recipient.Contact.Name, "Le March") {
				t.Errorf("it goes from %+v to %+v", back.Shipper, back.Recipient)
			}
			if pdf, err := io.ReadAll(fetch(t, "GET", made.Str("labelUrl"), "").Body); err != nil || !strings.Contains(string(pdf), number) {
				t.Errorf("the label: %.60q, %v", pdf, err)
			}
			seen := string(p.seller.Must(t, orderParcels, apitest.Vars{"id": p.order}).At("order.shipments.1").Raw())
			if !strings.Contains(seen, number) || !strings.Contains(seen, `"labelUrl":null`) {
				t.Errorf("its seller sees %s", seen)
			}
			p.FedEx.Move(number, "PU", "Picked up", "PARIS")
			p.due()
			if now := p.problem(); now.Str("status") != "RETURN_SENT" || now.Str("return.bearer") != c.bearer || now.Str("return.carriedAt") == "" {
				t.Errorf("picked up: %s", now.Raw())
			}
			p.FedEx.Move(number, "DL", "Delivered", "LYON")
			for range 2 {
				p.due()
			}
			if now := p.problem(); now.Str("status") != "RETURN_ARRIVED" || now.Str("return.arrivedAt") == "" {
				t.Errorf("delivered: %s", now.Raw())
			}
			got := p.seller.Must(t, returnReceived, input(apitest.Vars{"orderId": p.order, "lines": []apitest.Vars{{"number": 1, "quantity": 1, "restock": true}}, "idempotencyKey": "back"})).At("orderReturnReceived.order")
			if got.Str("payment") != c.payment || got.Str("refunded.amount") != c.refunded || got.Str("problems.0.status") != "RESOLVED" {
				t.Errorf("received: %s", got.Raw())
			}
			if now := p.problem(); now.Str("return.labelCost.amount") != "11.50" {
				t.Errorf("the way back: %s", now.Raw())
			}
			if paid := p.Int(`SELECT sum(g.amount)::bigint FROM ledger.posting g JOIN ledger.entry e ON e.id = g.entry_id JOIN ledger.account a ON a.id = g.account_id WHERE e.flow = 'return_label' AND a.kind = 'seller_debt'`); paid != -c.charged {
				t.Errorf("its seller pays %d", -paid)
			}
			p.Audited()
		})
	}
}

// What nobody takes a label for is refused, and nothing is bought.
func TestReturnLabelsRefused(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	ask := func(change apitest.Vars) apitest.Vars {
		in := apitest.Vars{"orderId": p.order, "idempotencyKey": uuid.NewString()}
		for name, value := range change {
			in = with(in, name, value)
		}
		return input(in)
	}
	refused := func(what, want string, who apitest.Client, change apitest.Vars) {
		t.Helper()
		if got := codeOf(t, who, returnLabel, ask(change)); got != want {
			t.Errorf("%s: %s, not %s", what, got, want)
		}
	}
	refused("nothing is to go back", "RETURN_NOT_AWAITED", p.buyer.Client, nil)
	p.delivered()
	p.buyer.Must(t, returnRequest, input(apitest.Vars{"orderId": p.order, "text": "It goes back."}))
	refused("not accepted yet", "RETURN_NOT_AWAITED", p.buyer.Client, nil)
	p.seller.Must(t, returnAccept, input(apitest.Vars{"orderId": p.order, "text": "Send it."}))
	refused("its seller", "ORDER_NOT_FOUND", p.seller.Client, nil)
	refused("another", "ORDER_NOT_FOUND", p.Funded(1).Client, nil)
	refused("nobody", "UNAUTHENTICATED", p.Nobody(), nil)
	refused("support", "FORBIDDEN", p.Person(identity.Support).Client, nil)
	refused("no carrier brought it, and its seller has none", "RETURN_CARRIER", p.buyer.Client, nil)
	refused("a carrier of the buyer's choice", "RETURN_CARRIER", p.buyer.Client, apitest.Vars{"carrier": "FEDEX", "product": "FEDEX_INTERNATIONAL_PRIORITY"})
	p.Exec(`INSERT INTO shipping_profile (seller_id, grams, offers) VALUES ($1, 500, '[{"kind": "CARRIER", "carrier": "MONDIAL_RELAY", "product": "24R"}]')`, p.seller.ID)
	refused("no pickup point", "PICKUP_POINT_REQUIRED", p.buyer.Client, nil)
	refused("a pickup point that is none", "PICKUP_POINT_CLOSED", p.buyer.Client, apitest.Vars{"pickupPointId": "<script>"})
	refused("another's address", "ADDRESS_NOT_FOUND", p.buyer.Client, apitest.Vars{"pickupPointId": aRelay, "fromAddressId": id.Address.Encode(id.New())})
	if n := p.Int(`SELECT count(*) FROM shipment`); n != 0 {
		t.Errorf("%d shipments", n)
	}
}

// A return that is over buys no label any more, and many who ask at once buy one.
func TestReturnLabelsAtOnce(t *testing.T) {
	t.Parallel()
	p := toGoBack(t, "DAMAGED")
	p.FedEx.Plan.Fail(carrierfake.Down, 1)
	made := p.label()
	if made.Str("status") != "PENDING" {
		t.Fatalf("%s", made.Raw())
	}
	p.Exec(`UPDATE shipment SET next_try_at = clock_timestamp() WHERE status = 'PENDING'`)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			if i%2 == 0 {
				_ = p.Resolver.Shipping.Sweep(context.Background())
				return
			}
			_, _ = p.buyer.Do(returnLabel, input(apitest.Vars{"orderId": p.order, "idempotencyKey": uuid.NewString()}))
		})
	}
	all.Wait()
	if n := p.Int(`SELECT count(*) FROM shipment WHERE claim_id IS NOT NULL`); n != 1 || len(p.registered()) != 2 || p.paidFor() != 2 {
		t.Errorf("%d shipments, %v, %d paid", n, p.registered(), p.paidFor())
	}
	other := toGoBack(t, "DAMAGED")
	other.FedEx.Plan.Fail(carrierfake.Down, 1)
	other.label()
	other.seller.Must(t, orderRefund, input(apitest.Vars{"orderId": other.order, "idempotencyKey": "all"}))
	other.due()
	if got := other.buyer.Must(t, orderParcels, apitest.Vars{"id": other.order}).At("order.shipments.1"); got.Str("status") != "FAILED" || len(other.registered()) != 1 {
		t.Errorf("after the return is over: %s", got.Raw())
	}
}

// A label that is given up is taken back at its carrier, once, whatever happens on the way; one who takes none back says so.
func TestALabelIsTakenBack(t *testing.T) {
	t.Parallel()
	giveUp := func(p *postOffice, shipment string) apitest.JSON {
		return p.seller.Must(p.t, shipmentCancel, input(apitest.Vars{"shipmentId": shipment})).At("shipmentCancel.shipment")
	}
	owed := func(p *postOffice) int64 {
		return p.Int(`SELECT coalesce(sum(g.amount), 0)::bigint FROM ledger.posting g JOIN ledger.account a ON a.id = g.account_id WHERE a.kind = 'carrier_payable'`)
	}
	for name, fault := range map[string]carrierfake.Fault{
		"at once": "", "it is down": carrierfake.Down, "before": carrierfake.CutBefore, "its answer is lost": carrierfake.CutAfter, "it fails": carrierfake.ErrorAfter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPostOffice(t)
			made := p.byFedEx()
			if fault != "" {
				p.FedEx.Plan.Fail(fault, 1)
			}
			got := giveUp(p, made.Str("id"))
			if got.Str("status") != "FAILED" || got.Str("recall") != "PENDING" || !strings.Contains(string(got.Raw()), `"labelUrl":null`) {
				t.Errorf("%s", got.Raw())
			}
			if again := giveUp(p, made.Str("id")); again.Str("status") != "FAILED" {
				t.Errorf("again: %s", again.Raw())
			}
			for deadline := time.Now().Add(time.Minute); p.now().Str("recall") == "PENDING" && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
				p.due()
			}
			if now := p.now(); now.Str("recall") != "TAKEN_BACK" || len(p.registered()) != 0 || owed(p) != 0 {
				t.Errorf("%s; %v; %d are owed", now.Raw(), p.registered(), owed(p))
			}
			if anew := p.byFedEx(); anew.Str("status") != "LABELLED" || len(p.registered()) != 1 || owed(p) != 11_50 {
				t.Errorf("anew: %s", anew.Raw())
			}
			p.Audited()
		})
	}
	t.Run("it is under way", func(t *testing.T) {
		t.Parallel()
		p := newPostOffice(t)
		made := p.byFedEx()
		p.FedEx.Move(made.Str("trackingNumber"), "PU", "Picked up", "LYON")
		giveUp(p, made.Str("id"))
		p.due()
		if got := p.now(); got.Str("recall") != "REFUSED" || got.Str("lastError.code") != "TRACKINGIDS.TRACKINGNUMBER.CLOSED" || owed(p) != 11_50 {
			t.Errorf("%s", got.Raw())
		}
		p.Audited()
	})
	t.Run("its carrier takes none back", func(t *testing.T) {
		t.Parallel()
		p := newPostOffice(t)
		if got := giveUp(p, p.create().Str("id")); got.Str("recall") != "NOT_POSSIBLE" || owed(p) != 5_39 {
			t.Errorf("%s", got.Raw())
		}
		p.Audited()
	})
	t.Run("nobody knows whether it was bought", func(t *testing.T) {
		t.Parallel()
		p := newPostOffice(t)
		p.FedEx.Plan.Fail(carrierfake.CutAfter, 1)
		giveUp(p, p.byFedEx().Str("id"))
		p.due()
		if got := p.now(); got.Str("recall") != "TAKEN_BACK" || len(p.registered()) != 0 || owed(p) != 0 {
			t.Errorf("%s", got.Raw())
		}
		p.Audited()
	})
	t.Run("it was never bought", func(t *testing.T) {
		t.Parallel()
		p := newPostOffice(t)
		p.FedEx.Plan.Fail(carrierfake.Down, 1)
		if got := giveUp(p, p.byFedEx().Str("id")); got.Str("recall") != "" || owed(p) != 0 {
			t.Errorf("%s", got.Raw())
		}
	})
	t.Run("by the other side", func(t *testing.T) {
		t.Parallel()
		p := toGoBack(t, "DAMAGED")
		back := p.label().Str("id")
		if got := codeOf(t, p.seller.Client, shipmentCancel, input(apitest.Vars{"shipmentId": back})); got != "SHIPMENT_NOT_FOUND" {
			t.Errorf("its seller gives the buyer's up: %s", got)
		}
		if got := p.buyer.Must(t, shipmentCancel, input(apitest.Vars{"shipmentId": back})).Str("shipmentCancel.shipment.recall"); got != "PENDING" {
			t.Errorf("its buyer: %s", got)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		t.Parallel()
		p := newPostOffice(t)
		made := p.byFedEx()
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				if i%2 == 0 {
					_ = p.Resolver.Shipping.Sweep(context.Background())
					return
				}
				_, _ = p.seller.Do(shipmentCancel, input(apitest.Vars{"shipmentId": made.Str("id")}))
			})
		}
		all.Wait()
		p.due()
		if now := p.now(); now.Str("recall") != "TAKEN_BACK" || len(p.registered()) != 0 || owed(p) != 0 || p.paidFor() != 2 {
			t.Errorf("%s; %d entries", now.Raw(), p.paidFor())
		}
	})
}
