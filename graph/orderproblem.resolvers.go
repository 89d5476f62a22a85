package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// OrderReportProblem is the resolver for the orderReportProblem field.
func (r *mutationResolver) OrderReportProblem(ctx context.Context, input model.OrderReportProblemInput) (model.OrderReportProblemPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.ReportProblem(ctx, actorID(ctx), o, input.Reason, input.Text)
	})
	return model.OrderReportProblemPayload{Order: o, UserErrors: errs}, err
}

// OrderProblemWithdraw is the resolver for the orderProblemWithdraw field.
func (r *mutationResolver) OrderProblemWithdraw(ctx context.Context, input model.OrderProblemWithdrawInput) (model.OrderProblemWithdrawPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.WithdrawClaim(ctx, actorID(ctx), o)
	})
	return model.OrderProblemWithdrawPayload{Order: o, UserErrors: errs}, err
}

// OrderReturnRequest is the resolver for the orderReturnRequest field.
func (r *mutationResolver) OrderReturnRequest(ctx context.Context, input model.OrderReturnRequestInput) (model.OrderReturnRequestPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.RequestReturn(ctx, actorID(ctx), o, input.Reason, input.Text, linesToReturn(input.Lines))
	})
	return model.OrderReturnRequestPayload{Order: o, UserErrors: errs}, err
}

// OrderReturnLabel is the resolver for the orderReturnLabel field.
func (r *mutationResolver) OrderReturnLabel(ctx context.Context, input model.OrderReturnLabelInput) (model.OrderReturnLabelPayload, error) {
	in, err := returnInput(input)
	made, errs, err := answered(once(err, func() (shipping.Shipment, error) { return r.Shipping.CreateReturn(ctx, actorID(ctx), in) }))
	return model.OrderReturnLabelPayload{Shipment: made, UserErrors: errs}, err
}

// OrderReturnSend is the resolver for the orderReturnSend field.
func (r *mutationResolver) OrderReturnSend(ctx context.Context, input model.OrderReturnSendInput) (model.OrderReturnSendPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.SendReturn(ctx, actorID(ctx), o, input.Tracking)
	})
	return model.OrderReturnSendPayload{Order: o, UserErrors: errs}, err
}

// OrderReturnReceived is the resolver for the orderReturnReceived field.
func (r *mutationResolver) OrderReturnReceived(ctx context.Context, input model.OrderReturnReceivedInput) (model.OrderReturnReceivedPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.ReceiveReturn(ctx, orderActor(ctx), order.ReceivedInput{Order: o, Lines: returnedLines(input.Lines), Text: input.Text, IdempotencyKey: input.IdempotencyKey})
	})
	return model.OrderReturnReceivedPayload{Order: o, UserErrors: errs}, err
}

// OrderReturnAccept is the resolver for the orderReturnAccept field.
func (r *mutationResolver) OrderReturnAccept(ctx context.Context, input model.OrderReturnAcceptInput) (model.OrderReturnAcceptPayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.AcceptReturn(ctx, orderActor(ctx), o, input.Text, input.SellerBears)
	})
	return model.OrderReturnAcceptPayload{Order: o, UserErrors: errs}, err
}

// OrderProblemRefuse is the resolver for the orderProblemRefuse field.
func (r *mutationResolver) OrderProblemRefuse(ctx context.Context, input model.OrderProblemRefuseInput) (model.OrderProblemRefusePayload, error) {
	o, errs, err := onOrder(input.OrderID, func(o orderID) (order.Order, error) {
		return r.Orders.RefuseClaim(ctx, orderActor(ctx), o, input.Text)
	})
	return model.OrderProblemRefusePayload{Order: o, UserErrors: errs}, err
}

// Problems is the resolver for the problems field.
func (r *orderResolver) Problems(ctx context.Context, obj *order.Order) ([]order.Claim, error) {
	return some(ctx, load(ctx).problems, obj.ID)
}
