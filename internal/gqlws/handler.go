package gqlws

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/socket"
)

// Config is what a Handler is made of; Sockets is required. A limit left at zero has the default that is named.
type Config struct {
	Sockets *socket.Sockets
	// Init looks at the payload of connection_init, and answers the context of the connection's operations. A
	// RefusedError closes the connection with its code.
	Init func(ctx context.Context, payload map[string]any) (context.Context, error)
	// Join is asked to take a subscription over and to serve it together with others; nil, and what it declines,
	// is executed for its own client alone.
	Join JoinFunc
	// Alone, where it is set, is a context for a subscription that is executed for its client alone; after each answer, aside says
	// whether only the newest such answer counts.
	Alone func(context.Context) (_ context.Context, aside func() bool)
	// Present makes an error what a client sees.
	Present func(ctx context.Context, err error) *gqlerror.Error
	// Attach is told of each connection that Init has let in, with a way to end it, and may refuse it as Init may;
	// detach is called at the connection's end. Nil for nobody.
	Attach func(ctx context.Context, end func(code int, reason string)) (detach func(), err error)

	InitTimeout   time.Duration // for connection_init to come; 10 s
	KeepAlive     time.Duration // between the older protocol's signs of life; 20 s
	MaxOperations int           // that run at once on a connection; 100
	Log           *slog.Logger
}

// ErrTooManyOperations refuses one operation more.
var ErrTooManyOperations = fault.New(fault.RateLimited, "TOO_MANY_OPERATIONS", "This connection runs as many operations as it may; complete one first.")

// RefusedError closes a connection.
type RefusedError struct {
	Code   int
	Reason string
}

func (r *RefusedError) Error() string { return r.Reason }

// JoinFunc takes a subscription over where it can: it then calls the viewer until leave is called, or until it has
// ended the viewer by itself.
type JoinFunc func(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, v Viewer) (leave func(), joined bool)

// Viewer is one client's end of a subscription that others serve.
type Viewer interface {
	// Next delivers answers of consecutive versions, of which last is the last one's. It does not wait. Nobody
	// changes the bytes afterwards.
	Next(last int64, answers [][]byte)
	// Offer delivers an answer that a newer one may overtake while it waits: the client is not promised each, but the
	// newest. It does not wait either.
	Offer(answer []byte)
	// Ready waits until the client has taken most of what it was sent; false says that it is gone. It is for who
	// has much to send at once.
	Ready() bool
	// End is the last word: errors, or none where the stream is complete.
	End(errs gqlerror.List)
}

// Handler is the transport.
type Handler struct{ Config }

var _ graphql.Transport = (*Handler)(nil)

// New makes a Handler.
func New(c Config) *Handler {
	c.InitTimeout = cmp.Or(c.InitTimeout, 10*time.Second)
	c.KeepAlive = cmp.Or(c.KeepAlive, 20*time.Second)
	c.MaxOperations = cmp.Or(c.MaxOperations, 100)
	if c.Present == nil {
		c.Present = func(_ context.Context, err error) *gqlerror.Error { return gqlerror.Wrap(err) }
	}
	if c.Alone == nil {
		c.Alone = func(ctx context.Context) (context.Context, func() bool) { return ctx, func() bool { return false } }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Init == nil {
		c.Init = func(ctx context.Context, _ map[string]any) (context.Context, error) { return ctx, nil }
	}
	return &Handler{c}
}

// Supports takes WebSocket handshakes.
func (h *Handler) Supports(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Do upgrades the request and returns: the connection lives on in a goroutine of its own, so that the request's stack and
// buffers do not live as long as it.
func (h *Handler) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	conn, err := h.Sockets.Accept(w, r, names...)
	if err != nil {
		h.Log.DebugContext(r.Context(), "a WebSocket handshake failed", "error", err)
		return
	}
	p := protocols[conn.Subprotocol()]
	if p == nil {
		conn.End(closeNoSubprotocol, "Subprotocol not acceptable")
		go drainUntilClosed(conn)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s := &session{
		h: h, exec: exec, conn: conn, p: p, ctx: ctx, cancel: cancel, headers: r.Header,
		operations: make(map[string]*operation),
	}
	go s.run()
}

// drainUntilClosed waits for a peer to take its leave.
func drainUntilClosed(conn *socket.Conn) {
	defer conn.Cut()
	for {
		if _, err := conn.Read(nil); err != nil {
			return
		}
	}
}
