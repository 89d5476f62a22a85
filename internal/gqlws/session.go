package gqlws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/socket"
)

// session is one connection.
type session struct {
	h       *Handler
	exec    graphql.GraphExecutor
	conn    *socket.Conn
	p       *protocol
	headers http.Header

	ctx       context.Context // of the operations; Init may have added to it
	cancel    context.CancelFunc
	init      bool // connection_init has come
	detach    func()
	keepAlive *time.Timer

	mu         sync.Mutex
	operations map[string]*operation
	closed     bool
	working    sync.WaitGroup
}

// run reads until the connection ends.
func (s *session) run() {
	defer s.end()
	s.conn.SetPatience(time.Now().Add(s.h.InitTimeout))
	for {
		// The buffer goes with the message: a connection that waits keeps none.
		raw, err := s.conn.Read(nil)
		if err != nil {
			s.readFailed(err)
			return
		}
		if !s.handleApart(raw) {
			s.cancel()
			drainUntilClosed(s.conn)
			return
		}
	}
}

func (s *session) readFailed(err error) {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, socket.ErrBinary):
		s.close(closeBadMessage, "Invalid message received")
		drainUntilClosed(s.conn)
	case ok && timeout.Timeout() && !s.init:
		s.close(closeInitTimeout, "Connection initialisation timeout")
		drainUntilClosed(s.conn)
	case !errors.Is(err, socket.ErrEnded):
		s.h.Log.DebugContext(s.ctx, "a WebSocket ended", "error", err)
	}
}

// end stops whatever runs.
func (s *session) end() {
	s.conn.Cut()
	s.cancel()
	if s.keepAlive != nil {
		s.keepAlive.Stop()
	}
	s.mu.Lock()
	s.closed = true
	left := s.operations
	s.operations = nil
	s.mu.Unlock()
	for _, op := range left {
		op.stop()
	}
	s.working.Wait()
	if s.detach != nil {
		s.detach()
	}
}

func (s *session) close(code int, reason string) bool {
	s.conn.End(code, reason)
	return false
}

func (s *session) say(m message) {
	if word, ok := s.word(m); ok {
		s.conn.Send(word)
	}
}

// word writes a message out.
func (s *session) word(m message) (socket.Message, bool) {
	raw, err := json.Marshal(m)
	if err != nil {
		s.h.Log.ErrorContext(s.ctx, "a WebSocket message cannot be written", "error", err)
		return socket.Message{}, false
	}
	return socket.Message{Body: raw}, true
}

// handleApart handles a message on a stack of its own: to read and validate an operation takes ten times the stack that waiting
// for the next one does, and a connection would keep it.
func (s *session) handleApart(raw []byte) bool {
	goesOn := make(chan bool)
	go func() { goesOn <- s.handle(raw) }()
	return <-goesOn
}

// handle acts on one message; false says that the connection is over.
func (s *session) handle(raw []byte) bool {
	if !utf8.Valid(raw) {
		return s.close(closeInvalidUTF8, "Invalid UTF-8")
	}
	var m message
	if json.Unmarshal(raw, &m) != nil {
		return s.close(closeBadMessage, "Invalid message received")
	}
	switch m.Type {
	case "connection_init":
		return s.handleInit(m)
	case s.p.start:
		return s.handleStart(m)
	case s.p.stop:
		return s.handleStop(m)
	}
	switch {
	case s.p.legacy() && m.Type == s.p.terminate:
		return s.close(closeNormal, "")
	case !s.p.legacy() && m.Type == "ping" && isObject(m.Payload):
		s.say(message{Type: "pong", Payload: m.Payload})
		return true
	case !s.p.legacy() && m.Type == "pong" && isObject(m.Payload):
		return true
	}
	return s.close(closeBadMessage, "Invalid message received")
}

// isObject accepts what a payload that need not be there may be.
func isObject(payload json.RawMessage) bool {
	return len(payload) == 0 || payload[0] == '{' || bytes.Equal(payload, []byte("null"))
}

func (s *session) handleInit(m message) bool {
	if s.init {
		return s.close(closeTooManyInits, "Too many initialisation requests")
	}
	s.init = true
	s.conn.SetPatience(time.Time{})
	var payload map[string]any
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		return s.close(closeBadMessage, "Invalid message received")
	}
	ctx, err := s.h.Init(s.ctx, payload)
	if err != nil {
		return s.refuse(err)
	}
	s.ctx = ctx
	if s.h.Attach != nil {
		if s.detach, err = s.h.Attach(ctx, s.conn.End); err != nil {
			return s.refuse(err)
		}
	}
	s.say(message{Type: "connection_ack"})
	if s.p.legacy() {
		s.beat()
	}
	return true
}

// refuse closes a connection whose init is no good; the older protocol wants to hear why.
func (s *session) refuse(err error) bool {
	refusal, ok := errors.AsType[*RefusedError](err)
	if !ok {
		s.h.Log.ErrorContext(s.ctx, "a connection could not be let in", "error", err)
		refusal = &RefusedError{closeInternal, "Internal server error"}
	}
	if s.p.legacy() {
		reason, _ := json.Marshal(map[string]string{"message": refusal.Reason})
		s.say(message{Type: "connection_error", Payload: reason})
	}
	return s.close(refusal.Code, refusal.Reason)
}

// beat tells an older client that the server is there, now and again.
func (s *session) beat() {
	s.say(message{Type: s.p.keepAlive})
	s.keepAlive = time.AfterFunc(s.h.KeepAlive, func() {
		s.say(message{Type: s.p.keepAlive})
		s.keepAlive.Reset(s.h.KeepAlive)
	})
}

func (s *session) handleStart(m message) bool {
	switch {
	case !s.init:
		return s.close(closeUnauthorized, "Unauthorized")
	case m.ID == nil || *m.ID == "":
		return s.close(closeBadMessage, "Invalid message received")
	}
	params, ok := readParams(m.Payload)
	if !ok {
		return s.close(closeBadMessage, "Invalid message received")
	}
	params.Headers = s.headers
	op, err := s.open(*m.ID)
	if errors.Is(err, errDuplicate) && s.p.legacy() { // there, the newer one takes the older one's place
		s.stop(*m.ID)
		op, err = s.open(*m.ID)
	}
	switch {
	case errors.Is(err, errDuplicate):
		return s.close(closeDuplicate, "Subscriber for "+*m.ID+" already exists")
	case err != nil:
		s.say(s.errorMessage(*m.ID, gqlerror.List{s.h.Present(s.ctx, err)}))
	default:
		op.begin(params)
	}
	return true
}

// readParams reads an operation; its query has to be text.
func readParams(payload json.RawMessage) (*graphql.RawParams, bool) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var p struct {
		Query *string `json:"query"`
		graphql.RawParams
	}
	if len(payload) == 0 || decoder.Decode(&p) != nil || (p.Query == nil && p.Extensions["persistedQuery"] == nil) {
		return nil, false
	}
	if p.Query != nil {
		p.RawParams.Query = *p.Query
	}
	return &p.RawParams, true
}

func (s *session) handleStop(m message) bool {
	if m.ID == nil {
		return s.close(closeBadMessage, "Invalid message received")
	}
	s.stop(*m.ID)
	return true
}

var errDuplicate = errors.New("an operation with this id runs already")

// open counts an operation in.
func (s *session) open(id string) (*operation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.operations[id] != nil:
		return nil, errDuplicate
	case len(s.operations) >= s.h.MaxOperations:
		return nil, ErrTooManyOperations
	}
	op := &operation{line: line{conn: s.conn, head: s.p.head(id)}, s: s, id: id}
	op.ctx, op.cancel = context.WithCancel(arrival.Mark(s.ctx))
	s.operations[id] = op
	return op, nil
}

// stop ends an operation quietly.
func (s *session) stop(id string) {
	s.mu.Lock()
	op := s.operations[id]
	delete(s.operations, id)
	s.mu.Unlock()
	if op != nil {
		op.stop()
	}
}

// finish takes an operation off the connection for its last word; false where its client has done so before.
func (s *session) finish(op *operation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.operations[op.id] != op {
		return false
	}
	delete(s.operations, op.id)
	return true
}

// errorMessage is an operation's end with errors.
func (s *session) errorMessage(id string, errs gqlerror.List) message {
	payload, err := json.Marshal(s.p.errorPayload(errs))
	if err != nil {
		payload = []byte("[]")
	}
	return message{ID: &id, Type: "error", Payload: payload}
}
