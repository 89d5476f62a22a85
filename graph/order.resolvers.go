package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
)

// OrderPay is the resolver for the orderPay field.
func (r *mutationResolver) OrderPay(ctx context.Context, input model.OrderPayInput) (model.OrderPayPayload, error) {
	in, err := payInput(input)
	if err != nil {
		errs, err := refused(err)
		return model.OrderPayPayload{UserErrors: errs}, err
	}
	return paidPayload(r.Checkout.PayOrder(ctx, actorID(ctx), in, comesFrom(ctx)))
}

// OrderPaymentRefresh is the resolver for the orderPaymentRefresh field.
func (r *mutationResolver) OrderPaymentRefresh(ctx context.Context, input model.OrderPaymentRefreshInput) (model.OrderPaymentRefreshPayload, error) {
	var in inputReader
	asked := in.id(input.OrderPaymentID, id.OrderPayment, "orderPaymentId")
	if in.err != nil {
		errs, err := refused(in.err)
		return model.OrderPaymentRefreshPayload{UserErrors: errs}, err
	}
	paid, err := r.Payment.RefreshOrderPayment(ctx, actorID(ctx), asked)
	errs, err := refused(err)
	return model.OrderPaymentRefreshPayload{OrderPayment: begun(paid), UserErrors: errs}, err
}

// OrderShip is the resolver for the orderShip field.
func (r *mutationResolver) OrderShip(ctx context.Context, input model.OrderShipInput) (model.OrderShipPayload, error) {
	var in inputReader
	orderID := in.id(input.OrderID, id.Order, "orderId")
	var shipped order.Order
	err := in.err
	if err == nil && input.Tracking == "" {
		input.Tracking, err = r.Shipping.Numbers(ctx, orderID)
	}
	if err == nil {
		shipped, err = r.Orders.Ship(ctx, actorID(ctx), orderID, input.Tracking)
	}
	if err != nil {
		errs, err := refused(err)
		return model.OrderShipPayload{UserErrors: errs}, err
	}
	return model.OrderShipPayload{Order: &shipped}, nil
}

// OrderConfirmReceipt is the resolver for the orderConfirmReceipt field.
func (r *mutationResolver) OrderConfirmReceipt(ctx context.Context, input model.OrderConfirmReceiptInput) (model.OrderConfirmReceiptPayload, error) {
	var in inputReader
	orderID := in.id(input.OrderID, id.Order, "orderId")
	var received order.Order
	err := in.err
	if err == nil {
		received, err = r.Orders.ConfirmReceipt(ctx, actorID(ctx), orderID)
	}
	if err != nil {
		errs, err := refused(err)
		return model.OrderConfirmReceiptPayload{UserErrors: errs}, err
	}
	return model.OrderConfirmReceiptPayload{Order: &received}, nil
}

// OrderCancel is the resolver for the orderCancel field.
func (r *mutationResolver) OrderCancel(ctx context.Context, input model.OrderCancelInput) (model.OrderCancelPayload, error) {
	var in inputReader
	orderID := in.id(input.OrderID, id.Order, "orderId")
	var cancelled order.Order
	err := in.err
	if err == nil {
		cancelled, err = r.Orders.Cancel(ctx, orderActor(ctx), orderID, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.OrderCancelPayload{UserErrors: errs}, err
	}
	return model.OrderCancelPayload{Order: &cancelled}, nil
}

// OrderRefund is the resolver for the orderRefund field.
func (r *mutationResolver) OrderRefund(ctx context.Context, input model.OrderRefundInput) (model.OrderRefundPayload, error) {
	in, err := refundInput(input)
	var refunded order.Order
	if err == nil {
		refunded, err = r.Orders.Refund(ctx, orderActor(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.OrderRefundPayload{UserErrors: errs}, err
	}
	return model.OrderRefundPayload{Order: &refunded}, nil
}

// Buyer is the resolver for the buyer field.
func (r *orderResolver) Buyer(ctx context.Context, obj *order.Order) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.BuyerID)
}

// Seller is the resolver for the seller field.
func (r *orderResolver) Seller(ctx context.Context, obj *order.Order) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Listing is the resolver for the listing field.
func (r *orderResolver) Listing(ctx context.Context, obj *order.Order) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingOfOrder, obj.ListingID)
}

// Auction is the resolver for the auction field.
func (r *orderResolver) Auction(ctx context.Context, obj *order.Order) (*auction.Auction, error) {
	if obj.AuctionID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).auction, *obj.AuctionID)
}

// Refunds is the resolver for the refunds field.
func (r *orderResolver) Refunds(ctx context.Context, obj *order.Order) ([]order.Refund, error) {
	if obj.Refunded.Minor == 0 && !obj.Free() {
		return []order.Refund{}, nil
	}
	return some(ctx, load(ctx).refunds, obj.ID)
}

// Payments is the resolver for the payments field.
func (r *orderResolver) Payments(ctx context.Context, obj *order.Order) ([]payment.OrderPayment, error) {
	if obj.BuyerID != actorID(ctx) {
		return []payment.OrderPayment{}, nil
	}
	return some(ctx, load(ctx).payments, obj.ID)
}

// Card is the resolver for the card field.
func (r *orderResolver) Card(ctx context.Context, obj *order.Order) (*payment.Card, error) {
	if obj.CardID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).cardOfActor, *obj.CardID)
}

// AvailableActions is the resolver for the availableActions field.
func (r *orderResolver) AvailableActions(ctx context.Context, obj *order.Order) ([]order.Action, error) {
	return offered(ctx, *obj)
}

// Steps is the resolver for the steps field.
func (r *orderResolver) Steps(ctx context.Context, obj *order.Order) ([]model.OrderStep, error) {
	return stepsOf(some(ctx, load(ctx).orderSteps, obj.ID))
}

// Card is the resolver for the card field.
func (r *orderPaymentResolver) Card(ctx context.Context, obj *payment.OrderPayment) (*payment.Card, error) {
	if obj.Card == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).cardOfActor, *obj.Card)
}

// RefundID is the resolver for the refundId field.
func (r *orderRefundResolver) RefundID(ctx context.Context, obj *order.Refund) (*id.ID, error) {
	if obj.Card.Minor == 0 || obj.BuyerID != actorID(ctx) {
		return nil, nil
	}
	refund := id.Refund.ID(obj.ID)
	return &refund, nil
}

// Order is the resolver for the order field.
func (r *queryResolver) Order(ctx context.Context, id id.ID) (*order.Order, error) {
	return r.findOrder(ctx, id)
}

// OrderEvents is the resolver for the orderEvents field.
func (r *subscriptionResolver) OrderEvents(ctx context.Context, orderID id.ID, afterVersion *int, epoch *string) (<-chan model.OrderEvent, error) {
	o, err := orderID.As(id.Order)
	if err != nil {
		return nil, err
	}
	user := actorID(ctx)
	if _, err := r.Orders.Get(ctx, user, o); err != nil {
		return nil, err
	}
	return streamPrivate(ctx, r.Resolver, from(order.Topic(o), afterVersion, epoch, r.Orders.Snapshot(user, o)), r.orderEvent)
}

// Purchases is the resolver for the purchases field.
func (r *viewerResolver) Purchases(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[order.Order], error) {
	return r.Orders.List(ctx, obj.User.ID, order.AsBuyer, page.Args{First: first, After: after})
}

// Sales is the resolver for the sales field.
func (r *viewerResolver) Sales(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[order.Order], error) {
	return r.Orders.List(ctx, obj.User.ID, order.AsSeller, page.Args{First: first, After: after})
}

// Order returns generated.OrderResolver implementation.
func (r *Resolver) Order() generated.OrderResolver { return &orderResolver{r} }

// OrderPayment returns generated.OrderPaymentResolver implementation.
func (r *Resolver) OrderPayment() generated.OrderPaymentResolver { return &orderPaymentResolver{r} }

// OrderRefund returns generated.OrderRefundResolver implementation.
func (r *Resolver) OrderRefund() generated.OrderRefundResolver { return &orderRefundResolver{r} }

type (
	orderResolver        struct{ *Resolver }
	orderPaymentResolver struct{ *Resolver }
	orderRefundResolver  struct{ *Resolver }
)
