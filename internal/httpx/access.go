package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/souklive/souk/internal/obs"
)

// maxLoggedPath bounds what a client can write into the log with its path.
const maxLoggedPath = 200

// AccessLog writes one line a request and measures it. A query string may carry a signature, so it is
// never logged. The route is the pattern that a ServeMux below matched; it sees it as long as no
// middleware in between copies the request, so AccessLog goes innermost of those that do.
func AccessLog(log *slog.Logger, metrics *obs.HTTPMetrics) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer metrics.Begin()()
			start := time.Now()
			ctx, notes := obs.WithNotes(r.Context())
			r = r.WithContext(ctx)
			rec := &recorder{ResponseWriter: w}
			// Deferred, so that a connection which a panic cuts has its line too.
			defer func() { writeAccess(log, metrics, rec, r, notes, time.Since(start)) }()
			next.ServeHTTP(rec, r)
		})
	}
}

func writeAccess(
	log *slog.Logger, metrics *obs.HTTPMetrics, rec *recorder, r *http.Request, notes *obs.Notes, took time.Duration,
) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	ctx, route := r.Context(), routeOf(r)
	if !rec.streaming() {
		metrics.Observe(route, r.Method, rec.status, took)
	}
	attrs := append([]slog.Attr{
		slog.String("method", bounded(r.Method)),
		slog.String("path", bounded(r.URL.Path)),
		slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes),
		slog.Duration("took", took.Round(time.Microsecond)),
		slog.String("client", Client(ctx).String()),
	}, notes.Attrs()...)
	log.LogAttrs(ctx, accessLevel(ctx, route, rec.status), "request", attrs...)
}

// accessLevel: a server's failure is an error; a client's mistake is the client's and no alarm; a probe
// that succeeds, every few seconds, is noise.
func accessLevel(ctx context.Context, route string, status int) slog.Level {
	probe := route == "/healthz" || route == "/readyz" || route == "/metrics"
	switch {
	case probe && status < 400:
		return slog.LevelDebug
	case probe && status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status >= 500 && ctx.Err() == nil:
		return slog.LevelError
	default: // a 5xx whose client has hung up is in here: the handler failed because of that
		return slog.LevelInfo
	}
}

func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "unmatched"
	}
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	return r.Pattern
}

func bounded(s string) string {
	if len(s) <= maxLoggedPath {
		return s
	}
	return s[:maxLoggedPath] + "…"
}
