package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
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

// WalletTopUpRefresh is the resolver for the walletTopUpRefresh field.
func (r *mutationResolver) WalletTopUpRefresh(ctx context.Context, input model.WalletTopUpRefreshInput) (model.WalletTopUpRefreshPayload, error) {
	var in inputReader
	asked := in.id(input.TopUpID, id.TopUp, "topUpId")
	if in.err != nil {
		errs, err := refused(in.err)
		return model.WalletTopUpRefreshPayload{UserErrors: errs}, err
	}
	topUp, err := r.Payment.RefreshTopUp(ctx, actorID(ctx), asked)
	errs, err := refused(err)
	payload := model.WalletTopUpRefreshPayload{UserErrors: errs}
	if topUp.Status != "" {
		payload.TopUp = &topUp
	}
	return payload, err
}

// WalletWithdraw is the resolver for the walletWithdraw field.
func (r *mutationResolver) WalletWithdraw(ctx context.Context, input model.WalletWithdrawInput) (model.WalletWithdrawPayload, error) {
	in, err := withdrawInput(input)
	var withdrawal payment.Withdrawal
	if err == nil {
		withdrawal, err = r.Payment.Withdraw(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.WalletWithdrawPayload{UserErrors: errs}, err
	}
	return model.WalletWithdrawPayload{Withdrawal: &withdrawal}, nil
}

// CardSetupStart is the resolver for the cardSetupStart field.
func (r *mutationResolver) CardSetupStart(ctx context.Context, input model.CardSetupStartInput) (model.CardSetupStartPayload, error) {
	return setupPayload(r.Payment.StartCardSetup(ctx, actorID(ctx), textOf(input.PaymentMethod)))
}

// CardSetupFinish is the resolver for the cardSetupFinish field.
func (r *mutationResolver) CardSetupFinish(ctx context.Context, input model.CardSetupFinishInput) (model.CardSetupFinishPayload, error) {
	var in inputReader
	setup := in.id(input.CardSetupID, id.CardSetup, "cardSetupId")
	if in.err != nil {
		errs, err := refused(in.err)
		return model.CardSetupFinishPayload{UserErrors: errs}, err
	}
	payload, err := setupPayload(r.Payment.FinishCardSetup(ctx, actorID(ctx), setup))
	return model.CardSetupFinishPayload(payload), err
}

// CardRemove is the resolver for the cardRemove field.
func (r *mutationResolver) CardRemove(ctx context.Context, input model.CardRemoveInput) (model.CardRemovePayload, error) {
	var in inputReader
	card := in.id(input.CardID, id.Card, "cardId")
	var removed payment.Card
	err := in.err
	if err == nil {
		removed, err = r.Payment.RemoveCard(ctx, actorID(ctx), card)
	}
	if err != nil {
		errs, err := refused(err)
		return model.CardRemovePayload{UserErrors: errs}, err
	}
	return model.CardRemovePayload{Card: &removed}, nil
}

// ViewerEvents is the resolver for the viewerEvents field.
func (r *subscriptionResolver) ViewerEvents(ctx context.Context, afterVersion *int, epoch *string) (<-chan feed.Event, error) {
	user := actorID(ctx)
	return stream(ctx, r.Resolver, from(feed.Topic(user), afterVersion, epoch, r.Feed.Snapshot(user)), func(e realtime.Event) (feed.Event, error) {
		return feed.FromEvent(e, r.Hub.Epoch())
	})
}

// Wallets is the resolver for the wallets field.
func (r *viewerResolver) Wallets(ctx context.Context, obj *identity.Session) ([]ledger.WalletBalance, error) {
	return r.Payment.Wallets(ctx, obj.User.ID)
}

// Earnings is the resolver for the earnings field.
func (r *viewerResolver) Earnings(ctx context.Context, obj *identity.Session) ([]model.Earnings, error) {
	balances, err := r.Payment.SellerBalance(ctx, obj.User.ID)
	out := make([]model.Earnings, len(balances))
	for i, b := range balances {
		out[i] = model.Earnings{CurrencyCode: b.Available.Currency, Pending: b.Pending, Available: b.Available}
	}
	return out, err
}

// Cards is the resolver for the cards field.
func (r *viewerResolver) Cards(ctx context.Context, obj *identity.Session) ([]payment.Card, error) {
	return r.Payment.Cards(ctx, obj.User.ID)
}

// Object is the resolver for the object field.
func (r *viewerEventResolver) Object(ctx context.Context, obj *feed.Event) (id.Node, error) {
	if obj.Object == nil {
		return nil, nil
	}
	return r.findNode(ctx, *obj.Object)
}

// Withdrawable is the resolver for the withdrawable field.
func (r *walletResolver) Withdrawable(ctx context.Context, obj *ledger.WalletBalance) (money.Amount, error) {
	paidIn, err := maybe(ctx, load(ctx).refundable, obj.Owner)
	if err != nil || paidIn == nil || obj.Frozen {
		return money.New(0, obj.Currency), err
	}
	return money.New(min(obj.Available.Minor, (*paidIn)[obj.Currency].Minor), obj.Currency), nil
}

// ViewerEvent returns generated.ViewerEventResolver implementation.
func (r *Resolver) ViewerEvent() generated.ViewerEventResolver { return &viewerEventResolver{r} }

// Wallet returns generated.WalletResolver implementation.
func (r *Resolver) Wallet() generated.WalletResolver { return &walletResolver{r} }

type (
	viewerEventResolver struct{ *Resolver }
	walletResolver      struct{ *Resolver }
)
