package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
)

func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		for name, c := range map[string]struct {
			contentType string
			bytes       int64
			err         error
		}{
			"a GIF":          {"image/gif", 10, media.ErrType},
			"an SVG":         {"image/svg+xml", 10, media.ErrType},
			"upper case":     {"IMAGE/PNG", 10, media.ErrType},
			"a parameter":    {"image/png; x=y", 10, media.ErrType},
			"nothing":        {"", 10, media.ErrType},
			"no bytes":       {"image/png", 0, media.ErrSize},
			"negative bytes": {"image/png", -1, media.ErrSize},
			"a byte more":    {"image/png", 20<<20 + 1, media.ErrSize},
			"200 MB":         {"image/png", 200 << 20, media.ErrSize},
		} {
			if _, err := b.Announce(t.Context(), b.owner, c.contentType, c.bytes); !errors.Is(err, c.err) {
				t.Errorf("%s: %v, want %v", name, err, c.err)
			}
		}
		if n := b.Int(`SELECT count(*) FROM photo`); n != 0 {
			t.Errorf("%d photos", n)
		}
	})
}

// From the ticket to the sizes: what was sent is never served, and gone at the end.
func TestFromTicketToSizes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		body := picture("image/jpeg", 700, 500)
		u := b.announced("image/jpeg", len(body))
		if left := u.ExpiresAt.Sub(b.clock.at); left > 15*time.Minute || left < 15*time.Minute-2*time.Second {
			t.Errorf("the ticket lives for %v", left)
		}
		if b.bucket != nil {
			if _, err := b.Complete(t.Context(), b.owner, u.PhotoID); !errors.Is(err, media.ErrMissing) {
				t.Errorf("before they are sent: %v", err)
			}
		}
		if status, text := b.put(u, body); status/100 != 2 {
			t.Fatalf("%d %s", status, text)
		}
		for range 2 {
			p, err := b.Complete(t.Context(), b.owner, u.PhotoID)
			if err != nil || p.Status != media.Processing || p.Width != 700 || p.Height != 500 || p.Image(nil) != nil {
				t.Fatalf("%+v, %v", p, err)
			}
			if status, _, header := b.get(p.URL(nil)); status != http.StatusNotFound || header.Get("Cache-Control") != "no-store" {
				t.Errorf("while it is made: %d", status)
			}
		}
		if len(b.jobs.jobs) != 1 || !strings.HasPrefix(b.jobs.jobs[0].Queue, "media_") || b.jobs.jobs[0].Kind != "media_render" {
			t.Fatalf("%d jobs", len(b.jobs.jobs))
		}
		for range 2 { // a job may run twice
			b.Must(b.Render(t.Context(), u.PhotoID))
		}
		b.onListing(u.PhotoID)
		p, err := b.Get(t.Context(), u.PhotoID)
		if err != nil || p.Status != media.Ready {
			t.Fatalf("%+v, %v", p, err)
		}
		for asked, want := range map[int]int{0: 160, 1: 160, 160: 160, 161: 320, 320: 320, 400: 640, 641: 700, 700: 700, 5000: 700, -1: 160} {
			size := p.Image(&asked)
			if size.Width != want || size.URL != p.URL(&asked) {
				t.Errorf("at %d: %+v", asked, size)
			}
			status, got, header := b.get(size.URL)
			config, format, err := image.DecodeConfig(strings.NewReader(got))
			if status != http.StatusOK || err != nil || format != "jpeg" || config.Width != size.Width || config.Height != size.Height || header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("at %d: %d, %+v, want %+v (%v)", asked, status, config, size, err)
			}
			if b.bucket == nil && (header.Get("Cache-Control") != "public, max-age=300, must-revalidate" || header.Get("X-Content-Type-Options") != "nosniff" ||
				header.Get("Content-Security-Policy") != "default-src 'none'") {
				t.Errorf("headers %v", header)
			}
		}
		if p.Image(nil).Width != 700 || !strings.HasSuffix(p.URL(nil), "/700.jpg") {
			t.Errorf("the largest: %+v", p.Image(nil))
		}
		if status, got, _ := b.get(b.server.URL + media.PhotoPath + id.Photo.Encode(p.ID)); status != http.StatusOK || !strings.HasPrefix(got, "\xff\xd8") {
			t.Errorf("without a width: %d", status)
		}
		keys := b.objects()
		if len(keys) != 4 || slices.ContainsFunc(keys, func(k string) bool { return !strings.HasPrefix(k, "photos/") }) {
			t.Errorf("kept: %v", keys)
		}
	})
}

// bomb is a PNG of a few bytes that says it is enormous.
func bomb(width, height uint32) []byte {
	body := picture("image/png", 1, 1)
	binary.BigEndian.PutUint32(body[16:], width)
	binary.BigEndian.PutUint32(body[20:], height)
	binary.BigEndian.PutUint32(body[29:], crc32.ChecksumIEEE(body[12:29]))
	return body
}

func TestTheBytesAreBelieved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		pngBytes, jpegBytes := picture("image/png", 9, 9), picture("image/jpeg", 9, 9)
		for name, c := range map[string]struct {
			announced string
			body      []byte
			code      string
		}{
			"a ZIP as JPEG":       {"image/jpeg", []byte("PK\x03\x04" + strings.Repeat("x", 60)), "PHOTO_TYPE"},
			"HTML":                {"image/png", []byte("<!DOCTYPE html><script>alert(1)</script>"), "PHOTO_TYPE"},
			"a JPEG as PNG":       {"image/png", jpegBytes, "PHOTO_TYPE"},
			"a PNG as JPEG":       {"image/jpeg", pngBytes, "PHOTO_TYPE"},
			"a PNG's first bytes": {"image/png", pngBytes[:12], "PHOTO_TYPE"},
			"half a PNG":          {"image/png", pngBytes[:len(pngBytes)-20], "UPLOAD_CUT"},
			"a JPEG without end":  {"image/jpeg", jpegBytes[:len(jpegBytes)-2], "UPLOAD_CUT"},
			"a bomb":              {"image/png", bomb(30_000, 30_000), "PHOTO_SIZE"},
		} {
			u := b.announced(c.announced, len(c.body))
			status, text := b.put(u, c.body)
			if b.bucket != nil && status/100 == 2 {
				_, err := b.Complete(t.Context(), b.owner, u.PhotoID)
				text = domaintest.Code(err)
			}
			if text != c.code || b.status(u.PhotoID) != "PENDING" {
				t.Errorf("%s: %d %s, want %s", name, status, text, c.code)
			}
		}
		if keys := b.objects(); len(keys) != 0 || len(b.jobs.jobs) != 0 {
			t.Errorf("kept: %v, %d jobs", keys, len(b.jobs.jobs))
		}
		// After what was no good, the right bytes are still taken.
		u := b.announced("image/png", len(pngBytes))
		wrong := bytes.Clone(pngBytes)
		wrong[1] = 'X'
		b.put(u, wrong)
		_, _ = b.Complete(t.Context(), b.owner, u.PhotoID)
		if status, text := b.put(u, pngBytes); status/100 != 2 {
			t.Errorf("%d %s", status, text)
		}
		if _, err := b.Complete(t.Context(), b.owner, u.PhotoID); err != nil {
			t.Error(err)
		}
	})
}

// What looks like a picture to its end and can't be decoded is found by the job: it is shown nowhere, and its owner may not use it.
func TestBroken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		body := picture("image/png", 20, 20)
		at := bytes.Index(body, []byte("IDAT")) + 8
		body[at] ^= 0xff
		u := b.announced("image/png", len(body))
		b.put(u, body)
		if _, err := b.Complete(t.Context(), b.owner, u.PhotoID); err != nil {
			t.Fatal(err)
		}
		b.Must(b.Render(t.Context(), u.PhotoID))
		if got := b.status(u.PhotoID); got != "BROKEN" {
			t.Errorf("it is %s", got)
		}
		if _, err := b.Get(t.Context(), u.PhotoID); !errors.Is(err, media.ErrPhotoUnknown) {
			t.Errorf("it is found: %v", err)
		}
		if _, err := b.Complete(t.Context(), b.owner, u.PhotoID); !errors.Is(err, media.ErrPhotoUnknown) {
			t.Errorf("completed again: %v", err)
		}
	})
}

func TestCompleteIsForTheOwner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		p := b.sent(3, 2)
		for _, who := range [][2]any{{b.User(identity.Seller), p.ID}, {b.owner, id.New()}} {
			if _, err := b.Complete(t.Context(), who[0].(uuid.UUID), who[1].(uuid.UUID)); !errors.Is(err, media.ErrPhotoUnknown) {
				t.Errorf("%v", err)
			}
		}
	})
}

// Of many uploads of one photo at once to a disk, one is kept, whole, and it is the one that was told so.
func TestUploadRace(t *testing.T) {
	t.Parallel()
	b := newServer(t, domaintest.New(t), nil)
	const rivals = 8
	for range 5 {
		bodies := make([][]byte, rivals)
		for i := range bodies {
			bodies[i] = append(picture("image/png", 4, 4), byte(i)) // of one size, and each its own
		}
		u := b.announced("image/png", len(bodies[0]))
		errs := domaintest.AtOnce(rivals, func(i int) error { return b.Store(t.Context(), u.PhotoID, bodies[i]) })
		if codes := domaintest.Codes(errs); codes[""] != 1 || codes["UPLOAD_DONE"] != rivals-1 {
			t.Errorf("%v", codes)
		}
	}
	if n := len(b.objects()); n != 5 || len(b.jobs.jobs) != 5 {
		t.Errorf("%d files and %d jobs of 5 photos", n, len(b.jobs.jobs))
	}
}

// A photo is served to everybody while it is on what everybody may see. Who may see it otherwise has links, which end.
func TestWhoIsServed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		p := b.shown(200, 100)
		stranger, staff := b.User(identity.Buyer), b.User(identity.Support)
		address := p.URL(nil)
		served := func(link string) int {
			t.Helper()
			status, _, header := b.get(link)
			if status == http.StatusNotFound && header.Get("Cache-Control") != "no-store" {
				t.Errorf("that it is not there may be kept: %v", header)
			}
			return status
		}
		seen := func(who uuid.UUID, isStaff bool) string {
			t.Helper()
			found, err := b.SeenBy(t.Context(), who, isStaff, p.ID)
			if errors.Is(err, media.ErrPhotoUnknown) {
				return ""
			}
			b.Must(err)
			return found.URL(nil)
		}
		withheld := func(what string) {
			t.Helper()
			if status := served(address); status != http.StatusNotFound {
				t.Errorf("%s: everybody is answered %d", what, status)
			}
			if link := seen(stranger, false); link != "" {
				t.Errorf("%s: a stranger has %s", what, link)
			}
			for name, link := range map[string]string{"its owner": seen(b.owner, false), "staff": seen(staff, true)} {
				if link == address || served(link) != http.StatusOK {
					t.Errorf("%s: %s has %s", what, name, link)
				}
			}
		}
		withheld("on nothing")
		b.onListing(p.ID)
		if served(address) != http.StatusOK || seen(stranger, false) != address || seen(b.owner, false) != address {
			t.Error("on the market it is not served")
		}
		const all = ` WHERE id IN (SELECT listing_id FROM listing_photo)`
		for what, c := range map[string][2]string{
			"taken down":       {`UPDATE listing SET status = 'HIDDEN', hidden_from = status` + all, `UPDATE listing SET status = hidden_from, hidden_from = NULL` + all},
			"offered to few":   {`UPDATE listing SET minimum_tier = 'TRUSTED'` + all, `UPDATE listing SET minimum_tier = NULL` + all},
			"of who is banned": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x'`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL`},
		} {
			b.Exec(c[0])
			withheld(what)
			b.Exec(c[1])
			if served(address) != http.StatusOK {
				t.Errorf("%s, and back: it is not served", what)
			}
		}
		b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status` + all)
		link := seen(b.owner, false)
		b.clock.at = b.clock.at.Add(2 * time.Hour)
		if b.bucket == nil && served(link) == http.StatusOK { // the bucket has a clock of its own
			t.Error("a link does not end")
		}
	})
}

// Caches ask again, and are told that it is the same.
func TestAPhotoIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := newServer(t, domaintest.New(t), nil)
	p := b.shown(200, 100)
	b.onListing(p.ID)
	_, _, header := b.get(p.URL(nil))
	again, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL(nil), nil)
	b.Must(err)
	again.Header.Set("If-None-Match", header.Get("ETag"))
	if status, body, _ := b.do(again); status != http.StatusNotModified || body != "" {
		t.Errorf("the same: %d", status)
	}
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status`)
	if status, _, _ := b.do(again); status != http.StatusNotFound {
		t.Errorf("taken down: %d", status)
	}
}

func TestTrickyPaths(t *testing.T) {
	t.Parallel()
	b := newServer(t, domaintest.New(t), nil)
	p := b.sent(30, 20) // what was sent, and no sizes yet
	name, folder := p.ID.String(), p.ID.String()[34:]
	for _, path := range []string{
		"", "x", id.Photo.Encode(id.New()), id.Listing.Encode(p.ID), name, folder + "/" + name, "..%2fuploads%2f" + folder + "%2f" + name,
		id.Photo.Encode(p.ID) + "%00", id.Photo.Encode(p.ID) + "/", id.Photo.Encode(p.ID) + "/../../uploads", id.Photo.Encode(p.ID) + "/0640.jpg",
		id.Photo.Encode(p.ID) + "/-1.jpg", id.Photo.Encode(p.ID) + "/30.png", id.Photo.Encode(p.ID) + "/30.jpg", strings.Repeat("a", 3000),
	} {
		if status, _, _ := b.get(b.server.URL + media.PhotoPath + path); status != http.StatusNotFound {
			t.Errorf("%q: %d", path, status)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.URL(nil), nil)
	b.Must(err)
	if status, _, header := b.do(request); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d", status)
	}
	link := b.server.URL + "/media/objects/uploads/" + folder + "/" + name
	if status, text, _ := b.get(link); status != http.StatusTeapot || text != "UPLOAD_LINK_INVALID" {
		t.Errorf("what was sent, without a link: %d", status)
	}
}
