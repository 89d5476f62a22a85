package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/identity"
)

const problemCases = `{ orderProblemCases { nodes { orderId problem { status text answer dueAt } total { amount } left { amount } availableActions } } }`

// A problem that its seller refuses is in the queue of support, who may answer it there, and nobody else sees it.
func TestCasesForSupport(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	support, admin := p.Person(identity.Support), p.Person(identity.Admin)
	about := apitest.Vars{"orderId": p.order, "text": "It is broken."}
	p.seller.Must(t, `mutation($input: OrderShipInput!) { orderShip(input: $input) { order { id } userErrors { code } } }`,
		input(apitest.Vars{"orderId": p.order, "tracking": "LX", "idempotencyKey": uuid.NewString()}))
	p.buyer.Must(t, `mutation($input: OrderReportProblemInput!) { orderReportProblem(input: $input) { order { id } userErrors { code } } }`,
		input(apitest.Vars{"orderId": p.order, "reason": "DAMAGED", "text": "It is broken."}))
	if got := string(support.Must(t, problemCases, nil).Raw()); got != `{"orderProblemCases":{"nodes":[]}}` {
		t.Errorf("before its seller has refused: %s", got)
	}
	const refuse = `mutation($input: OrderProblemRefuseInput!) { orderProblemRefuse(input: $input) { order { problems { status dueAt } } userErrors { code } } }`
	p.seller.Must(t, refuse, input(about))
	got := support.Must(t, problemCases, nil)
	for path, want := range map[string]string{
		"orderId": p.order, "problem.status": "ESCALATED", "problem.answer": "It is broken.", "availableActions.0": "ACCEPT_RETURN", "availableActions.1": "REFUSE_PROBLEM",
	} {
		if got := got.Str("orderProblemCases.nodes.0." + path); got != want {
			t.Errorf("%s is %s, not %s", path, got, want)
		}
	}
	if got.Str("orderProblemCases.nodes.0.problem.dueAt") == "" {
		t.Errorf("%s has no term", got.Raw())
	}
	if got := admin.Must(t, problemCases, nil).Str("orderProblemCases.nodes.0.availableActions.0"); got != "REFUND" {
		t.Errorf("an admin may %s", got)
	}
	for _, who := range []apitest.Client{p.buyer.Client, p.seller.Client} {
		if got := codeOf(t, who, problemCases, nil); got != "FORBIDDEN" {
			t.Errorf("others are answered with %q", got)
		}
	}
	if got := support.Must(t, refuse, input(about)).Str("orderProblemRefuse.order.problems.0.status"); got != "REFUSED" {
		t.Errorf("support's word makes it %s", got)
	}
	if got := string(support.Must(t, problemCases, nil).Raw()); got != `{"orderProblemCases":{"nodes":[]}}` {
		t.Errorf("decided: %s", got)
	}
	told := string(support.Must(t, `query($id: ID!) { orderHappenings(orderId: $id) { part what } }`, apitest.Vars{"id": p.order}).Raw())
	for _, want := range []string{`"part":"CLAIM"`, "DAMAGED says its buyer: It is broken.", " is answered: It is broken.", " is REFUSED"} {
		if !strings.Contains(told, want) {
			t.Errorf("of %q nothing is told: %s", want, told)
		}
	}
}
