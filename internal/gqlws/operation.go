package gqlws

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/socket"
)

// operation is one running operation of a connection.
type operation struct {
	line
	s      *session
	id     string
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	leave   func() // its group, where it has joined one
	stopped bool
}

var _ Viewer = (*operation)(nil)

// begin reads the operation and starts it. It runs in the reader's goroutine; what may take long does not.
func (o *operation) begin(params *graphql.RawParams) {
	ctx := graphql.StartOperationTrace(o.ctx)
	read, errs := o.s.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		response := o.s.exec.DispatchError(graphql.WithOperationContext(ctx, read), errs)
		o.End(response.Errors)
		return
	}
	if read.Operation.Operation == ast.Subscription && o.s.h.Join != nil {
		if leave, joined := o.s.h.Join(ctx, o.s.exec, read, o); joined {
			o.joined(leave)
			return
		}
	}
	o.s.working.Go(func() { o.execute(ctx, read) })
}

// joined keeps how to leave, and leaves at once where the client already has.
func (o *operation) joined(leave func()) {
	o.mu.Lock()
	o.leave = leave
	stopped := o.stopped
	o.mu.Unlock()
	if stopped {
		leave()
	}
}

// stop ends the operation for its client's sake; nothing more is said.
func (o *operation) stop() {
	o.over.Store(true)
	o.cancel()
	o.mu.Lock()
	o.stopped = true
	leave := o.leave
	o.mu.Unlock()
	o.conn.Withdraw(o.id)
	if leave != nil {
		leave()
	}
}

// Next implements Viewer.
func (o *operation) Next(_ int64, answers [][]byte) {
	o.send(answers)
}

// Offer implements Viewer. The lock keeps it from coming behind a stop, to an operation that has the same id.
func (o *operation) Offer(answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.stopped && !o.over.Load() {
		o.conn.Offer(o.id, socket.Message{Head: o.head, Body: answer, Tail: tail})
	}
}

// Ready implements Viewer.
func (o *operation) Ready() bool { return o.conn.Room(o.ctx.Done()) }

// End implements Viewer.
func (o *operation) End(errs gqlerror.List) {
	if !o.s.finish(o) {
		return
	}
	o.over.Store(true)
	o.cancel()
	last := message{ID: &o.id, Type: "complete"}
	if len(errs) > 0 {
		last = o.s.errorMessage(o.id, errs)
	}
	if word, ok := o.s.word(last); ok {
		o.conn.Conclude(o.id, word)
	}
}

// execute runs the operation for this client alone.
func (o *operation) execute(ctx context.Context, read *graphql.OperationContext) {
	ctx, end := WithStreamEnd(ctx)
	droppable := Droppable(read)
	ctx, aside := o.s.h.Alone(ctx)
	respond, ctx := o.s.exec.DispatchOperation(ctx, read)
	for {
		response := respond(ctx)
		if response == nil {
			break
		}
		if errs, failed := Failure(response); failed && read.Operation.Operation == ast.Subscription {
			end.Fail(errs)
			break
		}
		body, err := json.Marshal(response)
		if err != nil {
			o.s.h.Log.ErrorContext(ctx, "an answer cannot be written", "error", err)
			end.Set(gqlerror.Errorf("internal error"))
			break
		}
		if aside() || droppable {
			o.Offer(body)
			continue
		}
		if !o.Ready() {
			break
		}
		o.Next(0, [][]byte{body})
		if read.Operation.Operation != ast.Subscription {
			break
		}
	}
	o.End(end.Errors())
}

// StreamEnd is why a subscription's stream ends, told by its resolver; gqlgen has no way for that.
type StreamEnd struct {
	cause atomic.Pointer[gqlerror.List]
}

// Set says why.
func (e *StreamEnd) Set(cause *gqlerror.Error) { e.Fail(gqlerror.List{cause}) }

// Fail is Set with all that is wrong.
func (e *StreamEnd) Fail(causes gqlerror.List) { e.cause.Store(&causes) }

// Errors is what was set; nil where the stream is complete.
func (e *StreamEnd) Errors() gqlerror.List {
	if causes := e.cause.Load(); causes != nil {
		return *causes
	}
	return nil
}

// Failure says that an answer of a subscription is not to be handed on: it has no data, or a part is missing for a reason
// of ours. It ends the stream instead, because the client would be left without that event, and with what follows it. A
// failure of ours ends it with ErrInterrupted: who comes back gets the event whole.
func Failure(response *graphql.Response) (errs gqlerror.List, failed bool) {
	for _, err := range response.Errors {
		switch err.Extensions["kind"] {
		case fault.Internal.String():
			return gqlerror.List{ErrInterrupted}, true
		case fault.Unavailable.String():
			return response.Errors, true
		}
	}
	empty := len(response.Data) == 0 || string(response.Data) == "null"
	return response.Errors, empty && len(response.Errors) > 0
}

// ErrInterrupted ends streams for no reason of their clients'; they come back and go on.
var ErrInterrupted = &gqlerror.Error{
	Message: interrupted.Message,
	Extensions: map[string]any{
		"code": interrupted.Code, "kind": interrupted.Kind.String(), "retryable": interrupted.Kind.Retryable(),
	},
}

var interrupted = fault.New(fault.Unavailable, "STREAM_INTERRUPTED", "The stream was interrupted; subscribe again after the last version that you have.")

type streamEndKey struct{}

// WithStreamEnd is a context whose resolvers may say why their stream ends.
func WithStreamEnd(ctx context.Context) (context.Context, *StreamEnd) {
	end := &StreamEnd{}
	return context.WithValue(ctx, streamEndKey{}, end), end
}

// EndOf is where a resolver says why its stream ends; nil where nobody listens.
func EndOf(ctx context.Context) *StreamEnd {
	end, _ := ctx.Value(streamEndKey{}).(*StreamEnd)
	return end
}
