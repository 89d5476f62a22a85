package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/page"
)

// Variants is the resolver for the variants field.
func (r *listingResolver) Variants(ctx context.Context, obj *catalog.Listing) ([]catalog.Variant, error) {
	return some(ctx, load(ctx).variants, obj.ID)
}

// Seller is the resolver for the seller field.
func (r *listingResolver) Seller(ctx context.Context, obj *catalog.Listing) (identity.User, error) {
	if obj.By != nil {
		return *obj.By, nil
	}
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Photos is the resolver for the photos field.
func (r *listingResolver) Photos(ctx context.Context, obj *catalog.Listing) ([]media.Photo, error) {
	photos, err := some(ctx, load(ctx).photos, obj.ID)
	if err != nil || !obj.Withheld() {
		return photos, err
	}
	return r.Media.Linked(ctx, photos)
}

// Auction is the resolver for the auction field.
func (r *listingResolver) Auction(ctx context.Context, obj *catalog.Listing) (*auction.Auction, error) {
	return maybe(ctx, load(ctx).auctionOf, obj.ID)
}

// ListingCreate is the resolver for the listingCreate field.
func (r *mutationResolver) ListingCreate(ctx context.Context, input model.ListingCreateInput) (model.ListingCreatePayload, error) {
	in, err := listingInput(input)
	var listing catalog.Listing
	if err == nil {
		listing, err = r.Catalog.Create(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ListingCreatePayload{UserErrors: errs}, err
	}
	return model.ListingCreatePayload{Listing: &listing}, nil
}

// ListingUpdate is the resolver for the listingUpdate field.
func (r *mutationResolver) ListingUpdate(ctx context.Context, input model.ListingUpdateInput) (model.ListingUpdatePayload, error) {
	id, in, err := listingChange(input)
	var listing catalog.Listing
	if err == nil {
		listing, err = r.Catalog.Update(ctx, actorID(ctx), id, in)
	}
	changed, errs, err := answered(listing, err)
	return model.ListingUpdatePayload{Listing: changed, UserErrors: errs}, err
}

// ListingPublish is the resolver for the listingPublish field.
func (r *mutationResolver) ListingPublish(ctx context.Context, input model.ListingPublishInput) (model.ListingPublishPayload, error) {
	listing, errs, err := answered(r.changeListing(ctx, input.ListingID, r.Catalog.Publish))
	return model.ListingPublishPayload{Listing: listing, UserErrors: errs}, err
}

// ListingEnd is the resolver for the listingEnd field.
func (r *mutationResolver) ListingEnd(ctx context.Context, input model.ListingEndInput) (model.ListingEndPayload, error) {
	listing, errs, err := answered(r.changeListing(ctx, input.ListingID, r.Catalog.End))
	return model.ListingEndPayload{Listing: listing, UserErrors: errs}, err
}

// ListingDelete is the resolver for the listingDelete field.
func (r *mutationResolver) ListingDelete(ctx context.Context, input model.ListingDeleteInput) (model.ListingDeletePayload, error) {
	in := &inputReader{}
	listings := in.ids(input.ListingIds, idListing, "listingIds")
	if in.err != nil {
		return deletionPayload(nil, in.err)
	}
	return deletionPayload(r.Catalog.Delete(ctx, actorID(ctx), listings))
}

// ListingDuplicate is the resolver for the listingDuplicate field.
func (r *mutationResolver) ListingDuplicate(ctx context.Context, input model.ListingDuplicateInput) (model.ListingDuplicatePayload, error) {
	listing, errs, err := answered(r.changeListing(ctx, input.ListingID, r.Catalog.Duplicate))
	return model.ListingDuplicatePayload{Listing: listing, UserErrors: errs}, err
}

// ListingHide is the resolver for the listingHide field.
func (r *mutationResolver) ListingHide(ctx context.Context, input model.ListingHideInput) (model.ListingHidePayload, error) {
	listing, errs, err := answered(r.moderateListing(ctx, input.ListingID, input.Reason, r.Catalog.Hide))
	return model.ListingHidePayload{Listing: listing, UserErrors: errs}, err
}

// ListingRestore is the resolver for the listingRestore field.
func (r *mutationResolver) ListingRestore(ctx context.Context, input model.ListingRestoreInput) (model.ListingRestorePayload, error) {
	listing, errs, err := answered(r.moderateListing(ctx, input.ListingID, input.Reason, r.Catalog.Restore))
	return model.ListingRestorePayload{Listing: listing, UserErrors: errs}, err
}

// Listing is the resolver for the listing field.
func (r *queryResolver) Listing(ctx context.Context, id id.ID) (*catalog.Listing, error) {
	return find(ctx, id, idListing, load(ctx).listingSeen)
}

// Listings is the resolver for the listings field.
func (r *queryResolver) Listings(ctx context.Context, sellerID *id.ID, kind *catalog.Kind, status *catalog.Status, filter *model.ListingFilter, first *int, after *string) (page.Page[catalog.Listing], error) {
	wanted, err := listingFilter(sellerID, kind, status, filter)
	if err != nil {
		return page.Page[catalog.Listing]{}, err
	}
	return r.Catalog.List(ctx, wanted, page.Args{First: first, After: after})
}

// Listings is the resolver for the listings field.
func (r *userResolver) Listings(ctx context.Context, obj *identity.User, status *catalog.Status, first *int, after *string) (page.Page[catalog.Listing], error) {
	return r.Catalog.List(ctx, catalog.Filter{Seller: &obj.ID, Status: status}, page.Args{First: first, After: after})
}

// Listings is the resolver for the listings field.
func (r *viewerResolver) Listings(ctx context.Context, obj *identity.Session, status *catalog.Status, first *int, after *string) (page.Page[catalog.Listing], error) {
	return r.Catalog.Own(ctx, obj.User.ID, status, page.Args{First: first, After: after})
}

// Listing returns generated.ListingResolver implementation.
func (r *Resolver) Listing() generated.ListingResolver { return &listingResolver{r} }

type listingResolver struct{ *Resolver }
