package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/want"
)

// WantCreate is the resolver for the wantCreate field.
func (r *mutationResolver) WantCreate(ctx context.Context, input model.WantCreateInput) (model.WantCreatePayload, error) {
	in, err := wantInput(input)
	made, errs, err := answered(once(err, func() (want.Want, error) { return r.Wants.Create(ctx, actorID(ctx), in) }))
	return model.WantCreatePayload{Want: made, UserErrors: errs}, err
}

// WantClose is the resolver for the wantClose field.
func (r *mutationResolver) WantClose(ctx context.Context, input model.WantCloseInput) (model.WantClosePayload, error) {
	var in inputReader
	which := in.id(input.WantID, id.Want, "wantId")
	closed, errs, err := answered(once(in.err, func() (want.Want, error) { return r.Wants.Close(ctx, actorID(ctx), which) }))
	return model.WantClosePayload{Want: closed, UserErrors: errs}, err
}

// WantAnswer is the resolver for the wantAnswer field.
func (r *mutationResolver) WantAnswer(ctx context.Context, input model.WantAnswerInput) (model.WantAnswerPayload, error) {
	var in inputReader
	which, listing := in.id(input.WantID, id.Want, "wantId"), in.id(input.ListingID, id.Listing, "listingId")
	of, errs, err := answered(once(in.err, func() (want.Want, error) { return r.Wants.Answer(ctx, actorID(ctx), which, listing) }))
	return model.WantAnswerPayload{Want: of, UserErrors: errs}, err
}

// Wants is the resolver for the wants field.
func (r *queryResolver) Wants(ctx context.Context, categoryID *id.ID, first *int, after *string) (page.Page[want.Want], error) {
	var in inputReader
	category := in.maybeID(categoryID, id.Category, "categoryId")
	if in.err != nil {
		return page.Page[want.Want]{}, in.err
	}
	return r.Resolver.Wants.List(ctx, category, page.Args{First: first, After: after})
}

// Wants is the resolver for the wants field.
func (r *viewerResolver) Wants(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[want.Want], error) {
	return r.Resolver.Wants.Own(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// Buyer is the resolver for the buyer field.
func (r *wantResolver) Buyer(ctx context.Context, obj *want.Want) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.BuyerID)
}

// Category is the resolver for the category field.
func (r *wantResolver) Category(ctx context.Context, obj *want.Want) (*taxonomy.Category, error) {
	return maybePtr(ctx, load(ctx).category, obj.CategoryID)
}

// Status is the resolver for the status field.
func (r *wantResolver) Status(ctx context.Context, obj *want.Want) (want.Status, error) {
	return obj.StatusAt(r.Clock.Now()), nil
}

// Offers is the resolver for the offers field.
func (r *wantResolver) Offers(ctx context.Context, obj *want.Want, first *int, after *string) (page.Page[want.Offer], error) {
	if obj.BuyerID != actorID(ctx) {
		return want.OfferPage{}, nil
	}
	return r.Wants.Offers(ctx, obj.ID, page.Args{First: first, After: after})
}

// Listing is the resolver for the listing field.
func (r *wantOfferResolver) Listing(ctx context.Context, obj *want.Offer) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Want returns generated.WantResolver implementation.
func (r *Resolver) Want() generated.WantResolver { return &wantResolver{r} }

// WantOffer returns generated.WantOfferResolver implementation.
func (r *Resolver) WantOffer() generated.WantOfferResolver { return &wantOfferResolver{r} }

type (
	wantResolver      struct{ *Resolver }
	wantOfferResolver struct{ *Resolver }
)
