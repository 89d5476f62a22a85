package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/media"
)

// PhotoUploadCreate is the resolver for the photoUploadCreate field.
func (r *mutationResolver) PhotoUploadCreate(ctx context.Context, input model.PhotoUploadCreateInput) (model.PhotoUploadCreatePayload, error) {
	upload, errs, err := answered(r.Media.Announce(ctx, actorID(ctx), input.ContentType, int64(input.Bytes)))
	return model.PhotoUploadCreatePayload{Upload: upload, UserErrors: errs}, err
}

// PhotoUploadComplete is the resolver for the photoUploadComplete field.
func (r *mutationResolver) PhotoUploadComplete(ctx context.Context, input model.PhotoUploadCompleteInput) (model.PhotoUploadCompletePayload, error) {
	var in inputReader
	sent := in.id(input.PhotoID, id.Photo, "photoId")
	photo, errs, err := answered(once(in.err, func() (media.Photo, error) { return r.Media.Complete(ctx, actorID(ctx), sent) }))
	return model.PhotoUploadCompletePayload{Photo: photo, UserErrors: errs}, err
}
