package order

import "slices"

// Payment is the state of an order's money.
type Payment string

// The states of payment.
const (
	PaymentPending Payment = "PENDING" // owed
	Paid           Payment = "PAID"    // in escrow
	Settled        Payment = "SETTLED" // earned by the seller
)

// Fulfilment is the state of an order's goods.
type Fulfilment string

// The states of fulfilment.
const (
	FulfilmentPending Fulfilment = "PENDING"
	Sent              Fulfilment = "SENT"
	Received          Fulfilment = "RECEIVED"
)

// The allowed moves; the table order_move holds the same, and a test compares the two.
var (
	paymentMoves = map[Payment][]Payment{
		PaymentPending: {Paid},
		Paid:           {Settled},
	}
	fulfilmentMoves = map[Fulfilment][]Fulfilment{
		FulfilmentPending: {Sent},
		Sent:              {Received},
	}
)

// Action is something that a party of an order may do next.
type Action string

// The actions.
const (
	ActionShip           Action = "SHIP"
	ActionConfirmReceipt Action = "CONFIRM_RECEIPT"
)

// Party says on which side of an order somebody stands.
type Party string

// The two sides.
const (
	AsBuyer  Party = "BUYER"
	AsSeller Party = "SELLER"
)

// state is both machines' state at once.
type state struct {
	payment    Payment
	fulfilment Fulfilment
}

// move is what an action does and who may do it.
type move struct {
	by   Party
	from state
	to   state
}

var actions = map[Action]move{
	ActionShip:           {by: AsSeller, from: state{Paid, FulfilmentPending}, to: state{Paid, Sent}},
	ActionConfirmReceipt: {by: AsBuyer, from: state{Paid, Sent}, to: state{Settled, Received}},
}

// allowed reports whether both machines may go from one state to the other.
func allowed(from, to state) bool {
	return (from.payment == to.payment || slices.Contains(paymentMoves[from.payment], to.payment)) &&
		(from.fulfilment == to.fulfilment || slices.Contains(fulfilmentMoves[from.fulfilment], to.fulfilment))
}

// AvailableActions is what a party may do with the order now, in a fixed order.
func (o Order) AvailableActions(p Party) []Action {
	available := []Action{}
	for _, a := range []Action{ActionShip, ActionConfirmReceipt} {
		if m := actions[a]; m.by == p && m.from == o.state() {
			available = append(available, a)
		}
	}
	return available
}
