package httpx

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/souklive/souk/internal/obs"
)

// Recover turns a panic into a logged 500. It goes below AccessLog, whose recorder tells whether an
// answer can still be given; where it cannot, the connection is cut, so that the client does not take
// half an answer for a whole one.
func Recover(log *slog.Logger, metrics *obs.HTTPMetrics) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares so too
					panic(cause) //nolint:forbidigo // the agreed way to cut a connection
				}
				metrics.Panicked()
				log.ErrorContext(r.Context(), "handler panicked",
					"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if rec, ok := w.(*recorder); ok && rec.written() {
					panic(http.ErrAbortHandler) //nolint:forbidigo // as above
				}
				Refuse(w, r, http.StatusInternalServerError, "INTERNAL",
					"Something went wrong on our side. Quote the request id to support.")
			}()
			next.ServeHTTP(w, r)
		})
	}
}
