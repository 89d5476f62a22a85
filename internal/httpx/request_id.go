package httpx

import (
	"net/http"

	"github.com/souklive/souk/internal/obs"
)

// RequestIDHeader carries the id in both directions.
const RequestIDHeader = "X-Request-Id"

// RequestID gives each request an id: the client's own where it is well formed, else a new one. The
// answer carries it, and so does every log line of the request.
func RequestID(newID func() string) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get(RequestIDHeader)
			if !obs.ValidRequestID(id) {
				id = newID()
			}
			w.Header().Set(RequestIDHeader, id)
			next.ServeHTTP(w, r.WithContext(obs.WithRequestID(r.Context(), id)))
		})
	}
}
