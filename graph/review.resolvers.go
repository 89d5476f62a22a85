package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/review"
)

// Rating is the resolver for the rating field.
func (r *listingResolver) Rating(ctx context.Context, obj *catalog.Listing) (review.Rating, error) {
	return load(ctx).ratingOfListing.Load(ctx, obj.ID)
}

// Reviews is the resolver for the reviews field.
func (r *listingResolver) Reviews(ctx context.Context, obj *catalog.Listing, first *int, after *string) (page.Page[review.Review], error) {
	return r.Resolver.Reviews.OfListing(ctx, obj.ID, page.Args{First: first, After: after})
}

// ReviewCreate is the resolver for the reviewCreate field.
func (r *mutationResolver) ReviewCreate(ctx context.Context, input model.ReviewCreateInput) (model.ReviewCreatePayload, error) {
	var in inputReader
	of := review.Of{Order: in.id(input.OrderID, id.Order, "orderId"), Subject: input.Subject, Listing: in.maybeID(input.ListingID, id.Listing, "listingId")}
	made, errs, err := answered(once(in.err, func() (review.Review, error) {
		return r.Reviews.Create(ctx, actorID(ctx), of, review.Words{Stars: input.Stars, Body: input.Body})
	}))
	return model.ReviewCreatePayload{Review: made, UserErrors: errs}, err
}

// ReviewUpdate is the resolver for the reviewUpdate field.
func (r *mutationResolver) ReviewUpdate(ctx context.Context, input model.ReviewUpdateInput) (model.ReviewUpdatePayload, error) {
	var in inputReader
	which := in.id(input.ReviewID, id.Review, "reviewId")
	changed, errs, err := answered(once(in.err, func() (review.Review, error) {
		return r.Reviews.Update(ctx, actorID(ctx), which, review.Words{Stars: input.Stars, Body: input.Body})
	}))
	return model.ReviewUpdatePayload{Review: changed, UserErrors: errs}, err
}

// ReviewReport is the resolver for the reviewReport field.
func (r *mutationResolver) ReviewReport(ctx context.Context, input model.ReviewReportInput) (model.ReviewReportPayload, error) {
	var in inputReader
	which := in.id(input.ReviewID, id.Review, "reviewId")
	of, errs, err := answered(once(in.err, func() (review.Review, error) { return r.Reviews.Report(ctx, actorID(ctx), which, input.Reason) }))
	return model.ReviewReportPayload{Review: of, UserErrors: errs}, err
}

// ReviewHide is the resolver for the reviewHide field.
func (r *mutationResolver) ReviewHide(ctx context.Context, input model.ReviewHideInput) (model.ReviewHidePayload, error) {
	var in inputReader
	which := in.id(input.ReviewID, id.Review, "reviewId")
	of, errs, err := answered(once(in.err, func() (review.Review, error) { return r.Reviews.Hide(ctx, actorID(ctx), which, input.Reason) }))
	return model.ReviewHidePayload{Review: of, UserErrors: errs}, err
}

// ReviewRestore is the resolver for the reviewRestore field.
func (r *mutationResolver) ReviewRestore(ctx context.Context, input model.ReviewRestoreInput) (model.ReviewRestorePayload, error) {
	var in inputReader
	which := in.id(input.ReviewID, id.Review, "reviewId")
	of, errs, err := answered(once(in.err, func() (review.Review, error) { return r.Reviews.Restore(ctx, actorID(ctx), which, input.Reason) }))
	return model.ReviewRestorePayload{Review: of, UserErrors: errs}, err
}

// Reviews is the resolver for the reviews field.
func (r *orderResolver) Reviews(ctx context.Context, obj *order.Order) ([]review.Review, error) {
	return some(ctx, load(ctx).reviewsOfOrder, obj.ID)
}

// ListingsToReview is the resolver for the listingsToReview field.
func (r *orderResolver) ListingsToReview(ctx context.Context, obj *order.Order) ([]catalog.Listing, error) {
	which, err := some(ctx, load(ctx).reviewsMissing, obj.ID)
	if err != nil {
		return nil, err
	}
	return load(ctx).listingOfOrder.LoadAll(ctx, which)
}

// ReviewReports is the resolver for the reviewReports field.
func (r *queryResolver) ReviewReports(ctx context.Context, first *int, after *string) (page.Page[review.Report], error) {
	return r.Reviews.Reports(ctx, page.Args{First: first, After: after})
}

// Author is the resolver for the author field.
func (r *reviewResolver) Author(ctx context.Context, obj *review.Review) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.AuthorID)
}

// Seller is the resolver for the seller field.
func (r *reviewResolver) Seller(ctx context.Context, obj *review.Review) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Listing is the resolver for the listing field.
func (r *reviewResolver) Listing(ctx context.Context, obj *review.Review) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Review is the resolver for the review field.
func (r *reviewReportResolver) Review(ctx context.Context, obj *review.Report) (review.Review, error) {
	return load(ctx).reviewSeen.Load(ctx, obj.ReviewID)
}

// Reporter is the resolver for the reporter field.
func (r *reviewReportResolver) Reporter(ctx context.Context, obj *review.Report) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.ReporterID)
}

// Rating is the resolver for the rating field.
func (r *userResolver) Rating(ctx context.Context, obj *identity.User) (review.Rating, error) {
	return load(ctx).ratingOfSeller.Load(ctx, obj.ID)
}

// Reviews is the resolver for the reviews field.
func (r *userResolver) Reviews(ctx context.Context, obj *identity.User, first *int, after *string) (page.Page[review.Review], error) {
	return r.Resolver.Reviews.OfSeller(ctx, obj.ID, page.Args{First: first, After: after})
}

// Review returns generated.ReviewResolver implementation.
func (r *Resolver) Review() generated.ReviewResolver { return &reviewResolver{r} }

// ReviewReport returns generated.ReviewReportResolver implementation.
func (r *Resolver) ReviewReport() generated.ReviewReportResolver { return &reviewReportResolver{r} }

type (
	reviewResolver       struct{ *Resolver }
	reviewReportResolver struct{ *Resolver }
)
