package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	chargebackFields = `id status reason amount { minor } covered { minor } respondBy decidedAt user { id } topUp { id amount { minor } }`
	chargebacksQuery = `query($status: ChargebackStatus, $first: Int, $after: String) { chargebacks(status: $status, first: $first, after: $after) {
		nodes { ` + chargebackFields + ` } pageInfo { hasNextPage endCursor } } }`
	chargebackNode = `query($id: ID!) { node(id: $id) { ... on Chargeback { ` + chargebackFields + ` } } }`
	supportEvents  = `subscription { supportEvents(afterVersion: 0) { version kind object { ... on Chargeback { id user { id } } } } }`
)

// dispute has the newest charge charged back, and the event of it handled.
func dispute(t *testing.T, a *graphtest.API) (disputeID string) {
	t.Helper()
	journal := a.Stripe.Journal()
	d, err := a.Stripe.OpenDispute(*journal[len(journal)-1].Source, "fraudulent", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	handle(t, a, d.ID, "created")
	return d.ID
}

// handle has an event about a dispute come in, and be handled.
func handle(t *testing.T, a *graphtest.API, disputeID, kind string) {
	t.Helper()
	event := "evt_" + disputeID + "_" + kind
	a.Exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status)
		VALUES ($1, 'stripe', 'charge.dispute.' || $2::text, $3, now(), 'RECEIVED')`, event, kind, disputeID)
	if err := a.Resolver.Payment.HandleEvent(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

// A top-up is charged back and lost: its user and support are told and see it, others see nothing, and no admin lets the wallet go meanwhile.
func TestAChargebackOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer, stranger, support, admin := a.Person(identity.Buyer), a.Person(identity.Buyer), a.Person(identity.Support), a.Person(identity.Admin)
	desk := support.Subscribe(t, supportEvents, nil)
	own := buyer.Subscribe(t, `subscription { viewerEvents(afterVersion: 0) { kind object { ... on Chargeback { id } } } }`, nil)
	topUp := a.TopUp(buyer, 50).NodeID().String()
	disputed := dispute(t, a)
	buyerID := id.User.Encode(buyer.ID)

	seen := support.Must(t, chargebacksQuery, apitest.Vars{"status": "NEEDS_RESPONSE"}).At("chargebacks.nodes.0")
	if seen.Str("reason") != "fraudulent" || seen.Str("amount.minor") != "5000" || seen.Str("user.id") != buyerID || seen.Str("topUp.id") != topUp ||
		seen.Str("respondBy") == "" || string(seen.At("covered").Raw()) != "null" {
		t.Errorf("support sees %s", seen.Raw())
	}
	chargeback := apitest.Vars{"id": seen.Str("id")}
	if got := buyer.Must(t, chargebackNode, chargeback).At("node"); got.Str("status") != "NEEDS_RESPONSE" || got.Str("topUp.id") != topUp {
		t.Errorf("the payer sees %s", got.Raw())
	}
	for name, who := range map[string]apitest.Client{"a stranger": stranger.Client, "nobody": a.Nobody()} {
		if got := who.Must(t, chargebackNode, chargeback); string(got.At("node").Raw()) != "null" {
			t.Errorf("%s sees %s", name, got.Raw())
		}
	}
	if got := buyer.Must(t, myWallet, nil); string(got.At("viewer.wallets.0.frozen").Raw()) != "true" {
		t.Errorf("the wallet: %s", got.Raw())
	}
	lift := input(apitest.Vars{"userId": buyerID, "reason": "a good customer"})
	if got := admin.Must(t, walletUnfreeze, lift); got.Str("walletUnfreeze.userErrors.0.code") != "WALLET_FREEZE_HELD" {
		t.Errorf("an admin lifts it: %s", got.Raw())
	}

	if err := a.Stripe.DecideDispute(disputed, "lost"); err != nil {
		t.Fatal(err)
	}
	handle(t, a, disputed, "closed")
	if got := support.Must(t, chargebackNode, chargeback).At("node"); got.Str("status") != "LOST" || got.Str("covered.minor") != "5000" || got.Str("decidedAt") == "" {
		t.Errorf("in the end: %s", got.Raw())
	}
	for version := 1; version <= 2; version++ {
		e := desk.Next().At("supportEvents")
		if e.Int("version") != version || e.Str("kind") != "CHARGEBACK_CHANGED" || e.Str("object.id") != seen.Str("id") || e.Str("object.user.id") != buyerID {
			t.Errorf("support is told %s", e.Raw())
		}
	}
	for _, want := range []string{"TOP_UP_CHANGED", "CHARGEBACK_CHANGED", "WALLET_FROZEN", "CHARGEBACK_CHANGED", "WALLET_UNFROZEN"} {
		e := own.Next().At("viewerEvents")
		if e.Str("kind") != want || (want == "CHARGEBACK_CHANGED" && e.Str("object.id") != seen.Str("id")) {
			t.Errorf("the payer is told %s, want %s", e.Raw(), want)
		}
	}
}

// A page of chargebacks is read by the same statements however long it is, and only by support.
func TestThePagesOfChargebacks(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	support := a.Person(identity.Support)
	for range 3 {
		a.TopUp(a.Person(identity.Buyer), 20)
		dispute(t, a)
	}
	page := support.Must(t, chargebacksQuery, apitest.Vars{"first": 2}).At("chargebacks")
	if page.Str("nodes.1.id") == "" || string(page.At("pageInfo.hasNextPage").Raw()) != "true" {
		t.Errorf("got %s", page.Raw())
	}
	a.Statements.Drain()
	support.Must(t, chargebacksQuery, apitest.Vars{"first": 1})
	one := len(a.Statements.Drain())
	rest := support.Must(t, chargebacksQuery, apitest.Vars{"first": 2, "after": page.Str("pageInfo.endCursor")}).At("chargebacks")
	if len(a.Statements.Drain()) != one || rest.Str("nodes.0.id") == page.Str("nodes.1.id") || string(rest.At("pageInfo.hasNextPage").Raw()) != "false" {
		t.Errorf("got %s", rest.Raw())
	}
	for _, role := range []identity.Role{identity.Buyer, identity.Seller} {
		answer, err := a.Person(role).Do(chargebacksQuery, nil)
		if err != nil || len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%s: %+v, %v", role, answer, err)
		}
	}
	table := []bad{
		{name: "a page of 101", query: chargebacksQuery, vars: apitest.Vars{"first": 101}, code: "PAGE_SIZE_INVALID", top: true},
		{name: "another list's cursor", query: chargebacksQuery, vars: apitest.Vars{"after": "abc"}, code: "CURSOR_INVALID", top: true},
		{name: "a status in lower case", query: chargebacksQuery, vars: apitest.Vars{"status": "won"}, code: "GRAPHQL_VALIDATION_FAILED", top: true},
	}
	b := &bazaar{API: a}
	for i := range table {
		table[i].who = support.Client
	}
	b.refuse(t, table)
}

// An order's card payment is charged back and lost: both parties see why nothing can be done, and what is gone in the end.
func TestAnOrdersChargebackOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	defer everything(t, b.API)
	support := b.Person(identity.Support)
	order := b.owed(50)
	named := apitest.Vars{"id": order}
	b.buyer.Must(t, orderPay, input(apitest.Vars{"orderId": order, "cardId": b.card, "walletAmount": eur("20"), "idempotencyKey": b.key()}))
	b.seller.Must(t, orderShip, input(apitest.Vars{"orderId": order, "idempotencyKey": b.key()}))
	events := b.seller.Subscribe(t, `subscription($id: ID!) { orderEvents(orderId: $id) { kind order { disputed chargedBack { amount } } } }`, named)
	if e := events.Next().At("orderEvents"); e.Str("kind") != "SNAPSHOT" {
		t.Fatalf("the events begin with %s", e.Raw())
	}
	disputed := dispute(t, b.API)

	const seen = `query($id: ID!) { order(id: $id) { payment disputed chargedBack { amount } availableActions } }`
	for _, who := range []apitest.Client{b.buyer.Client, b.seller.Client} {
		b.wants(who.Must(t, seen, named).At("order"), `{"payment":"PAID","disputed":true,"chargedBack":{"amount":"0.00"},"availableActions":[]}`)
	}
	const received = `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { userErrors { code } } }`
	b.wants(b.buyer.Must(t, received, input(apitest.Vars{"orderId": order, "idempotencyKey": b.key()})).At("orderConfirmReceipt.userErrors"), `[{"code":"ORDER_DISPUTED"}]`)
	b.wants(b.seller.Must(t, orderRefund, input(apitest.Vars{"orderId": order, "reason": "sorry", "idempotencyKey": b.key()})).At("orderRefund.userErrors"),
		`[{"code":"ORDER_DISPUTED","field":null}]`)
	b.wants(support.Must(t, `{ chargebacks { nodes { status orderId topUp { id } amount { amount } } } }`, nil).At("chargebacks.nodes.0"),
		`{"status":"NEEDS_RESPONSE","orderId":"`+order+`","topUp":null,"amount":{"amount":"30.00"}}`)

	if err := b.Stripe.DecideDispute(disputed, "lost"); err != nil {
		t.Fatal(err)
	}
	handle(t, b.API, disputed, "closed")
	b.wants(b.buyer.Must(t, seen, named).At("order"), `{"payment":"PAID","disputed":false,"chargedBack":{"amount":"30.00"},"availableActions":["CONFIRM_RECEIPT","REPORT_PROBLEM","REQUEST_RETURN"]}`)
	b.wants(events.Next().At("orderEvents"), `{"kind":"CHARGEBACK_CHANGED","order":{"disputed":true,"chargedBack":{"amount":"0.00"}}}`)
	b.wants(events.Next().At("orderEvents"), `{"kind":"CHARGEBACK_CHANGED","order":{"disputed":false,"chargedBack":{"amount":"30.00"}}}`)
}
