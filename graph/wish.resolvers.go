package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/wish"
)

// VariantID is the resolver for the variantId field.
func (r *availabilityNoticeResolver) VariantID(ctx context.Context, obj *wish.Wait) (id.ID, error) {
	return id.Variant.ID(obj.VariantID), nil
}

// Variant is the resolver for the variant field.
func (r *availabilityNoticeResolver) Variant(ctx context.Context, obj *wish.Wait) (*catalog.Variant, error) {
	return r.findVariant(ctx, obj.VariantID)
}

// Wished is the resolver for the wished field.
func (r *listingResolver) Wished(ctx context.Context, obj *catalog.Listing) (bool, error) {
	if _, signedIn := actor(ctx); !signedIn {
		return false, nil
	}
	return load(ctx).wished.Load(ctx, obj.ID)
}

// WishAdd is the resolver for the wishAdd field.
func (r *mutationResolver) WishAdd(ctx context.Context, input model.WishAddInput) (model.WishAddPayload, error) {
	var in inputReader
	listing := in.id(input.ListingID, id.Listing, "listingId")
	added, errs, err := answered(once(in.err, func() (wish.Wish, error) { return r.Wishes.Add(ctx, actorID(ctx), listing) }))
	return model.WishAddPayload{Wish: added, UserErrors: errs}, err
}

// WishRemove is the resolver for the wishRemove field.
func (r *mutationResolver) WishRemove(ctx context.Context, input model.WishRemoveInput) (model.WishRemovePayload, error) {
	var in inputReader
	listing := in.id(input.ListingID, id.Listing, "listingId")
	seen, errs, err := answered(once(in.err, func() (*catalog.Listing, error) {
		if err := r.Wishes.Remove(ctx, actorID(ctx), listing); err != nil {
			return nil, err
		}
		return maybe(ctx, load(ctx).listingSeen, listing)
	}))
	if seen == nil {
		return model.WishRemovePayload{UserErrors: errs}, err
	}
	return model.WishRemovePayload{Listing: *seen, UserErrors: errs}, err
}

// AvailabilityNoticeSet is the resolver for the availabilityNoticeSet field.
func (r *mutationResolver) AvailabilityNoticeSet(ctx context.Context, input model.AvailabilityNoticeSetInput) (model.AvailabilityNoticeSetPayload, error) {
	var in inputReader
	variant, set := in.id(input.VariantID, id.Variant, "variantId"), r.Wishes.Await
	if !input.Wanted {
		set = r.Wishes.Forget
	}
	wanted, errs, err := answered(once(in.err, func() (bool, error) { return input.Wanted, set(ctx, actorID(ctx), variant) }))
	return model.AvailabilityNoticeSetPayload{Wanted: wanted, UserErrors: errs}, err
}

// Wishes is the resolver for the wishes field.
func (r *viewerResolver) Wishes(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[wish.Wish], error) {
	return r.Resolver.Wishes.List(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// AvailabilityNotices is the resolver for the availabilityNotices field.
func (r *viewerResolver) AvailabilityNotices(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[wish.Wait], error) {
	return r.Resolver.Wishes.Waits(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// ListingID is the resolver for the listingId field.
func (r *wishResolver) ListingID(ctx context.Context, obj *wish.Wish) (id.ID, error) {
	return id.Listing.ID(obj.ListingID), nil
}

// Listing is the resolver for the listing field.
func (r *wishResolver) Listing(ctx context.Context, obj *wish.Wish) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// AvailabilityNotice returns generated.AvailabilityNoticeResolver implementation.
func (r *Resolver) AvailabilityNotice() generated.AvailabilityNoticeResolver {
	return &availabilityNoticeResolver{r}
}

// Wish returns generated.WishResolver implementation.
func (r *Resolver) Wish() generated.WishResolver { return &wishResolver{r} }

type (
	availabilityNoticeResolver struct{ *Resolver }
	wishResolver               struct{ *Resolver }
)
