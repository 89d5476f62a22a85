package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// query is a query that is being executed.
type query struct {
	executions int    // at this moment
	next       *round // of who waits; nil where nobody does
}

// round is one execution for all who wait for it.
type round struct {
	execute  func(context.Context) *graphql.Response
	patience *time.Timer
	done     chan struct{}
	response *graphql.Response // set before done is closed; nil: everybody executes for themselves
}

// patience is how long somebody waits at most for the execution before theirs.
const patience = 10 * time.Millisecond

// Answer executes a query or a mutation, and a query once for all strangers who ask it at one time, where the schema marks all that it selects @shared.
// Who asks first is executed for as if there were nobody else. Who comes meanwhile waits until that has ended, but not long, and is answered by one execution
// for all who waited. It begins after each of them asked: nobody is told how things were before they did.
func (a *Groups) Answer(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext) *graphql.Response {
	alone := func() *graphql.Response {
		respond, ctx := exec.DispatchOperation(ctx, op)
		return respond(ctx)
	}
	kind := KindOf(ctx)
	if op.Operation.Operation != ast.Query || kind.Class != Anonymous {
		return alone()
	}
	key, ok := keyOf(op)
	if !ok {
		return alone()
	}
	return a.ask(kind.key()+key, alone, ctx.Done(), func(ctx context.Context) *graphql.Response {
		respond, ctx := exec.DispatchOperation(WithKind(graphql.StartOperationTrace(ctx), kind), apart(op))
		return respond(ctx)
	})
}

// ask answers by alone, or by an execution for all who wait for it.
func (a *Groups) ask(key string, alone func() *graphql.Response, gone <-chan struct{}, execute func(context.Context) *graphql.Response) *graphql.Response {
	a.mu.Lock()
	q := a.queries[key]
	if q == nil {
		q = &query{}
		a.queries[key] = q
	}
	if q.executions == 0 {
		q.executions++
		a.mu.Unlock()
		defer a.executed(key, q)
		return alone()
	}
	r := q.next
	if r == nil {
		r = &round{execute: execute, done: make(chan struct{})}
		r.patience = time.AfterFunc(patience, func() { a.begin(key, q, r) })
		q.next = r
	}
	a.mu.Unlock()
	select {
	case <-r.done:
	case <-gone:
	}
	select {
	case <-r.done:
		if r.response != nil {
			a.metrics.together.Inc()
			return r.response
		}
	default:
	}
	return alone() // of who is gone it says so
}

// executed ends an execution, and begins that of who waits.
func (a *Groups) executed(key string, q *query) {
	a.mu.Lock()
	q.executions--
	r := q.next
	if r == nil && q.executions == 0 {
		delete(a.queries, key)
	}
	a.mu.Unlock()
	if r != nil {
		a.begin(key, q, r)
	}
}

// begin begins the execution for a round, unless it has begun.
func (a *Groups) begin(key string, q *query, r *round) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q.next != r {
		return
	}
	r.patience.Stop()
	q.next = nil
	if a.closed {
		close(r.done)
		return
	}
	q.executions++
	a.working.Go(func() {
		defer a.executed(key, q)
		defer close(r.done)
		a.answer(r)
	})
}

// answer executes for a round, apart from whoever asks. What fails is left to each of them, who then hears why.
func (a *Groups) answer(r *round) {
	defer func() {
		if fault := recover(); fault != nil {
			a.config.Log.Error("a query for many panicked", "error", fmt.Sprint(fault))
		}
	}()
	ctx, cancel := context.WithTimeout(a.ctx, a.config.OpenTimeout)
	defer cancel()
	if response := r.execute(ctx); response != nil && len(response.Errors) == 0 {
		r.response = response
	}
}

// keyOf is what a query asks for in one form; ok is false where it selects anything that is not shared.
func keyOf(op *graphql.OperationContext) (_ string, ok bool) {
	if len(op.Operation.Directives) > 0 {
		return "", false
	}
	w := writer{variables: op.Variables}
	ok = w.set(op.Operation.SelectionSet)
	return w.String(), ok
}

// apart is an operation without who asks: their headers, and what they sent that it does not use.
func apart(op *graphql.OperationContext) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery: op.RawQuery, Variables: op.Variables, OperationName: op.OperationName, Doc: op.Doc, Operation: op.Operation, Stats: op.Stats,
		DisableIntrospection: true, RecoverFunc: op.RecoverFunc,
		ResolverMiddleware: op.ResolverMiddleware, RootResolverMiddleware: op.RootResolverMiddleware,
	}
}
