package gqlsse

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const tokenHeader = "X-GraphQL-Event-Stream-Token" //nolint:gosec // the name of a header

// connection is a single connection's stream, from its reservation to its end.
type connection struct {
	owner  string
	expiry *time.Timer

	mu         sync.Mutex
	stream     *stream // nil until it is opened
	ctx        context.Context
	operations map[string]*operation
}

func tokenOf(r *http.Request) string {
	if token := r.Header.Get(tokenHeader); token != "" {
		return token
	}
	return r.URL.Query().Get("token")
}

// reserve answers the token of a stream that is to be opened soon.
func (h *Handler) reserve(w http.ResponseWriter, r *http.Request) {
	token := rand.Text()
	c := &connection{owner: h.Owner(r.Context()), operations: map[string]*operation{}}
	h.mu.Lock()
	full := h.closed || len(h.reserved) >= h.MaxStreams
	if !full {
		h.reserved[token] = c
	}
	h.mu.Unlock()
	if full {
		h.Fail(w, r, ErrStreams)
		return
	}
	c.mu.Lock()
	c.expiry = time.AfterFunc(h.ReservedFor, func() { h.forget(token) })
	c.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(token)) // the client may be gone
}

func (h *Handler) forget(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.reserved, token)
}

// find is the connection of a token; another's is none.
func (h *Handler) find(r *http.Request, token string) (*connection, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.reserved[token]
	if c == nil || c.owner != h.Owner(r.Context()) {
		return nil, ErrToken
	}
	return c, nil
}

// openReserved is the stream itself.
func (h *Handler) openReserved(w http.ResponseWriter, r *http.Request, token string) {
	c, err := h.find(r, token)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := newStream(h.MaxQueue)
	release, err := h.enter(ctx, s, func(gqlerror.List) { s.finish() })
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	defer release()
	if !c.open(ctx, s) {
		h.Fail(w, r, ErrStreamOpen)
		return
	}
	defer h.forget(token)
	s.write(ctx, w, h.PingEvery, h.WriteTimeout)
	c.close()
}

func (c *connection) open(ctx context.Context, s *stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream != nil {
		return false
	}
	c.expiry.Stop()
	c.stream, c.ctx = s, ctx
	return true
}

// close stops what runs.
func (c *connection) close() {
	c.mu.Lock()
	left := c.operations
	c.operations = nil
	c.mu.Unlock()
	for _, op := range left {
		op.stop()
	}
}

// startOperation runs an operation whose answers go to the stream.
func (h *Handler) startOperation(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, token string) {
	c, err := h.find(r, token)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	params, err := h.Read(r)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	params.Headers = r.Header
	id, _ := params.Extensions["operationId"].(string)
	op, err := c.add(h, id)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	if err := h.run(op.ctx, r, exec, params, op); err != nil {
		c.remove(op)
		op.stop()
		h.Fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// add counts an operation in. Its context is the stream's, with the rights of whoever opened it.
func (c *connection) add(h *Handler, id string) (*operation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stream == nil || c.operations == nil:
		return nil, ErrStreamShut
	case id == "" || len(id) > 255:
		return nil, ErrOperationID
	case c.operations[id] != nil:
		return nil, ErrDuplicate
	case len(c.operations) >= h.MaxOperations:
		return nil, ErrStreams
	}
	quoted, _ := json.Marshal(id) // a string always can be
	op := &operation{h: h, stream: c.stream, id: id, tail: []byte("}")}
	op.head = append(append([]byte(`{"id":`), quoted...), `,"payload":`...)
	op.ctx, op.cancel = context.WithCancel(c.ctx)
	op.ended = func() { c.remove(op) }
	c.operations[id] = op
	return op, nil
}

func (c *connection) remove(op *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.operations[op.id] == op {
		delete(c.operations, op.id)
	}
}

// stopOperation ends one operation; one that has ended already is ended.
func (h *Handler) stopOperation(w http.ResponseWriter, r *http.Request, token string) {
	c, err := h.find(r, token)
	if err != nil {
		h.Fail(w, r, err)
		return
	}
	id := r.URL.Query().Get("operationId")
	if id == "" {
		h.Fail(w, r, ErrOperationID)
		return
	}
	c.mu.Lock()
	op := c.operations[id]
	delete(c.operations, id)
	c.mu.Unlock()
	if op != nil {
		op.stop()
	}
	w.WriteHeader(http.StatusOK)
}
