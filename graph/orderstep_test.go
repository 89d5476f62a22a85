package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/identity"
)

// news are the kinds of somebody's notices, the newest first, and that each still says what it is about.
func news(t *testing.T, who apitest.Client) (kinds string) {
	t.Helper()
	answer := who.Must(t, `{ viewer { notifications(first: 20) { nodes { kind subject { id } parameters { name money { amount } } } } } }`, nil)
	var all struct {
		Viewer struct {
			Notifications struct {
				Nodes []struct {
					Kind    string
					Subject *struct{ ID string }
				}
			}
		}
	}
	if err := json.Unmarshal(answer.Raw(), &all); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range all.Viewer.Notifications.Nodes {
		if n.Subject == nil {
			t.Errorf("a notice %s has no subject", n.Kind)
		}
		out = append(out, n.Kind)
	}
	return strings.Join(out, " ")
}

// An order's life is told to those whom each part of it concerns, once, and stands in their conversation; others' conversations have nothing of it.
func TestAnOrdersSteps(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	listing := p.buyer.Must(t, `query($id: ID!) { order(id: $id) { listing { id } } }`, apitest.Vars{"id": p.order}).Str("order.listing.id")
	start := `mutation($input: ConversationStartInput!) { conversationStart(input: $input) { conversation { id steps { kind } } userErrors { code } } }`
	talk := p.buyer.Must(t, start, input(apitest.Vars{"listingId": listing, "body": "Is it on its way?"})).Str("conversationStart.conversation.id")
	p.seller.Must(t, orderHandOver, handOver(p.order, p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Str("order.handOverCode")))
	p.buyer.Must(t, `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { order { id } userErrors { code } } }`, input(apitest.Vars{"orderId": p.order, "idempotencyKey": "r"}))
	p.seller.Must(t, orderRefund, input(apitest.Vars{"orderId": p.order, "amount": eur("4.50"), "reason": "A dent.", "idempotencyKey": uuid.NewString()}))
	p.issue()
	if got := news(t, p.buyer.Client); got != strings.Repeat("INVOICE_ISSUED ", 2)+"ORDER_REFUNDED ORDER_COMPLETED ORDER_DELIVERED ORDER_SENT" {
		t.Errorf("the buyer is told %s", got)
	}
	if got := news(t, p.seller.Client); got != "ORDER_COMPLETED ORDER_DELIVERED" {
		t.Errorf("the seller is told %s", got)
	}
	const steps = `query($c: ID!, $o: ID!) { conversation(id: $c) { steps { orderId kind version } } order(id: $o) { steps { orderId kind version } } }`
	for _, who := range []apitest.Client{p.buyer.Client, p.seller.Client} {
		seen := who.Must(t, steps, apitest.Vars{"c": talk, "o": p.order})
		there, here := string(seen.At("conversation.steps").Raw()), string(seen.At("order.steps").Raw())
		if there != here || strings.Count(there, p.order) != 6 || !strings.HasPrefix(there, `[{"kind":"CREATED",`) || !strings.Contains(there, `"kind":"DELIVERED"`) || !strings.Contains(there, `{"kind":"REFUNDED",`) || !strings.HasSuffix(there, `"version":6}]`) {
			t.Errorf("steps: %s and %s", there, here)
		}
	}
	other := p.Funded(10)
	elsewhere := other.Must(t, start, input(apitest.Vars{"listingId": listing, "body": "Do you have another?"}))
	if got := string(elsewhere.At("conversationStart").Raw()); strings.Contains(got, `"kind"`) {
		t.Errorf("another's conversation has %s", got)
	}
}

// Staff read any order, and are told what they may do with it; strangers read none.
func TestWhatStaffMayDo(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	const actions = `query($id: ID!) { order(id: $id) { availableActions } }`
	support, admin := p.Person(identity.Support), p.Person(identity.Admin)
	see := func(who apitest.Client) string {
		t.Helper()
		return string(who.Must(t, actions, apitest.Vars{"id": p.order}).Raw())
	}
	none := `{"order":{"availableActions":[]}}`
	if s, a := see(support.Client), see(admin.Client); s != none || a != `{"order":{"availableActions":["CANCEL","REFUND"]}}` {
		t.Errorf("once it is paid: %s and %s", s, a)
	}
	if got := see(p.Person(identity.Seller).Client); got != `{"order":null}` {
		t.Errorf("a stranger sees %s", got)
	}
	p.seller.Must(t, orderShip, input(apitest.Vars{"orderId": p.order, "idempotencyKey": "s"}))
	p.buyer.Must(t, `mutation($input: OrderReportProblemInput!) { orderReportProblem(input: $input) { userErrors { code } } }`, input(apitest.Vars{"orderId": p.order, "reason": "DAMAGED", "text": "A dent."}))
	if s := see(support.Client); s != none {
		t.Errorf("before its seller has answered: %s", s)
	}
	p.seller.Must(t, `mutation($input: OrderProblemRefuseInput!) { orderProblemRefuse(input: $input) { userErrors { code } } }`, input(apitest.Vars{"orderId": p.order, "text": "No dent."}))
	if s := see(support.Client); s != `{"order":{"availableActions":["ACCEPT_RETURN","REFUSE_PROBLEM"]}}` {
		t.Errorf("once it is escalated: %s", s)
	}
}
