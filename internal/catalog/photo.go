package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// PhotoStatus says whether a photo's bytes have arrived.
type PhotoStatus string

// The statuses of a photo.
const (
	Pending PhotoStatus = "PENDING"
	Stored  PhotoStatus = "STORED"
)

const (
	photoMaxBytes  = 8 << 20
	photoMaxPixels = 40_000_000
	uploadTTL      = 15 * time.Minute
	uploadTime     = 2 * time.Minute // for a client to send a photo's bytes
)

// Photo is a picture of a listing.
type Photo struct {
	ID            uuid.UUID
	OwnerID       uuid.UUID
	ContentType   string
	Bytes         int64
	Width, Height int
	Status        PhotoStatus
	URL           string // absolute
}

// NodeID is the id that clients see.
func (p Photo) NodeID() id.ID { return id.Photo.ID(p.ID) }

func (s *Service) photoOf(row db.Photo) Photo {
	return Photo{
		ID: row.ID, OwnerID: row.OwnerID, ContentType: row.ContentType, Bytes: row.Bytes,
		Width: int(row.Width), Height: int(row.Height), Status: PhotoStatus(row.Status), URL: s.photos.url(row.ID),
	}
}

// Upload tells a client where and how to send a photo's bytes: one request with that method and those
// headers to URL, before ExpiresAt.
type Upload struct {
	PhotoID   uuid.UUID
	URL       string
	Method    string
	Headers   []Header
	ExpiresAt time.Time
}

// NodeID is the id of the photo to be.
func (u Upload) NodeID() id.ID { return id.Photo.ID(u.PhotoID) }

// Header is one HTTP header.
type Header struct{ Name, Value string }

// AnnounceUpload makes a photo that waits for its bytes, and the signed link to send them to.
func (s *Service) AnnounceUpload(ctx context.Context, owner uuid.UUID, contentType string, bytes int64) (_ Upload, err error) {
	if contentType != "image/jpeg" && contentType != "image/png" {
		return Upload{}, ErrPhotoType.At("contentType")
	}
	if bytes < 1 || bytes > photoMaxBytes {
		return Upload{}, ErrPhotoSize.At("bytes")
	}
	defer fault.Wrap(&err, "announce a photo")
	photo := id.New()
	err = s.q.PhotoInsert(ctx, s.pool, db.PhotoInsertParams{ID: photo, OwnerID: owner, ContentType: contentType, Bytes: bytes})
	if err != nil {
		return Upload{}, err
	}
	link, expires := s.photos.sign(photo)
	return Upload{
		PhotoID: photo, URL: link, Method: "PUT", ExpiresAt: expires,
		Headers: []Header{{Name: "Content-Type", Value: contentType}},
	}, nil
}

// StorePhoto checks the bytes that arrived for an announced photo and keeps them.
func (s *Service) StorePhoto(ctx context.Context, photo uuid.UUID, body []byte) (err error) {
	row, err := s.q.PhotoByID(ctx, s.pool, photo)
	if postgres.NoRows(err) {
		return ErrUploadLink
	}
	if err != nil {
		return fmt.Errorf("read photo %s: %w", photo, err)
	}
	if row.Status != string(Pending) {
		return ErrUploadTwice
	}
	if int64(len(body)) != row.Bytes {
		return ErrPhotoSize
	}
	width, height, err := inspect(body, row.ContentType)
	if err != nil {
		return err
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		// The row's lock comes first: of two uploads at once, only the one that is kept writes its bytes.
		n, err := s.q.PhotoStored(ctx, tx, int32(width), int32(height), photo)
		if err == nil && n == 0 {
			return ErrUploadTwice
		}
		if err != nil {
			return fmt.Errorf("mark photo %s as stored: %w", photo, err)
		}
		if err := s.photos.put(photo, body); err != nil {
			return fmt.Errorf("keep photo %s: %w", photo, err)
		}
		return nil
	})
}

// PhotosByListing reads photos in their order for a loader.
func (s *Service) PhotosByListing(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID][]Photo, error) {
	rows, err := s.q.PhotosByListing(ctx, s.pool, listings)
	if err != nil {
		return nil, err
	}
	photos := make(map[uuid.UUID][]Photo, len(listings))
	for _, row := range rows {
		photos[row.ListingID] = append(photos[row.ListingID], s.photoOf(row.Photo))
	}
	return photos, nil
}

// PhotosByID reads, for a loader, photos whose bytes have arrived.
func (s *Service) PhotosByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Photo, error) {
	rows, err := s.q.PhotosByID(ctx, s.pool, ids)
	photos := make(map[uuid.UUID]Photo, len(rows))
	for _, row := range rows {
		photos[row.ID] = s.photoOf(row)
	}
	return photos, err
}

// OwnPhotoTx insists that a photo is somebody's own and that its bytes have arrived; field is blamed where not.
func (s *Service) OwnPhotoTx(ctx context.Context, tx pgx.Tx, owner, photo uuid.UUID, field string) error {
	row, err := s.q.PhotoByID(ctx, tx, photo)
	if postgres.NoRows(err) || (err == nil && (row.OwnerID != owner || row.Status != string(Stored))) {
		return ErrCoverUnknown.At(field)
	}
	return err
}

// PhotoByID reads one photo whose bytes have arrived.
func (s *Service) PhotoByID(ctx context.Context, photo uuid.UUID) (Photo, error) {
	row, err := s.q.PhotoByID(ctx, s.pool, photo)
	if postgres.NoRows(err) || (err == nil && row.Status != string(Stored)) {
		return Photo{}, ErrPhotoUnknown
	}
	return s.photoOf(row), err
}
