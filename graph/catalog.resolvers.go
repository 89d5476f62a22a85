package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

// Seller is the resolver for the seller field.
func (r *listingResolver) Seller(ctx context.Context, obj *catalog.Listing) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Photos is the resolver for the photos field.
func (r *listingResolver) Photos(ctx context.Context, obj *catalog.Listing) ([]catalog.Photo, error) {
	return some(ctx, load(ctx).photos, obj.ID)
}

// Auction is the resolver for the auction field.
func (r *listingResolver) Auction(ctx context.Context, obj *catalog.Listing) (*auction.Auction, error) {
	return maybe(ctx, load(ctx).auctionOf, obj.ID)
}

// PhotoUploadCreate is the resolver for the photoUploadCreate field.
func (r *mutationResolver) PhotoUploadCreate(ctx context.Context, input model.PhotoUploadCreateInput) (model.PhotoUploadCreatePayload, error) {
	upload, err := r.Catalog.AnnounceUpload(ctx, actorID(ctx), input.ContentType, int64(input.Bytes))
	if err != nil {
		errs, err := refused(err)
		return model.PhotoUploadCreatePayload{UserErrors: errs}, err
	}
	return model.PhotoUploadCreatePayload{Upload: &upload}, nil
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

// Listing is the resolver for the listing field.
func (r *queryResolver) Listing(ctx context.Context, id id.ID) (*catalog.Listing, error) {
	return find(ctx, id, idListing, load(ctx).listing)
}

// Listings is the resolver for the listings field.
func (r *queryResolver) Listings(ctx context.Context, first *int, after *string) (page.Page[catalog.Listing], error) {
	return r.Catalog.List(ctx, page.Args{First: first, After: after})
}

// Listing returns generated.ListingResolver implementation.
func (r *Resolver) Listing() generated.ListingResolver { return &listingResolver{r} }

type listingResolver struct{ *Resolver }
