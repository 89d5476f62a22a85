package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/payment"
)

// WalletTopUp is the resolver for the walletTopUp field.
func (r *mutationResolver) WalletTopUp(ctx context.Context, input model.WalletTopUpInput) (model.WalletTopUpPayload, error) {
	in, err := topUpInput(input)
	var topUp payment.TopUp
	if err == nil {
		topUp, err = r.Payment.TopUp(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.WalletTopUpPayload{UserErrors: errs}, err
	}
	return model.WalletTopUpPayload{TopUp: &topUp}, nil
}

// Wallets is the resolver for the wallets field.
func (r *viewerResolver) Wallets(ctx context.Context, obj *identity.Session) ([]model.Wallet, error) {
	wallets, err := r.Payment.Wallets(ctx, obj.User.ID)
	out := make([]model.Wallet, len(wallets))
	for i, w := range wallets {
		out[i] = model.Wallet{CurrencyCode: w.Currency, Available: w.Available, Held: w.Held}
	}
	return out, err
}

// Earnings is the resolver for the earnings field.
func (r *viewerResolver) Earnings(ctx context.Context, obj *identity.Session) ([]model.Earnings, error) {
	balances, err := r.Payment.SellerBalance(ctx, obj.User.ID)
	out := make([]model.Earnings, len(balances))
	for i, b := range balances {
		out[i] = model.Earnings{CurrencyCode: b.Available.Currency, Available: b.Available}
	}
	return out, err
}
