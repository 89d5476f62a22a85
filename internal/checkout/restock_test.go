package checkout_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
)

// What comes back of an order that was sent is refunded by its lines, and goes where it was reserved, never more than was sold; a thing that exists once
// is for sale again. What was not sent, codes, and lines that do not exist are refused, and nothing changes.
func TestLinesComeBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	other, buyer := s.User(identity.Seller), s.Buyer(200_00)
	shirts, game, vase := s.shirts(s.seller, 2, 9), s.stocked(1, 9)[0], s.Listing(other)
	s.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, vase)
	s.put(buyer, 3, shirts...)
	s.put(buyer, 1, game, vase)
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(s.quoted(buyer)))
	s.Must(err)
	back := func(o order.Order, lines ...order.ReturnedLine) (order.Order, error) {
		return s.Orders.Refund(t.Context(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, Lines: lines, IdempotencyKey: uuid.NewString()})
	}
	var sold, codes, once order.Order
	for _, o := range orders {
		switch {
		case o.SellerID == other:
			once = o
		case o.Fulfilment == order.Sent:
			codes = o
		default:
			sold = o
		}
	}
	refused := func(want string, o order.Order, lines ...order.ReturnedLine) {
		t.Helper()
		before := s.Digest()
		if _, err := back(o, lines...); domaintest.Code(err) != want {
			t.Errorf("%v instead of %s", err, want)
		}
		if s.Digest() != before {
			t.Error("a refusal changed something")
		}
	}
	refused("RESTOCK_TOO_MANY", sold, order.ReturnedLine{Number: 1, Quantity: 1, Restock: true}) // not sent
	for _, o := range []order.Order{sold, once} {
		s.Must2(s.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
	}
	refused("RESTOCK_TOO_MANY", codes, order.ReturnedLine{Number: 1, Quantity: 1, Restock: true})
	refused("ORDER_LINES_INVALID", sold, order.ReturnedLine{Number: 3, Quantity: 1})
	refused("ORDER_LINES_INVALID", sold, order.ReturnedLine{Number: 1, Quantity: 4})
	refused("ORDER_LINES_INVALID", sold, order.ReturnedLine{Number: 1, Quantity: 0})
	refused("ORDER_LINES_INVALID", sold, order.ReturnedLine{Number: 1, Quantity: 1}, order.ReturnedLine{Number: 1, Quantity: 1})

	o, err := back(sold, order.ReturnedLine{Number: 2, Quantity: 1}, order.ReturnedLine{Number: 1, Quantity: 2, Restock: true})
	if s.Must(err); o.Refunded != domaintest.EUR(30_00) || s.onHand(shirts[0]) != 8 || s.onHand(shirts[1]) != 6 {
		t.Errorf("%v are refunded, %d and %d are there", o.Refunded, s.onHand(shirts[0]), s.onHand(shirts[1]))
	}
	s.Audited()
	refused("RESTOCK_TOO_MANY", sold, order.ReturnedLine{Number: 1, Quantity: 2, Restock: true})
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, sold.ID))
	if o, err = back(sold, order.ReturnedLine{Number: 1, Quantity: 1, Restock: true}, order.ReturnedLine{Number: 2, Quantity: 2, Restock: true}); err != nil || o.Payment != order.Refunded {
		t.Errorf("the rest: %+v, %v", o, err)
	}
	if s.onHand(shirts[0]) != 9 || s.onHand(shirts[1]) != 8 {
		t.Errorf("%d and %d are there", s.onHand(shirts[0]), s.onHand(shirts[1]))
	}
	s.Must2(back(once, order.ReturnedLine{Number: 1, Quantity: 1, Restock: true}))
	if l, err := s.Catalog.Get(t.Context(), vase); err != nil || l.Status != "ACTIVE" {
		t.Errorf("the vase: %+v, %v", l, err)
	}
}
