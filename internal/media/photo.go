package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/picture"
	"github.com/souklive/souk/internal/postgres"
)

// PhotoPath is where photos are served.
const PhotoPath = "/media/photos/"

// The statuses of a photo's row.
const (
	pending = "PENDING" // its bytes have not arrived, or were no good
	stored  = "STORED"  // they have, and were looked at; its sizes are being made
	ready   = "READY"   // it is served
	broken  = "BROKEN"  // it looked like a picture, and can't be decoded
	gone    = "GONE"    // given up
)

// Status says whether a photo can be shown yet.
type Status string

// The statuses that clients see.
const (
	Processing Status = "PROCESSING"
	Ready      Status = "READY"
)

// noStore is where photos are that were kept before disks had names.
const noStore = "disk"

// Photo is a picture that somebody uploaded.
type Photo struct {
	ID            uuid.UUID
	OwnerID       uuid.UUID
	Width, Height int // as it is seen
	Status        Status

	Widths []int32 // at which it is served, the largest first
	Base   string  // where photos are served

	store string
	links map[int]string // by width, signed for a time: where it is not for everybody
}

// NodeID is the id that clients see.
func (p Photo) NodeID() id.ID { return id.Photo.ID(p.ID) }

// URL is where a photo is served at the nearest width that is no smaller, or the largest; without a width, the largest.
func (p Photo) URL(width *int) string {
	if len(p.Widths) == 0 {
		return p.Base + id.Photo.Encode(p.ID)
	}
	near := p.nearest(width)
	if link, ok := p.links[near]; ok {
		return link
	}
	return p.Base + id.Photo.Encode(p.ID) + "/" + strconv.Itoa(near) + ".jpg"
}

func (p Photo) nearest(width *int) int {
	best := p.Widths[0]
	for _, w := range p.Widths {
		if width != nil && int(w) >= *width && w < best {
			best = w
		}
	}
	return int(best)
}

// Image is a photo at one width.
type Image struct {
	URL           string
	Width, Height int
}

// Image is the photo at the nearest width that is no smaller, or the largest; nil while there is none.
func (p Photo) Image(width *int) *Image {
	if len(p.Widths) == 0 {
		return nil
	}
	w := p.nearest(width)
	return &Image{URL: p.URL(width), Width: w, Height: max(1, (p.Height*w+p.Width/2)/p.Width)}
}

// Jobs enqueues a job inside a transaction; a River client does.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Config is what a Service is made of. New photos go to the bucket where there is one, else to the disk.
type Config struct {
	Pool    *pgxpool.Pool
	Disk    *blob.Disk
	Bucket  *blob.S3      // nil where there is none
	BaseURL func() string // the server's public address without a slash at its end
	Jobs    Jobs
	Log     *slog.Logger
}

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	disk   *blob.Disk
	bucket *blob.S3     // nil where there is none
	stores []blob.Store // that this server reaches; new photos go to the first
	base   func() string
	jobs   Jobs
	log    *slog.Logger
}

// New makes the service.
func New(c Config) *Service {
	s := &Service{pool: c.Pool, q: db.New(), disk: c.Disk, bucket: c.Bucket, base: c.BaseURL, jobs: c.Jobs, log: c.Log}
	if c.Bucket != nil {
		s.stores = append(s.stores, c.Bucket)
	}
	s.stores = append(s.stores, c.Disk)
	return s
}

// store is one that this server reaches by its name; nil for another server's disk.
func (s *Service) store(name string) blob.Store {
	i := slices.IndexFunc(s.stores, func(b blob.Store) bool { return b.Name() == name })
	if i < 0 {
		return nil
	}
	return s.stores[i]
}

// Of is a photo by its row.
func (s *Service) Of(row db.Photo) Photo {
	status := Processing
	if row.Status == ready || row.Status == stored && row.Store == noStore {
		status = Ready
	}
	return Photo{
		ID: row.ID, OwnerID: row.OwnerID, Width: int(row.Width), Height: int(row.Height), Status: status,
		Widths: row.Widths, Base: s.base() + PhotoPath, store: row.Store,
	}
}

// Linked are photos for somebody who may see what not everybody may: their addresses are links, signed for a time. What another server's disk
// has stays as it is.
func (s *Service) Linked(ctx context.Context, photos []Photo) ([]Photo, error) {
	linked := slices.Clone(photos)
	for i, p := range linked {
		from := s.store(p.store)
		if from == nil {
			continue
		}
		linked[i].links = make(map[int]string, len(p.Widths))
		for _, w := range p.Widths {
			link, err := from.SignGet(ctx, shownKey(p.ID, int(w)), linkTTL)
			if err != nil {
				return nil, named(err)
			}
			linked[i].links[int(w)] = link
		}
	}
	return linked, nil
}

// ByID reads, for a loader, photos whose bytes have arrived.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Photo, error) {
	rows, err := s.q.PhotosByID(ctx, s.pool, ids)
	photos := make(map[uuid.UUID]Photo, len(rows))
	for _, row := range rows {
		photos[row.ID] = s.Of(row)
	}
	return photos, err
}

// Get reads one photo whose bytes have arrived.
func (s *Service) Get(ctx context.Context, photo uuid.UUID) (Photo, error) {
	found, err := s.ByID(ctx, []uuid.UUID{photo})
	if p, ok := found[photo]; ok || err != nil {
		return p, err
	}
	return Photo{}, ErrPhotoUnknown
}

// SeenBy reads one photo whose bytes have arrived for somebody: their own, any for staff, and what everybody sees.
func (s *Service) SeenBy(ctx context.Context, viewer uuid.UUID, staff bool, photo uuid.UUID) (Photo, error) {
	p, err := s.Get(ctx, photo)
	if err != nil {
		return Photo{}, err
	}
	public, err := s.q.PhotoIsPublic(ctx, s.pool, photo)
	switch {
	case err != nil || public:
		return p, err
	case !staff && p.OwnerID != viewer:
		return Photo{}, ErrPhotoUnknown
	}
	linked, err := s.Linked(ctx, []Photo{p})
	if err != nil {
		return Photo{}, err
	}
	return linked[0], nil
}

// OwnTx insists that a photo is somebody's own and that its bytes have arrived, and keeps it from being thrown away until the transaction
// ends; field is blamed where not.
func (s *Service) OwnTx(ctx context.Context, tx pgx.Tx, owner, photo uuid.UUID, field string) error {
	_, err := s.q.PhotoOwnLock(ctx, tx, photo, owner)
	if postgres.NoRows(err) {
		return ErrPhotoUnknown.At(field)
	}
	return err
}

// FreeTx says whether all of these are somebody's own, uploaded and on no listing; until the transaction ends they stay so.
func (s *Service) FreeTx(ctx context.Context, tx pgx.Tx, owner uuid.UUID, photos []uuid.UUID) (bool, error) {
	rows, err := s.q.PhotosOwnedFree(ctx, tx, photos, owner)
	return len(rows) == len(photos), err
}

// The objects of a photo. The end of a UUIDv7 is random, so that folders are even.
func uploadKey(photo uuid.UUID) string { return "uploads/" + folded(photo) }

func shownKey(photo uuid.UUID, width int) string {
	return "photos/" + folded(photo) + "-" + strconv.Itoa(width) + ".jpg"
}

// oldKey is where photos are that were kept before there were sizes.
func oldKey(photo uuid.UUID) string { return folded(photo) }

func folded(photo uuid.UUID) string {
	name := photo.String()
	return name[len(name)-2:] + "/" + name
}

// photoOfKey is the photo that an object is of, and the width of what is shown.
func photoOfKey(key string) (photo uuid.UUID, width int, ok bool) {
	name := key[lastSlash(key)+1:]
	if len(name) < 36 {
		return photo, 0, false
	}
	photo, err := uuid.Parse(name[:36])
	if err != nil {
		return photo, 0, false
	}
	switch {
	case key == uploadKey(photo):
		return photo, 0, true
	case len(name) > 41:
		width, err = strconv.Atoi(name[37 : len(name)-4])
		return photo, width, err == nil && key == shownKey(photo, width)
	}
	return photo, 0, false
}

func lastSlash(key string) int {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '/' {
			return i
		}
	}
	return -1
}

// named gives what a picture or a store refuses the name that clients know.
func named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, picture.ErrType):
		return ErrType
	case errors.Is(err, picture.ErrSize), errors.Is(err, blob.ErrTooLarge):
		return ErrSize
	case errors.Is(err, picture.ErrCut):
		return ErrCut
	case errors.Is(err, blob.ErrNotFound):
		return ErrMissing
	case errors.Is(err, blob.ErrUnavailable):
		return ErrAway.Because(err)
	}
	return fmt.Errorf("photo: %w", err)
}

const (
	uploadTTL = 15 * time.Minute // of a ticket
	linkTTL   = time.Hour        // of a link to what a bucket has
)
