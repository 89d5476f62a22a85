package graph_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/identity"
)

const (
	returnFields   = `{ order { payment availableActions problems { status dueAt return { bearer tracking sentAt carriedAt arrivedAt lines { number quantity received } } } refunded { amount } } userErrors { code field } }`
	returnRequest  = `mutation($input: OrderReturnRequestInput!) { orderReturnRequest(input: $input) ` + returnFields + ` }`
	returnAccept   = `mutation($input: OrderReturnAcceptInput!) { orderReturnAccept(input: $input) ` + returnFields + ` }`
	returnSend     = `mutation($input: OrderReturnSendInput!) { orderReturnSend(input: $input) ` + returnFields + ` }`
	returnReceived = `mutation($input: OrderReturnReceivedInput!) { orderReturnReceived(input: $input) ` + returnFields + ` }`
)

// delivered has the order sent and brought to its buyer.
func (p *postOffice) delivered() {
	p.t.Helper()
	p.seller.Must(p.t, orderShip, input(apitest.Vars{"orderId": p.order, "idempotencyKey": uuid.NewString()}))
	p.Exec(`UPDATE orders SET delivered_at = clock_timestamp(), fulfilment = 'RECEIVED', received_at = clock_timestamp() WHERE id = (SELECT id FROM orders WHERE fulfilment = 'SENT')`)
}

// A return by the API: each side is told what it may do next, what it is told is a notice, and nobody else takes a step.
func TestAReturnThroughTheAPI(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	about := func(more apitest.Vars) apitest.Vars { return input(with(more, "orderId", p.order)) }
	ask := apitest.Vars{"text": "It is too small."}
	if got := codeOf(t, p.buyer.Client, returnRequest, about(ask)); got != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("before it is sent: %s", got)
	}
	p.delivered()
	offers := func(who apitest.Client, want string) {
		t.Helper()
		if got := string(who.Must(t, `query($id: ID!) { order(id: $id) { availableActions } }`, apitest.Vars{"id": p.order}).At("order.availableActions").Raw()); got != want {
			t.Errorf("offered is %s, not %s", got, want)
		}
	}
	offers(p.buyer.Client, `["CONFIRM_RECEIPT","REPORT_PROBLEM","REQUEST_RETURN"]`)
	for name, c := range map[string]struct {
		who    apitest.Client
		change apitest.Vars
		want   string
	}{
		"another's":           {p.Funded(1).Client, nil, "ORDER_NOT_FOUND"},
		"its seller":          {p.seller.Client, nil, "ORDER_ACTION_NOT_AVAILABLE"},
		"nobody":              {p.Nobody(), nil, "UNAUTHENTICATED"},
		"no text":             {p.buyer.Client, apitest.Vars{"text": ""}, "PROBLEM_TEXT"},
		"too much text":       {p.buyer.Client, apitest.Vars{"text": strings.Repeat("a", 2001)}, "PROBLEM_TEXT"},
		"a line too many":     {p.buyer.Client, apitest.Vars{"lines": []apitest.Vars{{"number": 2, "quantity": 1}}}, "ORDER_LINES_INVALID"},
		"a line of nothing":   {p.buyer.Client, apitest.Vars{"lines": []apitest.Vars{{"number": 1, "quantity": 0}}}, "ORDER_LINES_INVALID"},
		"less than nothing":   {p.buyer.Client, apitest.Vars{"lines": []apitest.Vars{{"number": 1, "quantity": -1}}}, "ORDER_LINES_INVALID"},
		"more than was sold":  {p.buyer.Client, apitest.Vars{"lines": []apitest.Vars{{"number": 1, "quantity": 1_000_000_000}}}, "ORDER_LINES_INVALID"},
		"a line named twice":  {p.buyer.Client, apitest.Vars{"lines": []apitest.Vars{{"number": 1, "quantity": 1}, {"number": 1, "quantity": 1}}}, "ORDER_LINES_INVALID"},
		"an id of a shipment": {p.buyer.Client, apitest.Vars{"orderId": "shp_01h455vb4pex5vsknk084sn02q"}, "ID_WRONG_KIND"},
	} {
		in := apitest.Vars{"orderId": p.order, "text": "It is too small."}
		maps.Copy(in, c.change)
		if got := codeOf(t, c.who, returnRequest, input(in)); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
	asked := p.buyer.Must(t, returnRequest, about(ask)).At("orderReturnRequest.order")
	if asked.Str("problems.0.status") != "OPEN" || !strings.Contains(string(asked.Raw()), `"bearer":null`) {
		t.Errorf("asked: %s", asked.Raw())
	}
	offers(p.seller.Client, `["REFUND","ACCEPT_RETURN","REFUSE_PROBLEM"]`)
	accepted := p.seller.Must(t, returnAccept, about(apitest.Vars{"text": "To Lyon, please.", "sellerBears": true})).At("orderReturnAccept.order")
	if accepted.Str("problems.0.status") != "RETURN_AWAITED" || accepted.Str("problems.0.return.bearer") != "SELLER" {
		t.Errorf("accepted: %s", accepted.Raw())
	}
	offers(p.buyer.Client, `["CONFIRM_RECEIPT","WITHDRAW_PROBLEM","SEND_RETURN"]`)
	p.buyer.Must(t, returnSend, about(apitest.Vars{"tracking": "LX 1"}))
	offers(p.seller.Client, `["REFUND","REFUSE_PROBLEM","RECEIVE_RETURN"]`)
	offers(p.buyer.Client, `["CONFIRM_RECEIPT"]`)
	lines := []apitest.Vars{{"number": 1, "quantity": 1, "restock": true}}
	for who, c := range map[string]apitest.Client{"its buyer": p.buyer.Client, "support": p.Person(identity.Support).Client, "another seller": p.Person(identity.Seller).Client} {
		if got := codeOf(t, c, returnReceived, about(apitest.Vars{"lines": lines, "idempotencyKey": uuid.NewString()})); got == "none" {
			t.Errorf("%s receives it", who)
		}
	}
	got := p.seller.Must(t, returnReceived, about(apitest.Vars{"lines": lines, "idempotencyKey": "back"})).At("orderReturnReceived.order")
	if got.Str("payment") != "REFUNDED" || got.Str("problems.0.status") != "RESOLVED" || got.Str("refunded.amount") != "20.00" || !strings.Contains(string(got.Raw()), `"received":1`) {
		t.Errorf("received: %s", got.Raw())
	}
	for who, c := range map[string]apitest.Client{"2 of the buyer": p.buyer.Client, "2 of the seller": p.seller.Client} {
		if n := strings.Count(news(t, c), "ORDER_PROBLEM"); n != 2 {
			t.Errorf("%s: %d notices", who, n)
		}
	}
}
