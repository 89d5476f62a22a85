package catalog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
)

func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		contentType string
		bytes       int64
		err         error
	}{
		"a GIF":          {"image/gif", 10, catalog.ErrPhotoType},
		"an SVG":         {"image/svg+xml", 10, catalog.ErrPhotoType},
		"HTML":           {"text/html", 10, catalog.ErrPhotoType},
		"upper case":     {"IMAGE/PNG", 10, catalog.ErrPhotoType},
		"a parameter":    {"image/png; x=y", 10, catalog.ErrPhotoType},
		"nothing":        {"", 10, catalog.ErrPhotoType},
		"no bytes":       {"image/png", 0, catalog.ErrPhotoSize},
		"negative bytes": {"image/png", -1, catalog.ErrPhotoSize},
		"too many bytes": {"image/png", 8<<20 + 1, catalog.ErrPhotoSize},
	} {
		if _, err := b.AnnounceUpload(t.Context(), b.seller, c.contentType, c.bytes); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	if n := b.Int(`SELECT count(*) FROM photo`); n != 0 {
		t.Errorf("%d photos", n)
	}
}

func TestUploadAndServe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, contentType := range []string{"image/png", "image/jpeg"} {
		body := picture(contentType, 7, 5)
		u := b.announced(contentType, len(body))
		if u.Method != http.MethodPut || len(u.Headers) != 1 || u.Headers[0] != (catalog.Header{Name: "Content-Type", Value: contentType}) {
			t.Errorf("%+v", u)
		}
		if left := u.ExpiresAt.Sub(b.clock.at); left > 15*time.Minute || left < 15*time.Minute-time.Second {
			t.Errorf("the link lives for %v", left)
		}
		link := photoURL(b, u.PhotoID)
		if status, _, _ := b.send(http.MethodGet, link, nil); status != http.StatusNotFound {
			t.Errorf("before the upload: %d", status)
		}
		if status, text, _ := b.send(http.MethodPut, u.URL, body); status != http.StatusCreated {
			t.Fatalf("%d %s", status, text)
		}
		status, text, header := b.send(http.MethodGet, link, nil)
		if status != http.StatusOK || text != string(body) || header.Get("Content-Type") != contentType {
			t.Errorf("%d, %d bytes of %s", status, len(text), header.Get("Content-Type"))
		}
		for name, want := range map[string]string{
			"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if status, text, header := b.send(http.MethodHead, link, nil); status != http.StatusOK || text != "" || header.Get("Content-Length") == "" {
			t.Errorf("HEAD: %d %q", status, text)
		}
		if status, _, header := b.send(http.MethodDelete, link, nil); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD, PUT" {
			t.Errorf("DELETE: %d", status)
		}
		if status, text, _ := b.send(http.MethodPut, u.URL, body); status != http.StatusTeapot || text != "UPLOAD_DONE" {
			t.Errorf("a second upload: %d %s", status, text)
		}
	}
}

// bomb is a PNG of a few bytes that says it is enormous.
func bomb(width, height uint32) []byte {
	body := picture("image/png", 1, 1)
	binary.BigEndian.PutUint32(body[16:], width)
	binary.BigEndian.PutUint32(body[20:], height)
	binary.BigEndian.PutUint32(body[29:], crc32.ChecksumIEEE(body[12:29]))
	return body
}

func TestUploadBelievesTheBytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pngBytes, jpegBytes := picture("image/png", 4, 4), picture("image/jpeg", 4, 4)
	for name, c := range map[string]struct {
		announced string
		size      int // 0: that of the body
		body      []byte
		code      string
	}{
		"a ZIP as JPEG":         {"image/jpeg", 0, []byte("PK\x03\x04" + strings.Repeat("x", 60)), "PHOTO_TYPE"},
		"a GIF":                 {"image/png", 0, []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "PHOTO_TYPE"},
		"HTML":                  {"image/png", 0, []byte("<!DOCTYPE html><script>alert(1)</script>"), "PHOTO_TYPE"},
		"SVG":                   {"image/png", 0, []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "PHOTO_TYPE"},
		"a JPEG as PNG":         {"image/png", 0, jpegBytes, "PHOTO_TYPE"},
		"a PNG as JPEG":         {"image/jpeg", 0, pngBytes, "PHOTO_TYPE"},
		"a PNG's first bytes":   {"image/png", 0, pngBytes[:12], "PHOTO_TYPE"},
		"a JPEG's first bytes":  {"image/jpeg", 0, jpegBytes[:4], "PHOTO_TYPE"},
		"HTML behind a PNG's":   {"image/png", 0, []byte("\x89PNG\r\n\x1a\n<script>alert(1)</script>"), "PHOTO_TYPE"},
		"too many pixels":       {"image/png", 0, bomb(40_000_001, 1), "PHOTO_SIZE"},
		"far too many pixels":   {"image/png", 0, bomb(1<<31-1, 1<<31-1), "PHOTO_TYPE PHOTO_SIZE"},
		"no pixels":             {"image/png", 0, bomb(0, 4), "PHOTO_TYPE PHOTO_SIZE"},
		"fewer bytes than told": {"image/png", len(pngBytes) + 1, pngBytes, "PHOTO_SIZE"},
		"more bytes than told":  {"image/png", len(pngBytes) - 1, pngBytes, "PHOTO_SIZE"},
		"no bytes":              {"image/png", 5, nil, "PHOTO_SIZE"},
		"a body too large":      {"image/png", 5, bytes.Repeat([]byte("x"), 8<<20+1), "PHOTO_SIZE"},
	} {
		size := c.size
		if size == 0 {
			size = len(c.body)
		}
		u := b.announced(c.announced, size)
		if status, text, _ := b.send(http.MethodPut, u.URL, c.body); status != http.StatusTeapot || text == "" || !strings.Contains(c.code, text) {
			t.Errorf("%s: %d %s, want %s", name, status, text, c.code)
		}
		if status, _, _ := b.send(http.MethodGet, photoURL(b, u.PhotoID), nil); status != http.StatusNotFound {
			t.Errorf("%s: it is served", name)
		}
	}
	if files, n := b.files(), b.Int(`SELECT count(*) FROM photo WHERE status <> 'PENDING'`); len(files) != 0 || n != 0 {
		t.Errorf("%v are kept, %d are stored", files, n)
	}
	u := b.announced("image/png", len(bomb(40_000_000, 1)))
	if err := b.StorePhoto(t.Context(), u.PhotoID, bomb(40_000_000, 1)); err != nil {
		t.Errorf("as many pixels as may be: %v", err)
	}
}

// After a wrong body, the right one is still taken.
func TestUploadMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := picture("image/png", 4, 4)
	u := b.announced("image/png", len(body))
	if status, _, _ := b.send(http.MethodPut, u.URL, body[:10]); status != http.StatusTeapot {
		t.Errorf("half a body: %d", status)
	}
	if status, text, _ := b.send(http.MethodPut, u.URL, body); status != http.StatusCreated {
		t.Errorf("%d %s", status, text)
	}
}

func TestUploadLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := picture("image/png", 4, 4)
	u, other := b.announced("image/png", len(body)), b.announced("image/png", len(body))
	link, err := url.Parse(u.URL)
	b.Must(err)
	with := func(change func(url.Values)) string {
		query := link.Query()
		change(query)
		return photoURL(b, u.PhotoID) + "?" + query.Encode()
	}
	for name, link := range map[string]string{
		"none":                 photoURL(b, u.PhotoID),
		"a longer life":        with(func(q url.Values) { q.Set("expires", "99999999999") }),
		"no expiry":            with(func(q url.Values) { q.Del("expires") }),
		"an odd expiry":        with(func(q url.Values) { q.Set("expires", "soon") }),
		"a signature cut":      with(func(q url.Values) { q.Set("signature", q.Get("signature")[:20]) }),
		"no signature":         with(func(q url.Values) { q.Set("signature", "") }),
		"an odd signature":     with(func(q url.Values) { q.Set("signature", "!!") }),
		"another photo's":      photoURL(b, other.PhotoID) + "?" + link.RawQuery,
		"of no photo":          photoURL(b, id.New()) + "?" + link.RawQuery,
		"another's, both ways": strings.Replace(other.URL, id.Photo.Encode(other.PhotoID), id.Photo.Encode(u.PhotoID), 1),
	} {
		if status, text, _ := b.send(http.MethodPut, link, body); status != http.StatusTeapot || text != "UPLOAD_LINK_INVALID" {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	b.clock.at = u.ExpiresAt.Add(time.Second)
	if status, text, _ := b.send(http.MethodPut, u.URL, body); status != http.StatusTeapot || text != "UPLOAD_LINK_INVALID" {
		t.Errorf("a second too late: %d %s", status, text)
	}
	b.clock.at = u.ExpiresAt
	if status, text, _ := b.send(http.MethodPut, u.URL, body); status != http.StatusCreated {
		t.Errorf("at the last second: %d %s", status, text)
	}
}

func TestUnknownAndTrickyPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := picture("image/png", 4, 4)
	u := b.announced("image/png", len(body))
	b.Must(b.StorePhoto(t.Context(), u.PhotoID, body))
	name := u.PhotoID.String()
	for _, path := range []string{
		"", "x", id.Photo.Encode(id.New()), id.Listing.Encode(u.PhotoID), name, name[34:] + "/" + name, "..%2f" + name[34:] + "%2f" + name,
		"..%2f..%2f..%2fetc%2fpasswd", id.Photo.Encode(u.PhotoID) + "%00", id.Photo.Encode(u.PhotoID) + "/", ".upload-1", repeated("a", 3000),
	} {
		status, text, _ := b.send(http.MethodGet, b.server.URL+catalog.PhotoPath+path, nil)
		if status != http.StatusNotFound || text == string(body) {
			t.Errorf("%q: %d", path, status)
		}
	}
}

// Of many uploads of one photo at once, one is kept, whole, and it is the one that was told so.
func TestUploadRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rivals = 8
	for range 10 {
		bodies := make([][]byte, rivals)
		for i := range bodies {
			bodies[i] = picture("image/png", 4, 4)
			bodies[i] = append(bodies[i], byte(i)) // of one size, and each its own
		}
		u := b.announced("image/png", len(bodies[0]))
		errs := domaintest.AtOnce(rivals, func(i int) error { return b.StorePhoto(t.Context(), u.PhotoID, bodies[i]) })
		if codes := domaintest.Codes(errs); codes[""] != 1 || codes["UPLOAD_DONE"] != rivals-1 {
			t.Errorf("%v", codes)
		}
		_, text, _ := b.send(http.MethodGet, photoURL(b, u.PhotoID), nil)
		for i, err := range errs {
			if err == nil && text != string(bodies[i]) {
				t.Errorf("upload %d was taken, and %x is served", i, text[len(text)-1:])
			}
		}
	}
	if n := len(b.files()); n != 10 {
		t.Errorf("%d files are left of 10 photos", n)
	}
}
