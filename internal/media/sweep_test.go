package media_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/blob/blobtest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/postgres"
)

// age makes all rows and objects older.
func (b *bundle) age(by time.Duration) {
	b.T.Helper()
	b.Exec(`UPDATE photo SET created_at = created_at - make_interval(secs => $1)`, by.Seconds())
	if b.bucket != nil {
		b.bucket.Age(by)
		return
	}
	b.Must(filepath.WalkDir(b.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Add(-by)
		return os.Chtimes(path, at, at)
	}))
}

func (b *bundle) swept() {
	b.T.Helper()
	b.Must(b.Sweep(b.Ctx()))
	b.Must(b.Clean(b.Ctx(), b.store().Name()))
}

// onListing puts a photo on a listing.
func (b *bundle) onListing(photo uuid.UUID) {
	b.T.Helper()
	listing := b.Listing(b.owner)
	b.Exec(`INSERT INTO listing_photo (listing_id, position, photo_id) VALUES ($1, 5, $2)`, listing, photo)
}

func TestSweep(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		never := b.announced("image/png", 10).PhotoID
		late := b.announced("image/jpeg", len(picture("image/jpeg", 5, 5)))
		used, cover, unused, waiting := b.shown(200, 100), b.shown(3, 3), b.shown(4, 4), b.sent(5, 5)
		b.onListing(used.ID)
		b.Exec(`INSERT INTO show (id, host_id, title, starts_at, cover_id) VALUES (gen_random_uuid(), $1, 'A show', now(), $2)`, b.owner, cover.ID)
		b.onListing(waiting.ID)
		if b.bucket != nil { // sent, and never completed
			b.put(late, picture("image/jpeg", 5, 5))
		}
		orphan := b.objects()[len(b.objects())-1]
		orphan = orphan[:len(orphan)-4] + "9.jpg" // a width that no row has
		b.Must(b.store().Put(t.Context(), orphan, "image/jpeg", []byte("x")))
		b.Must(b.store().Put(t.Context(), "photos/zz/nothing", "image/jpeg", []byte("x")))
		before := len(b.objects())
		b.swept()
		if n := len(b.objects()); n != before {
			t.Errorf("on the first day %d of %d objects are left", n, before)
		}
		b.age(25 * time.Hour)
		b.swept()
		if b.status(never) != "GONE" || b.status(late.PhotoID) != "GONE" || b.status(unused.ID) != "READY" {
			t.Errorf("after a day: %s, %s, %s", b.status(never), b.status(late.PhotoID), b.status(unused.ID))
		}
		b.age(7 * 24 * time.Hour)
		b.swept()
		if b.status(unused.ID) != "GONE" || b.status(used.ID) != "READY" || b.status(cover.ID) != "READY" || b.status(waiting.ID) != "STORED" {
			t.Errorf("after a week: %s, %s, %s, %s", b.status(unused.ID), b.status(used.ID), b.status(cover.ID), b.status(waiting.ID))
		}
		for _, key := range b.objects() {
			if !strings.Contains(key, used.ID.String()) && !strings.Contains(key, cover.ID.String()) && !strings.Contains(key, waiting.ID.String()) || strings.HasSuffix(key, "9.jpg") {
				t.Errorf("left: %s", key)
			}
		}
		if n := len(b.objects()); n != 4 { // two sizes, one, and what was sent
			t.Errorf("left: %v", b.objects())
		}
		if status, _, _ := b.get(used.URL(nil)); status != 200 {
			t.Errorf("what is used: %d", status)
		}
		b.Must(b.Render(t.Context(), waiting.ID))
	})
}

// A table that refers to photos has to be known to what sweeps them.
func TestSweepKnowsWhoHasPhotos(t *testing.T) {
	t.Parallel()
	b := newServer(t, domaintest.New(t), nil)
	if n := b.Int(`SELECT count(*) FROM pg_constraint WHERE confrelid = 'photo'::regclass AND contype = 'f'
		AND conrelid::regclass::text NOT IN ('listing_photo', 'show')`); n != 0 {
		t.Errorf("%d tables refer to photos that PhotosUnused and PhotosGiveUp do not know", n)
	}
}

// A photo that somebody takes while it is swept is theirs, or gone for them; never both.
func TestTakenWhileItIsSwept(t *testing.T) {
	t.Parallel()
	b := newServer(t, domaintest.New(t), nil)
	for range 10 {
		p := b.sent(2, 2)
		b.age(8 * 24 * time.Hour)
		var took bool
		errs := domaintest.AtOnce(2, func(i int) error {
			if i == 0 {
				return b.Sweep(t.Context())
			}
			return postgres.InTx(t.Context(), b.Pool, func(tx pgx.Tx) (err error) {
				took, err = b.FreeTx(t.Context(), tx, b.owner, []uuid.UUID{p.ID})
				if err != nil || !took {
					return err
				}
				time.Sleep(2 * time.Millisecond)
				_, err = tx.Exec(t.Context(), `WITH l AS (INSERT INTO listing (id, seller_id, kind, title, description, condition, status)
					VALUES (gen_random_uuid(), $1, 'ONE_OFF', 'A thing', '', 'NEW', 'DRAFT') RETURNING id)
					INSERT INTO listing_photo (listing_id, position, photo_id) SELECT id, 1, $2 FROM l`, b.owner, p.ID)
				return err
			})
		})
		b.Must(errors.Join(errs...))
		if gone := b.status(p.ID) == "GONE"; gone == took {
			t.Errorf("gone %t, taken %t", gone, took)
		}
	}
}

// Storage that does not answer refuses no photo, and loses none; what was begun is done when it is back.
func TestStorageAway(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	bucket := blobtest.New(t)
	b := newServer(t, w, bucket)
	body := picture("image/jpeg", 300, 200)
	u := b.announced("image/jpeg", len(body))
	b.put(u, body)
	bucket.Down(true)
	if _, err := b.Complete(t.Context(), b.owner, u.PhotoID); !errors.Is(err, media.ErrAway) || b.status(u.PhotoID) != "PENDING" {
		t.Errorf("completed: %v, it is %s", err, b.status(u.PhotoID))
	}
	bucket.Down(false)
	_, err := b.Complete(t.Context(), b.owner, u.PhotoID)
	b.Must(err)
	bucket.Down(true)
	if err := b.Render(t.Context(), u.PhotoID); err == nil || b.status(u.PhotoID) != "STORED" {
		t.Errorf("rendered: %v, it is %s", err, b.status(u.PhotoID))
	}
	if err := b.Clean(t.Context(), "s3"); err == nil {
		t.Error("cleaned")
	}
	bucket.Down(false)
	b.Must(b.Render(t.Context(), u.PhotoID))
	if b.status(u.PhotoID) != "READY" {
		t.Errorf("it is %s", b.status(u.PhotoID))
	}
}

// Two servers with a disk each: the work on a photo waits for the one that has it, and the other one refuses nothing.
func TestTwoDisks(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	here, there := newServer(t, w, nil), newServer(t, w, nil)
	p := here.sent(40, 30)
	if queue := here.jobs.jobs[0].Queue; len(there.Queues()) != 1 || len(here.Queues()) != 1 {
		t.Errorf("queues of %v and %v", here.Queues(), there.Queues())
	} else if _, mine := here.Queues()[queue]; !mine {
		t.Errorf("the job waits in %s, where nobody looks who has the file", queue)
	} else if _, theirs := there.Queues()[queue]; theirs {
		t.Error("the other server takes the job")
	}
	if err := there.Render(t.Context(), p.ID); err == nil || here.status(p.ID) != "STORED" {
		t.Errorf("at the other server: %v, it is %s", err, here.status(p.ID))
	}
	if done, err := there.Complete(t.Context(), here.owner, p.ID); err != nil || done.ID != p.ID {
		t.Errorf("completed at the other server: %v", err)
	}
	here.Must(here.Render(t.Context(), p.ID))
	// What was announced at one and came to the other lies there, and is made there.
	body := picture("image/png", 5, 5)
	u := here.announced("image/png", len(body))
	here.Must(there.Store(t.Context(), u.PhotoID, body))
	if _, theirs := there.Queues()[there.jobs.jobs[0].Queue]; !theirs {
		t.Errorf("the job waits in %s", there.jobs.jobs[0].Queue)
	}
	here.Must(there.Render(t.Context(), u.PhotoID))
}

// A photo of before there were sizes is served as it was, then adopted by the server that has it, and served at its old address.
func TestOldPhotos(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	b, other := newServer(t, w, nil), newServer(t, w, nil)
	body := picture("image/jpeg", 500, 400)
	u := b.announced("image/jpeg", len(body))
	name := u.PhotoID.String()
	b.Exec(`UPDATE photo SET status = 'STORED', store = 'disk', width = 500, height = 400 WHERE id = $1`, u.PhotoID)
	b.Must(os.MkdirAll(filepath.Join(b.dir, name[34:]), 0o750))
	b.Must(os.WriteFile(filepath.Join(b.dir, name[34:], name), body, 0o600))
	b.onListing(u.PhotoID)
	p, err := b.Get(t.Context(), u.PhotoID)
	b.Must(err)
	old := p.URL(nil)
	if status, got, _ := b.get(old); status != 200 || got != string(body) || p.Status != media.Ready {
		t.Errorf("before: %d, %d bytes, %s", status, len(got), p.Status)
	}
	b.Must(other.Clean(t.Context(), other.disk.Name()))
	if n := b.Int(`SELECT count(*) FROM photo WHERE store = 'disk'`); n != 1 {
		t.Error("adopted by a server that has it not")
	}
	b.Must(b.Clean(t.Context(), b.disk.Name()))
	if status, got, _ := b.get(old); status != 200 || got != string(body) {
		t.Errorf("adopted: %d, %d bytes", status, len(got))
	}
	b.Must(b.Render(t.Context(), u.PhotoID))
	if p, err = b.Get(t.Context(), u.PhotoID); err != nil || p.Image(new(300)).Width != 320 {
		t.Errorf("%+v, %v", p, err)
	}
	if status, got, _ := b.get(old); status != 200 || got == string(body) || !strings.HasPrefix(got, "\xff\xd8") {
		t.Errorf("after: %d, %d bytes", status, len(got))
	}
	if _, err := os.Stat(filepath.Join(b.dir, name[34:], name)); err == nil {
		t.Error("what its client sent is kept")
	}
}
