package audience

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Cursor is where a viewer goes on from.
type Cursor struct {
	After int64
	Epoch string
}

// Run is one execution of a subscription whose events count versions.
type Run struct {
	// Begin stands in place of the operation's own arguments where it is set: a cursor, or nil for a snapshot.
	Begin *Begin

	shared bool // for a group
	asides bool // whoever takes the answers can tell those of EmitAside from the others

	mu    sync.Mutex
	marks []mark // of what was handed on and is not executed; the first is being executed
	done  int64  // events before them
	burst *burst
}

// burst is what events that were at hand together share.
type burst struct {
	ends   int64 // behind so many events
	shared any
}

// Begin is where a run begins.
type Begin struct{ Cursor *Cursor }

type mark struct {
	version int64
	at      time.Time
	event   any
	aside   bool
}

type runKey struct{}

// RunOf is the run that a resolver works for; nil where nobody asks.
func RunOf(ctx context.Context) *Run {
	run, _ := ctx.Value(runKey{}).(*Run)
	return run
}

// Ahead is how many events a resolver may hand on before they are executed: a group that sees a burst coming puts it together.
func Ahead(ctx context.Context) int {
	if Shared(ctx) {
		return maxAhead
	}
	return 0
}

const maxAhead = 64

// Shared reports whether the resolver works for a group.
func Shared(ctx context.Context) bool {
	run := RunOf(ctx)
	return run != nil && run.shared
}

func withRun(ctx context.Context, run *Run) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

type cursorKey struct{}

// WithCursor begins subscriptions behind a cursor, whatever their arguments say.
func WithCursor(ctx context.Context, c Cursor) context.Context {
	return context.WithValue(ctx, cursorKey{}, &c)
}

func cursorIn(ctx context.Context) *Cursor {
	c, _ := ctx.Value(cursorKey{}).(*Cursor)
	return c
}

// Alone has the resolver of a viewer who is served alone tell what its answers are: after each, next is the answer's version, or
// that it is an aside. An answer that the resolver told nothing of has neither.
func Alone(ctx context.Context) (_ context.Context, next func() (version int64, versioned, aside bool)) {
	run := &Run{asides: true}
	if c := cursorIn(ctx); c != nil {
		run.Begin = &Begin{c}
	}
	return withRun(ctx, run), func() (int64, bool, bool) {
		m, ok := run.next()
		return m.version, ok && !m.aside, m.aside
	}
}

// TakesAsides reports whether the resolver may hand on what it tells by EmitAside.
func TakesAsides(ctx context.Context) bool {
	run := RunOf(ctx)
	return run != nil && run.asides
}

// Emit notes the event that the resolver is about to hand on, its version and its time. Each is executed in turn.
func (r *Run) Emit(version int64, at time.Time, event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, mark{version: version, at: at, event: event})
}

// EmitAside is Emit for an answer among the versioned ones of which only the newest counts: it has no version, it is nobody's first answer
// in a group, and a viewer who is slow may miss it.
func (r *Run) EmitAside(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, mark{event: event, aside: true})
}

// Burst is what the event that is being executed shares with those that were at hand when the first of them asked for it. That
// one's call makes it, of all of them. What is read for it is as new as each of them, since all of them had happened.
func (r *Run) Burst(share func(events []any) any) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.burst == nil || r.done >= r.burst.ends {
		events := make([]any, len(r.marks))
		for i, m := range r.marks {
			events[i] = m.event
		}
		r.burst = &burst{r.done + int64(len(r.marks)), share(events)}
	}
	return r.burst.shared
}

// waiting reports whether the resolver has handed on more than was executed.
func (r *Run) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.marks) > 0
}

// next is the mark of the answer that was just executed.
func (r *Run) next() (mark, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == 0 {
		return mark{}, false
	}
	m := r.marks[0]
	r.marks = slices.Delete(r.marks, 0, 1)
	r.done++
	return m, true
}
