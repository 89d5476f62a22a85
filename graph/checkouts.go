package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/id"
)

func quoteInput(v model.CheckoutQuoteInput) (checkout.QuoteInput, error) {
	var in inputReader
	out := checkout.QuoteInput{Address: in.maybeID(v.AddressID, id.Address, "addressId"), Offer: in.maybeID(v.OfferID, id.Offer, "offerId"), IdempotencyKey: v.IdempotencyKey}
	if v.VariantIds != nil {
		out.Variants = in.ids(v.VariantIds, id.Variant, "variantIds")
	}
	out.Coupons, out.Shipping = v.CouponCodes, in.shippingChoices(v.Shipping)
	if v.AdmissionPass != nil {
		out.Pass = *v.AdmissionPass
	}
	if v.PayCurrency != nil {
		out.PayCurrency = in.currency(*v.PayCurrency, "payCurrency")
	}
	return out, in.err
}

func orderQuoteInput(v model.OrderQuoteInput) (checkout.OrderQuoteInput, error) {
	var in inputReader
	out := checkout.OrderQuoteInput{
		Order: in.id(v.OrderID, id.Order, "orderId"), Address: in.maybeID(v.AddressID, id.Address, "addressId"), Shipping: in.shippingChoices(v.Shipping), IdempotencyKey: v.IdempotencyKey,
	}
	if v.PayCurrency != nil {
		out.PayCurrency = in.currency(*v.PayCurrency, "payCurrency")
	}
	return out, in.err
}

func confirmInput(ctx context.Context, v model.CheckoutConfirmInput) (checkout.ConfirmInput, error) {
	var in inputReader
	return checkout.ConfirmInput{
		Quote: in.id(v.QuoteID, id.Quote, "quoteId"), Total: in.amount(v.Total, "total"), Card: in.maybeID(v.CardID, id.Card, "cardId"),
		Wallet: in.maybeAmount(v.WalletAmount, "walletAmount"), Exchange: in.maybeAmount(v.ExchangeTotal, "exchangeTotal"), From: comesFrom(ctx), IdempotencyKey: v.IdempotencyKey,
	}, in.err
}
