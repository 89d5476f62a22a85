package graph_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
)

// byFedEx has a label bought at FedEx, and gives the shipment.
func (p *postOffice) byFedEx() apitest.JSON {
	p.t.Helper()
	return p.seller.Must(p.t, shipmentCreate, p.parcel(apitest.Vars{
		"carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY", "pickupPointId": nil, "idempotencyKey": uuid.NewString(),
	})).At("shipmentCreate.shipment")
}

// registered are the parcels that FedEx has, without those that were cancelled.
func (p *postOffice) registered() (numbers []string) {
	for _, one := range p.FedEx.Parcels() {
		if !one.Cancelled {
			numbers = append(numbers, one.Number)
		}
	}
	return numbers
}

func TestAParcelByFedEx(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	made := p.byFedEx()
	number := made.Str("trackingNumber")
	if made.Str("status") != "LABELLED" || number == "" || p.paidFor() != 1 {
		t.Fatalf("%s", made.Raw())
	}
	label, err := io.ReadAll(fetch(t, "GET", made.Str("labelUrl"), "").Body)
	if err != nil || !strings.Contains(string(label), number) {
		t.Errorf("the label: %.60q, %v", label, err)
	}
	if got := p.Int(`SELECT p.amount FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'carrier_payable'`); got != 1150 {
		t.Errorf("the label costs %d", got)
	}
	for _, c := range []struct{ status, shipment, fulfilment string }{{"PU", "IN_TRANSIT", "EN_ROUTE"}, {"DE", "IN_TRANSIT", "EN_ROUTE"}, {"DL", "DELIVERED", "RECEIVED"}} {
		p.FedEx.Move(number, c.status, "a scan", "PARIS")
		p.due()
		if o := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}); o.Str("order.shipments.0.status") != c.shipment || o.Str("order.fulfilment") != c.fulfilment {
			t.Errorf("%s: %s", c.status, o.Raw())
		}
	}
}

// FedEx gives a label once. What was registered and has none is taken back and registered anew; that nothing was registered is believed after a day.
func TestAnswersThatFedExLost(t *testing.T) {
	t.Parallel()
	for fault, effect := range map[carrierfake.Fault]bool{
		carrierfake.CutBefore: false, carrierfake.CutAfter: true, carrierfake.ErrorBefore: false, carrierfake.ErrorAfter: true, carrierfake.Garbage: true,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			p := newPostOffice(t)
			p.FedEx.Plan.Fail(fault, 1)
			if made := p.byFedEx(); made.Str("status") != "PENDING" || made.Str("lastError.outcome") != "UNKNOWN" || len(p.registered()) > 1 {
				t.Errorf("%s", made.Raw())
			}
			p.due()
			if !effect {
				if got := p.now(); got.Str("status") != "PENDING" || got.Str("lastError.code") != "NOT_KNOWN_YET" || len(p.registered()) != 0 {
					t.Errorf("a day is not over: %s", got.Raw())
				}
				p.Exec(`UPDATE shipment SET called_at = called_at - interval '25 hours'`)
				p.due()
			}
			numbers := p.registered()
			if got := p.now(); got.Str("status") != "LABELLED" || len(numbers) != 1 || got.Str("trackingNumber") != numbers[0] || p.paidFor() != 1 {
				t.Errorf("%v: %s", numbers, got.Raw())
			}
		})
	}
}

// A parcel that FedEx registered, and does not know yet by our reference, is not registered a second time meanwhile.
func TestFedExLearnsLate(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.FedEx.Late()
	p.FedEx.Plan.Fail(carrierfake.CutAfter, 1)
	p.byFedEx()
	for range 3 {
		p.due()
	}
	if got := p.now(); got.Str("status") != "PENDING" || got.Str("lastError.code") != "NOT_KNOWN_YET" || len(p.registered()) != 1 {
		t.Errorf("%s", got.Raw())
	}
	p.FedEx.Learn()
	p.due()
	if got := p.now(); got.Str("status") != "LABELLED" || len(p.registered()) != 1 || p.paidFor() != 1 || len(p.FedEx.Parcels()) != 2 {
		t.Errorf("%s", got.Raw())
	}
}

// A server that was killed with the answer in its hands: what its label was is lost with it.
func TestAServerKilledWithFedExsAnswer(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.FedEx.Plan.Fail(carrierfake.CutAfter, 1)
	p.byFedEx()
	p.Exec(`UPDATE shipment SET in_doubt = true, busy_until = clock_timestamp() + interval '1 minute', next_try_at = clock_timestamp()`)
	if err := p.Resolver.Shipping.Sweep(t.Context()); err != nil || len(p.FedEx.Parcels()) != 1 {
		t.Errorf("somebody is at it: %v", err)
	}
	p.due()
	if got := p.now(); got.Str("status") != "LABELLED" || len(p.registered()) != 1 || p.paidFor() != 1 {
		t.Errorf("%s", got.Raw())
	}
}
