package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/taxonomy"
)

// Options is the resolver for the options field.
func (r *attributeResolver) Options(ctx context.Context, obj *taxonomy.Attribute) ([]taxonomy.Option, error) {
	return some(ctx, load(ctx).attributeOptions, obj.ID)
}

// Parent is the resolver for the parent field.
func (r *categoryResolver) Parent(ctx context.Context, obj *taxonomy.Category) (*taxonomy.Category, error) {
	return maybePtr(ctx, load(ctx).category, obj.ParentID)
}

// Path is the resolver for the path field.
func (r *categoryResolver) Path(ctx context.Context, obj *taxonomy.Category) ([]taxonomy.Category, error) {
	return some(ctx, load(ctx).categoryPath, obj.ID)
}

// Children is the resolver for the children field.
func (r *categoryResolver) Children(ctx context.Context, obj *taxonomy.Category) ([]taxonomy.Category, error) {
	return some(ctx, load(ctx).categoryChildren, obj.ID)
}

// Attributes is the resolver for the attributes field.
func (r *categoryResolver) Attributes(ctx context.Context, obj *taxonomy.Category) ([]taxonomy.Attribute, error) {
	return some(ctx, load(ctx).categoryAttributes, obj.ID)
}

// Category is the resolver for the category field.
func (r *listingResolver) Category(ctx context.Context, obj *catalog.Listing) (*taxonomy.Category, error) {
	return maybePtr(ctx, load(ctx).category, obj.CategoryID)
}

// Brand is the resolver for the brand field.
func (r *listingResolver) Brand(ctx context.Context, obj *catalog.Listing) (*taxonomy.Brand, error) {
	return maybePtr(ctx, load(ctx).brand, obj.BrandID)
}

// Attributes is the resolver for the attributes field.
func (r *listingResolver) Attributes(ctx context.Context, obj *catalog.Listing) ([]taxonomy.Value, error) {
	return some(ctx, load(ctx).attributeValues, obj.ID)
}

// Attribute is the resolver for the attribute field.
func (r *listingAttributeResolver) Attribute(ctx context.Context, obj *taxonomy.Value) (taxonomy.Attribute, error) {
	return load(ctx).attribute.Load(ctx, obj.Attribute)
}

// CategoryCreate is the resolver for the categoryCreate field.
func (r *mutationResolver) CategoryCreate(ctx context.Context, input model.CategoryCreateInput) (model.CategoryCreatePayload, error) {
	in, err := newCategory(input)
	category, errs, err := answered(once(err, func() (taxonomy.Category, error) { return r.Taxonomy.CreateCategory(ctx, actorID(ctx), in) }))
	return model.CategoryCreatePayload{Category: category, UserErrors: errs}, err
}

// CategoryUpdate is the resolver for the categoryUpdate field.
func (r *mutationResolver) CategoryUpdate(ctx context.Context, input model.CategoryUpdateInput) (model.CategoryUpdatePayload, error) {
	changed, in, err := categoryChange(input)
	category, errs, err := answered(once(err, func() (taxonomy.Category, error) { return r.Taxonomy.ChangeCategory(ctx, actorID(ctx), changed, in) }))
	return model.CategoryUpdatePayload{Category: category, UserErrors: errs}, err
}

// CategoryMove is the resolver for the categoryMove field.
func (r *mutationResolver) CategoryMove(ctx context.Context, input model.CategoryMoveInput) (model.CategoryMovePayload, error) {
	var in inputReader
	moved, parent := in.id(input.CategoryID, id.Category, "categoryId"), in.maybeID(input.ParentID, id.Category, "parentId")
	category, errs, err := answered(once(in.err, func() (taxonomy.Category, error) {
		return r.Taxonomy.MoveCategory(ctx, actorID(ctx), moved, parent, place(input.Position), input.Reason)
	}))
	return model.CategoryMovePayload{Category: category, UserErrors: errs}, err
}

// BrandCreate is the resolver for the brandCreate field.
func (r *mutationResolver) BrandCreate(ctx context.Context, input model.BrandCreateInput) (model.BrandCreatePayload, error) {
	brand, errs, err := answered(r.Taxonomy.CreateBrand(ctx, actorID(ctx), input.Name, input.Reason))
	return model.BrandCreatePayload{Brand: brand, UserErrors: errs}, err
}

// BrandUpdate is the resolver for the brandUpdate field.
func (r *mutationResolver) BrandUpdate(ctx context.Context, input model.BrandUpdateInput) (model.BrandUpdatePayload, error) {
	var in inputReader
	changed := in.id(input.BrandID, id.Brand, "brandId")
	brand, errs, err := answered(once(in.err, func() (taxonomy.Brand, error) {
		return r.Taxonomy.ChangeBrand(ctx, actorID(ctx), changed, input.Name, input.Retired, input.Reason)
	}))
	return model.BrandUpdatePayload{Brand: brand, UserErrors: errs}, err
}

// AttributeCreate is the resolver for the attributeCreate field.
func (r *mutationResolver) AttributeCreate(ctx context.Context, input model.AttributeCreateInput) (model.AttributeCreatePayload, error) {
	in, err := newAttribute(input)
	attribute, errs, err := answered(once(err, func() (taxonomy.Attribute, error) { return r.Taxonomy.CreateAttribute(ctx, actorID(ctx), in) }))
	return model.AttributeCreatePayload{Attribute: attribute, UserErrors: errs}, err
}

// AttributeUpdate is the resolver for the attributeUpdate field.
func (r *mutationResolver) AttributeUpdate(ctx context.Context, input model.AttributeUpdateInput) (model.AttributeUpdatePayload, error) {
	changed, in, err := attributeChange(input)
	attribute, errs, err := answered(once(err, func() (taxonomy.Attribute, error) { return r.Taxonomy.ChangeAttribute(ctx, actorID(ctx), changed, in) }))
	return model.AttributeUpdatePayload{Attribute: attribute, UserErrors: errs}, err
}

// Categories is the resolver for the categories field.
func (r *queryResolver) Categories(ctx context.Context) ([]taxonomy.Category, error) {
	return r.Taxonomy.Roots(ctx)
}

// Category is the resolver for the category field.
func (r *queryResolver) Category(ctx context.Context, slug string) (*taxonomy.Category, error) {
	return visible(r.Taxonomy.BySlug(ctx, slug))
}

// Brands is the resolver for the brands field.
func (r *queryResolver) Brands(ctx context.Context, startsWith string, first *int) ([]taxonomy.Brand, error) {
	return r.Taxonomy.Brands(ctx, startsWith, first)
}

// Attribute returns generated.AttributeResolver implementation.
func (r *Resolver) Attribute() generated.AttributeResolver { return &attributeResolver{r} }

// Category returns generated.CategoryResolver implementation.
func (r *Resolver) Category() generated.CategoryResolver { return &categoryResolver{r} }

// ListingAttribute returns generated.ListingAttributeResolver implementation.
func (r *Resolver) ListingAttribute() generated.ListingAttributeResolver {
	return &listingAttributeResolver{r}
}

type (
	attributeResolver        struct{ *Resolver }
	categoryResolver         struct{ *Resolver }
	listingAttributeResolver struct{ *Resolver }
)
