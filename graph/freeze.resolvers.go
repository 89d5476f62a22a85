package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/payment"
)

// WalletFreeze is the resolver for the walletFreeze field.
func (r *mutationResolver) WalletFreeze(ctx context.Context, input model.WalletFreezeInput) (model.WalletFreezePayload, error) {
	var in inputReader
	user := in.id(input.UserID, id.User, "userId")
	var freeze payment.Freeze
	err := in.err
	if err == nil {
		freeze, err = r.Payment.FreezeWallet(ctx, actorID(ctx), user, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.WalletFreezePayload{UserErrors: errs}, err
	}
	return model.WalletFreezePayload{Freeze: &freeze}, nil
}

// WalletUnfreeze is the resolver for the walletUnfreeze field.
func (r *mutationResolver) WalletUnfreeze(ctx context.Context, input model.WalletUnfreezeInput) (model.WalletUnfreezePayload, error) {
	in, err := unfreezeInput(input)
	var lifted []payment.Freeze
	if err == nil {
		lifted, err = r.Payment.UnfreezeWallet(ctx, actorID(ctx), in)
	}
	errs, err := refused(err)
	return model.WalletUnfreezePayload{Freezes: lifted, UserErrors: errs}, err
}

// WalletFreezes is the resolver for the walletFreezes field.
func (r *queryResolver) WalletFreezes(ctx context.Context, userID id.ID) ([]payment.Freeze, error) {
	user, err := userID.As(id.User)
	if err != nil {
		return nil, err
	}
	return r.Payment.WalletFreezes(ctx, user)
}

// User is the resolver for the user field.
func (r *walletFreezeResolver) User(ctx context.Context, obj *payment.Freeze) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.User)
}

// WalletFreeze returns generated.WalletFreezeResolver implementation.
func (r *Resolver) WalletFreeze() generated.WalletFreezeResolver { return &walletFreezeResolver{r} }

type walletFreezeResolver struct{ *Resolver }
