package graph_test

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	shipmentFields = `{ id status returns recall carrier product pickupPointId trackingNumber grams attempts labelUrl losses { field lost } lastError { outcome code text } nextTryAt steps { text place } location { name } }`
	shipmentCreate = `mutation($input: ShipmentCreateInput!) { shipmentCreate(input: $input) { shipment ` + shipmentFields + ` userErrors { code field } } }`
	shipmentCancel = `mutation($input: ShipmentCancelInput!) { shipmentCancel(input: $input) { shipment ` + shipmentFields + ` userErrors { code field } } }`
	orderParcels   = `query($id: ID!) { order(id: $id) { payment fulfilment tracking shipments ` + shipmentFields + ` } }`
	aRelay         = "034439" // in Paris, at the fake
)

// postOffice is an order of a buyer's in Paris that is paid, and its seller in Lyon.
type postOffice struct {
	*graphtest.API

	t             *testing.T
	buyer, seller graphtest.Person
	order         string
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	a := graphtest.New(t)
	p := &postOffice{API: a, t: t, buyer: a.Funded(500), seller: a.Person(identity.Seller)}
	p.seller.Must(t, addressCreate, input(with(parisOf("Le Marché"), "phone", "+33472000000")))
	p.order = p.bought()
	return p
}

// bought is another order of theirs.
func (p *postOffice) bought() string {
	p.t.Helper()
	p.buyer.Must(p.t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(p.Listing(p.seller, "A brass pot").ID)}))
	home := p.buyer.Must(p.t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
	quote := p.buyer.Must(p.t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": uuid.NewString()})).Str("checkoutQuote.quote.id")
	return p.buyer.Must(p.t, checkoutConfirm, input(apitest.Vars{"quoteId": quote, "total": eur("20"), "idempotencyKey": uuid.NewString()})).Str("checkoutConfirm.orders.0.id")
}

// parcel is what shipmentCreate is asked for, with some fields otherwise.
func (p *postOffice) parcel(change apitest.Vars) apitest.Vars {
	in := apitest.Vars{"orderId": p.order, "carrier": "MONDIAL_RELAY", "product": "24R", "pickupPointId": aRelay, "grams": 900, "idempotencyKey": uuid.NewString()}
	maps.Copy(in, change)
	return input(in)
}

// create has a label bought, and gives the shipment.
func (p *postOffice) create() apitest.JSON {
	p.t.Helper()
	return p.seller.Must(p.t, shipmentCreate, p.parcel(nil)).At("shipmentCreate.shipment")
}

// due has everything that waits come to its turn, and works it off.
func (p *postOffice) due() {
	p.t.Helper()
	p.Exec(`UPDATE shipment SET next_try_at = CASE WHEN next_try_at IS NOT NULL THEN clock_timestamp() END, busy_until = NULL, recall_at = CASE WHEN recall_at IS NOT NULL THEN clock_timestamp() END, track_at = CASE WHEN track_at IS NOT NULL THEN clock_timestamp() END`)
	if err := p.Resolver.Shipping.Sweep(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// now is the order's only shipment, as its seller sees it.
func (p *postOffice) now() apitest.JSON {
	p.t.Helper()
	return p.seller.Must(p.t, orderParcels, apitest.Vars{"id": p.order}).At("order.shipments.0")
}

// paidFor is how often labels were booked, and checks that the books agree.
func (p *postOffice) paidFor() int64 {
	p.t.Helper()
	return p.Int(`SELECT count(*) FROM ledger.entry WHERE flow = 'label'`)
}

// From a label to the buyer's hands, as both of them see it; nobody else sees any of it.
func TestAParcelThroughTheAPI(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	made := p.create()
	number := made.Str("trackingNumber")
	if made.Str("status") != "LABELLED" || number == "" || made.Str("labelUrl") == "" || p.paidFor() != 1 {
		t.Fatalf("%s", made.Raw())
	}
	link := fetch(t, "GET", made.Str("labelUrl"), "")
	label, err := io.ReadAll(link.Body)
	if err != nil || !strings.HasPrefix(string(label), "%PDF-") || !strings.Contains(string(label), number) || link.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the label: %.60q, %v, %s", label, err, link.Header.Get("Content-Type"))
	}
	if got := p.Int(`SELECT p.amount FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'carrier_payable'`); got != 539 {
		t.Errorf("the label costs %d", got)
	}
	seen := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}).At("order.shipments.0")
	if seen.Str("trackingNumber") != number || !strings.Contains(string(seen.Raw()), `"labelUrl":null`) {
		t.Errorf("the buyer sees %s", seen.Raw())
	}
	byID := `query($id: ID!) { node(id: $id) { ... on Shipment { trackingNumber } } }`
	for who, want := range map[string]struct {
		apitest.Client
		sees bool
	}{
		"its buyer": {p.buyer.Client, true}, "its seller": {p.seller.Client, true}, "another": {p.Funded(1).Client, false}, "nobody": {p.Nobody(), false},
		"another seller": {p.Person(identity.Seller).Client, false},
	} {
		if got := string(want.Must(t, byID, apitest.Vars{"id": made.Str("id")}).Raw()); strings.Contains(got, number) != want.sees {
			t.Errorf("%s sees %s", who, got)
		}
	}
	// orderShip tells the carrier's number where the seller tells none.
	if got := p.seller.Must(t, orderShip, input(apitest.Vars{"orderId": p.order, "idempotencyKey": "s"})).Str("orderShip.order.tracking"); got != number {
		t.Errorf("tracking %q", got)
	}
	for _, c := range []struct{ stat, text, status, fulfilment string }{
		{"81", "PRISE EN CHARGE EN AGENCE", "IN_TRANSIT", "EN_ROUTE"},
		{"83", "ANOMALIE", "IN_TRANSIT", "EN_ROUTE"},
		{"81", "COLIS DISPONIBLE AU POINT RELAIS", "READY_FOR_PICKUP", "EN_ROUTE"},
		{"82", "COLIS LIVRÉ", "DELIVERED", "RECEIVED"},
		{"81", "told too late", "DELIVERED", "RECEIVED"},
	} {
		p.Relay.Move(number, c.stat, c.text, "PARIS")
		p.due()
		o := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order})
		if o.Str("order.shipments.0.status") != c.status || o.Str("order.fulfilment") != c.fulfilment || o.Str("order.payment") != "PAID" {
			t.Errorf("%s: %s", c.text, o.Raw())
		}
	}
	if last := p.now(); !strings.Contains(string(last.Raw()), `{"place":"PARIS","text":"COLIS LIVRÉ"}`) {
		t.Errorf("%s", last.Raw())
	}
	support := p.Person(identity.Support)
	told := string(support.Must(t, `query($id: ID!) { orderHappenings(orderId: $id) { part what } }`, apitest.Vars{"id": p.order}).Raw())
	for _, want := range []string{"labelled as " + number, "COLIS LIVRÉ", "label (shipment:", "is DELIVERED"} {
		if !strings.Contains(told, want) {
			t.Errorf("of %q nothing is told: %s", want, told)
		}
	}
}

// The carrier's first scan says that a paid order was sent, whatever its seller says.
func TestTheCarriersScanSendsTheOrder(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Move(p.create().Str("trackingNumber"), "81", "PRISE EN CHARGE", "LYON")
	p.due()
	if got := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}); got.Str("order.fulfilment") != "EN_ROUTE" {
		t.Errorf("%s", got.Raw())
	}
}

func TestShipmentsRefused(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	rival, poor := p.Person(identity.Seller), p.Person(identity.Seller)
	rival.Must(t, addressCreate, input(parisOf("A Rival")))
	elsewhere := p.seller.Must(t, mutation("locationCreate"), input(apitest.Vars{"name": "A shed", "region": "FR"}))
	_ = elsewhere
	shed := id.Location.Encode(uuid.MustParse(p.Texts(`SELECT id::text FROM location WHERE seller_id = $1`, p.seller.ID)[0]))
	silent := p.seller.Must(t, addressCreate, input(with(parisOf("No Phone"), "phone", ""))).Str("addressCreate.address.id")
	arabic := p.seller.Must(t, addressCreate, input(with(with(parisOf("X"), "name", "علي"), "phone", "+33472000000"))).Str("addressCreate.address.id")
	before := p.Digest()
	for name, c := range map[string]struct {
		who    graphtest.Person
		change apitest.Vars
		want   string
	}{
		"another's order":            {rival, nil, "ORDER_NOT_FOUND"},
		"nothing to send from":       {poor, nil, "SENDER_ADDRESS_REQUIRED"},
		"another's address":          {p.seller, apitest.Vars{"fromAddressId": id.Address.Encode(id.New())}, "ADDRESS_NOT_FOUND"},
		"an address without a phone": {p.seller, apitest.Vars{"fromAddressId": silent}, "PHONE_REQUIRED"},
		"an address in Arabic":       {p.seller, apitest.Vars{"fromAddressId": arabic}, "ADDRESS_SCRIPT"},
		"no such order":              {p.seller, apitest.Vars{"orderId": id.Order.Encode(id.New())}, "ORDER_NOT_FOUND"},
		"an id of a listing":         {p.seller, apitest.Vars{"orderId": id.Listing.Encode(id.New())}, "ID_WRONG_KIND"},
		"a carrier that is none":     {p.seller, apitest.Vars{"carrier": "PIGEON"}, "CARRIER_UNKNOWN"},
		"a product that it has not":  {p.seller, apitest.Vars{"product": "ROCKET"}, "CARRIER_PRODUCT_UNKNOWN"},
		"no pickup point":            {p.seller, apitest.Vars{"pickupPointId": nil}, "PICKUP_POINT_REQUIRED"},
		"nothing":                    {p.seller, apitest.Vars{"grams": 0}, "PARCEL_WEIGHT"},
		"less than nothing":          {p.seller, apitest.Vars{"grams": -1}, "PARCEL_WEIGHT"},
		"too much":                   {p.seller, apitest.Vars{"grams": 30_001}, "PARCEL_WEIGHT"},
		"far too much":               {p.seller, apitest.Vars{"grams": 1_000_000_000}, "PARCEL_WEIGHT"},
		"a place without the goods":  {p.seller, apitest.Vars{"locationId": shed}, "SHIPMENT_PLACE"},
	} {
		if got := codeOf(t, c.who.Client, shipmentCreate, p.parcel(c.change)); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
	for table, content := range p.Digest() {
		if table != "public.idempotency_answer" && before[table] != content {
			t.Errorf("%s was changed by what was refused", table)
		}
	}
	if got := codeOf(t, p.buyer.Client, shipmentCreate, p.parcel(nil)); got != "FORBIDDEN" {
		t.Errorf("its buyer: %s", got)
	}
	p.seller.Must(t, mutation("orderCancel"), input(apitest.Vars{"orderId": p.order, "reason": "gone", "idempotencyKey": "c"}))
	if got := codeOf(t, p.seller.Client, shipmentCreate, p.parcel(nil)); got != "ORDER_NOT_TO_SEND" {
		t.Errorf("a cancelled order: %s", got)
	}
}

// A pickup point that closed is the carrier's to refuse: nothing is bought, and another may be chosen.
func TestAPickupPointThatClosed(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Close(aRelay)
	made := p.create()
	if made.Str("status") != "FAILED" || made.Str("lastError.outcome") != "REFUSED" || made.Str("lastError.code") != "PICKUP_POINT_CLOSED" || !strings.Contains(made.Str("lastError.text"), "93") || p.paidFor() != 0 {
		t.Errorf("%s", made.Raw())
	}
	again := p.seller.Must(t, shipmentCreate, p.parcel(apitest.Vars{"pickupPointId": "024474"})).At("shipmentCreate.shipment")
	if again.Str("status") != "LABELLED" || p.paidFor() != 1 || len(p.Relay.Parcels()) != 1 {
		t.Errorf("%s", again.Raw())
	}
}

// A carrier that is down never loses an order: it is seen to wait, it is tried again, and after a while somebody is told.
func TestACarrierThatIsDown(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail(carrierfake.Down, -1)
	made := p.create()
	if made.Str("status") != "PENDING" || made.Str("lastError.outcome") != "UNAVAILABLE" || made.Str("lastError.code") != "503" || made.Str("nextTryAt") == "" {
		t.Fatalf("%s", made.Raw())
	}
	for range 3 {
		p.due()
	}
	if got := p.now(); got.Str("status") != "PENDING" || string(got.At("attempts").Raw()) != "4" || p.Int(`SELECT count(*) FROM notification WHERE kind = 'SHIPMENT_DELAYED'`) != 0 {
		t.Errorf("%s", got.Raw())
	}
	if wait := p.Int(`SELECT extract(epoch FROM next_try_at - clock_timestamp())::bigint FROM shipment`); wait < 60 || wait > 80 {
		t.Errorf("after four tries it waits %d s", wait)
	}
	p.Exec(`UPDATE shipment SET created_at = created_at - interval '31 minutes'`)
	for range 3 {
		p.due()
	}
	if n := p.Int(`SELECT count(*) FROM notification WHERE kind = 'SHIPMENT_DELAYED' AND recipient_id = $1`, p.seller.ID); n != 1 {
		t.Errorf("its seller was told %d times", n)
	}
	notice := string(p.seller.Must(t, `{ viewer { notifications { nodes { kind subject { ... on Order { id } } } } } }`, nil).Raw())
	if !strings.Contains(notice, `{"kind":"SHIPMENT_DELAYED","subject":{"id":"`+p.order+`"}}`) {
		t.Errorf("%s", notice)
	}
	p.Relay.Plan.Clear()
	for deadline := time.Now().Add(time.Minute); p.now().Str("status") == "PENDING" && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		p.due() // once the breaker lets it through
	}
	if got := p.now(); got.Str("status") != "LABELLED" || len(p.Relay.Parcels()) != 1 || p.paidFor() != 1 {
		t.Errorf("once it is back: %s", got.Raw())
	}
}

// Whatever is lost, before the effect or after it: one label is paid, the shipment has one number, and what was not used costs nothing.
func TestAnswersThatAreLost(t *testing.T) {
	t.Parallel()
	for _, fault := range []carrierfake.Fault{carrierfake.CutBefore, carrierfake.CutAfter, carrierfake.ErrorBefore, carrierfake.ErrorAfter, carrierfake.Garbage} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			p := newPostOffice(t)
			p.Relay.Plan.Fail(fault, 1)
			if made := p.create(); made.Str("status") != "PENDING" || made.Str("lastError.outcome") != "UNKNOWN" {
				t.Errorf("%s", made.Raw())
			}
			if got := codeOf(t, p.seller.Client, shipmentCreate, p.parcel(nil)); got != "none" {
				t.Errorf("another while it waits: %s", got)
			}
			p.due()
			numbers := p.Relay.Parcels()
			if got := p.now(); got.Str("status") != "LABELLED" || got.Str("trackingNumber") != numbers[len(numbers)-1].Number || p.paidFor() != 1 || p.Int(`SELECT count(*) FROM shipment`) != 1 {
				t.Errorf("%s", got.Raw())
			}
		})
	}
}

// The label is fetched after the parcel is registered: where that fails, the same parcel's label is fetched again.
func TestALabelThatDoesNotCome(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail("", 1) // the registration passes
	p.Relay.Plan.Fail(carrierfake.CutAfter, 1)
	made := p.create()
	if made.Str("status") != "PENDING" || made.Str("trackingNumber") == "" || made.Str("lastError.outcome") != "UNAVAILABLE" {
		t.Fatalf("%s", made.Raw())
	}
	p.due()
	if got := p.now(); got.Str("status") != "LABELLED" || got.Str("trackingNumber") != made.Str("trackingNumber") || len(p.Relay.Parcels()) != 1 || p.paidFor() != 1 {
		t.Errorf("%s", got.Raw())
	}
}

// Many servers at once, and a retry with another key: one label.
func TestOneLabelHoweverManyTry(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail(carrierfake.Down, 1)
	made := p.create()
	shipment, err := id.Shipment.Decode(made.Str("id"))
	if err != nil {
		t.Fatal(err)
	}
	p.Exec(`UPDATE shipment SET next_try_at = clock_timestamp()`)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			switch i % 3 {
			case 0:
				_ = p.Resolver.Shipping.Advance(context.Background(), shipment)
			case 1:
				_ = p.Resolver.Shipping.Sweep(context.Background())
			default:
				_, _ = p.seller.Do(shipmentCreate, p.parcel(apitest.Vars{"idempotencyKey": strconv.Itoa(i)}))
			}
		})
	}
	all.Wait()
	if got := p.now(); got.Str("status") != "LABELLED" || len(p.Relay.Parcels()) != 1 || p.paidFor() != 1 || p.Int(`SELECT count(*) FROM shipment`) != 1 {
		t.Errorf("%s", got.Raw())
	}
}

// A server that was killed while it asked leaves a shipment in doubt, which another takes up once its lease is over.
func TestAKilledServersShipment(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail(carrierfake.Down, 1)
	p.create()
	p.Exec(`UPDATE shipment SET in_doubt = true, busy_until = clock_timestamp() + interval '1 minute', next_try_at = clock_timestamp()`)
	if err := p.Resolver.Shipping.Sweep(t.Context()); err != nil || p.now().Str("status") != "PENDING" {
		t.Errorf("somebody is at it: %v", err)
	}
	if got := codeOf(t, p.seller.Client, shipmentCancel, input(apitest.Vars{"shipmentId": p.now().Str("id")})); got != "SHIPMENT_BUSY" {
		t.Errorf("given up meanwhile: %s", got)
	}
	p.due()
	if got := p.now(); got.Str("status") != "LABELLED" || p.paidFor() != 1 {
		t.Errorf("%s", got.Raw())
	}
}

func TestAShipmentIsGivenUp(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail(carrierfake.Down, 1)
	cancel := func(shipment string) string {
		return codeOf(t, p.seller.Client, shipmentCancel, input(apitest.Vars{"shipmentId": shipment}))
	}
	made := p.create().Str("id")
	for who, c := range map[string]apitest.Client{"another seller": p.Person(identity.Seller).Client, "its buyer": p.buyer.Client} {
		if got := codeOf(t, c, shipmentCancel, input(apitest.Vars{"shipmentId": made})); !slices.Contains([]string{"SHIPMENT_NOT_FOUND", "FORBIDDEN"}, got) {
			t.Errorf("%s: %s", who, got)
		}
	}
	if got := cancel(made); got != "none" || cancel(made) != "none" {
		t.Errorf("given up: %s", got)
	}
	p.due()
	if got := p.now(); got.Str("status") != "FAILED" || got.Str("lastError.outcome") != "CANCELLED" || len(p.Relay.Parcels()) != 0 {
		t.Errorf("%s", got.Raw())
	}
	second := p.create()
	if second.Str("status") != "LABELLED" || second.Str("id") == made {
		t.Fatalf("%s", second.Raw())
	}
	p.Relay.Move(second.Str("trackingNumber"), "81", "PRISE EN CHARGE", "")
	p.due()
	if got := cancel(second.Str("id")); got != "SHIPMENT_UNDER_WAY" {
		t.Errorf("on its way: %s", got)
	}
}

// An order that is cancelled while its label waits has none bought.
func TestACancelledOrdersLabel(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	p.Relay.Plan.Fail(carrierfake.Down, 1)
	p.create()
	p.seller.Must(t, mutation("orderCancel"), input(apitest.Vars{"orderId": p.order, "reason": "gone", "idempotencyKey": "c"}))
	p.due()
	if got := p.now(); got.Str("status") != "FAILED" || got.Str("lastError.code") != "ORDER_CANCELLED" || len(p.Relay.Parcels()) != 0 {
		t.Errorf("%s", got.Raw())
	}
}

// Pickup points near a place, for whoever is signed in; what is no place, and a carrier that is down, is said.
func TestPickupPoints(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	query := `query($carrier: String!, $country: String!, $code: String!) { pickupPoints(carrier: $carrier, country: $country, postalCode: $code) { number name postalCode metres } }`
	ask := func(carrier, country, code string) apitest.Vars {
		return apitest.Vars{"carrier": carrier, "country": country, "code": code}
	}
	got := p.buyer.Must(t, query, ask("MONDIAL_RELAY", "fr", "75001"))
	if got.Str("pickupPoints.0.number") != aRelay || got.Str("pickupPoints.2.number") == "" {
		t.Errorf("%s", got.Raw())
	}
	for want, vars := range map[string]apitest.Vars{
		"CARRIER_UNKNOWN": ask("PIGEON", "FR", "75001"), "PICKUP_POINT_PLACE": ask("MONDIAL_RELAY", "FRA", "75001"),
	} {
		if got := codeOf(t, p.buyer.Client, query, vars); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if got := codeOf(t, p.Nobody(), query, ask("MONDIAL_RELAY", "FR", "75001")); got != "UNAUTHENTICATED" {
		t.Errorf("nobody: %s", got)
	}
	p.Relay.Plan.Fail(carrierfake.Down, -1)
	if got := codeOf(t, p.buyer.Client, query, ask("MONDIAL_RELAY", "FR", "69002")); got != "CARRIER_UNAVAILABLE" {
		t.Errorf("while it is down, where nobody has asked before: %s", got)
	}
}
