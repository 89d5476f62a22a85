package media

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

const (
	servedForever = "public, max-age=31536000, immutable" // a photo's bytes at one width never change
	servedAWhile  = "public, max-age=600"                 // less than a link to a bucket lives
)

// PhotoHandler serves photos to everyone: PhotoPath, the photo's id, and behind a slash one of its widths. What lies in a bucket is fetched
// there, by a signed link.
func (s *Service) PhotoHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name, size, sized := strings.Cut(r.URL.Path[len(PhotoPath):], "/")
		photo, err := id.Photo.Decode(name)
		if err != nil {
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
		w.Header().Set("Cache-Control", servedForever)
		s.disk.Serve(w, r, key)
		return
	}
	link, err := s.bucket.SignGet(r.Context(), key, linkTTL)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", servedAWhile)
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
		w.Header().Set("Cache-Control", servedAWhile)
		s.disk.Serve(w, r, oldKey(photo))
	default:
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
	}
}
