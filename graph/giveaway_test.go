package graph_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// Who takes what is given away agrees to nothing, and has it.
func TestAGiveawayThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, gift := a.Person(identity.Seller), a.Person(identity.Buyer), id.New()
	a.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'GIVEAWAY', 'A gift', '', 'GOOD', 0, 'EUR')`, gift, seller.ID)
	home := buyer.Must(t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
	buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(gift)}))
	quote := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})).At("checkoutQuote.quote")
	if quote.Str("total.amount") != "0.00" || quote.Str("status") != "OPEN" {
		t.Fatalf("got %s", quote.Raw())
	}
	if got := codeOf(t, buyer.Client, checkoutConfirm, input(apitest.Vars{"quoteId": quote.Str("id"), "total": eur("1"), "idempotencyKey": uuid.NewString()})); got != "PRICE_CHANGED" {
		t.Errorf("at a euro: %s", got)
	}
	done := buyer.Must(t, checkoutConfirm, input(apitest.Vars{"quoteId": quote.Str("id"), "total": eur("0"), "idempotencyKey": "yes"}))
	order := done.At("checkoutConfirm.orders.0")
	if order.Str("payment") != "PAID" || order.Str("total.amount") != "0.00" || string(order.At("payments").Raw()) != "[]" {
		t.Fatalf("got %s", done.Raw())
	}
	seller.Must(t, orderShip, input(apitest.Vars{"orderId": order.Str("id"), "idempotencyKey": "s"}))
	got := seller.Must(t, `query($id: ID!) { order(id: $id) { payment fulfilment fee { amount } earnings { amount } availableActions invoices { id } refunds { id: reason } } }`, apitest.Vars{"id": order.Str("id")})
	if got.Str("order.fulfilment") != "SENT" || got.Str("order.earnings.amount") != "0.00" || string(got.At("order.invoices").Raw()) != "[]" {
		t.Errorf("got %s", got.Raw())
	}
}
