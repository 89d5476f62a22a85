package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// cartOwner is whose cart is meant: a token's, else the actor's.
func cartOwner(ctx context.Context, token *string) cart.Owner {
	return cart.Owner{User: actorID(ctx), Token: textOf(token), From: httpx.Client(ctx)}
}

// bringCart merges a guest's cart into that of who has just signed in. Where that fails they are signed in all the same: the cart is kept,
// and cartMerge brings it later.
func (r *Resolver) bringCart(ctx context.Context, session identity.Session, token *string) {
	if textOf(token) == "" {
		return
	}
	if _, _, err := r.Carts.Merge(ctx, session.User.ID, *token); err != nil {
		r.Log.ErrorContext(ctx, "a guest's cart was not merged at sign-in", "error", err)
	}
}

// addToCart gives the token of a guest's cart that it made, and null for others.
func (r *Resolver) addToCart(ctx context.Context, v model.CartLineAddInput) (_ *cart.Cart, token *string, _ []model.UserError, _ error) {
	var in inputReader
	variant := in.id(v.VariantID, id.Variant, "variantId")
	changed, errs, err := answered(once(in.err, func() (cart.Cart, error) {
		c, made, err := r.Carts.Add(ctx, cartOwner(ctx, v.CartToken), variant, v.Quantity)
		token = textOrNil(made)
		return c, err
	}))
	return changed, token, errs, err
}

func (r *Resolver) updateCart(ctx context.Context, v model.CartLineUpdateInput) (*cart.Cart, []model.UserError, error) {
	var in inputReader
	variant, change := in.id(v.VariantID, id.Variant, "variantId"), cart.Change{Quantity: v.Quantity, SavedForLater: v.SavedForLater}
	return answered(once(in.err, func() (cart.Cart, error) { return r.Carts.Update(ctx, cartOwner(ctx, v.CartToken), variant, change) }))
}

func cartReserveInput(v model.CartReserveInput) (cart.ReserveInput, error) {
	var in inputReader
	out := cart.ReserveInput{Region: textOf(v.Region), Pass: textOf(v.AdmissionPass), IdempotencyKey: v.IdempotencyKey}
	if v.VariantIds != nil {
		out.Variants = in.ids(v.VariantIds, id.Variant, "variantIds")
	}
	return out, in.err
}
