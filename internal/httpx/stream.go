package httpx

import (
	"context"
	"net/http"
	"strings"
)

// EndStreams cancels the event streams when draining is closed. An http.Server waits for requests to
// finish and a stream never does by itself; WebSockets, which the server does not know of, are the
// transport's to close.
func EndStreams(draining <-chan struct{}) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
				next.ServeHTTP(w, r)
				return
			}
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			done := make(chan struct{})
			defer close(done)
			go func() {
				select {
				case <-draining:
					cancel()
				case <-done:
				}
			}()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}
