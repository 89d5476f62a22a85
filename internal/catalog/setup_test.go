package catalog_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// hand is a clock that a test sets.
type hand struct{ at time.Time }

func (h *hand) Now() time.Time { return h.at }

type bundle struct {
	*domaintest.World
	*catalog.Service
	dir    string
	clock  *hand
	server *httptest.Server
	seller uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: domaintest.New(t), dir: t.TempDir(), clock: &hand{time.Now()}}
	photos, err := catalog.NewPhotoStore(b.dir, func() string { return b.server.URL }, []byte("key"), b.clock)
	b.Must(err)
	b.Service = catalog.New(b.Pool, photos)
	mux := http.NewServeMux()
	mux.Handle(catalog.PhotoPath, b.PhotoHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(domaintest.Code(err)))
	}))
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.seller = b.User(identity.Seller)
	return b
}

func picture(format string, width, height int) []byte {
	var out bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, width, height))
	if format == "image/jpeg" {
		_ = jpeg.Encode(&out, img, nil)
	} else {
		_ = png.Encode(&out, img)
	}
	return out.Bytes()
}

// announced is a photo that waits for so many bytes.
func (b *bundle) announced(contentType string, size int) catalog.Upload {
	b.T.Helper()
	u, err := b.AnnounceUpload(b.Ctx(), b.seller, contentType, int64(size))
	b.Must(err)
	return u
}

// photo is a stored photo of an owner.
func (b *bundle) photo(owner uuid.UUID) uuid.UUID {
	b.T.Helper()
	body := picture("image/png", 3, 2)
	u, err := b.AnnounceUpload(b.Ctx(), owner, "image/png", int64(len(body)))
	b.Must(err)
	b.Must(b.StorePhoto(b.Ctx(), u.PhotoID, body))
	return u.PhotoID
}

// send gives a request's status, and its body where it is short.
func (b *bundle) send(method, link string, body []byte) (status int, text string, header http.Header) {
	b.T.Helper()
	request, err := http.NewRequestWithContext(b.Ctx(), method, link, bytes.NewReader(body))
	b.Must(err)
	response, err := b.server.Client().Do(request)
	b.Must(err)
	defer func() { _ = response.Body.Close() }()
	var out bytes.Buffer
	_, err = out.ReadFrom(response.Body)
	b.Must(err)
	return response.StatusCode, out.String(), response.Header
}

// files are the names under the store's directory.
func (b *bundle) files() (names []string) {
	b.T.Helper()
	b.Must(filepath.WalkDir(b.dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	}))
	return names
}

func photoURL(b *bundle, photo uuid.UUID) string {
	return b.server.URL + catalog.PhotoPath + id.Photo.Encode(photo)
}

func input(photos ...uuid.UUID) catalog.CreateInput {
	return catalog.CreateInput{Title: "A thing", Description: "Of use.", Condition: catalog.ConditionGood, Photos: photos}
}

func repeated(s string, n int) string { return strings.Repeat(s, n) }
