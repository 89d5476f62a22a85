package graph_test

import (
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

// A label that its buyer bears is paid from their wallet where no refund was there to take it from, as far as the wallet has it, once, however the return ended.
func TestALabelThatItsBuyerBears(t *testing.T) {
	t.Parallel()
	about := func(p *postOffice, more apitest.Vars) apitest.Vars { return input(with(more, "orderId", p.order)) }
	scanned := func(p *postOffice, number string) {
		p.FedEx.Move(number, "PU", "Picked up", "PARIS")
		p.due()
	}
	confirmed := func(p *postOffice) {
		p.buyer.Must(p.t, `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { order { id } userErrors { code } } }`, about(p, apitest.Vars{"idempotencyKey": "here"}))
	}
	for name, c := range map[string]struct {
		before func(p *postOffice) // what its buyer has done beside it
		end    func(p *postOffice)
		late   bool // it is scanned after the end
		taken  int64
	}{
		"its buyer keeps it": {end: confirmed, taken: 11_50},
		"its seller gives all back": {end: func(p *postOffice) {
			p.seller.Must(t, orderRefund, about(p, apitest.Vars{"idempotencyKey": "all"}))
		}, taken: 11_50},
		"support refuses": {end: func(p *postOffice) {
			const refuse = `mutation($input: OrderProblemRefuseInput!) { orderProblemRefuse(input: $input) { order { id } userErrors { code } } }`
			p.seller.Must(t, refuse, about(p, apitest.Vars{"text": "It was worn."}))
			p.Person(identity.Support).Must(t, refuse, about(p, apitest.Vars{"text": "It was."}))
		}, taken: 11_50},
		"it is withdrawn, and sent all the same": {late: true, end: func(p *postOffice) {
			p.buyer.Must(t, `mutation($input: OrderProblemWithdrawInput!) { orderProblemWithdraw(input: $input) { order { id } userErrors { code } } }`, about(p, apitest.Vars{}))
		}, taken: 11_50},
		"their wallet has less": {before: func(p *postOffice) {
			lot, err := p.Resolver.Auctions.Start(t.Context(), p.seller.ID, auction.StartInput{Listing: p.Listing(p.seller, "A lot").ID, StartPrice: graphtest.Euros(10), Duration: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			p.buyer.Must(t, bidByCard, input(apitest.Vars{"auctionId": lot.NodeID().String(), "amount": eur("475"), "idempotencyKey": "bid"}))
		}, end: confirmed, taken: 5_00},
		"their wallet is frozen": {before: func(p *postOffice) {
			if _, err := p.Resolver.Payment.FreezeWallet(t.Context(), p.Person(identity.Admin).ID, p.buyer.ID, "To be looked at."); err != nil {
				t.Fatal(err)
			}
		}, end: confirmed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := toGoBack(t, "CHANGED_MIND")
			number := p.label().Str("trackingNumber")
			if c.before != nil {
				c.before(p)
			}
			if !c.late {
				scanned(p, number)
			}
			pay := func() {
				t.Helper()
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() {
						if err := p.Resolver.Orders.WaysDue(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
			}
			wallet := func() int64 {
				return p.Int(`SELECT sum(b.balance)::bigint FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id WHERE a.kind = 'wallet' AND a.owner = $1`, p.buyer.ID)
			}
			paid := func() int64 {
				return p.Int(`SELECT coalesce(sum(g.amount), 0)::bigint FROM ledger.posting g JOIN ledger.entry e ON e.id = g.entry_id JOIN ledger.account a ON a.id = g.account_id WHERE e.flow = 'return_label' AND a.kind = 'shipping_income'`)
			}
			if pay(); paid() != 0 {
				t.Errorf("%d before its end", paid())
			}
			c.end(p)
			if c.late {
				scanned(p, number)
			}
			before := wallet()
			for range 2 {
				pay()
			}
			if got := before - wallet(); got != c.taken || paid() != c.taken {
				t.Errorf("%d are taken, %d are posted", got, paid())
			}
			if now := p.problem(); now.Str("return.labelCost.amount") != "11.50" || now.Str("return.bearer") != "BUYER" {
				t.Errorf("%s", now.Raw())
			}
			p.Audited()
		})
	}
}

// Where the label takes all of a refund the receipt is kept by its key all the same: again it is the same, and with something else, or for another order, it is refused.
func TestAReceiptWithoutARefund(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.seller.Must(t, shipmentCreate, p.parcel(apitest.Vars{"carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "pickupPointId": nil, "grams": 8000})) // its way back costs 27.60, and it 20
	p.delivered()
	p.buyer.Must(t, returnRequest, input(apitest.Vars{"orderId": p.order, "text": "It goes back."}))
	p.seller.Must(t, returnAccept, input(apitest.Vars{"orderId": p.order, "text": "Send it."}))
	p.FedEx.Move(p.label().Str("trackingNumber"), "PU", "Picked up", "PARIS")
	p.due()
	received := func(change apitest.Vars) apitest.Vars {
		in := apitest.Vars{"orderId": p.order, "lines": []apitest.Vars{{"number": 1, "quantity": 1}}, "idempotencyKey": "back"}
		for name, value := range change {
			in = with(in, name, value)
		}
		return input(in)
	}
	for range 2 {
		got := p.seller.Must(t, returnReceived, received(nil)).At("orderReturnReceived.order")
		if got.Str("problems.0.status") != "RESOLVED" || got.Str("refunded.amount") != "0.00" || got.Str("payment") != "PAID" {
			t.Errorf("received: %s", got.Raw())
		}
		p.Exec(`DELETE FROM idempotency_answer`) // after thirty days
	}
	if got := codeOf(t, p.seller.Client, returnReceived, received(apitest.Vars{"text": "It was worn."})); got != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("with something else: %s", got)
	}
	if n := p.Int(`SELECT count(*) FROM order_return_receipt`) + p.Int(`SELECT count(*) FROM order_refund`); n != 1 {
		t.Errorf("%d receipts and refunds", n)
	}
	if got := string(p.buyer.Must(t, `query($id: ID!) { order(id: $id) { availableActions } }`, apitest.Vars{"id": p.order}).Raw()); got != `{"order":{"availableActions":["CONFIRM_RECEIPT","REPORT_PROBLEM"]}}` {
		t.Errorf("all has come back, and %s", got)
	}
	if got := codeOf(t, p.buyer.Client, returnRequest, input(apitest.Vars{"orderId": p.order, "text": "Again."})); got == "none" {
		t.Error("it comes back twice")
	}
}
