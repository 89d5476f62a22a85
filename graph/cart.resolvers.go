package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
)

// Reservation is the resolver for the reservation field.
func (r *cartResolver) Reservation(ctx context.Context, obj *cart.Cart) (*inventory.Reservation, error) {
	if obj.ReservationID == nil {
		return nil, nil
	}
	return visible(r.Inventory.Get(ctx, actorID(ctx), *obj.ReservationID))
}

// Seller is the resolver for the seller field.
func (r *cartGroupResolver) Seller(ctx context.Context, obj *cart.Group) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// VariantID is the resolver for the variantId field.
func (r *cartLineResolver) VariantID(ctx context.Context, obj *cart.Line) (id.ID, error) {
	return id.Variant.ID(obj.VariantID), nil
}

// Variant is the resolver for the variant field.
func (r *cartLineResolver) Variant(ctx context.Context, obj *cart.Line) (*catalog.Variant, error) {
	return r.findVariant(ctx, obj.VariantID)
}

// CartLineAdd is the resolver for the cartLineAdd field.
func (r *mutationResolver) CartLineAdd(ctx context.Context, input model.CartLineAddInput) (model.CartLineAddPayload, error) {
	changed, token, errs, err := r.addToCart(ctx, input)
	return model.CartLineAddPayload{Cart: changed, CartToken: token, UserErrors: errs}, err
}

// CartLineUpdate is the resolver for the cartLineUpdate field.
func (r *mutationResolver) CartLineUpdate(ctx context.Context, input model.CartLineUpdateInput) (model.CartLineUpdatePayload, error) {
	changed, errs, err := r.updateCart(ctx, input)
	return model.CartLineUpdatePayload{Cart: changed, UserErrors: errs}, err
}

// CartLineRemove is the resolver for the cartLineRemove field.
func (r *mutationResolver) CartLineRemove(ctx context.Context, input model.CartLineRemoveInput) (model.CartLineRemovePayload, error) {
	var in inputReader
	variant := in.id(input.VariantID, id.Variant, "variantId")
	changed, errs, err := answered(once(in.err, func() (cart.Cart, error) { return r.Carts.Remove(ctx, cartOwner(ctx, input.CartToken), variant) }))
	return model.CartLineRemovePayload{Cart: changed, UserErrors: errs}, err
}

// CartMerge is the resolver for the cartMerge field.
func (r *mutationResolver) CartMerge(ctx context.Context, input model.CartMergeInput) (model.CartMergePayload, error) {
	merged, leftOut, err := r.Carts.Merge(ctx, actorID(ctx), input.CartToken)
	if err != nil {
		errs, err := refused(err)
		return model.CartMergePayload{UserErrors: errs}, err
	}
	return model.CartMergePayload{Cart: &merged, LeftOut: &leftOut}, nil
}

// CartReserve is the resolver for the cartReserve field.
func (r *mutationResolver) CartReserve(ctx context.Context, input model.CartReserveInput) (model.CartReservePayload, error) {
	in, err := cartReserveInput(input)
	made, errs, err := answered(once(err, func() (inventory.Reservation, error) { return r.Carts.Reserve(ctx, actorID(ctx), in) }))
	if made == nil || err != nil {
		return model.CartReservePayload{UserErrors: errs}, err
	}
	now, err := r.Carts.Get(ctx, cart.Owner{User: actorID(ctx)})
	return model.CartReservePayload{Reservation: made, Cart: &now}, err
}

// Cart is the resolver for the cart field.
func (r *queryResolver) Cart(ctx context.Context, token *string) (*cart.Cart, error) {
	return visible(r.Carts.Get(ctx, cartOwner(ctx, token)))
}

// Cart returns generated.CartResolver implementation.
func (r *Resolver) Cart() generated.CartResolver { return &cartResolver{r} }

// CartGroup returns generated.CartGroupResolver implementation.
func (r *Resolver) CartGroup() generated.CartGroupResolver { return &cartGroupResolver{r} }

// CartLine returns generated.CartLineResolver implementation.
func (r *Resolver) CartLine() generated.CartLineResolver { return &cartLineResolver{r} }

type (
	cartResolver      struct{ *Resolver }
	cartGroupResolver struct{ *Resolver }
	cartLineResolver  struct{ *Resolver }
)
