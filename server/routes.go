package main

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/obs"
)

// maxGraphQLBody is far above any operation that passes the limits of depth and cost. Photos do not
// come this way.
const maxGraphQLBody = 1 << 20

// site is what the HTTP server is made of.
type site struct {
	log      *slog.Logger
	metrics  *obs.HTTPMetrics
	health   *obs.Health
	app      http.Handler // nil where the role serves no clients
	scrape   http.Handler // nil where metrics have an address of their own
	origins  httpx.Origins
	settings Config
	draining <-chan struct{}
}

// handler puts the routes behind what every request passes. EndStreams and what else copies the request
// stays outside AccessLog, which reads the matched route from its own copy.
func (s site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health.Live)
	mux.HandleFunc("GET /readyz", s.health.Ready)
	if s.scrape != nil {
		mux.Handle("GET /metrics", s.scrape)
	}
	if s.app != nil {
		mux.Handle("/graphql", httpx.BodyLimit(maxGraphQLBody)(s.app))
		mux.Handle("/", s.app)
	}
	return httpx.Chain(mux,
		httpx.ClientAddr(s.settings.TrustedProxies),
		httpx.RequestID(obs.NewRequestID),
		httpx.EndStreams(s.draining),
		httpx.AccessLog(s.log, s.metrics),
		httpx.Recover(s.log, s.metrics),
		httpx.SecurityHeaders(strings.HasPrefix(s.settings.PublicURL, "https://")),
		httpx.CORS(s.origins),
	)
}

// newHTTPServer bounds what a client may hold open before it has sent a request. There is no write or
// read time-out, which would cut streams: bodies and sockets have deadlines of their own.
func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ConnContext:       arrival.WithConn,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that hang up
	}
}
