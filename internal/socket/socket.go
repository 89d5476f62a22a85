package socket

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

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

	MaxMessage int64 // bytes of one incoming message; a longer one ends the connection with 1009; 64 KiB
	MaxQueue   int   // bytes of outgoing messages that may wait for a peer; 256 KiB
	MaxRate    int   // incoming messages a second, in the long run; 1,000
	MaxBurst   int   // and at once; who sends more is closed with 1008; 10,000
	SendBuffer int   // bytes that the kernel may keep beside them (SO_SNDBUF; Linux doubles it); 64 KiB. With 32, a loopback segment fills it, and each waits for a delayed acknowledgement

	WriteTimeout time.Duration // of one write, after which the connection ends; 10 s
	PingEvery    time.Duration // a peer silent for two and a half of these is gone; 20 s
	LeaveTimeout time.Duration // for a peer to answer a close frame; 5 s
	DrainSpread  time.Duration // over which Drain tells the clients, so that they do not come back all at once; 2 s

	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics are exposed
}

func (c Config) withDefaults() Config {
	c.MaxConns = cmp.Or(c.MaxConns, 20_000)
	c.MaxConnsPerAddr = cmp.Or(c.MaxConnsPerAddr, 200)
	c.MaxMessage = cmp.Or(c.MaxMessage, 64<<10)
	c.MaxQueue = cmp.Or(c.MaxQueue, 256<<10)
	c.MaxRate = cmp.Or(c.MaxRate, 1_000)
	c.MaxBurst = cmp.Or(c.MaxBurst, 10_000)
	c.SendBuffer = cmp.Or(c.SendBuffer, 64<<10)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 20*time.Second)
	c.LeaveTimeout = cmp.Or(c.LeaveTimeout, 5*time.Second)
	c.DrainSpread = cmp.Or(c.DrainSpread, 2*time.Second)
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
	metrics  *metrics

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	slots    int            // admitted, from before the upgrade until the connection's end
	perAddr  map[string]int // and by address
	draining bool
	idle     chan struct{} // closed when draining and without slots
}

// New makes an empty set.
func New(config Config) (*Sockets, error) {
	s := &Sockets{
		config:  config.withDefaults(),
		conns:   map[*Conn]struct{}{},
		perAddr: map[string]int{},
		idle:    make(chan struct{}),
	}
	s.metrics = newMetrics(s.depth)
	s.upgrader = websocket.Upgrader{
		ReadBufferSize:    1024,
		WriteBufferSize:   256,   // gorilla writes nothing but the handshake here
		EnableCompression: false, // costs more memory a connection than anything it could save
		CheckOrigin:       s.allowed,
	}
	if err := s.metrics.register(config.Registerer); err != nil {
		return nil, err
	}
	return s, nil
}

var errUnguarded = errors.New("socket: the handler is not wrapped in Guard")

// Accept upgrades a request that Guard let through. Where it cannot it has answered the request. protocols are the
// subprotocols spoken here, the best first.
func (s *Sockets) Accept(w http.ResponseWriter, r *http.Request, protocols ...string) (*Conn, error) {
	admitted, ok := r.Context().Value(slotKey{}).(*slot)
	if !ok {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return nil, errUnguarded
	}
	upgrader := s.upgrader
	upgrader.Subprotocols = protocols
	hijacker := &muting{ResponseWriter: w}
	ws, err := upgrader.Upgrade(hijacker, r, nil)
	if err != nil {
		return nil, err
	}
	hijacker.conn.mute.Store(true)
	admitted.taken = true
	c := newConn(s, ws, hijacker.conn.Conn, admitted.addr)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	draining := s.draining
	s.mu.Unlock()
	s.metrics.open.Inc()
	if draining { // it slipped in between
		c.leave()
	}
	return c, nil
}

func (s *Sockets) forget(c *Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.metrics.open.Dec()
	s.leave(c.addr)
}

// Drain refuses new connections, asks every client to come back elsewhere (close code 1012, at random moments within
// Config.DrainSpread) and waits until the connections have ended; those that do not leave in time are cut. It
// returns when nothing is open, or when ctx ends, having cut the rest.
func (s *Sockets) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	leaving := s.all()
	s.checkIdle()
	s.mu.Unlock()
	rand.Shuffle(len(leaving), func(i, j int) { leaving[i], leaving[j] = leaving[j], leaving[i] })
	begun := time.Now()
	for i, c := range leaving {
		due := begun.Add(s.config.DrainSpread * time.Duration(i) / time.Duration(len(leaving)))
		if !sleepUntil(ctx, due) {
			break
		}
		c.leave()
	}
	patience := time.NewTimer(s.config.LeaveTimeout)
	defer patience.Stop()
	select {
	case <-s.idle:
		return
	case <-patience.C:
	case <-ctx.Done():
	}
	s.cut()
	select {
	case <-s.idle:
	case <-ctx.Done():
	}
}

// sleepUntil waits, and answers false where ctx ends first.
func sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// all lists the connections; mu is held.
func (s *Sockets) all() []*Conn {
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// depth is how much waits for peers, and for how many.
func (s *Sockets) depth() (bytes, conns int) {
	s.mu.Lock()
	all := s.all()
	s.mu.Unlock()
	for _, c := range all {
		c.mu.Lock()
		waits := c.queue.bytes + c.queue.offered
		c.mu.Unlock()
		if waits > 0 {
			bytes += waits
			conns++
		}
	}
	return bytes, conns
}

// cut ends what is still open without a word.
func (s *Sockets) cut() {
	s.mu.Lock()
	rest := s.all()
	s.mu.Unlock()
	if len(rest) > 0 {
		s.config.Log.Warn("cut WebSocket connections that did not leave in time", "connections", len(rest))
	}
	for _, c := range rest {
		c.Cut()
	}
}
