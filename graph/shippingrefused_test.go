package graph_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// What FedEx says that a parcel costs is what its buyer is charged. Where it does not answer, in whatever way, and there is no table, the quote is refused, and made by the
// same key once FedEx answers again; a price is never made up.
func TestFedExInTheQuote(t *testing.T) {
	t.Parallel()
	s := newRelayShop(t)
	defer everything(t, s.API)
	s.seller.Must(t, shippingProfileSet, input(apitest.Vars{"grams": 900, "offers": []apitest.Vars{{"kind": "CARRIER", "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY"}}}))
	s.put()
	for _, fault := range []carrierfake.Fault{carrierfake.CutBefore, carrierfake.CutAfter, carrierfake.ErrorBefore, carrierfake.ErrorAfter, carrierfake.Garbage} {
		ask := input(apitest.Vars{"addressId": s.home, "idempotencyKey": uuid.NewString()})
		s.FedEx.Plan.Fail(fault, 100)
		answer, err := s.buyer.Do(shippingQuote, ask)
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "CARRIER_UNAVAILABLE" {
			t.Errorf("%s: %+v, %v", fault, answer, err)
		}
		s.FedEx.Plan.Clear()
		if s.Int(`SELECT count(*) FROM quote`) > 0 {
			t.Fatalf("%s: there is a quote", fault)
		}
	}
	ask := input(apitest.Vars{"addressId": s.home, "idempotencyKey": "k"})
	quote := s.buyer.Must(t, shippingQuote, ask)
	got := string(quote.Raw())
	if !strings.Contains(got, `"total":{"amount":"31.50"}`) || !strings.Contains(got, `"price":{"amount":"11.50"},"estimated":false`) || !strings.Contains(got, `"kind":"SHIPPING","bearer":"BUYER","counterparty":"PLATFORM"`) {
		t.Fatalf("%s", got)
	}
	order := s.confirm(quote).Str("checkoutConfirm.orders.0.id")
	sent := s.seller.Must(t, shipmentCreate, input(apitest.Vars{"orderId": order, "idempotencyKey": "k"})).At("shipmentCreate.shipment")
	if sent.Str("status") != "LABELLED" || sent.Str("carrier") != "FEDEX" {
		t.Errorf("%s", sent.Raw())
	}
}

// What can't be bought is refused by the API field by field, and leaves nothing set aside, ordered or paid.
func TestBadInputOfACheckout(t *testing.T) {
	t.Parallel()
	s := newRelayShop(t)
	other := s.Funded(100)
	elsewhere := other.Must(t, addressCreate, input(parisOf("Another"))).Str("addressCreate.address.id")
	shirt := s.Listing(s.seller, "A shirt")
	for quantity, want := range map[int]string{0: "CART_QUANTITY", -1: "CART_QUANTITY", 1_000_000_000: "CART_QUANTITY"} {
		if got := codeOf(t, s.buyer.Client, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(shirt.ID), "quantity": quantity})); got != want {
			t.Errorf("%d of it: %s", quantity, got)
		}
	}
	s.buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(shirt.ID)}))
	foreign := s.Listing(s.Person(identity.Seller), "A hat")
	ask := func(change apitest.Vars) apitest.Vars {
		in := apitest.Vars{"addressId": s.home, "idempotencyKey": uuid.NewString()}
		maps.Copy(in, change)
		return input(in)
	}
	for name, c := range map[string]struct {
		change apitest.Vars
		want   string
	}{
		"another's address":    {apitest.Vars{"addressId": elsewhere}, "ADDRESS_NOT_FOUND"},
		"no address":           {apitest.Vars{"addressId": nil}, "ADDRESS_REQUIRED"},
		"not in the cart":      {apitest.Vars{"variantIds": []string{id.Variant.Encode(foreign.ID)}}, "CART_LINE_NOT_FOUND"},
		"an empty key":         {apitest.Vars{"idempotencyKey": ""}, "IDEMPOTENCY_KEY_INVALID"},
		"a coupon of nobody's": {apitest.Vars{"couponCodes": []string{"NOPE"}}, "COUPON_UNKNOWN"},
	} {
		if got := codeOf(t, s.buyer.Client, checkoutQuote, ask(c.change)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// Another's cart is nobody's to quote: who asks has their own.
	if got := codeOf(t, other.Client, checkoutQuote, input(apitest.Vars{"addressId": elsewhere, "idempotencyKey": "k"})); got != "CART_EMPTY" {
		t.Errorf("another's cart: %s", got)
	}
	// A total beyond what is money, and two currencies.
	s.buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(foreign.ID)}))
	for sql, want := range map[string]string{
		`UPDATE variant SET price = 9223372036854775807 WHERE id = $1`:    "AMOUNT_OUT_OF_RANGE",
		`UPDATE variant SET price = 1000, currency = 'USD' WHERE id = $1`: "CURRENCY_MISMATCH",
	} {
		s.Exec(`UPDATE variant SET price = 2000, currency = 'EUR' WHERE id = $1`, foreign.ID)
		s.Exec(sql, foreign.ID)
		if got := codeOf(t, s.buyer.Client, checkoutQuote, ask(nil)); got != want {
			t.Errorf("%s: %s", want, got)
		}
	}
	if n := s.Int(`SELECT (SELECT count(*) FROM reservation WHERE status = 'OPEN') + (SELECT count(*) FROM quote) + (SELECT count(*) FROM orders)`); n != 0 {
		t.Errorf("%d are left", n)
	}
	// Confirmed twice: by the same key it is what it was, by another it is refused; another's is nobody's.
	quote := s.buyer.Must(t, shippingQuote, ask(apitest.Vars{"variantIds": []string{id.Variant.Encode(shirt.ID)}}))
	agree := apitest.Vars{"quoteId": quote.Str("checkoutQuote.quote.id"), "total": eur(quote.Str("checkoutQuote.quote.total.amount")), "idempotencyKey": "yes"}
	if got := codeOf(t, other.Client, checkoutConfirm, input(agree)); got != "QUOTE_NOT_FOUND" {
		t.Errorf("another's quote: %s", got)
	}
	dollars := with(with(agree, "total", apitest.Vars{"amount": "27.50", "currencyCode": "USD"}), "idempotencyKey", "dollars")
	if got := codeOf(t, s.buyer.Client, checkoutConfirm, input(dollars)); got != "PRICE_CHANGED" {
		t.Errorf("in another currency: %s", got)
	}
	first := s.buyer.Must(t, checkoutConfirm, input(agree))
	if again := s.buyer.Must(t, checkoutConfirm, input(agree)); string(again.Raw()) != string(first.Raw()) {
		t.Errorf("again: %s", again.Raw())
	}
	if got := codeOf(t, s.buyer.Client, checkoutConfirm, input(with(agree, "idempotencyKey", "no"))); got != "QUOTE_CONFIRMED" {
		t.Errorf("by another key: %s", got)
	}
	if got := string(other.Must(t, `query($id: ID!) { order(id: $id) { id } }`, apitest.Vars{"id": first.Str("checkoutConfirm.orders.0.id")}).Raw()); got != `{"order":null}` {
		t.Errorf("another's order: %s", got)
	}
}
