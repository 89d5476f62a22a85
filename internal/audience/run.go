package audience

import (
	"context"
	"sync"
	"time"
)

// Run is one execution of a group's operation.
type Run struct {
	// After is the version behind which the events begin; nil asks for a snapshot first. It stands in place of
	// the operation's own arguments, as Epoch does.
	After *int64
	Epoch string

	mu    sync.Mutex
	marks []mark
}

type mark struct {
	version int64
	at      time.Time
}

type runKey struct{}

// RunOf is the run that a resolver works for; nil where a viewer is served alone.
func RunOf(ctx context.Context) *Run {
	run, _ := ctx.Value(runKey{}).(*Run)
	return run
}

// Emit notes the version and the time of the event that the resolver is about to hand on. Each is executed in turn.
func (r *Run) Emit(version int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, mark{version, at})
}

// next is the mark of the answer that was just executed.
func (r *Run) next() (mark, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == 0 {
		return mark{}, false
	}
	m := r.marks[0]
	r.marks = append(r.marks[:0], r.marks[1:]...)
	return m, true
}
