package audience

import (
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/gqlws"
)

// A group of a droppable field counts nothing and remembers nothing but its newest answer: each is to its viewers what a snapshot is
// to others. Who joins is handed it, if there is one yet.

// followNewest executes each answer for all; the one before it is forgotten.
func (g *group) followNewest() gqlerror.List {
	var answers int64
	err := g.each(g.ctx, &Run{shared: true}, func(f frame) bool {
		answers++
		f.version = answers
		g.a.metrics.executions.Inc()
		g.view.Store(&view{first: f.version + 1, reset: &f})
		nudge(g.wake)
		return true
	})
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.errs
	}
	return nil
}

// offering is a viewer who is offered the newest of what there is.
type offering struct{ gqlws.Viewer }

// Next implements gqlws.Viewer.
func (o offering) Next(_ int64, answers [][]byte) { o.Offer(answers[len(answers)-1]) }
