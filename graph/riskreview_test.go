package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/risk"
)

const (
	riskReviews      = `query($status: RiskReviewStatus!, $first: Int, $after: String) { riskReviews(status: $status, first: $first, after: $after) { nodes { id user { id } status rules orderIds decidedBy { id } reason undoneAt } pageInfo { hasNextPage endCursor } } }`
	riskReviewDecide = `mutation($input: RiskReviewDecideInput!) { riskReviewDecide(input: $input) { review { id status rules orderIds decidedBy { id } reason decidedAt } userErrors { code field } } }`
)

// lookedAt is an API whose rules want everything looked at for its device, but what the first buys.
func lookedAt(t *testing.T) (b *bazaarByCard, support, admin graphtest.Person) {
	t.Helper()
	b = newBazaarByCard(t, "pm_card_visa")
	b.JudgeBy(risk.Limits{Device: risk.Limit{Most: 1, Within: time.Hour}})
	b.buyer.Device = aPhone
	b.paid(20)
	support, admin = b.Person(identity.Support), b.Person(identity.Admin)
	return b, support, admin
}

// paid is an order that the buyer has paid from the wallet.
func (b *bazaarByCard) paid(euros int64) (order string) {
	b.t.Helper()
	order = b.owed(euros)
	if got := b.buyer.Must(b.t, orderPay, input(apitest.Vars{"orderId": order, "idempotencyKey": b.key()})); got.Str("orderPay.order.payment") != "PAID" {
		b.t.Fatalf("paid: %s", got.Raw())
	}
	return order
}

// another is another buyer on the same device.
func (b *bazaarByCard) another() {
	b.t.Helper()
	b.buyer = b.Funded(200)
	b.buyer.Device = aPhone
	b.card = b.saved(b.buyer, "pm_card_visa")
}

// undo does what the job does.
func (b *bazaarByCard) undo() {
	b.t.Helper()
	if err := b.Resolver.Risk.Undo(b.t.Context()); err != nil {
		b.t.Error(err)
	}
}

func (b *bazaarByCard) paymentOf(order string) string {
	b.t.Helper()
	got := b.buyer.Must(b.t, `query($id: ID!) { order(id: $id) { payment fulfilment } }`, apitest.Vars{"id": order})
	return got.Str("order.payment") + " " + got.Str("order.fulfilment")
}

// What is to be looked at is in the queue of staff, page by page; what they allow leaves it, and what an admin refuses is given back, as far as it was not sent. Its buyer pays
// nothing more, until that is taken back.
func TestTheQueueOfRisk(t *testing.T) {
	t.Parallel()
	b, support, admin := lookedAt(t)
	b.another()
	first, sent, last := b.paid(20), b.paid(30), b.paid(40)
	b.seller.Must(t, orderShip, input(apitest.Vars{"orderId": sent, "tracking": "LX 1", "idempotencyKey": "k"}))
	var reviews []string
	after := apitest.Vars{"status": "OPEN", "first": 1}
	for _, order := range []string{first, sent, last} {
		page := support.Must(t, riskReviews, after)
		node := page.At("riskReviews.nodes.0")
		reviews = append(reviews, node.Str("id"))
		b.wants(node, fmt.Sprintf(`{"id":%q,"user":{"id":%q},"status":"OPEN","rules":["DEVICE"],"orderIds":[%q],"decidedBy":null,"reason":null,"undoneAt":null}`, reviews[len(reviews)-1], id.User.Encode(b.buyer.ID), order))
		after["after"] = page.Str("riskReviews.pageInfo.endCursor")
	}
	if got := support.Must(t, riskReviews, after); string(got.At("riskReviews.nodes").Raw()) != "[]" {
		t.Errorf("more: %s", got.Raw())
	}
	decide := func(who graphtest.Person, review, decision string) string {
		return codeOf(t, who.Client, riskReviewDecide, input(apitest.Vars{"reviewId": review, "decision": decision, "reason": "seen"}))
	}
	for _, refused := range []struct {
		who                    graphtest.Person
		review, decision, code string
	}{
		{b.buyer, reviews[0], "ALLOW", "FORBIDDEN"}, {b.seller, reviews[0], "REFUSE", "FORBIDDEN"}, {support, reviews[0], "REFUSE", "RISK_REVIEW_NEEDS_ADMIN"},
		{admin, id.RiskReview.Encode(id.New()), "ALLOW", "RISK_REVIEW_NOT_FOUND"}, {admin, first, "ALLOW", "ID_WRONG_KIND"},
	} {
		if got := decide(refused.who, refused.review, refused.decision); got != refused.code {
			t.Errorf("%s: %s", refused.code, got)
		}
	}
	if got := codeOf(t, admin.Client, riskReviewDecide, input(apitest.Vars{"reviewId": reviews[0], "decision": "REFUSE", "reason": " "})); got != "REASON_LENGTH" {
		t.Errorf("no reason: %s", got)
	}
	if got := codeOf(t, b.buyer.Client, riskReviews, apitest.Vars{"status": "OPEN"}); got != "FORBIDDEN" {
		t.Errorf("its buyer sees the queue: %s", got)
	}
	if got := decide(support, reviews[2], "ALLOW"); got != letThrough {
		t.Errorf("support allows: %s", got)
	}
	if got := decide(admin, reviews[2], "REFUSE"); got != "RISK_REVIEW_DECIDED" {
		t.Errorf("refused after that: %s", got)
	}
	for range 2 { // the same is answered as it stands
		for _, review := range reviews[:2] {
			got := admin.Must(t, riskReviewDecide, input(apitest.Vars{"reviewId": review, "decision": "REFUSE", "reason": " stolen "})).At("riskReviewDecide.review")
			if got.Str("status") != "REFUSED" || got.Str("reason") != "stolen" || got.Str("decidedBy.id") != id.User.Encode(admin.ID) || got.Str("decidedAt") == "" {
				t.Errorf("refused: %s", got.Raw())
			}
		}
	}
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE action = 'RISK_REFUSED'`); n != 2 || b.Int(`SELECT count(*) FROM admin_action WHERE action = 'RISK_ALLOWED'`) != 1 {
		t.Errorf("%d refusals are logged", n)
	}
	if n := b.Int(`SELECT count(*) FROM river_job WHERE kind = 'risk_undo'`); n != 2 {
		t.Errorf("%d jobs are to undo it", n)
	}
	b.undo()
	b.undo()
	for order, want := range map[string]string{first: "REFUNDED CANCELLED", sent: "PAID SENT", last: "PAID PENDING"} {
		if got := b.paymentOf(order); got != want {
			t.Errorf("an order is %s, not %s", got, want)
		}
	}
	refused := admin.Must(t, riskReviews, apitest.Vars{"status": "REFUSED"})
	if refused.Str("riskReviews.nodes.0.undoneAt") == "" || refused.Str("riskReviews.nodes.1.undoneAt") == "" {
		t.Errorf("undone: %s", refused.Raw())
	}
	told := string(support.Must(t, `query($id: ID!) { orderHappenings(orderId: $id) { part what } }`, apitest.Vars{"id": first}).Raw())
	for _, want := range []string{`"part":"RISK"`, "REVIEW, because of DEVICE", "REFUSED by ", "were asked to be cancelled"} {
		if !strings.Contains(told, want) {
			t.Errorf("of %q nothing is told: %s", want, told)
		}
	}
	owed := b.owed(10)
	pay := apitest.Vars{"orderId": owed, "idempotencyKey": "refused"}
	if got := codeOf(t, b.buyer.Client, orderPay, input(pay)); got != "CHECKOUT_REFUSED" {
		t.Errorf("who was refused pays: %s", got)
	}
	for _, review := range reviews[:2] {
		if got := decide(support, review, "ALLOW"); got != "RISK_REVIEW_NEEDS_ADMIN" {
			t.Errorf("support takes a refusal back: %s", got)
		}
		if got := decide(admin, review, "ALLOW"); got != letThrough {
			t.Errorf("taken back: %s", got)
		}
	}
	if got := codeOf(t, b.buyer.Client, orderPay, input(with(pay, "idempotencyKey", "allowed"))); got != letThrough {
		t.Errorf("after that: %s", got)
	}
	b.Audited()
}

// Staff decide at once, and what they refuse is undone at once by several: one decision of a kind is logged, and what was paid is given back once.
func TestRiskDecidedAtOnce(t *testing.T) {
	t.Parallel()
	b, _, admin := lookedAt(t)
	b.another()
	order := b.paid(20)
	review := admin.Must(t, riskReviews, apitest.Vars{"status": "OPEN"}).Str("riskReviews.nodes.0.id")
	decided := domaintest.Codes(domaintest.AtOnce(4, func(int) error {
		_, err := admin.Do(riskReviewDecide, input(apitest.Vars{"reviewId": review, "decision": "REFUSE", "reason": uuid.NewString()}))
		return err
	}))
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE action = 'RISK_REFUSED'`); decided[""] != 4 || n != 1 {
		t.Errorf("%v: %d refusals are logged", decided, n)
	}
	undone := domaintest.Codes(domaintest.AtOnce(4, func(int) error { return b.Resolver.Risk.Undo(t.Context()) }))
	if undone[""] != 4 || b.paymentOf(order) != "REFUNDED CANCELLED" || b.Int(`SELECT count(*) FROM order_refund`) != 1 {
		t.Errorf("%v: %s", undone, b.paymentOf(order))
	}
	b.another()
	b.paid(20)
	review = admin.Must(t, riskReviews, apitest.Vars{"status": "OPEN"}).Str("riskReviews.nodes.0.id")
	domaintest.AtOnce(6, func(i int) error {
		_, err := admin.Do(riskReviewDecide, input(apitest.Vars{"reviewId": review, "decision": []string{"ALLOW", "REFUSE"}[i%2], "reason": "seen"}))
		return err
	})
	if n := b.Int(`SELECT count(*) FROM risk_review WHERE status = 'ALLOWED'`); n != 1 { // whoever is first: what is allowed stays so
		t.Errorf("%d are allowed", n)
	}
	b.Audited()
}
