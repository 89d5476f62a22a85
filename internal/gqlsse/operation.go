package gqlsse

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/gqlws"
)

// operation is one running operation of a stream.
type operation struct {
	h      *Handler
	stream *stream
	ctx    context.Context
	cancel context.CancelFunc

	// In the single connection's mode the id is around each payload; head is empty in the other.
	id         string
	head, tail []byte
	ended      func() // the single connection's, or nil

	mu      sync.Mutex
	leave   func()
	stopped bool
	over    bool
}

var _ gqlws.Viewer = (*operation)(nil)

// begin starts what was read, in a group or alone.
func (o *operation) begin(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	if op.Operation.Operation == ast.Subscription && o.h.Join != nil {
		if leave, joined := o.h.Join(ctx, exec, op, o); joined {
			o.mu.Lock()
			o.leave = leave
			stopped := o.stopped
			o.mu.Unlock()
			if stopped {
				leave()
			}
			return
		}
	}
	go o.execute(ctx, exec, op)
}

// execute runs the operation for this client alone.
func (o *operation) execute(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	ctx, end := gqlws.WithStreamEnd(ctx)
	ctx, told := audience.Alone(ctx)
	droppable := gqlws.Droppable(op)
	respond, ctx := exec.DispatchOperation(ctx, op)
	for {
		response := respond(ctx)
		if response == nil {
			break
		}
		if errs, failed := gqlws.Failure(response); failed && op.Operation.Operation == ast.Subscription {
			end.Fail(errs)
			break
		}
		body, err := json.Marshal(response)
		if err != nil {
			o.h.Log.ErrorContext(ctx, "an answer cannot be written", "error", err)
			end.Set(gqlerror.Errorf("internal error"))
			break
		}
		version, versioned, aside := told()
		if droppable || aside {
			o.Offer(body)
			continue
		}
		if !o.Ready() {
			break
		}
		if !versioned {
			version = -1
		}
		o.Next(version, [][]byte{body})
		if op.Operation.Operation != ast.Subscription {
			break
		}
	}
	o.End(end.Errors())
}

// Next implements gqlws.Viewer; last is negative where nothing counts.
func (o *operation) Next(last int64, answers [][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.stopped {
		return
	}
	events := make([][]byte, len(answers))
	for i, body := range answers {
		id := ""
		if last >= 0 && o.head == nil {
			id = eventID(o.h.Epoch(), last-int64(len(answers)-1-i))
		}
		events[i] = event("next", id, o.head, body, o.tail)
	}
	o.stream.push(events...)
}

// Offer implements gqlws.Viewer. Nobody goes on behind such an answer, so that it has no id.
func (o *operation) Offer(answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over && !o.stopped {
		o.stream.offer(o, event("next", "", o.head, answer, o.tail))
	}
}

// Ready implements gqlws.Viewer.
func (o *operation) Ready() bool { return o.stream.ready(o.ctx.Done()) }

// End implements gqlws.Viewer. The protocol has no word for an error but an answer.
func (o *operation) End(errs gqlerror.List) {
	o.mu.Lock()
	if o.over || o.stopped {
		o.mu.Unlock()
		return
	}
	o.over = true
	o.mu.Unlock()
	o.cancel()
	var last [][]byte
	if len(errs) > 0 {
		if body, err := json.Marshal(graphql.Response{Errors: errs}); err == nil {
			last = append(last, event("next", "", o.head, body, o.tail))
		}
	}
	if o.head == nil {
		o.stream.conclude(o, append(last, event("complete", "", nil, nil, nil))...)
		o.stream.finish()
		return
	}
	id, _ := json.Marshal(map[string]string{"id": o.id}) // a string always can be
	o.stream.conclude(o, append(last, event("complete", "", nil, id, nil))...)
	o.ended()
}

// stop ends the operation for its client's sake; nothing more is said.
func (o *operation) stop() {
	o.cancel()
	o.mu.Lock()
	o.stopped = true
	leave := o.leave
	o.mu.Unlock()
	o.stream.withdraw(o)
	if leave != nil {
		leave()
	}
}
