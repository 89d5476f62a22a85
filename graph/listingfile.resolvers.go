package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/page"
)

// Failure is the resolver for the failure field.
func (r *listingImportResolver) Failure(ctx context.Context, obj *listingfile.Import) (*string, error) {
	return textOrNil(obj.Failure), nil
}

// FailedAt is the resolver for the failedAt field.
func (r *listingImportResolver) FailedAt(ctx context.Context, obj *listingfile.Import) (*string, error) {
	return textOrNil(obj.FailedAt), nil
}

// Errors is the resolver for the errors field.
func (r *listingImportResolver) Errors(ctx context.Context, obj *listingfile.Import, first *int, after *string) (page.Page[listingfile.RowError], error) {
	return r.Files.Errors(ctx, obj.ID, page.Args{First: first, After: after})
}

// ListingImportCreate is the resolver for the listingImportCreate field.
func (r *mutationResolver) ListingImportCreate(ctx context.Context, input model.ListingImportCreateInput) (model.ListingImportCreatePayload, error) {
	begun, link, err := r.Files.Begin(ctx, actorID(ctx), int64(input.Bytes))
	if err != nil {
		errs, err := refused(err)
		return model.ListingImportCreatePayload{UserErrors: errs}, err
	}
	return model.ListingImportCreatePayload{Import: &begun, Upload: &link}, nil
}

// ListingImportCancel is the resolver for the listingImportCancel field.
func (r *mutationResolver) ListingImportCancel(ctx context.Context, input model.ListingImportCancelInput) (model.ListingImportCancelPayload, error) {
	var in inputReader
	imp := in.id(input.ImportID, id.Import, "importId")
	cancelled, errs, err := answered(once(in.err, func() (listingfile.Import, error) { return r.Files.Cancel(ctx, actorID(ctx), imp) }))
	return model.ListingImportCancelPayload{Import: cancelled, UserErrors: errs}, err
}

// ListingImports is the resolver for the listingImports field.
func (r *viewerResolver) ListingImports(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[listingfile.Import], error) {
	return r.Files.List(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// ListingExport is the resolver for the listingExport field.
func (r *viewerResolver) ListingExport(ctx context.Context, obj *identity.Session) (listingfile.Link, error) {
	return r.Files.Export(obj.User.ID), nil
}

// ListingImport returns generated.ListingImportResolver implementation.
func (r *Resolver) ListingImport() generated.ListingImportResolver { return &listingImportResolver{r} }

type listingImportResolver struct{ *Resolver }
