package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/media"
)

// PhotosByListing reads photos in their order for a loader.
func (s *Service) PhotosByListing(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID][]media.Photo, error) {
	rows, err := s.q.PhotosByListing(ctx, s.pool, listings)
	if err != nil {
		return nil, err
	}
	photos := make(map[uuid.UUID][]media.Photo, len(listings))
	for _, row := range rows {
		photos[row.ListingID] = append(photos[row.ListingID], s.media.Of(row.Photo))
	}
	return photos, nil
}

// claimPhotosTx insists that photos are their owner's, uploaded, and on no listing.
func (s *Service) claimPhotosTx(ctx context.Context, tx pgx.Tx, owner uuid.UUID, photos []uuid.UUID) error {
	free, err := s.media.FreeTx(ctx, tx, owner, photos)
	if err == nil && !free {
		return ErrPhotoUnknown.At("photoIds")
	}
	return err
}
