package media

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

const (
	// A photo's bytes at one width never change, and whether everybody may see them does: caches ask again after a while.
	served = "public, max-age=300, must-revalidate"
	// Of a bucket's photos a redirect is kept for so long, and where it leads works for redirectTTL.
	redirected  = "public, max-age=300"
	redirectTTL = 10 * time.Minute
)

// PhotoHandler serves what everybody may see to everyone: PhotoPath, the photo's id, and behind a slash one of its widths. What lies in a
// bucket is fetched there, by a signed link. Of what is on no listing that everybody may see, or not any more, nothing is said.
func (s *Service) PhotoHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		// What is refused or fails is kept by nobody.
		w.Header().Set("Cache-Control", "no-store")
		name, size, sized := strings.Cut(r.URL.Path[len(PhotoPath):], "/")
		photo, err := id.Photo.Decode(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		switch public, err := s.q.PhotoIsPublic(r.Context(), s.pool, photo); {
		case err != nil:
			http.Error(w, "the photo can't be found right now", http.StatusServiceUnavailable)
			return
		case !public:
			http.NotFound(w, r)
			return
		}
		if !sized {
			s.serveLargest(w, r, photo)
			return
		}
		width, err := strconv.Atoi(strings.TrimSuffix(size, ".jpg"))
		if err != nil || size != strconv.Itoa(width)+".jpg" {
			http.NotFound(w, r)
			return
		}
		s.serveSize(w, r, photo, width)
	})
}

func (s *Service) serveSize(w http.ResponseWriter, r *http.Request, photo uuid.UUID, width int) {
	key := shownKey(photo, width)
	if s.bucket == nil || s.disk.Has(key) {
		w.Header().Set("Cache-Control", served)
		w.Header().Set("ETag", `"`+path.Base(key)+`"`)
		s.disk.Serve(w, r, key)
		return
	}
	link, err := s.bucket.SignGet(r.Context(), key, redirectTTL)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", redirected)
	http.Redirect(w, r, link, http.StatusFound) //nolint:gosec // to our own bucket
}

// serveLargest is the address of a photo without a width: what was given out before there were sizes. What a client sends is not served, but
// for what was served then, until it has its sizes.
func (s *Service) serveLargest(w http.ResponseWriter, r *http.Request, photo uuid.UUID) {
	row, err := s.q.PhotoByID(r.Context(), s.pool, photo)
	switch {
	case err != nil && !postgres.NoRows(err):
		http.Error(w, "the photo can't be found right now", http.StatusServiceUnavailable)
	case err == nil && row.Status == ready:
		s.serveSize(w, r, photo, int(row.Widths[0]))
	case err == nil && row.Status == stored && s.disk.Has(oldKey(photo)):
		w.Header().Set("Cache-Control", served)
		s.disk.Serve(w, r, oldKey(photo))
	default:
		http.NotFound(w, r)
	}
}
