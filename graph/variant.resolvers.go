package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
)

// VariantAdd is the resolver for the variantAdd field.
func (r *mutationResolver) VariantAdd(ctx context.Context, input model.VariantAddInput) (model.VariantAddPayload, error) {
	var in inputReader
	listing, variant := in.id(input.ListingID, id.Listing, "listingId"), in.variant(input.Variant, "variant")
	var added catalog.Variant
	err := in.err
	if err == nil {
		added, err = r.Catalog.AddVariant(ctx, actorID(ctx), listing, variant)
	}
	entity, errs, err := answered(added, err)
	return model.VariantAddPayload{Variant: entity, UserErrors: errs}, err
}

// VariantUpdate is the resolver for the variantUpdate field.
func (r *mutationResolver) VariantUpdate(ctx context.Context, input model.VariantUpdateInput) (model.VariantUpdatePayload, error) {
	var in inputReader
	variant := in.id(input.VariantID, id.Variant, "variantId")
	change := catalog.VariantChange{SKU: input.Sku, Price: in.maybeAmount(input.Price, "price"), Grams: input.Grams}
	var changed catalog.Variant
	err := in.err
	if err == nil {
		changed, err = r.Catalog.UpdateVariant(ctx, actorID(ctx), variant, change)
	}
	entity, errs, err := answered(changed, err)
	return model.VariantUpdatePayload{Variant: entity, UserErrors: errs}, err
}

// VariantRetire is the resolver for the variantRetire field.
func (r *mutationResolver) VariantRetire(ctx context.Context, input model.VariantRetireInput) (model.VariantRetirePayload, error) {
	var in inputReader
	variant := in.id(input.VariantID, id.Variant, "variantId")
	var retired catalog.Variant
	err := in.err
	if err == nil {
		retired, err = r.Catalog.RetireVariant(ctx, actorID(ctx), variant)
	}
	entity, errs, err := answered(retired, err)
	return model.VariantRetirePayload{Variant: entity, UserErrors: errs}, err
}

// PriceHistory is the resolver for the priceHistory field.
func (r *variantResolver) PriceHistory(ctx context.Context, obj *catalog.Variant, first *int, after *string) (page.Page[catalog.PriceChange], error) {
	return r.Catalog.PriceHistory(ctx, obj.ID, page.Args{First: first, After: after})
}

// Listing is the resolver for the listing field.
func (r *variantResolver) Listing(ctx context.Context, obj *catalog.Variant) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Variant returns generated.VariantResolver implementation.
func (r *Resolver) Variant() generated.VariantResolver { return &variantResolver{r} }

type variantResolver struct{ *Resolver }
