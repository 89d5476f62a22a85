package httpx

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/souklive/souk/internal/obs"
)

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain puts the middleware around the handler; the first one named sees a request first.
func Chain(handler http.Handler, outermostFirst ...Middleware) http.Handler {
	for _, wrap := range slices.Backward(outermostFirst) {
		handler = wrap(handler)
	}
	return handler
}

// Refuse answers with one error in the shape of GraphQL's.
func Refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	type extensions struct {
		Code      string `json:"code"`
		Kind      string `json:"kind"`
		RequestID string `json:"requestId"`
		Retryable bool   `json:"retryable"`
	}
	type graphQLError struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Del("Content-Length") // a handler that panicked may have announced another body
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]graphQLError{"errors": {{ // the client may be gone
		Message: message,
		Extensions: extensions{
			Code:      code,
			Kind:      kindOf(status),
			RequestID: obs.RequestID(r.Context()),
			Retryable: status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests,
		},
	}}})
}

// kindOf is the kind of refusal, in the words of the API, that a status stands for.
func kindOf(status int) string {
	switch {
	case status == http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case status == http.StatusTooManyRequests:
		return "RATE_LIMITED"
	case status >= http.StatusInternalServerError:
		return "INTERNAL"
	default:
		return "INVALID"
	}
}
