package audience

import (
	"context"
	"math"
	"slices"
	"sync"
)

// A group that is new, as all are after a server's restart, has no log, and its viewers come with cursors. What they have missed
// is executed once for all of them, from the oldest cursor that is asked for, and put before the log.

// back is a group's way back.
type back struct {
	mu     sync.Mutex
	oldest int64 // cursor of those who wait for the next run
	lost   int64 // a cursor from which there was no way; nor is there from those before it
}

func newBack() back { return back{oldest: math.MaxInt64, lost: -1} }

// reachBack brings the log back to a cursor; false says that there is no way, or that it would be longer than a log is.
func (g *group) reachBack(ctx context.Context, cursor int64) bool {
	for range maxTries {
		now := g.view.Load()
		if cursor >= now.first-1 {
			return cursor <= now.last()
		}
		if !g.waitForBack(now, cursor) {
			return false
		}
		select {
		case done := <-g.reads.DoChan("back", func() (any, error) { return nil, g.goBack() }):
			if done.Err != nil {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// waitForBack counts a cursor in for the next run, where one can bring the log back to it.
func (g *group) waitForBack(now *view, cursor int64) bool {
	g.back.mu.Lock()
	defer g.back.mu.Unlock()
	if now.reset != nil || cursor <= g.back.lost || now.last()-cursor > int64(g.a.config.MaxFrames) {
		return false
	}
	g.back.oldest = min(g.back.oldest, cursor)
	return true
}

// goBack executes what lies between the oldest cursor and the log.
func (g *group) goBack() error {
	g.back.mu.Lock()
	begin := g.back.oldest
	g.back.oldest = math.MaxInt64
	g.back.mu.Unlock()
	if begin >= g.view.Load().first-1 {
		return nil
	}
	g.a.metrics.reachBacks.Inc()
	var missed []frame
	bytes, whole := 0, true
	err := g.each(g.ctx, &Run{Begin: &Begin{&Cursor{begin, g.a.config.Epoch()}}, shared: true}, func(f frame) bool {
		missed = append(missed, f)
		bytes += len(f.body)
		whole = f.version == begin+int64(len(missed)) && bytes <= g.a.config.MaxBytes // and not a snapshot in the place of what is gone
		return whole && f.version < g.view.Load().first-1
	})
	if !whole {
		g.back.mu.Lock()
		g.back.lost = max(g.back.lost, begin)
		g.back.mu.Unlock()
		return nil
	}
	if err == nil {
		g.prepend(missed, bytes)
	}
	return err
}

// prepend puts frames before the log, where they reach up to it.
func (g *group) prepend(missed []frame, bytes int) {
	g.appending.Lock()
	defer g.appending.Unlock()
	now := g.view.Load()
	if now.reset != nil || len(missed) == 0 || missed[len(missed)-1].version != now.first-1 {
		return
	}
	g.view.Store(&view{first: missed[0].version, frames: slices.Concat(missed, now.frames), bytes: bytes + now.bytes, aside: now.aside})
}
