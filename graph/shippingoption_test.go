package graph_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	shippingProfileSet = `mutation($input: ShippingProfileSetInput!) { shippingProfileSet(input: $input) { shippingProfile { grams offers { kind carrier product free name price { amount } countries place } } userErrors { code field } } }`
	parcelPlan         = `{ grams location { name } options { code kind name carrier needsPickupPoint price { amount } estimated minDays maxDays place losses { field lost } } chosen { code } pickupPoint { number name } }`
	shippingQuote      = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id total { amount } groups { parcels ` + parcelPlan + ` charges { kind bearer counterparty label amount { amount } } } } userErrors { code field } } }`
)

// relayShop is a seller in Lyon who sends to pickup points, by hand and in person, and a buyer in Paris.
type relayShop struct {
	*graphtest.API

	t             *testing.T
	buyer, seller graphtest.Person
	home          string
}

func newRelayShop(t *testing.T, change ...graphtest.Option) *relayShop {
	t.Helper()
	a := graphtest.New(t, change...)
	s := &relayShop{API: a, t: t, buyer: a.Funded(500), seller: a.Person(identity.Seller)}
	s.seller.Must(t, addressCreate, input(with(parisOf("Le Marché"), "phone", "+33472000000")))
	s.home = s.buyer.Must(t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
	s.seller.Must(t, shippingProfileSet, input(apitest.Vars{"grams": 900, "offers": []apitest.Vars{
		{"kind": "CARRIER", "carrier": "MONDIAL_RELAY", "product": "24R"}, {"kind": "SELLER", "name": "By bicycle", "price": eur("7.50"), "countries": []string{"FR"}}, {"kind": "IN_PERSON", "place": "At the market"},
	}}))
	return s
}

// put puts a thing of the seller's at 20 euros into the buyer's cart.
func (s *relayShop) put() {
	s.t.Helper()
	s.buyer.Must(s.t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(s.Listing(s.seller, "A brass pot").ID)}))
}

// chosen is a quote with the seller's things brought in a way.
func (s *relayShop) chosen(code string, more apitest.Vars) apitest.Vars {
	choice := apitest.Vars{"sellerId": id.User.Encode(s.seller.ID), "optionCode": code}
	maps.Copy(choice, more)
	return input(apitest.Vars{"addressId": s.home, "shipping": []apitest.Vars{choice}, "idempotencyKey": uuid.NewString()})
}

func (s *relayShop) confirm(quote apitest.JSON) apitest.JSON {
	s.t.Helper()
	return s.buyer.Must(s.t, checkoutConfirm, input(apitest.Vars{
		"quoteId": quote.Str("checkoutQuote.quote.id"), "total": eur(quote.Str("checkoutQuote.quote.total.amount")), "idempotencyKey": uuid.NewString(),
	}))
}

// From the seller's profile to the label: what the buyer chose is charged, shown to both, and what is sent.
func TestShippingThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newRelayShop(t)
	defer everything(t, s.API)
	if got := string(s.seller.Must(t, `{ viewer { shippingProfile { grams offers { kind carrier } } } }`, nil).Raw()); !strings.Contains(got, `{"shippingProfile":{"grams":900,"offers":[{"kind":"CARRIER","carrier":"MONDIAL_RELAY"}`) {
		t.Errorf("the profile: %s", got)
	}
	s.put()
	shown := s.buyer.Must(t, shippingQuote, input(apitest.Vars{"addressId": s.home, "idempotencyKey": "k"}))
	for _, want := range []string{
		`"total":{"amount":"27.50"}`, `"chosen":{"code":"SELLER/1"}`, `"pickupPoint":null`, `{"code":"IN_PERSON","kind":"IN_PERSON","name":"","carrier":"","needsPickupPoint":false,"price":{"amount":"0.00"},"estimated":false,"minDays":null,"maxDays":null,"place":"At the market","losses":[]}`,
		`{"code":"MONDIAL_RELAY/24R","kind":"CARRIER","name":"Mondial Relay, Point Relais","carrier":"MONDIAL_RELAY","needsPickupPoint":true,"price":{"amount":"5.39"},"estimated":false,"minDays":3,"maxDays":5,"place":"","losses":[]}`,
		`{"kind":"SHIPPING","bearer":"BUYER","counterparty":"SELLER","label":"By bicycle","amount":{"amount":"7.50"}}`,
	} {
		if !strings.Contains(string(shown.Raw()), want) {
			t.Errorf("the quote lacks %s: %s", want, shown.Raw())
		}
	}
	for want, change := range map[string]apitest.Vars{
		"SHIPPING_OPTION_UNKNOWN": {"optionCode": "SELLER/7"}, "PICKUP_POINT_CLOSED": {"pickupPointId": "999999"}, "ID_WRONG_KIND": {"sellerId": s.home},
	} {
		if got := codeOf(t, s.buyer.Client, shippingQuote, s.chosen("MONDIAL_RELAY/24R", change)); got != want {
			t.Errorf("%s: %s", want, got)
		}
	}
	pointless := s.buyer.Must(t, shippingQuote, s.chosen("MONDIAL_RELAY/24R", nil))
	if got := string(s.confirm(pointless).Raw()); !strings.Contains(got, `{"code":"PICKUP_POINT_REQUIRED","field":["quoteId"]}`) {
		t.Errorf("without a point: %s", got)
	}
	quote := s.buyer.Must(t, shippingQuote, s.chosen("MONDIAL_RELAY/24R", apitest.Vars{"pickupPointId": aRelay}))
	if got := string(quote.Raw()); !strings.Contains(got, `"total":{"amount":"25.39"}`) || !strings.Contains(got, `"pickupPoint":{"number":"`+aRelay+`"`) || !strings.Contains(got, `"counterparty":"PLATFORM","label":"Mondial Relay, Point Relais","amount":{"amount":"5.39"}`) {
		t.Errorf("by relay: %s", got)
	}
	order := s.confirm(quote).Str("checkoutConfirm.orders.0.id")
	parcels := `query($id: ID!) { order(id: $id) { parcels ` + parcelPlan + ` total { amount } } }`
	for _, who := range []graphtest.Person{s.buyer, s.seller} {
		if got := string(who.Must(t, parcels, apitest.Vars{"id": order}).Raw()); !strings.Contains(got, `"chosen":{"code":"MONDIAL_RELAY/24R"},"pickupPoint":{"number":"`+aRelay+`"`) {
			t.Errorf("the order: %s", got)
		}
	}
	if got := string(s.Person(identity.Seller).Must(t, parcels, apitest.Vars{"id": order}).Raw()); got != `{"order":null}` {
		t.Errorf("another sees %s", got)
	}
	ask := func(change apitest.Vars) apitest.Vars {
		in := apitest.Vars{"orderId": order, "idempotencyKey": uuid.NewString()}
		maps.Copy(in, change)
		return input(in)
	}
	if got := codeOf(t, s.seller.Client, shipmentCreate, ask(apitest.Vars{"pickupPointId": "034440"})); got != "SHIPMENT_AS_CHOSEN" {
		t.Errorf("to another point: %s", got)
	}
	sent := s.seller.Must(t, shipmentCreate, ask(nil)).At("shipmentCreate.shipment")
	if sent.Str("carrier") != "MONDIAL_RELAY" || sent.Str("product") != "24R" || sent.Str("pickupPointId") != aRelay || sent.Str("status") != "LABELLED" || !strings.Contains(string(sent.Raw()), `"grams":900`) {
		t.Errorf("sent: %s", sent.Raw())
	}
	// By the seller, and in person, no carrier's label is bought.
	for code, want := range map[string]string{"SELLER/1": "SHIPMENT_AS_CHOSEN", "IN_PERSON": "ORDER_IN_PERSON"} {
		s.put()
		own := s.confirm(s.buyer.Must(t, shippingQuote, s.chosen(code, nil))).Str("checkoutConfirm.orders.0.id")
		if got := codeOf(t, s.seller.Client, shipmentCreate, input(apitest.Vars{"orderId": own, "carrier": "MONDIAL_RELAY", "product": "24R", "pickupPointId": aRelay, "grams": 900, "idempotencyKey": uuid.NewString()})); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
		if code == "IN_PERSON" {
			o := s.buyer.Must(t, `query($id: ID!) { order(id: $id) { handOverCode shipTo { name } } }`, apitest.Vars{"id": own})
			done := s.seller.Must(t, `mutation($input: OrderHandOverInput!) { orderHandOver(input: $input) { order { fulfilment } userErrors { code } } }`,
				input(apitest.Vars{"orderId": own, "code": o.Str("order.handOverCode"), "idempotencyKey": "k"}))
			if done.Str("orderHandOver.order.fulfilment") != "RECEIVED" || !strings.Contains(string(o.Raw()), `"shipTo":null`) {
				t.Errorf("handed over: %s, %s", done.Raw(), o.Raw())
			}
		}
	}
}

// An address that a carrier can't print, and one in a country that nobody goes to, are told before anything is paid.
func TestShippingToWhereNobodyGoes(t *testing.T) {
	t.Parallel()
	s := newRelayShop(t)
	s.put()
	for want, where := range map[string]apitest.Vars{
		"ADDRESS_SCRIPT":     with(parisOf("أمل حداد"), "line1", "شارع السلام ١٢"),
		"COUNTRY_NOT_SERVED": {"name": "Amal", "line1": "Unter den Linden 1", "city": "Berlin", "postalCode": "10117", "country": "DE"},
	} {
		to := s.buyer.Must(t, addressCreate, input(where)).Str("addressCreate.address.id")
		ask := s.chosen("MONDIAL_RELAY/24R", apitest.Vars{"pickupPointId": aRelay})
		ask["input"].(apitest.Vars)["addressId"] = to
		if got := string(s.buyer.Must(t, shippingQuote, ask).Raw()); !strings.Contains(got, `{"code":"`+want+`","field":["shipping","0","optionCode"]}`) {
			t.Errorf("%s: %s", want, got)
		}
	}
	if n := s.Int(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`); n != 0 {
		t.Errorf("%d reservations are open", n)
	}
}

// Options cost one statement for all sellers who have said how they send, and nothing where nobody has.
func TestStatementsOfShipping(t *testing.T) {
	t.Parallel()
	s := newRelayShop(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
	c := &crowd{API: s.API}
	const ask = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id total { amount } groups { parcels { chosen { code } } } } userErrors { code } } }`
	key := func() apitest.Vars {
		return input(apitest.Vars{"addressId": s.home, "idempotencyKey": uuid.NewString()})
	}
	other := s.Person(identity.Seller)
	s.buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(s.Listing(other, "A brass pot").ID)}))
	s.buyer.Must(t, ask, key()) // the one before is given back, each time
	without := len(c.send(t, s.buyer.Client, ask, key()))
	s.Exec(`DELETE FROM cart_line`)
	s.put()
	with := len(c.send(t, s.buyer.Client, ask, key()))
	if with != without+1 {
		t.Errorf("%d statements with options, %d without", with, without)
	}
	s.put()
	s.put()
	if more := len(c.send(t, s.buyer.Client, ask, key())); more != with {
		t.Errorf("%d statements for a line, %d for three", with, more)
	}
	t.Logf("a quote is %d statements without options, %d with them", without, with)
}
