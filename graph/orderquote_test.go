package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/identity"
)

const orderQuote = `mutation($input: OrderQuoteInput!) { orderQuote(input: $input) { quote { id status total { amount } due { amount } shipTo { postalCode } order { id payment }
	groups { parcels { chosen { code } } charges { kind bearer amount { amount } } } } userErrors { code field } } }`

// What was won is quoted with what bringing it costs and confirmed, as clients do it; nobody else may.
func TestWhatWasWonThroughTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	defer everything(t, b.API)
	b.seller.Must(t, addressCreate, input(parisOf("A Seller")))
	b.seller.Must(t, shippingProfileSet, input(apitest.Vars{"grams": 900, "offers": []apitest.Vars{{"kind": "SELLER", "name": "By post", "price": eur("6.90"), "countries": []string{"FR"}}}}))
	home := b.buyer.Must(t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
	owed := b.owed(20)
	offered := func(want string) {
		t.Helper()
		if got := string(b.buyer.Must(t, `query($id: ID!) { order(id: $id) { availableActions } }`, apitest.Vars{"id": owed}).At("order.availableActions").Raw()); got != want {
			t.Errorf("offered are %s, want %s", got, want)
		}
	}
	offered(`["CHECK_OUT","CANCEL"]`)
	if got := codeOf(t, b.buyer.Client, orderPay, input(apitest.Vars{"orderId": owed, "cardId": b.card, "idempotencyKey": b.key()})); got != "CHECKOUT_REQUIRED" {
		t.Errorf("without a quote: %s", got)
	}
	ask := input(apitest.Vars{"orderId": owed, "addressId": home, "idempotencyKey": "k"})
	for name, who := range map[string]apitest.Client{"the seller": b.seller.Client, "another": b.Person(identity.Buyer).Client} {
		if got := codeOf(t, who, orderQuote, input(apitest.Vars{"orderId": owed, "idempotencyKey": "k"})); name == "another" && got != "ORDER_NOT_FOUND" || got == "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	first := body(t, b.buyer.Client, orderQuote, ask)
	same(t, orderQuote, first, b.buyer.Client, orderQuote, ask)
	quote := b.buyer.Must(t, orderQuote, ask).At("orderQuote.quote")
	b.wants(quote, `{"id":"`+quote.Str("id")+`","status":"OPEN","total":{"amount":"26.90"},"due":{"amount":"26.90"},"shipTo":{"postalCode":"75002"},"order":{"id":"`+owed+`","payment":"PENDING"},
		"groups":[{"parcels":[{"chosen":{"code":"SELLER/0"}}],"charges":[{"kind":"PLATFORM_FEE","bearer":"SELLER","amount":{"amount":"2.00"}},{"kind":"SHIPPING","bearer":"BUYER","amount":{"amount":"6.90"}}]}]}`)
	yes := input(apitest.Vars{"quoteId": quote.Str("id"), "total": eur("26.90"), "cardId": b.card, "idempotencyKey": "yes"})
	done := b.buyer.Must(t, checkoutConfirm, yes)
	offered(`[]`)
	if done.Str("checkoutConfirm.orders.0.id") != owed || done.Str("checkoutConfirm.orders.0.payment") != "AUTHORISED" || done.Str("checkoutConfirm.orders.0.total.amount") != "26.90" ||
		done.Str("checkoutConfirm.orders.0.payments.0.cardAmount.amount") != "26.90" || done.Str("checkoutConfirm.orders.0.shipTo.postalCode") != "75002" {
		t.Errorf("got %s", done.Raw())
	}
}
