package checkout_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/order"
)

// A part of an order comes back, and less of that than was to: what has come is refunded and for sale again, staff decide about the rest, and what has come back once
// does not come again.
func TestLessComesBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.Buyer(200_00)
	shirts := s.shirts(s.seller, 2, 9)
	s.put(buyer, 3, shirts...)
	s.put(buyer, 1, s.stocked(1, 9)[0])
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(s.quoted(buyer)))
	s.Must(err)
	var o, codes order.Order
	for _, one := range orders {
		if one.Fulfilment == order.Sent {
			codes = one
		} else {
			o = one
		}
	}
	seller := order.Actor{User: o.SellerID}
	if _, err := s.Orders.RequestReturn(t.Context(), buyer, codes.ID, order.ChangedMind, "I do not play it.", nil); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("codes: %v", err)
	}
	s.Must2(s.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
	s.Must2(s.Orders.RequestReturn(t.Context(), buyer, o.ID, order.ChangedMind, "Two do not fit.", []order.ReturnedLine{{Number: 2, Quantity: 1}, {Number: 1, Quantity: 2}}))
	s.Must2(s.Orders.AcceptReturn(t.Context(), seller, o.ID, "Send them.", false))
	receive := func(text string, lines ...order.ReturnedLine) (order.Order, error) {
		return s.Orders.ReceiveReturn(t.Context(), seller, order.ReceivedInput{Order: o.ID, Lines: lines, Text: text, IdempotencyKey: uuid.NewString()})
	}
	if _, err := receive("", order.ReturnedLine{Number: 1, Quantity: 1}); domaintest.Code(err) != "RETURN_TEXT_REQUIRED" {
		t.Errorf("less, without a word: %v", err)
	}
	now, err := receive("One is missing.", order.ReturnedLine{Number: 2, Quantity: 1}, order.ReturnedLine{Number: 1, Quantity: 1, Restock: true})
	if s.Must(err); now.Refunded != domaintest.EUR(20_00) || now.Claim != order.ClaimEscalated || s.onHand(shirts[0]) != 7 || s.onHand(shirts[1]) != 6 {
		t.Errorf("%+v; %d and %d are there", now, s.onHand(shirts[0]), s.onHand(shirts[1]))
	}
	s.Audited()
	s.Exec(`UPDATE order_claim SET due_at = clock_timestamp() WHERE order_id = $1 AND ended_at IS NULL`, o.ID)
	s.Must(s.Orders.ClaimsDue(t.Context()))
	report := func(lines ...order.ReturnedLine) error {
		_, err := s.Orders.RequestReturn(t.Context(), buyer, o.ID, order.Damaged, "These too.", lines)
		return err
	}
	if err := report(order.ReturnedLine{Number: 1, Quantity: 3}); domaintest.Code(err) != "ORDER_LINES_INVALID" {
		t.Errorf("three again, of which one has come back: %v", err)
	}
	s.Must(report(order.ReturnedLine{Number: 1, Quantity: 2}))
	s.Must2(s.Orders.AcceptReturn(t.Context(), seller, o.ID, "Send them too.", false))
	now, err = receive("", order.ReturnedLine{Number: 1, Quantity: 2, Restock: true})
	if s.Must(err); now.Refunded != domaintest.EUR(40_00) || now.Claim != "" || now.Payment != order.Paid || s.onHand(shirts[0]) != 9 {
		t.Errorf("%+v; %d are there", now, s.onHand(shirts[0]))
	}
}
