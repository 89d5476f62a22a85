package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// WalletExchange is the resolver for the walletExchange field.
func (r *mutationResolver) WalletExchange(ctx context.Context, input model.WalletExchangeInput) (model.WalletExchangePayload, error) {
	in, err := exchangeInput(input)
	var exchange payment.Exchange
	if err == nil {
		exchange, err = r.Payment.Exchange(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.WalletExchangePayload{UserErrors: errs}, err
	}
	return model.WalletExchangePayload{Exchange: &exchange}, nil
}

// ExchangeQuote is the resolver for the exchangeQuote field.
func (r *queryResolver) ExchangeQuote(ctx context.Context, from model.MoneyInput, to money.Currency) (payment.ExchangeQuote, error) {
	var in inputReader
	amount, currency := in.amount(from, "from"), in.currency(to, "to")
	if in.err != nil {
		return payment.ExchangeQuote{}, in.err
	}
	return r.Payment.QuoteExchange(ctx, amount, currency)
}
