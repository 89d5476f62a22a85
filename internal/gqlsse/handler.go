package gqlsse

import (
	"cmp"
	"context"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/gqlws"
)

// Config is what a Handler is made of; Epoch, Read and Fail are required. A limit left at zero has the default that is named.
type Config struct {
	// Read reads the operation out of a POST or GET request.
	Read func(r *http.Request) (*graphql.RawParams, error)
	// Fail answers a request that gets no stream.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Epoch is of the versions that event ids hold.
	Epoch func() string
	// Join is as in gqlws.Config.
	Join gqlws.JoinFunc
	// Attach is told of each stream, with a way to end it with errors, and may refuse it; nil for nobody.
	Attach func(ctx context.Context, end func(gqlerror.List)) (detach func(), err error)
	// Owner names who makes a request, so that one may not use another's reserved stream.
	Owner func(ctx context.Context) string

	MaxQueue      int           // bytes that may wait for a client to read; 256 KiB
	MaxStreams    int           // of this process; 20,000
	MaxOperations int           // of a single connection; 100
	PingEvery     time.Duration // 12 s
	WriteTimeout  time.Duration // of one write; 10 s
	ReservedFor   time.Duration // a reserved stream that nobody opens; 30 s
	Log           *slog.Logger
}

// The refusals of a request that gets no stream.
var (
	ErrStreams     = fault.New(fault.Unavailable, "STREAMS_FULL", "This server has no room for another stream.")
	ErrToken       = fault.New(fault.NotFound, "STREAM_NOT_FOUND", "There is no stream with this token.")
	ErrStreamOpen  = fault.New(fault.Conflict, "STREAM_OPEN", "This stream is open already.")
	ErrStreamShut  = fault.New(fault.Conflict, "STREAM_NOT_OPEN", "This stream was not opened yet.")
	ErrOperationID = fault.New(fault.Invalid, "OPERATION_ID_INVALID", "An operation of a stream has an id, extensions.operationId, of 1 to 255 bytes.")
	ErrDuplicate   = fault.New(fault.Conflict, "OPERATION_ID_TAKEN", "An operation with this id runs on this stream already.")
	ErrLastEventID = fault.New(fault.Invalid, "EVENT_ID_INVALID", "Last-Event-ID is the id of an event of this API.")
	ErrGetMutation = fault.New(fault.Invalid, "GET_QUERIES_ONLY", "GET changes nothing; POST the operation.")
)

// Handler is the transport.
type Handler struct {
	Config

	mu       sync.Mutex
	reserved map[string]*connection
	closed   bool
	open     map[*stream]struct{}
}

var _ graphql.Transport = (*Handler)(nil)

// New makes a Handler.
func New(c Config) *Handler {
	c.MaxQueue = cmp.Or(c.MaxQueue, 256<<10)
	c.MaxStreams = cmp.Or(c.MaxStreams, 20_000)
	c.MaxOperations = cmp.Or(c.MaxOperations, 100)
	c.PingEvery = cmp.Or(c.PingEvery, 12*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.ReservedFor = cmp.Or(c.ReservedFor, 30*time.Second)
	if c.Attach == nil {
		c.Attach = func(context.Context, func(gqlerror.List)) (func(), error) { return func() {}, nil }
	}
	if c.Owner == nil {
		c.Owner = func(context.Context) string { return "" }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: c, reserved: map[string]*connection{}, open: map[*stream]struct{}{}}
}

// Supports takes what accepts a stream, and what is about a single connection's.
func (h *Handler) Supports(r *http.Request) bool {
	return r.Header.Get("Upgrade") == "" && (acceptsStream(r) || tokenOf(r) != "" || r.Method == http.MethodPut)
}

func acceptsStream(r *http.Request) bool {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if mediaType, _, _ := mime.ParseMediaType(strings.TrimSpace(accepted)); mediaType == "text/event-stream" {
			return true
		}
	}
	return false
}

// Do answers by the mode that the request is of.
func (h *Handler) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	token := tokenOf(r)
	switch {
	case r.Method == http.MethodPut:
		h.reserve(w, r)
	case token == "":
		h.serveOne(w, r, exec)
	case r.Method == http.MethodGet && acceptsStream(r):
		h.openReserved(w, r, token)
	case r.Method == http.MethodDelete:
		h.stopOperation(w, r, token)
	default:
		h.startOperation(w, r, exec, token)
	}
}

// serveOne answers one operation with a stream of its own.
func (h *Handler) serveOne(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	params, err := h.Read(r)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	params.Headers = r.Header
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		cursor, err := readEventID(last)
		if err != nil {
			h.Fail(w, r, err)
			return
		}
		ctx = audience.WithCursor(ctx, cursor)
	}
	op := &operation{h: h, ctx: ctx, cancel: cancel, stream: newStream(h.MaxQueue)}
	release, err := h.enter(ctx, op.stream, op.End)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	defer release()
	if err := h.run(ctx, r, exec, params, op); err != nil {
		h.Fail(w, r, err)
		return
	}
	op.stream.write(r.Context(), w, h.PingEvery, h.WriteTimeout)
	op.stop()
}

// run reads an operation and begins it, or answers on its stream why it cannot. A mutation by GET is refused: a link on any
// page could send it.
func (h *Handler) run(ctx context.Context, r *http.Request, exec graphql.GraphExecutor, params *graphql.RawParams, op *operation) error {
	ctx = graphql.StartOperationTrace(ctx)
	read, errs := exec.CreateOperationContext(ctx, params)
	switch {
	case errs != nil:
		op.End(exec.DispatchError(graphql.WithOperationContext(ctx, read), errs).Errors)
	case r.Method == http.MethodGet && read.Operation.Operation == ast.Mutation:
		return ErrGetMutation
	default:
		op.begin(ctx, exec, read)
	}
	return nil
}

// enter counts a stream in.
func (h *Handler) enter(ctx context.Context, s *stream, end func(gqlerror.List)) (release func(), err error) {
	detach, err := h.Attach(ctx, end)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.open) >= h.MaxStreams {
		detach()
		return nil, ErrStreams
	}
	h.open[s] = struct{}{}
	return func() {
		detach()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.open, s)
	}, nil
}

// Drain ends all streams and refuses new ones: their clients come back elsewhere.
func (h *Handler) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.open {
		s.finish()
	}
}

func readEventID(id string) (audience.Cursor, error) {
	epoch, number, ok := strings.Cut(id, ":")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 0 || len(id) > 100 {
		return audience.Cursor{}, ErrLastEventID
	}
	return audience.Cursor{After: version, Epoch: epoch}, nil
}
