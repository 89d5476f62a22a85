package graph_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	startByCard = `mutation($input: AuctionStartInput!) { auctionStart(input: $input) { auction { id backing } userErrors { code field } } }`
	bidByCard   = `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { leading bid { id } userErrors { code field } } }`
	orderPay    = `mutation($input: OrderPayInput!) { orderPay(input: $input) {
		order { payment availableActions }
		orderPayment { id status nextActionUrl failureCode walletAmount { amount } cardAmount { amount } card { last4 } }
		userErrors { code field ... on CardDeclined { declineCode } ... on CardAmountOutOfRange { limit { amount } } } } }`
	orderPaymentRefresh = `mutation($input: OrderPaymentRefreshInput!) { orderPaymentRefresh(input: $input) {
		orderPayment { status failureCode } userErrors { code } } }`
	orderShip   = `mutation($input: OrderShipInput!) { orderShip(input: $input) { order { payment fulfilment tracking } userErrors { code } } }`
	orderCancel = `mutation($input: OrderCancelInput!) { orderCancel(input: $input) { order { payment fulfilment cancelReason } userErrors { code } } }`
	orderRefund = `mutation($input: OrderRefundInput!) { orderRefund(input: $input) {
		order { payment fulfilment refunded { amount } fee { amount } earnings { amount } }
		userErrors { code field ... on RefundTooLarge { maximum { amount } } } } }`
	orderOfBoth = `query($id: ID!) { order(id: $id) { payment availableActions card { last4 }
		payments { id status walletAmount { amount } cardAmount { amount } card { id } }
		refunds { amount { amount } walletAmount { amount } cardAmount { amount } refundId reason } } }`
)

// bazaarByCard is an API with a buyer who has a card, and can win lots with it.
type bazaarByCard struct {
	*graphtest.API
	t             *testing.T
	seller, buyer graphtest.Person
	card          string
	n             int
}

func newBazaarByCard(t *testing.T, method string) *bazaarByCard {
	t.Helper()
	b := &bazaarByCard{API: graphtest.New(t), t: t}
	b.seller, b.buyer = b.Person(identity.Seller), b.Funded(100)
	b.card = b.saved(b.buyer, method)
	return b
}

func (b *bazaarByCard) saved(who graphtest.Person, method string) string {
	b.t.Helper()
	setup := who.Must(b.t, setupStart, input(apitest.Vars{"paymentMethod": method})).At("cardSetupStart.cardSetup")
	if setup.Str("status") == "REQUIRES_ACTION" {
		holder(b.t, setup.Str("nextActionUrl"), "succeed")
		setup = who.Must(b.t, setupFinish, input(apitest.Vars{"cardSetupId": setup.Str("id")})).At("cardSetupFinish.cardSetup")
	}
	return setup.Str("card.id")
}

func (b *bazaarByCard) key() string {
	b.n++
	return fmt.Sprint("key-", b.n)
}

// owed is the order of a lot that the buyer won with the card, at so many euros.
func (b *bazaarByCard) owed(euros int64) string {
	b.t.Helper()
	price := eur(strconv.FormatInt(euros, 10))
	lot := b.seller.Must(b.t, startByCard, input(apitest.Vars{
		"listingId": b.Listing(b.seller, "A lot").NodeID().String(), "backing": "CARD", "startPrice": price, "durationSeconds": 600,
	})).At("auctionStart.auction")
	if lot.Str("backing") != "CARD" {
		b.t.Fatalf("got %s", lot.Raw())
	}
	bid := b.buyer.Must(b.t, bidByCard, input(apitest.Vars{"auctionId": lot.Str("id"), "amount": price, "cardId": b.card, "idempotencyKey": b.key()}))
	if bid.Str("bidPlace.bid.id") == "" {
		b.t.Fatalf("got %s", bid.Raw())
	}
	_, won, err := id.Parse(lot.Str("id"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Close(auction.Auction{ID: won}).String()
}

// wants compares an answer with JSON in any order of its fields.
func (b *bazaarByCard) wants(got apitest.JSON, want string) {
	b.t.Helper()
	if inOrder(b.t, got.Raw()) != inOrder(b.t, []byte(want)) {
		b.t.Errorf("got %s, want %s", got.Raw(), want)
	}
}

// inOrder writes JSON with its fields in the order of their names.
func inOrder(t *testing.T, raw []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

// An order is paid by wallet and card, shipped and refunded; each side sees its own of it, and the buyer hears of the payment.
func TestOrderByCardOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	defer everything(t, b.API)
	order := b.owed(50)
	mine := apitest.Vars{"id": order}
	b.wants(b.buyer.Must(t, orderOfBoth, mine).At("order"),
		`{"payment":"PENDING","availableActions":["PAY","CHECK_OUT","CANCEL"],"card":{"last4":"4242"},"payments":[],"refunds":[]}`)
	b.wants(b.seller.Must(t, orderOfBoth, mine).At("order"),
		`{"payment":"PENDING","availableActions":["CANCEL"],"card":null,"payments":[],"refunds":[]}`)
	events := b.buyer.Subscribe(t, `subscription { viewerEvents { kind object { ... on OrderPayment { status } } } }`, nil)

	if e := events.Next().At("viewerEvents"); e.Str("kind") != "SNAPSHOT" {
		t.Fatalf("the events begin with %s", e.Raw())
	}
	pay := input(apitest.Vars{"orderId": order, "cardId": b.card, "walletAmount": eur("20"), "idempotencyKey": b.key()})
	paid := b.buyer.Must(t, orderPay, pay).At("orderPay")
	payment := paid.Str("orderPayment.id")
	b.wants(paid, fmt.Sprintf(`{"order":{"payment":"AUTHORISED","availableActions":["CHECK_OUT"]},"orderPayment":{"id":%q,"status":"AUTHORISED","nextActionUrl":null,`+
		`"failureCode":null,"walletAmount":{"amount":"20.00"},"cardAmount":{"amount":"30.00"},"card":{"last4":"4242"}},"userErrors":[]}`, payment))
	if again := b.buyer.Must(t, orderPay, pay).At("orderPay"); string(again.Raw()) != string(paid.Raw()) {
		t.Errorf("again: %s", again.Raw())
	}
	named := apitest.Vars{"id": payment}
	const node = `query($id: ID!) { node(id: $id) { ... on OrderPayment { status } } }`
	b.wants(b.buyer.Must(t, node, named).At("node"), `{"status":"AUTHORISED"}`)
	b.wants(b.seller.Must(t, node, named).At("node"), `null`)

	b.wants(b.seller.Must(t, orderShip, input(apitest.Vars{"orderId": order, "tracking": "RR1", "idempotencyKey": b.key()})).At("orderShip"),
		`{"order":{"payment":"PAID","fulfilment":"SENT","tracking":"RR1"},"userErrors":[]}`)
	refund := func(amount string) apitest.JSON {
		return b.seller.Must(t, orderRefund, input(apitest.Vars{"orderId": order, "amount": eur(amount), "reason": "A dent.", "idempotencyKey": b.key()})).At("orderRefund")
	}
	b.wants(refund("50.01"), `{"order":null,"userErrors":[{"code":"REFUND_TOO_LARGE","field":["amount"],"maximum":{"amount":"50.00"}}]}`)
	b.wants(refund("10"), `{"order":{"payment":"PAID","fulfilment":"SENT","refunded":{"amount":"10.00"},"fee":{"amount":"4.00"},"earnings":{"amount":"36.00"}},"userErrors":[]}`)
	got := b.buyer.Must(t, orderOfBoth, mine).At("order.refunds.0")
	b.wants(b.buyer.Must(t, `query($id: ID!) { node(id: $id) { ... on Refund { status amount { amount } } } }`, apitest.Vars{"id": got.Str("refundId")}).At("node"),
		`{"status":"SUCCEEDED","amount":{"amount":"6.00"}}`)
	b.wants(b.seller.Must(t, orderOfBoth, mine).At("order.refunds"),
		`[{"amount":{"amount":"10.00"},"walletAmount":{"amount":"4.00"},"cardAmount":{"amount":"6.00"},"refundId":null,"reason":"A dent."}]`)
	for _, kind := range []string{"ORDER_PAYMENT_CHANGED", "ORDER_PAYMENT_CHANGED", "ORDER_PAYMENT_CHANGED", "REFUND_CHANGED"} {
		e := events.Next().At("viewerEvents")
		for e.Str("kind") == "NOTIFIED" { // that it was sent, and that money goes back
			e = events.Next().At("viewerEvents")
		}
		if e.Str("kind") != kind { // authorised, being captured, captured; the refund has left
			t.Errorf("told %s, want %s", e.Raw(), kind)
		}
	}
}

// A holder who is asked comes back, and the order is authorised; a stranger sees and changes nothing of it.
func TestOrderWithAuthenticationOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_authenticationRequired")
	order := b.owed(50)
	paid := b.buyer.Must(t, orderPay, input(apitest.Vars{"orderId": order, "cardId": b.card, "idempotencyKey": b.key()})).At("orderPay")
	if paid.Str("orderPayment.status") != "REQUIRES_ACTION" || paid.Str("order.payment") != "PENDING" {
		t.Fatalf("got %s", paid.Raw())
	}
	holder(t, paid.Str("orderPayment.nextActionUrl"), "succeed")
	asked := input(apitest.Vars{"orderPaymentId": paid.Str("orderPayment.id")})
	b.wants(b.seller.Must(t, orderPaymentRefresh, asked).At("orderPaymentRefresh"), `{"orderPayment":null,"userErrors":[{"code":"ORDER_PAYMENT_NOT_FOUND"}]}`)
	b.wants(b.buyer.Must(t, orderPaymentRefresh, asked).At("orderPaymentRefresh"), `{"orderPayment":{"status":"AUTHORISED","failureCode":null},"userErrors":[]}`)
	b.wants(b.seller.Must(t, orderCancel, input(apitest.Vars{"orderId": order, "reason": "Broken.", "idempotencyKey": b.key()})).At("orderCancel"),
		`{"order":{"payment":"VOIDED","fulfilment":"CANCELLED","cancelReason":"Broken."},"userErrors":[]}`)
}

// Who may not, and what cannot be, is refused with what the client needs next.
func TestOrderRefusalsOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_chargeCustomerFail")
	order := b.owed(50)
	stranger, admin, support := b.Person(identity.Seller), b.Person(identity.Admin), b.Person(identity.Support)
	mutationText := map[string]string{"orderPay": orderPay, "orderCancel": orderCancel, "orderRefund": orderRefund}
	for _, c := range []struct {
		name  string
		who   graphtest.Person
		query string
		vars  apitest.Vars
		want  string
	}{
		{"a card that declines", b.buyer, "orderPay", apitest.Vars{"orderId": order, "cardId": b.card},
			`[{"code":"CARD_DECLINED","field":["cardId"],"declineCode":"generic_decline"}]`},
		{"too little for a card", b.buyer, "orderPay", apitest.Vars{"orderId": order, "cardId": b.card, "walletAmount": eur("49.51")},
			`[{"code":"CARD_AMOUNT_TOO_SMALL","field":["walletAmount"],"limit":{"amount":"0.50"}}]`},
		{"a card's id that is none", b.buyer, "orderPay", apitest.Vars{"orderId": order, "cardId": order}, `[{"code":"ID_WRONG_KIND","field":["cardId"]}]`},
		{"another's order", stranger, "orderPay", apitest.Vars{"orderId": order}, `[{"code":"ORDER_NOT_FOUND","field":null}]`},
		{"another's to cancel", stranger, "orderCancel", apitest.Vars{"orderId": order}, `[{"code":"ORDER_NOT_FOUND"}]`},
		{"an admin without a reason", admin, "orderCancel", apitest.Vars{"orderId": order}, `[{"code":"REASON_LENGTH"}]`},
		{"what is not paid", b.seller, "orderRefund", apitest.Vars{"orderId": order}, `[{"code":"ORDER_ACTION_NOT_AVAILABLE","field":null}]`},
		{"another's to refund", stranger, "orderRefund", apitest.Vars{"orderId": order}, `[{"code":"ORDER_NOT_FOUND","field":null}]`},
	} {
		c.vars["idempotencyKey"] = b.key()
		t.Log(c.name)
		b.wants(c.who.Must(t, mutationText[c.query], input(c.vars)).At(c.query+".userErrors"), c.want)
	}
	for name, who := range map[string]graphtest.Person{"support": support, "the buyer": b.buyer} {
		answer, err := who.Do(orderRefund, input(apitest.Vars{"orderId": order, "idempotencyKey": b.key()}))
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%s refunds: %+v, %v", name, answer, err)
		}
	}
	b.wants(admin.Must(t, orderCancel, input(apitest.Vars{"orderId": order, "reason": "A complaint.", "idempotencyKey": b.key()})).At("orderCancel"),
		`{"order":{"payment":"VOIDED","fulfilment":"CANCELLED","cancelReason":"A complaint."},"userErrors":[]}`)
	b.wants(admin.Must(t, `{ adminActions { nodes { action subject reason } } }`, nil).At("adminActions.nodes"),
		fmt.Sprintf(`[{"action":"ORDER_CANCELLED","subject":%q,"reason":"A complaint."}]`, order))
}

// A lot says what its bids are backed by, and takes nothing else.
func TestBackingOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	defer everything(t, b.API)
	held, err := b.Resolver.Auctions.Start(t.Context(), b.seller.ID, auction.StartInput{
		Listing: b.Listing(b.seller, "A held lot").ID, StartPrice: graphtest.Euros(10), Duration: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	carded, err := b.Resolver.Auctions.Start(t.Context(), b.seller.ID, auction.StartInput{
		Listing: b.Listing(b.seller, "A lot by card").ID, Backing: auction.ByCard, StartPrice: graphtest.Euros(10), Duration: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	theirs := b.saved(b.Person(identity.Buyer), "pm_card_mastercard")
	for _, c := range []struct {
		lot  auction.Auction
		card any
		want string
	}{
		{held, b.card, `[{"code":"CARD_NOT_TAKEN","field":["cardId"]}]`},
		{carded, nil, `[{"code":"CARD_REQUIRED","field":["cardId"]}]`},
		{carded, theirs, `[{"code":"CARD_NOT_FOUND","field":["cardId"]}]`},
	} {
		b.wants(b.buyer.Must(t, bidByCard, input(apitest.Vars{
			"auctionId": c.lot.NodeID().String(), "amount": eur("10"), "cardId": c.card, "idempotencyKey": b.key(),
		})).At("bidPlace.userErrors"), c.want)
	}
}
