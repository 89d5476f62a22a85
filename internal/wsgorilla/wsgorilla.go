// Package wsgorilla carries gqlgen's WebSocket transport on gorilla/websocket: origin check, limits
// before the upgrade, a deadline on every write, detection of half-open peers, and a drain that tells
// clients to come back.
//
// Wrap the GraphQL handler in [Sockets.Guard] and give the same Sockets to transport.Websocket as its
// Implementation. Guard refuses with a plain HTTP status before the upgrade, and closes what the
// transport leaves open.
package wsgorilla

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

// Config has the limits. A limit left at zero has the default that is named.
type Config struct {
	// AllowOrigin decides about a browser's Origin header. Nil: only the request's own host. Clients
	// that send no Origin are not browsers and pass.
	AllowOrigin func(r *http.Request, origin string) bool
	// RemoteAddr tells a client's address, where proxies stand before the server. Nil: the peer's.
	RemoteAddr func(r *http.Request) string

	MaxConns        int // of this process; 20,000
	MaxConnsPerAddr int // of one address (IPv6: of one /64); 200

	WriteTimeout time.Duration // of one frame, after which the connection ends; 10 s
	PingEvery    time.Duration // a peer silent for two and a half of these is gone; 20 s
	LeaveTimeout time.Duration // for a peer to answer a close frame when draining; 5 s

	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics are exposed
}

func (c Config) withDefaults() Config {
	c.MaxConns = cmp.Or(c.MaxConns, 20_000)
	c.MaxConnsPerAddr = cmp.Or(c.MaxConnsPerAddr, 200)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 20*time.Second)
	c.LeaveTimeout = cmp.Or(c.LeaveTimeout, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.AllowOrigin == nil {
		c.AllowOrigin = sameHost
	}
	if c.RemoteAddr == nil {
		c.RemoteAddr = peerAddr
	}
	return c
}

// Sockets are this process's WebSocket connections.
type Sockets struct {
	config   Config
	upgrader websocket.Upgrader
	open     prometheus.Gauge
	refused  *prometheus.CounterVec

	mu       sync.Mutex
	conns    map[*conn]struct{}
	slots    int            // admitted, from before the upgrade until the handler returns
	perAddr  map[string]int // and by address
	draining bool
	idle     chan struct{} // closed when draining and without slots
}

var _ transport.WebsocketImplementation = (*Sockets)(nil)

// New makes an empty set.
func New(config Config) (*Sockets, error) {
	s := &Sockets{
		config:  config.withDefaults(),
		conns:   map[*conn]struct{}{},
		perAddr: map[string]int{},
		idle:    make(chan struct{}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "connections", Help: "Open WebSocket connections.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "refused_total", Help: "Upgrades refused, by reason.",
		}, []string{"reason"}),
	}
	s.upgrader = websocket.Upgrader{
		ReadBufferSize: 1024, WriteBufferSize: 4096, WriteBufferPool: new(sync.Pool),
		EnableCompression: false, // costs more memory a connection than anything it could save
		CheckOrigin:       s.allowed,
		// The transport answers in its own words; a second answer would follow the first.
		Error: func(http.ResponseWriter, *http.Request, int, error) {},
	}
	if config.Registerer != nil {
		if err := errors.Join(config.Registerer.Register(s.open), config.Registerer.Register(s.refused)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

var errUnguarded = errors.New("wsgorilla: the handler is not wrapped in Guard")

// Accept upgrades a request that Guard let through.
func (s *Sockets) Accept(
	w http.ResponseWriter, r *http.Request, options transport.WebsocketAcceptOptions,
) (transport.WebsocketConn, error) {
	admitted, ok := r.Context().Value(slotKey{}).(*slot)
	if !ok {
		return nil, errUnguarded
	}
	upgrader := s.upgrader
	upgrader.Subprotocols = options.Subprotocols
	ws, err := upgrader.Upgrade(w, r, options.ResponseHeader)
	if err != nil {
		return nil, err
	}
	c := newConn(s, ws)
	admitted.conn = c
	s.mu.Lock()
	s.conns[c] = struct{}{}
	draining := s.draining
	s.mu.Unlock()
	s.open.Inc()
	c.start()
	if draining { // it slipped in between
		c.leave()
	}
	return c, nil
}

func (s *Sockets) forget(c *conn) {
	s.mu.Lock()
	_, known := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if known {
		s.open.Dec()
	}
}

const drainWorkers = 64

// Drain refuses new connections, asks every client to come back elsewhere (close code 1012) and waits
// until their handlers have returned; those that do not answer in time are cut. It returns when
// nothing is open, or when ctx ends, having cut the rest.
func (s *Sockets) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	queue := make(chan *conn, len(s.conns))
	for c := range s.conns {
		queue <- c
	}
	s.checkIdle()
	s.mu.Unlock()
	close(queue)
	var workers sync.WaitGroup
	for range min(drainWorkers, cap(queue)) {
		workers.Go(func() {
			for c := range queue {
				c.leave()
			}
		})
	}
	patience := time.NewTimer(s.config.LeaveTimeout)
	defer patience.Stop()
	select {
	case <-s.idle:
	case <-patience.C:
		s.cut()
	case <-ctx.Done():
		s.cut()
	}
	workers.Wait() // at once: each write is to a closed connection now
	select {
	case <-s.idle:
	case <-ctx.Done():
	}
}

// cut ends what is still open without a word.
func (s *Sockets) cut() {
	s.mu.Lock()
	rest := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		rest = append(rest, c)
	}
	s.mu.Unlock()
	if len(rest) > 0 {
		s.config.Log.Warn("cut WebSocket connections that did not leave in time", "connections", len(rest))
	}
	for _, c := range rest {
		_ = c.Close()
	}
}
