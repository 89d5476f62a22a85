package media

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// How long what nobody has is kept.
const (
	uploadKept = 24 * time.Hour     // what was announced and never came, or can't be decoded
	unusedKept = 7 * 24 * time.Hour // what came, and that nothing has
	objectKept = 24 * time.Hour     // what no row tells of: a row may be on its way
	sweepBatch = 500
)

// Sweep gives up what was announced and never came, and what nothing has, and has every store cleaned.
func (s *Service) Sweep(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "sweep photos")
	for {
		found, err := s.sweepTx(ctx, func(tx pgx.Tx) ([]uuid.UUID, error) {
			return s.q.PhotosStale(ctx, tx, uploadKept.Seconds(), sweepBatch)
		})
		if err != nil || len(found) < sweepBatch {
			if err != nil {
				return err
			}
			break
		}
	}
	for after := uuid.Nil; ; {
		found, err := s.sweepTx(ctx, func(tx pgx.Tx) ([]uuid.UUID, error) {
			return s.q.PhotosUnused(ctx, tx, after, unusedKept.Seconds(), sweepBatch)
		})
		if err != nil {
			return err
		}
		if len(found) < sweepBatch {
			break
		}
		after = found[len(found)-1]
	}
	stores, err := s.q.PhotoStores(ctx, s.pool)
	if err != nil {
		return err
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		for _, store := range stores {
			if store == noStore { // each disk looks for its own
				continue
			}
			if err := s.cleanTx(ctx, tx, store); err != nil {
				return err
			}
		}
		return nil
	})
}

// giveUpTx gives up photos that are locked, and has their stores cleaned.
func (s *Service) giveUpTx(ctx context.Context, tx pgx.Tx, photos []uuid.UUID) error {
	if len(photos) == 0 {
		return nil
	}
	stores, err := s.q.PhotosGiveUp(ctx, tx, photos)
	if err != nil {
		return err
	}
	slices.Sort(stores)
	for _, store := range slices.Compact(stores) {
		if store == noStore {
			continue
		}
		if err := s.cleanTx(ctx, tx, store); err != nil {
			return err
		}
	}
	return nil
}

// GiveUpTx throws photos away that nothing has any more: their objects are erased by a job.
func (s *Service) GiveUpTx(ctx context.Context, tx pgx.Tx, photos []uuid.UUID) error {
	if _, err := s.q.PhotosLock(ctx, tx, photos); err != nil {
		return err
	}
	return s.giveUpTx(ctx, tx, photos)
}

// Clean erases the objects of what was given up, and those that no row tells of. A disk adopts what was kept before disks had names.
func (s *Service) Clean(ctx context.Context, name string) (err error) {
	defer fault.Wrap(&err, "clean %s", name)
	store := s.store(name)
	if store == nil {
		return fmt.Errorf("%s is not here", name)
	}
	if store == blob.Store(s.disk) {
		if err := s.Adopt(ctx); err != nil {
			return err
		}
		if err := s.erase(ctx, store, noStore); err != nil {
			return err
		}
	}
	if err := s.erase(ctx, store, name); err != nil {
		return err
	}
	for _, prefix := range []string{"uploads/", "photos/"} {
		if err := s.eraseUnknown(ctx, store, prefix); err != nil {
			return err
		}
	}
	return nil
}

// erase erases the objects of photos that were given up.
func (s *Service) erase(ctx context.Context, store blob.Store, name string) error {
	for {
		rows, err := s.q.PhotosGone(ctx, s.pool, name, sweepBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		var keys []string
		var photos []uuid.UUID
		for _, row := range rows {
			if name == noStore && !s.disk.Has(oldKey(row.ID)) { // another disk's
				continue
			}
			photos = append(photos, row.ID)
			keys = append(keys, keysOf(row)...)
		}
		if err := store.Delete(ctx, keys...); err != nil {
			return err
		}
		if err := s.q.PhotosErased(ctx, s.pool, photos); err != nil || len(rows) < sweepBatch || len(photos) == 0 {
			return err
		}
	}
}

func keysOf(row db.Photo) []string {
	keys := []string{uploadKey(row.ID), oldKey(row.ID)}
	for _, w := range row.Widths {
		keys = append(keys, shownKey(row.ID, int(w)))
	}
	return keys
}

// eraseUnknown erases old objects that no row tells of: of photos that are gone, sent for those that are made, written by jobs that were killed.
func (s *Service) eraseUnknown(ctx context.Context, store blob.Store, prefix string) error {
	for after := ""; ; {
		objects, err := store.List(ctx, prefix, after)
		if err != nil || len(objects) == 0 {
			return err
		}
		after = objects[len(objects)-1].Key
		objects = slices.DeleteFunc(objects, func(o blob.Object) bool { return time.Since(o.ModifiedAt) < objectKept })
		wanted, err := s.wanted(ctx, objects)
		if err != nil {
			return err
		}
		var keys []string
		for _, o := range objects {
			if !wanted(o.Key) {
				keys = append(keys, o.Key)
			}
		}
		if err := store.Delete(ctx, keys...); err != nil {
			return err
		}
	}
}

// wanted says of which objects rows tell.
func (s *Service) wanted(ctx context.Context, objects []blob.Object) (func(key string) bool, error) {
	var ids []uuid.UUID
	for _, o := range objects {
		if photo, _, ok := photoOfKey(o.Key); ok {
			ids = append(ids, photo)
		}
	}
	rows, err := s.q.PhotosKnown(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]db.PhotosKnownRow, len(rows))
	for _, row := range rows {
		known[row.ID] = row
	}
	return func(key string) bool {
		photo, width, ok := photoOfKey(key)
		row, there := known[photo]
		switch {
		case !ok || !there:
			return false
		case width == 0:
			return row.Status == pending || row.Status == stored
		}
		return row.Status == stored || slices.Contains(row.Widths, int32(width))
	}, nil
}

// Adopt finds, among the photos that were kept before disks had names, those that lie here, and has their sizes made.
func (s *Service) Adopt(ctx context.Context) error {
	for after := uuid.Nil; ; {
		rows, err := s.q.PhotosOfNoStore(ctx, s.pool, after, sweepBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if after = row.ID; !s.disk.Has(oldKey(row.ID)) {
				continue
			}
			err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
				n, err := s.q.PhotoAdopt(ctx, tx, s.disk.Name(), row.ID)
				if err != nil || n == 0 {
					return err
				}
				return s.renderTx(ctx, tx, row.ID, s.disk.Name())
			})
			if err != nil {
				return err
			}
		}
	}
}
