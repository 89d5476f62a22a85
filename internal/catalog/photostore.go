package catalog

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two kinds of picture that are taken
	_ "image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
)

// PhotoPath is where photos are uploaded and served.
const PhotoPath = "/media/photos/"

// PhotoStore keeps pictures on the local disk and signs the links to upload them.
type PhotoStore struct {
	dir     string
	baseURL func() string
	key     []byte
	clock   clock.Clock
}

// NewPhotoStore keeps photos under dir. baseURL is the server's public address without a slash at its
// end; it is asked late, as the port may be chosen at start. key signs upload links.
func NewPhotoStore(dir string, baseURL func() string, key []byte, c clock.Clock) (*PhotoStore, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the photo directory: %w", err)
	}
	return &PhotoStore{dir: dir, baseURL: baseURL, key: key, clock: c}, nil
}

func (p *PhotoStore) url(photo uuid.UUID) string {
	return p.baseURL() + PhotoPath + id.Photo.Encode(photo)
}

func (p *PhotoStore) sign(photo uuid.UUID) (string, time.Time) {
	expires := p.clock.Now().Add(uploadTTL).Truncate(time.Second)
	query := url.Values{
		"expires":   {strconv.FormatInt(expires.Unix(), 10)},
		"signature": {base64.RawURLEncoding.EncodeToString(p.mac(photo, expires.Unix()))},
	}
	return p.url(photo) + "?" + query.Encode(), expires
}

func (p *PhotoStore) mac(photo uuid.UUID, expires int64) []byte {
	h := hmac.New(sha256.New, p.key)
	_, _ = fmt.Fprintf(h, "photo upload %s %d", photo, expires)
	return h.Sum(nil)
}

func (p *PhotoStore) verify(photo uuid.UUID, query url.Values) error {
	expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil || p.clock.Now().Unix() > expires {
		return ErrUploadLink
	}
	signature, err := base64.RawURLEncoding.DecodeString(query.Get("signature"))
	if err != nil || !hmac.Equal(signature, p.mac(photo, expires)) {
		return ErrUploadLink
	}
	return nil
}

func (p *PhotoStore) path(photo uuid.UUID) string {
	name := photo.String()
	return filepath.Join(p.dir, name[len(name)-2:], name) // the end of a UUIDv7 is random: even folders
}

// put writes to a temporary name first, so that a crash leaves no half picture behind the real one.
func (p *PhotoStore) put(photo uuid.UUID, body []byte) error {
	path := p.path(photo)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".upload-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(body)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// inspect believes the bytes, not the announcement: the header must be of the announced kind and the
// picture of a size that can be decoded safely.
func inspect(body []byte, contentType string) (width, height int, err error) {
	if http.DetectContentType(body) != contentType {
		return 0, 0, ErrPhotoType
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil || "image/"+format != contentType {
		return 0, 0, ErrPhotoType
	}
	if config.Width < 1 || config.Height < 1 || int64(config.Width)*int64(config.Height) > photoMaxPixels {
		return 0, 0, ErrPhotoSize
	}
	return config.Width, config.Height, nil
}

// PhotoHandler serves GET and HEAD of photos to everyone, and PUT to who holds a signed link. fail
// writes a refusal.
func (s *Service) PhotoHandler(fail func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		photo, err := id.Photo.Decode(r.URL.Path[len(PhotoPath):])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			s.photos.serve(w, r, photo)
		case http.MethodPut:
			if err := s.receive(w, r, photo); err != nil {
				fail(w, r, err)
				return
			}
			w.WriteHeader(http.StatusCreated)
		default:
			w.Header().Set("Allow", "GET, HEAD, PUT")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		}
	})
}

func (s *Service) receive(w http.ResponseWriter, r *http.Request, photo uuid.UUID) error {
	if err := s.photos.verify(photo, r.URL.Query()); err != nil {
		return err
	}
	// The server has no read time-out of its own, because that would cut streams. A writer without deadlines is a test's.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(uploadTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, photoMaxBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return ErrPhotoSize
	}
	if err != nil {
		return fault.New(fault.Invalid, "UPLOAD_CUT", "The upload ended early.").Because(err)
	}
	return s.StorePhoto(r.Context(), photo, body)
}

func (p *PhotoStore) serve(w http.ResponseWriter, r *http.Request, photo uuid.UUID) {
	f, err := os.Open(p.path(photo))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }()
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable") // a photo's bytes never change
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	http.ServeContent(w, r, "", time.Time{}, f)
}
