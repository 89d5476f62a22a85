package graph_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// What was agreed on is checked out at its price, once; what can't be says what the offer is.
func TestOfferIsCheckedOutThroughTheAPI(t *testing.T) {
	t.Parallel()
	const (
		quote = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id status total { amount } offer { id status } groups { lines { unitPrice { amount } priceSeen { amount } priceChanged } } }
			userErrors { code field ... on OfferRefused { offer { status } } ... on OutOfStock { available } } } }`
		confirm = `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { id total { amount } payment } userErrors { code } } }`
	)
	a := graphtest.New(t)
	seller, buyer, other := a.Person(identity.Seller), a.Funded(100), a.Funded(100)
	thing := a.Listing(seller, "A lamp") // at 20 euros
	made := func(who graphtest.Person) string {
		return who.Must(t, offerMake, input(apitest.Vars{"variantId": id.Variant.Encode(thing.ID), "price": eur("15")})).Str("offerMake.offer.id")
	}
	of, theirs := made(buyer), made(other)
	accept := func(which string) {
		seller.Must(t, offerMove("offerAccept"), input(apitest.Vars{"offerId": which, "version": 1}))
	}
	home := buyer.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	asks := func(key string) apitest.Vars {
		return input(apitest.Vars{"offerId": of, "addressId": home, "idempotencyKey": key})
	}
	const events = `subscription($id: ID!) { offerEvents(offerId: $id, afterVersion: 0) { kind version offer { status order { total { amount } } } } }`
	live := seller.Subscribe(t, events, apitest.Vars{"id": of})
	hears := func(want string) {
		t.Helper()
		if got := inOrder(t, live.Next().At("offerEvents").Raw()); got != inOrder(t, []byte(want)) {
			t.Errorf("the seller hears %s", got)
		}
	}
	hears(`{"kind":"OFFERED","version":1,"offer":{"status":"OPEN","order":null}}`)
	early := string(buyer.Must(t, quote, asks("early")).Raw())
	accept(of)
	accept(theirs)
	hears(`{"kind":"ACCEPTED","version":2,"offer":{"status":"ACCEPTED","order":null}}`)
	if again := string(buyer.Must(t, quote, asks("early")).Raw()); again != early || !strings.Contains(early, `"code":"OFFER_NOT_ACCEPTED","field":["offerId"],"offer":{"status":"OPEN"}`) {
		t.Errorf("before it was accepted: %s, and sent again: %s", early, again)
	}
	got := buyer.Must(t, quote, asks("k"))
	q := got.Str("checkoutQuote.quote.id")
	if told := inOrder(t, got.At("checkoutQuote").Raw()); told != inOrder(t, []byte(`{"quote":{"id":"`+q+`","status":"OPEN","total":{"amount":"15.00"},"offer":{"id":"`+of+`","status":"ACCEPTED"},
		"groups":[{"lines":[{"unitPrice":{"amount":"15.00"},"priceSeen":{"amount":"15.00"},"priceChanged":false}]}]},"userErrors":[]}`)) {
		t.Errorf("quoted: %s", told)
	}
	for code, in := range map[string]apitest.Vars{
		"OFFER_ALONE":     {"offerId": of, "variantIds": []string{id.Variant.Encode(thing.ID)}, "addressId": home, "idempotencyKey": "alone"},
		"OFFER_NOT_FOUND": {"offerId": theirs, "addressId": home, "idempotencyKey": "theirs"},
		"ID_WRONG_KIND":   {"offerId": q, "addressId": home, "idempotencyKey": "kind"},
	} {
		if got := codeOf(t, buyer.Client, quote, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	yes := input(apitest.Vars{"quoteId": q, "total": eur("15"), "idempotencyKey": "yes"})
	order := buyer.Must(t, confirm, yes)
	if order.Str("checkoutConfirm.orders.0.payment") != "PAID" || order.Str("checkoutConfirm.orders.0.total.amount") != "15.00" {
		t.Errorf("confirmed: %s", order.Raw())
	}
	hears(`{"kind":"USED","version":3,"offer":{"status":"USED","order":{"total":{"amount":"15.00"}}}}`)
	const told = `{ viewer { notifications(first: 1) { nodes { kind parameters { value } } } } }`
	if got := string(seller.Must(t, told, nil).At("viewer.notifications.nodes").Raw()); got != `[{"kind":"OFFER_CHANGED","parameters":[{"value":"USED"},{"value":"15.00 EUR"}]}]` {
		t.Errorf("the seller is told %s", got)
	}
	if again := buyer.Must(t, confirm, yes); string(again.Raw()) != string(order.Raw()) {
		t.Errorf("confirmed again: %s", again.Raw())
	}
	for name, who := range map[string]graphtest.Person{"buyer": buyer, "seller": seller} {
		seen := who.Must(t, offerLook, apitest.Vars{"id": of})
		if seen.Str("offer.status") != "USED" || seen.Str("offer.order.id") != order.Str("checkoutConfirm.orders.0.id") {
			t.Errorf("the %s sees %s", name, seen.Raw())
		}
	}
	sold := other.Must(t, addressCreate, input(parisOf("Badr"))).Str("addressCreate.address.id")
	if got := string(other.Must(t, quote, input(apitest.Vars{"offerId": theirs, "addressId": sold, "idempotencyKey": "k"})).At("checkoutQuote.userErrors").Raw()); !strings.Contains(got, "OUT_OF_STOCK") || !strings.Contains(got, `"available":0`) {
		t.Errorf("sold meanwhile: %s", got)
	}
	if got := codeOf(t, buyer.Client, quote, asks("again")); got != "OFFER_OVER" {
		t.Errorf("quoted anew: %s", got)
	}
}
