package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

// Order is the resolver for the order field.
func (r *checkoutQuoteResolver) Order(ctx context.Context, obj *checkout.Quote) (*order.Order, error) {
	if obj.Order == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).orderOfActor, *obj.Order)
}

// Offer is the resolver for the offer field.
func (r *checkoutQuoteResolver) Offer(ctx context.Context, obj *checkout.Quote) (*offer.Offer, error) {
	return maybePtr(ctx, load(ctx).offerSeen, obj.Offer)
}

// CheckoutQuote is the resolver for the checkoutQuote field.
func (r *mutationResolver) CheckoutQuote(ctx context.Context, input model.CheckoutQuoteInput) (model.CheckoutQuotePayload, error) {
	in, err := quoteInput(input)
	quote, errs, err := answered(once(err, func() (checkout.Quote, error) { return r.Checkout.Quote(ctx, actorID(ctx), in) }))
	return model.CheckoutQuotePayload{Quote: quote, UserErrors: errs}, err
}

// OrderQuote is the resolver for the orderQuote field.
func (r *mutationResolver) OrderQuote(ctx context.Context, input model.OrderQuoteInput) (model.OrderQuotePayload, error) {
	in, err := orderQuoteInput(input)
	quote, errs, err := answered(once(err, func() (checkout.Quote, error) { return r.Checkout.QuoteOrder(ctx, actorID(ctx), in) }))
	return model.OrderQuotePayload{Quote: quote, UserErrors: errs}, err
}

// CheckoutConfirm is the resolver for the checkoutConfirm field.
func (r *mutationResolver) CheckoutConfirm(ctx context.Context, input model.CheckoutConfirmInput) (model.CheckoutConfirmPayload, error) {
	in, err := confirmInput(ctx, input)
	orders, err := once(err, func() ([]order.Order, error) { return r.Checkout.Confirm(ctx, actorID(ctx), in) })
	errs, err := refused(err)
	return model.CheckoutConfirmPayload{Orders: orders, UserErrors: errs}, err
}

// ReservationPay is the resolver for the reservationPay field.
func (r *mutationResolver) ReservationPay(ctx context.Context, input model.ReservationPayInput) (model.ReservationPayPayload, error) {
	var in inputReader
	pay := checkout.PayInput{
		Reservation: in.id(input.ReservationID, id.Reservation, "reservationId"), Total: in.amount(input.Total, "total"), IdempotencyKey: input.IdempotencyKey, From: comesFrom(ctx),
	}
	orders, err := once(in.err, func() ([]order.Order, error) { return r.Checkout.Pay(ctx, actorID(ctx), pay) })
	errs, err := refused(err)
	return model.ReservationPayPayload{Orders: orders, UserErrors: errs}, err
}

// Lines is the resolver for the lines field.
func (r *orderResolver) Lines(ctx context.Context, obj *order.Order) ([]order.Line, error) {
	return some(ctx, load(ctx).orderLines, obj.ID)
}

// Charges is the resolver for the charges field.
func (r *orderResolver) Charges(ctx context.Context, obj *order.Order) ([]order.Charge, error) {
	return some(ctx, load(ctx).orderCharges, obj.ID)
}

// Exchange is the resolver for the exchange field.
func (r *orderResolver) Exchange(ctx context.Context, obj *order.Order) (*payment.FixedExchange, error) {
	return maybe(ctx, load(ctx).orderExchange, obj.ID)
}

// ShipTo is the resolver for the shipTo field.
func (r *orderResolver) ShipTo(ctx context.Context, obj *order.Order) (*address.Postal, error) {
	if _, party := obj.PartyOf(actorID(ctx)); !party {
		return nil, nil
	}
	return maybe(ctx, load(ctx).shipTo, obj.ID)
}

// Listing is the resolver for the listing field.
func (r *orderLineResolver) Listing(ctx context.Context, obj *order.Line) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingOfOrder, obj.Listing)
}

// Seller is the resolver for the seller field.
func (r *quoteGroupResolver) Seller(ctx context.Context, obj *checkout.QuoteGroup) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Variant is the resolver for the variant field.
func (r *quoteLineResolver) Variant(ctx context.Context, obj *checkout.QuoteLine) (*catalog.Variant, error) {
	return r.findVariant(ctx, *obj.Variant)
}

// CheckoutQuote returns generated.CheckoutQuoteResolver implementation.
func (r *Resolver) CheckoutQuote() generated.CheckoutQuoteResolver { return &checkoutQuoteResolver{r} }

// OrderLine returns generated.OrderLineResolver implementation.
func (r *Resolver) OrderLine() generated.OrderLineResolver { return &orderLineResolver{r} }

// QuoteGroup returns generated.QuoteGroupResolver implementation.
func (r *Resolver) QuoteGroup() generated.QuoteGroupResolver { return &quoteGroupResolver{r} }

// QuoteLine returns generated.QuoteLineResolver implementation.
func (r *Resolver) QuoteLine() generated.QuoteLineResolver { return &quoteLineResolver{r} }

type (
	checkoutQuoteResolver struct{ *Resolver }
	orderLineResolver     struct{ *Resolver }
	quoteGroupResolver    struct{ *Resolver }
	quoteLineResolver     struct{ *Resolver }
)
