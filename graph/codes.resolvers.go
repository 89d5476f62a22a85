package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// User is the resolver for the user field.
func (r *codeRevealResolver) User(ctx context.Context, obj *code.Reveal) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.UserID)
}

// CodesUpload is the resolver for the codesUpload field.
func (r *mutationResolver) CodesUpload(ctx context.Context, input model.CodesUploadInput) (model.CodesUploadPayload, error) {
	var in inputReader
	upload := code.UploadInput{Variant: in.id(input.VariantID, id.Variant, "variantId"), Text: input.Codes, IdempotencyKey: input.IdempotencyKey}
	done, errs, err := answered(once(in.err, func() (code.Uploaded, error) { return r.Codes.Upload(ctx, actorID(ctx), upload) }))
	if done == nil || err != nil {
		return model.CodesUploadPayload{UserErrors: errs}, err
	}
	variant, err := maybe(ctx, load(ctx).variant, done.Variant)
	return model.CodesUploadPayload{
		Variant: variant, Accepted: &done.Accepted, RefusedCount: &done.RefusedCount, Refused: done.Refused, UserErrors: errs,
	}, err
}

// CodeReveal is the resolver for the codeReveal field.
func (r *mutationResolver) CodeReveal(ctx context.Context, input model.CodeRevealInput) (model.CodeRevealPayload, error) {
	var in inputReader
	asked := in.id(input.CodeID, id.Code, "codeId")
	text, errs, err := answered(once(in.err, func() (string, error) { return r.Codes.Reveal(ctx, actorID(ctx), asked) }))
	return model.CodeRevealPayload{Code: text, UserErrors: errs}, err
}

// Codes is the resolver for the codes field.
func (r *orderResolver) Codes(ctx context.Context, obj *order.Order) ([]code.Code, error) {
	return some(ctx, load(ctx).codes, obj.ID)
}

// Variant is the resolver for the variant field.
func (r *orderCodeResolver) Variant(ctx context.Context, obj *code.Code) (catalog.Variant, error) {
	return load(ctx).variant.Load(ctx, obj.VariantID)
}

// CodeReveals is the resolver for the codeReveals field.
func (r *queryResolver) CodeReveals(ctx context.Context, variantID id.ID, first *int, after *string) (*page.Page[code.Reveal], error) {
	variant, err := variantID.As(id.Variant)
	if err != nil {
		return nil, err
	}
	return visible(r.Codes.Reveals(ctx, actorID(ctx), variant, isStaff(ctx), page.Args{First: first, After: after}))
}

// CodeReveal returns generated.CodeRevealResolver implementation.
func (r *Resolver) CodeReveal() generated.CodeRevealResolver { return &codeRevealResolver{r} }

// OrderCode returns generated.OrderCodeResolver implementation.
func (r *Resolver) OrderCode() generated.OrderCodeResolver { return &orderCodeResolver{r} }

type (
	codeRevealResolver struct{ *Resolver }
	orderCodeResolver  struct{ *Resolver }
)
