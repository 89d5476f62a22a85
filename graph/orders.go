package graph

import (
	"context"
	"slices"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

// orderActor is the actor as orders see them.
func orderActor(ctx context.Context) order.Actor {
	session, _ := actor(ctx)
	return order.Actor{User: session.User.ID, Admin: session.User.Role == identity.Admin, Support: session.User.Role == identity.Support}
}

// offered is what the viewer may do with an order next. Whether there is something to send back is in its lines, and whether it has to be checked out before it is paid
// is its seller's to say: they are asked where that matters.
func offered(ctx context.Context, o order.Order) ([]order.Action, error) {
	actions := o.AvailableActions(orderActor(ctx).Party(o))
	if slices.Contains(actions, order.ActionRequestReturn) {
		some, err := load(ctx).returnable.Load(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		if !some {
			actions = without(actions, order.ActionRequestReturn)
		}
	}
	if slices.Contains(actions, order.ActionPay) && slices.Contains(actions, order.ActionCheckOut) {
		first, err := load(ctx).toCheckOut.Load(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		if first {
			actions = without(actions, order.ActionPay)
		}
	}
	return actions, nil
}

func without(actions []order.Action, a order.Action) []order.Action {
	return slices.DeleteFunc(actions, func(has order.Action) bool { return has == a })
}

func payInput(v model.OrderPayInput) (order.PayInput, error) {
	var in inputReader
	out := order.PayInput{
		Order: in.id(v.OrderID, id.Order, "orderId"), Card: in.maybeID(v.CardID, id.Card, "cardId"), IdempotencyKey: v.IdempotencyKey,
	}
	if v.WalletAmount != nil {
		wallet := in.amount(*v.WalletAmount, "walletAmount")
		out.Wallet = &wallet
	}
	return out, in.err
}

func refundInput(v model.OrderRefundInput) (order.RefundInput, error) {
	var in inputReader
	out := order.RefundInput{Order: in.id(v.OrderID, id.Order, "orderId"), Reason: v.Reason, IdempotencyKey: v.IdempotencyKey}
	if v.Amount != nil {
		amount := in.amount(*v.Amount, "amount")
		out.Amount = &amount
	}
	out.Lines = returnedLines(v.Lines)
	return out, in.err
}

// returnedLines are what has come back of an order, or is refunded.
func returnedLines(vs []model.OrderReturnedLineInput) (lines []order.ReturnedLine) {
	for _, l := range vs {
		lines = append(lines, order.ReturnedLine{Number: l.Number, Quantity: l.Quantity, Restock: l.Restock})
	}
	return lines
}

// paidPayload answers with an order, how it is being paid and, where its card was refused, why.
func paidPayload(o order.Order, p payment.OrderPayment, err error) (model.OrderPayPayload, error) {
	errs, err := refused(err)
	payload := model.OrderPayPayload{OrderPayment: begun(p), UserErrors: errs}
	if payload.OrderPayment != nil {
		payload.Order = &o
	}
	return payload, err
}

// begun is null for a payment that was refused before it began.
func begun(p payment.OrderPayment) *payment.OrderPayment {
	if p.Status == "" {
		return nil
	}
	return &p
}

// stepsOf are steps as the API has them.
func stepsOf(steps []order.Step, err error) ([]model.OrderStep, error) {
	all := make([]model.OrderStep, len(steps))
	for i, s := range steps {
		all[i] = model.OrderStep{OrderID: id.Order.ID(s.OrderID), Version: int(s.Version), Kind: model.OrderEventKind(s.Kind), At: s.At}
	}
	return all, err
}
