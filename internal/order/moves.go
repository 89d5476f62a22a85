package order

import "slices"

// Payment is the state of an order's money.
type Payment string

// The states of payment.
const (
	PaymentPending Payment = "PENDING"      // owed
	Authorised     Payment = "AUTHORISED"   // set aside on the card and in the wallet
	Paid           Payment = "PAID"         // in escrow
	Settled        Payment = "SETTLED"      // earned by the seller
	Refunded       Payment = "REFUNDED"     // all of it
	Voided         Payment = "VOIDED"       // never taken
	ChargedBack    Payment = "CHARGED_BACK" // what was left of it, by the card's bank
)

// Fulfilment is the state of an order's goods.
type Fulfilment string

// The states of fulfilment.
const (
	FulfilmentPending Fulfilment = "PENDING"
	Sent              Fulfilment = "SENT"     // its seller says so
	EnRoute           Fulfilment = "EN_ROUTE" // its carrier has it
	Received          Fulfilment = "RECEIVED" // its carrier or its buyer says that all of it is there
	Cancelled         Fulfilment = "CANCELLED"
)

// The allowed moves; the table order_move holds the same, and a test compares the two.
var (
	paymentMoves = map[Payment][]Payment{
		PaymentPending: {Authorised, Paid, Voided},
		Authorised:     {Paid, PaymentPending, Voided},
		Paid:           {Settled, Refunded, ChargedBack},
		Settled:        {Refunded},
		ChargedBack:    {Paid, Refunded}, // the bank gives it back
	}
	fulfilmentMoves = map[Fulfilment][]Fulfilment{
		FulfilmentPending: {Sent, Cancelled},
		Sent:              {EnRoute, Received},
		EnRoute:           {Received},
	}
	claimMoves = map[ClaimStatus][]ClaimStatus{
		ClaimOpen:          {ClaimReturnAwaited, ClaimEscalated, ClaimResolved, ClaimWithdrawn},
		ClaimReturnAwaited: {ClaimReturnSent, ClaimReturnArrived, ClaimEscalated, ClaimResolved, ClaimWithdrawn},
		ClaimReturnSent:    {ClaimReturnArrived, ClaimEscalated, ClaimResolved},
		ClaimReturnArrived: {ClaimEscalated, ClaimResolved},
		ClaimEscalated:     {ClaimReturnAwaited, ClaimResolved, ClaimRefused, ClaimWithdrawn},
	}
)

// Move is one step that one of an order's machines may take.
type Move struct{ Machine, From, To string }

// Moves is all of the table.
func Moves() []Move {
	all := movesOf("PAYMENT", paymentMoves)
	all = append(all, movesOf("FULFILMENT", fulfilmentMoves)...)
	return append(all, movesOf("CLAIM", claimMoves)...)
}

func movesOf[S ~string](machine string, table map[S][]S) (moves []Move) {
	for from, states := range table {
		for _, to := range states {
			moves = append(moves, Move{machine, string(from), string(to)})
		}
	}
	return moves
}

// Action is something that may be done with an order next.
type Action string

// The actions.
const (
	ActionPay            Action = "PAY"
	ActionCheckOut       Action = "CHECK_OUT" // to say how what was won is brought; package checkout does it
	ActionShip           Action = "SHIP"
	ActionHandOver       Action = "HAND_OVER" // in person, by the buyer's code; package handover does it
	ActionConfirmReceipt Action = "CONFIRM_RECEIPT"
	ActionCancel         Action = "CANCEL"
	ActionRefund         Action = "REFUND"
	ActionReportProblem  Action = "REPORT_PROBLEM"
	ActionWithdrawClaim  Action = "WITHDRAW_PROBLEM"
	ActionAcceptReturn   Action = "ACCEPT_RETURN"
	ActionRefuseClaim    Action = "REFUSE_PROBLEM"
	ActionRequestReturn  Action = "REQUEST_RETURN"
	ActionSendReturn     Action = "SEND_RETURN"
	ActionReceiveReturn  Action = "RECEIVE_RETURN"
)

// Party says where somebody stands towards an order.
type Party string

// The two sides, and who operates the market.
const (
	AsBuyer   Party = "BUYER"
	AsSeller  Party = "SELLER"
	AsSupport Party = "SUPPORT"
	AsAdmin   Party = "ADMIN"
)

// state is both machines' state at once.
type state struct {
	payment    Payment
	fulfilment Fulfilment
}

var (
	unpaid     = state{PaymentPending, FulfilmentPending}
	authorised = state{Authorised, FulfilmentPending}
	paid       = state{Paid, FulfilmentPending}
	sent       = state{Paid, Sent}
	enRoute    = state{Paid, EnRoute}
	delivered  = state{Paid, Received}
	settled    = state{Settled, Received}

	underWay   = []state{sent, enRoute, delivered} // to its completion
	refundable = []state{paid, sent, enRoute, delivered, settled}
	claimable  = []state{sent, enRoute, delivered, settled}
)

// actions is who may do what, and when.
var actions = map[Action]map[Party][]state{
	ActionPay:            {AsBuyer: {unpaid}},
	ActionCheckOut:       {AsBuyer: {unpaid, authorised, paid}},
	ActionShip:           {AsSeller: {authorised, paid}},
	ActionHandOver:       {AsSeller: {authorised, paid, sent, enRoute}},
	ActionConfirmReceipt: {AsBuyer: underWay},
	ActionCancel: {
		AsBuyer:  {unpaid},
		AsSeller: {unpaid, authorised, paid},
		AsAdmin:  {unpaid, authorised, paid},
	},
	ActionRefund: {
		AsSeller: refundable,
		AsAdmin:  refundable,
	},
	ActionReportProblem: {AsBuyer: claimable},
	ActionWithdrawClaim: {AsBuyer: claimable},
	ActionAcceptReturn:  {AsSeller: claimable, AsSupport: claimable},
	ActionRefuseClaim:   {AsSeller: claimable, AsSupport: claimable},
	ActionRequestReturn: {AsBuyer: claimable},
	ActionSendReturn:    {AsBuyer: claimable},
	ActionReceiveReturn: {AsSeller: claimable},
}

// claims is what an open claim has to be for an action that is about it.
var claims = map[Action]map[Party][]ClaimStatus{
	ActionWithdrawClaim: {AsBuyer: {ClaimOpen, ClaimReturnAwaited, ClaimEscalated}},
	ActionAcceptReturn:  {AsSeller: {ClaimOpen}, AsSupport: {ClaimEscalated}},
	ActionRefuseClaim:   {AsSeller: {ClaimOpen, ClaimReturnAwaited, ClaimReturnSent, ClaimReturnArrived}, AsSupport: {ClaimEscalated}},
	ActionSendReturn:    {AsBuyer: {ClaimReturnAwaited}},
	ActionReceiveReturn: {AsSeller: {ClaimReturnAwaited, ClaimReturnSent, ClaimReturnArrived}},
}

// check refuses what a party may not do with the order as it is. While the card's bank takes money of it back, nothing moves.
func (o Order) check(a Action, p Party) error {
	switch {
	case !slices.Contains(actions[a][p], o.state()):
		return ErrMove
	case claims[a] != nil && !slices.Contains(claims[a][p], o.Claim):
		return ErrMove
	case a == ActionCheckOut && !o.Quotable():
		return ErrMove
	case (a == ActionReportProblem || a == ActionRequestReturn) && o.Claim != "":
		return ErrClaimOpen
	case (a == ActionReportProblem || a == ActionRequestReturn) && !o.returnable():
		return ErrReturnWindowOver
	case o.Disputed && (claims[a] == nil || a == ActionReceiveReturn): // which moves money
		return ErrDisputed
	}
	return nil
}

// may tells whether a party may do something with the order as it is.
func (o Order) may(a Action, p Party) bool { return o.check(a, p) == nil }

// allowed reports whether both machines may go from one state to the other.
func allowed(from, to state) bool {
	return (from.payment == to.payment || slices.Contains(paymentMoves[from.payment], to.payment)) &&
		(from.fulfilment == to.fulfilment || slices.Contains(fulfilmentMoves[from.fulfilment], to.fulfilment))
}

// AvailableActions is what a party may do with the order now, in a fixed order.
func (o Order) AvailableActions(p Party) []Action {
	available := []Action{}
	for _, a := range []Action{ActionPay, ActionCheckOut, ActionShip, ActionHandOver, ActionConfirmReceipt, ActionCancel, ActionRefund, ActionReportProblem, ActionRequestReturn, ActionWithdrawClaim, ActionAcceptReturn, ActionRefuseClaim, ActionSendReturn, ActionReceiveReturn} {
		if o.may(a, p) {
			available = append(available, a)
		}
	}
	return available
}
