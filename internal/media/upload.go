package media

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/picture"
	"github.com/souklive/souk/internal/postgres"
)

// Upload tells a client where and how to send a photo's bytes: one request with that method and those headers to URL, before ExpiresAt.
type Upload struct {
	PhotoID   uuid.UUID
	URL       string
	Method    string
	Headers   []blob.Header
	ExpiresAt time.Time
}

// NodeID is the id of the photo to be.
func (u Upload) NodeID() id.ID { return id.Photo.ID(u.PhotoID) }

// Announce makes a photo that waits for its bytes, and the ticket to send them.
func (s *Service) Announce(ctx context.Context, owner uuid.UUID, contentType string, bytes int64) (_ Upload, err error) {
	if contentType != "image/jpeg" && contentType != "image/png" && contentType != "image/webp" {
		return Upload{}, ErrType.At("contentType")
	}
	if bytes < 1 || bytes > picture.MaxBytes {
		return Upload{}, ErrSize.At("bytes")
	}
	defer fault.Wrap(&err, "announce a photo")
	photo, store := id.New(), s.stores[0]
	ticket, err := store.SignPut(ctx, uploadKey(photo), contentType, bytes, uploadTTL)
	if err != nil {
		return Upload{}, named(err)
	}
	err = s.q.PhotoInsert(ctx, s.pool, db.PhotoInsertParams{ID: photo, OwnerID: owner, ContentType: contentType, Bytes: bytes, Store: store.Name()})
	if err != nil {
		return Upload{}, err
	}
	return Upload{photo, ticket.URL, ticket.Method, ticket.Headers, ticket.ExpiresAt}, nil
}

// Complete looks at what a client has sent for its photo, and has its sizes made. What is no good is thrown away, and may be sent again.
// Once it is taken, another call changes nothing.
func (s *Service) Complete(ctx context.Context, owner, photo uuid.UUID) (_ Photo, err error) {
	defer fault.Wrap(&err, "complete photo %s", photo)
	row, err := s.q.PhotoByID(ctx, s.pool, photo)
	switch {
	case postgres.NoRows(err) || err == nil && (row.OwnerID != owner || row.Status == broken || row.Status == gone):
		return Photo{}, ErrPhotoUnknown.At("photoId")
	case err != nil:
		return Photo{}, err
	case row.Status == pending:
		if err := s.take(ctx, row); err != nil {
			return Photo{}, err
		}
	}
	return s.SeenBy(ctx, owner, false, photo)
}

// take looks at what lies in a photo's store. A disk takes what it is sent at once: what is not there by now has not come.
func (s *Service) take(ctx context.Context, row db.Photo) error {
	store := s.store(row.Store)
	if store == nil {
		return ErrMissing.At("photoId")
	}
	body, err := blob.ReadAll(ctx, store, uploadKey(row.ID), picture.MaxBytes)
	var info picture.Info
	if err == nil {
		info, err = inspect(row, body)
	}
	switch refused, ok := fault.As(named(err)); {
	case err == nil:
		return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			_, err := s.storedTx(ctx, tx, row.ID, info, store)
			return err
		})
	case ok && refused.Kind == fault.Invalid:
		return errors.Join(refused.At("photoId"), store.Delete(ctx, uploadKey(row.ID)))
	case ok:
		return refused.At("photoId")
	}
	return err
}

// inspect believes the bytes, not the announcement.
func inspect(row db.Photo, body []byte) (picture.Info, error) {
	if int64(len(body)) != row.Bytes {
		return picture.Info{}, picture.ErrSize
	}
	info, err := picture.Inspect(body)
	if err == nil && info.ContentType != row.ContentType {
		err = picture.ErrType
	}
	return info, err
}

// storedTx notes that a photo's bytes are there and good, and has its sizes made. False where somebody was faster.
func (s *Service) storedTx(ctx context.Context, tx pgx.Tx, photo uuid.UUID, info picture.Info, store blob.Store) (bool, error) {
	n, err := s.q.PhotoStored(ctx, tx, db.PhotoStoredParams{ID: photo, Width: int32(info.Width), Height: int32(info.Height), Store: store.Name()})
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.renderTx(ctx, tx, photo, store.Name())
}

func (s *Service) renderTx(ctx context.Context, tx pgx.Tx, photo uuid.UUID, store string) error {
	_, err := s.jobs.InsertTx(ctx, tx, RenderJob{Photo: photo}, &river.InsertOpts{Queue: queueOf(store)})
	return err
}

// Receive takes what a client sent to this server's disk: it is looked at before it is kept.
func (s *Service) Receive(ctx context.Context, key, _ string, body []byte) error {
	photo, width, ok := photoOfKey(key)
	if !ok || width != 0 {
		return ErrLink
	}
	return s.Store(ctx, photo, body)
}

// Store takes a photo's bytes as if its client had sent them to this server's disk. Of two at once one is kept, and the other one is told.
func (s *Service) Store(ctx context.Context, photo uuid.UUID, body []byte) (err error) {
	row, err := s.q.PhotoByID(ctx, s.pool, photo)
	switch {
	case postgres.NoRows(err):
		return ErrLink
	case err != nil:
		return err
	case row.Status != pending:
		return ErrTwice
	}
	info, err := inspect(row, body)
	if err != nil {
		return named(err)
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		// The row's lock comes first: of two uploads at once, only the one that is kept writes its bytes. The disk is this machine's.
		first, err := s.storedTx(ctx, tx, photo, info, s.disk)
		if err == nil && !first {
			return ErrTwice
		}
		if err != nil {
			return err
		}
		return named(s.disk.Put(ctx, uploadKey(photo), row.ContentType, body))
	})
}
