package e2e

import (
	"fmt"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

const (
	lookAtRisk = `{ riskReviews(status: OPEN) { nodes { id orderIds } } }`
	decideRisk = `mutation($input: RiskReviewDecideInput!) { riskReviewDecide(input: $input) { review { status } userErrors { code } } }`
)

// suspects are two sellers with shirts at 20 euros, an admin, and buyers on one device: staff are to look at what each but the first buys.
type suspects struct {
	*crashSite

	sellers []person
	shirts  []string
	admin   person
	n       int // of buyers
}

func newSuspects(t *testing.T) *suspects {
	t.Helper()
	s := &suspects{crashSite: newCrashSite(t, func(c *crashSite) { c.settings["SOUK_RISK_DEVICE"] = "1/24h" })}
	s.fake.Deliveries().Add(untold)
	for _, name := range []string{"Hana", "Omar"} {
		seller := s.server.signUp(name, "SELLER")
		shirt := seller.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
			"kind": "RETAIL", "title": "A shirt", "condition": "NEW", "photoIds": []string{seller.sendPhoto(t)}, "variants": []any{apitest.Vars{"price": eur(2000)}},
		}}).Str("listingCreate.listing.variants.0.id")
		place := seller.Must(t, tour(t, "Where stock lies"), apitest.Vars{"input": apitest.Vars{"name": "Home", "region": "FR"}}).Str("locationCreate.location.id")
		seller.Must(t, tour(t, "Receive stock"), apitest.Vars{"input": apitest.Vars{"variantId": shirt, "locationId": place, "quantity": 9, "idempotencyKey": "k"}})
		s.sellers, s.shirts = append(s.sellers, seller), append(s.shirts, shirt)
	}
	s.admin = s.server.signUp("Amina", "BUYER")
	s.count(`WITH a AS (UPDATE app_user SET role = 'ADMIN' WHERE name = 'Amina' RETURNING 1) SELECT count(*) FROM a`)
	return s
}

// buys has another buyer buy some shirts, for 25 euros from a wallet of 50 and the rest by card.
func (s *suspects) buys(shirts ...string) (buyer person) {
	s.t.Helper()
	s.n++
	buyer = s.server.signUp(fmt.Sprintf("Buyer%d", s.n), "BUYER")
	buyer.Device = "one-telephone-of-them-all"
	buyer.topUp(s.t, 50)
	card := buyer.Must(s.t, tour(s.t, "Save a card (buyer)"), apitest.Vars{"input": apitest.Vars{"paymentMethod": "pm_card_visa"}}).Str("cardSetupStart.cardSetup.card.id")
	home := buyer.Must(s.t, tour(s.t, "Add an address"), apitest.Vars{"create": apitest.Vars{
		"name": buyer.name, "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR",
	}}).Str("addressCreate.address.id")
	for _, shirt := range shirts {
		buyer.Must(s.t, tour(s.t, "Put something into the cart"), apitest.Vars{"add": apitest.Vars{"variantId": shirt}})
	}
	quote := buyer.Must(s.t, quoteCart, apitest.Vars{"input": apitest.Vars{"addressId": home, "idempotencyKey": "quote"}}).Str("checkoutQuote.quote.id")
	yes := apitest.Vars{"quoteId": quote, "total": eur(2000 * len(shirts)), "idempotencyKey": "yes"}
	if len(shirts) > 1 {
		yes["walletAmount"], yes["cardId"] = eur(2500), card
	}
	if got := buyer.Must(s.t, confirmQuote, apitest.Vars{"input": yes}); got.Str("checkoutConfirm.orders.0.payment") != "PAID" {
		s.t.Fatalf("%s buys: %s", buyer.name, got.Raw())
	}
	return buyer
}

// Killed while staff refuse a purchase of two orders, and while the job cancels them: both are cancelled once, wallet and card have their own back, the goods lie where they lay.
func TestKilledWhileARefusedPurchaseIsUndone(t *testing.T) {
	t.Parallel()
	s := newSuspects(t)
	s.buys(s.shirts[0]) // whom nobody looks at
	const undone = "OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL"
	for i, point := range []crashPoint{
		at("before the decision is committed", commit("UPDATE", "risk_review", "NEW.status = 'REFUSED'", lost)),
		at("when the decision is committed", commit("UPDATE", "risk_review", "NEW.status = 'REFUSED'", happens)),
		at("after one order is cancelled", commit("UPDATE", "orders", "OLD.fulfilment <> 'CANCELLED' AND NEW.fulfilment = 'CANCELLED'", happens)),
		at("after the card is let go", answer("POST", cancelIntent)),
		at("before it is written that all is undone", commit("UPDATE", "risk_review", undone, lost)),
	} {
		buyer := s.buys(s.shirts...)
		review := s.admin.Must(t, lookAtRisk, nil).Str("riskReviews.nodes.0.id")
		refuse := apitest.Vars{"reviewId": review, "decision": "REFUSE", "reason": "stolen"}
		s.dieAt(point, func() (wait func()) { return s.admin.sends(decideRisk, refuse) })
		s.admin, buyer = s.admin.at(s.server), buyer.at(s.server)
		for range 2 {
			if got := s.admin.Must(t, decideRisk, apitest.Vars{"input": refuse}); got.Str("riskReviewDecide.review.status") != "REFUSED" {
				t.Errorf("%s: %s", point.name, got.Raw())
			}
		}
		eventually(t, "the end of what was bought", func() bool {
			return s.count(`SELECT count(*) FROM risk_review WHERE undone_at IS NOT NULL`) == i+1 && s.count(`SELECT count(*) FROM order_payment WHERE status = 'VOIDING'`) == 0
		})
		for state, want := range map[string]int{"REFUNDED CANCELLED": i + 1, "VOIDED CANCELLED": i + 1, "PAID PENDING": 1} {
			if n := s.count(`SELECT count(*) FROM orders WHERE payment || ' ' || fulfilment = $1`, state); n != want {
				t.Errorf("%s: %d orders are %s, want %d", point.name, n, state, want)
			}
		}
		if available, held := buyer.wallet(t); available != 5000 || held != 0 {
			t.Errorf("%s: the wallet has %d and %d held", point.name, available, held)
		}
		if charges := s.movements("charge"); len(charges) != i+2 { // the top-ups
			t.Errorf("%s: cards were charged %+v", point.name, charges)
		}
		if n := s.count(`SELECT sum(on_hand - reserved) FROM stock`); n != 17 {
			t.Errorf("%s: %d shirts are left", point.name, n)
		}
		if n := s.count(`SELECT count(*) FROM admin_action WHERE action = 'RISK_REFUSED'`); n != i+1 {
			t.Errorf("%s: %d refusals are logged", point.name, n)
		}
		s.checkOrders()
	}
	s.checkBooks()
}
