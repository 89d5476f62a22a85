package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	orderHandOver = `mutation($input: OrderHandOverInput!) { orderHandOver(input: $input) { order { payment fulfilment deliveredAt completeBy } userErrors { code field } } }`
	handOverCode  = `query($id: ID!) { order(id: $id) { handOverCode fulfilment } }`
)

func handOver(order, code string) apitest.Vars {
	return input(apitest.Vars{"orderId": order, "code": code, "idempotencyKey": uuid.NewString()})
}

// wrongOf is a code that is not the one.
func wrongOf(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// The buyer shows the code, the seller types it in, and the order is there. Nobody else sees the code.
func TestHandedOverInPerson(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	code := p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Str("order.handOverCode")
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Fatalf("the code is %q", code)
	}
	if other := p.bought(); p.buyer.Must(t, handOverCode, apitest.Vars{"id": other}).Str("order.handOverCode") == code {
		t.Error("two orders have one code") // of a million: this may happen once in as many runs
	}
	if got := string(p.seller.Must(t, handOverCode, apitest.Vars{"id": p.order}).Raw()); !strings.Contains(got, `"handOverCode":null`) {
		t.Errorf("its seller sees %s", got)
	}
	for who, c := range map[string]apitest.Client{"another seller": p.Person(identity.Seller).Client, "its buyer": p.buyer.Client} {
		if got := codeOf(t, c, orderHandOver, handOver(p.order, code)); got != "ORDER_NOT_FOUND" && got != "FORBIDDEN" {
			t.Errorf("%s: %s", who, got)
		}
	}
	if got := codeOf(t, p.seller.Client, orderHandOver, handOver(id.Order.Encode(id.New()), code)); got != "ORDER_NOT_FOUND" {
		t.Errorf("no such order: %s", got)
	}
	for _, wrong := range []string{wrongOf(code), "", code + "0", "12345é"} {
		if got := codeOf(t, p.seller.Client, orderHandOver, handOver(p.order, wrong)); got != "HAND_OVER_CODE" {
			t.Errorf("%q: %s", wrong, got)
		}
	}
	got := p.seller.Must(t, orderHandOver, handOver(p.order, " "+code+" "))
	if got.Str("orderHandOver.order.fulfilment") != "RECEIVED" || got.Str("orderHandOver.order.payment") != "PAID" || got.Str("orderHandOver.order.completeBy") == "" {
		t.Errorf("%s", got.Raw())
	}
	if again := codeOf(t, p.seller.Client, orderHandOver, handOver(p.order, code)); again != "none" {
		t.Errorf("again: %s", again)
	}
	if got := codeOf(t, p.seller.Client, orderHandOver, handOver(p.order, wrongOf(code))); got != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("a wrong code after it: %s", got)
	}
	if got := string(p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Raw()); !strings.Contains(got, `"handOverCode":null`) {
		t.Errorf("after it: %s", got)
	}
}

// Who tries is stopped, and the right code does not help any more.
func TestFiveWrongCodes(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	code := p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Str("order.handOverCode")
	for i := range 7 {
		want := "HAND_OVER_CODE"
		if i >= 5 {
			want = "HAND_OVER_LOCKED"
		}
		if got := codeOf(t, p.seller.Client, orderHandOver, handOver(p.order, wrongOf(code))); got != want {
			t.Errorf("wrong code %d: %s", i+1, got)
		}
	}
	if got := codeOf(t, p.seller.Client, orderHandOver, handOver(p.order, code)); got != "HAND_OVER_LOCKED" {
		t.Errorf("the right one: %s", got)
	}
	if got := p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Str("order.fulfilment"); got != "PENDING" {
		t.Errorf("the order is %s", got)
	}
}

// A code that was right before a server was killed goes on from there.
func TestAHandOverGoesOn(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	code := p.buyer.Must(t, handOverCode, apitest.Vars{"id": p.order}).Str("order.handOverCode")
	order, err := id.Order.Decode(p.order)
	if err != nil {
		t.Fatal(err)
	}
	p.Exec(`INSERT INTO hand_over (order_id, wrong, handed_at) VALUES ($1, 4, now())`, order)
	if got := p.seller.Must(t, orderHandOver, handOver(p.order, code)).Str("orderHandOver.order.fulfilment"); got != "RECEIVED" {
		t.Errorf("the order is %s", got)
	}
}
