package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
)

// A parcel to a relay of Relais Colis: found near a postal code, checked, labelled once although an answer is lost, and followed to its buyer.
func TestAParcelByRelaisColis(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	relay := p.buyer.Must(t, `{ pickupPoints(carrier: "RELAIS_COLIS", country: "FR", postalCode: "75001") { number name kept } }`, nil).Str("pickupPoints.0.number")
	if _, err := p.Resolver.Shipping.OpenPoint(t.Context(), "RELAIS_COLIS", "FR", relay); err != nil {
		t.Errorf("%s: %v", relay, err)
	}
	p.Colis.Plan.Fail(carrierfake.CutAfter, 1)
	made := p.seller.Must(t, shipmentCreate, p.parcel(apitest.Vars{"carrier": "RELAIS_COLIS", "product": "RELAIS", "pickupPointId": relay})).At("shipmentCreate.shipment")
	if made.Str("status") != "PENDING" || made.Str("lastError.outcome") != "UNKNOWN" {
		t.Errorf("%s", made.Raw())
	}
	p.due()
	got := p.now()
	if got.Str("status") != "LABELLED" || got.Str("pickupPointId") != relay || p.paidFor() != 1 {
		t.Fatalf("%s", got.Raw())
	}
	for _, c := range []struct{ event, why, status, fulfilment string }{
		{"RST", "", "IN_TRANSIT", "EN_ROUTE"}, {"DEP", "REL", "READY_FOR_PICKUP", "EN_ROUTE"}, {"SOL", "", "DELIVERED", "RECEIVED"},
	} {
		p.Colis.Move(got.Str("trackingNumber"), c.event, c.why, "un événement")
		p.due()
		if o := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}); o.Str("order.shipments.0.status") != c.status || o.Str("order.fulfilment") != c.fulfilment {
			t.Errorf("%s: %s", c.event, o.Raw())
		}
	}
	p.Colis.RelayPlan.Fail(carrierfake.Down, -1)
	if kept := p.buyer.Must(t, `{ pickupPoints(carrier: "RELAIS_COLIS", country: "FR", postalCode: "75001") { number kept } }`, nil); kept.Str("pickupPoints.0.number") != relay {
		t.Errorf("while its list is down: %s", kept.Raw())
	}
}
