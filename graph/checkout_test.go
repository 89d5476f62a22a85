package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	reservationCreate = `mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) { reservation { id } userErrors { code } } }`
	reservationPay    = `mutation($input: ReservationPayInput!) { reservationPay(input: $input) {
		orders { id payment fulfilment total { amount } codes { id variant { id } revealedAt } }
		userErrors { code field ... on PriceChanged { total { amount } } ... on InsufficientFunds { available { amount } } } } }`
	orderCodes = `query($id: ID!) { order(id: $id) { codes { id revealedAt } } }`
)

// reserved sets so many of a variant aside.
func reserved(t *testing.T, who apitest.Client, variant string, quantity int) string {
	t.Helper()
	return who.Must(t, reservationCreate, input(apitest.Vars{
		"lines": []any{apitest.Vars{"variantId": variant, "quantity": quantity}}, "idempotencyKey": uuid.NewString(),
	})).Str("reservationCreate.reservation.id")
}

// From an upload to the code in its buyer's hands, as clients do it.
func TestBuyingCodesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other := a.Person(identity.Seller), a.Funded(50), a.Funded(50)
	game := gameOf(t, a, seller, "9.50")
	seller.Must(t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ONE\nTWO\nTHREE", "idempotencyKey": "k"}))
	place := seller.Must(t, `query($id: ID!) { node(id: $id) { ... on Variant { stock { location { id } } } } }`, apitest.Vars{"id": game}).Str("node.stock.0.location.id")
	seller.Must(t, mutation("stockAlertSet"), input(apitest.Vars{"variantId": game, "locationId": place, "lowAt": 1}))
	set := reserved(t, buyer.Client, game, 2)
	pay := func(total string) apitest.Vars {
		return input(apitest.Vars{"reservationId": set, "total": eur(total), "idempotencyKey": "pay-" + total})
	}
	if got := body(t, buyer.Client, reservationPay, pay("9.50")); !strings.Contains(got, `{"code":"PRICE_CHANGED","field":["input","total"],"total":{"amount":"19.00"}}`) && !strings.Contains(got, `"code":"PRICE_CHANGED","field":["total"],"total":{"amount":"19.00"}`) {
		t.Errorf("too little: %s", got)
	}
	if code := codeOf(t, other.Client, reservationPay, pay("19")); code != "RESERVATION_NOT_FOUND" {
		t.Errorf("somebody else pays: %s", code)
	}
	got := buyer.Must(t, reservationPay, pay("19"))
	order, code := got.Str("reservationPay.orders.0.id"), got.Str("reservationPay.orders.0.codes.1.id")
	if !strings.Contains(string(got.Raw()), `"payment":"PAID","fulfilment":"SENT","total":{"amount":"19.00"}`) || code == "" {
		t.Fatalf("paid: %s", got.Raw())
	}
	const notices = `{ viewer { notifications { nodes { kind subject { id } parameters { name value } } } } }`
	if told := string(seller.Must(t, notices, nil).Raw()); told != `{"viewer":{"notifications":{"nodes":[{"kind":"CODES_LOW","subject":{"id":"`+game+`"},"parameters":[{"name":"left","value":"1"},{"name":"location","value":"`+place+`"}]}]}}}` {
		t.Errorf("the seller was told %s", told)
	}
	reveal := input(apitest.Vars{"codeId": code})
	if got := buyer.Must(t, codeReveal, reveal).Str("codeReveal.code"); got != "TWO" {
		t.Errorf("the second code is %q", got)
	}
	for _, who := range []graphtest.Person{other, a.Person(identity.Buyer)} {
		if refusal := codeOf(t, who.Client, codeReveal, reveal); refusal != "CODE_NOT_FOUND" {
			t.Errorf("somebody else sees it: %s", refusal)
		}
		if got := string(who.Must(t, orderCodes, apitest.Vars{"id": order}).Raw()); got != `{"order":null}` {
			t.Errorf("somebody else: %s", got)
		}
	}
	if answer, err := a.Person(identity.Admin).Do(codeReveal, reveal); err != nil || len(answer.Errors) == 0 && !strings.Contains(string(answer.Data), "CODE_NOT_FOUND") {
		t.Errorf("an admin sees it: %s, %v", answer.Data, err)
	}
	for _, who := range []graphtest.Person{buyer, seller} {
		got := string(who.Must(t, orderCodes, apitest.Vars{"id": order}).Raw())
		if strings.Count(got, `"revealedAt":null`) != 1 || strings.Count(got, `"id"`) != 2 || strings.Contains(got, "TWO") {
			t.Errorf("a party sees %s", got)
		}
	}
	log := seller.Must(t, codeReveals, apitest.Vars{"id": game})
	if log.Str("codeReveals.nodes.0.codeId") != code || log.Str("codeReveals.nodes.0.orderId") != order || log.Str("codeReveals.nodes.0.user.id") != id.User.Encode(buyer.ID) {
		t.Errorf("the log: %s", log.Raw())
	}
	done := buyer.Must(t, `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { order { payment } userErrors { code } } }`,
		input(apitest.Vars{"orderId": order, "idempotencyKey": "k"}))
	if done.Str("orderConfirmReceipt.order.payment") != "SETTLED" {
		t.Errorf("received: %s", done.Raw())
	}
	if got := buyer.Must(t, codeReveal, reveal).Str("codeReveal.code"); got != "TWO" {
		t.Errorf("once settled the code is %q", got)
	}
	// A retry whose answer was lost with its claim finds the orders.
	a.Exec(`DELETE FROM idempotency_answer`)
	if again := buyer.Must(t, reservationPay, pay("19")); again.Str("reservationPay.orders.0.id") != order {
		t.Errorf("the retry: %s", again.Raw())
	}
}
