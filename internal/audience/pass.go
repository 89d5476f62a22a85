package audience

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// shard is some of a group's members.
type shard struct {
	mu      sync.Mutex
	members []*member
}

// wakeSoon has a pass made in a moment: more is about to be executed, and what is passed together is written together.
func (g *group) wakeSoon() {
	if g.soon.CompareAndSwap(false, true) {
		time.AfterFunc(burstWait, func() {
			g.soon.Store(false)
			nudge(g.wake)
		})
	}
}

// burstWait is the longest that a frame waits for those behind it.
const burstWait = 10 * time.Millisecond

// keepStep waits while the passes are further behind than the log is long.
func (g *group) keepStep(now *view) bool {
	for now.last()-g.passed.Load() > int64(g.a.config.MaxFrames) {
		select {
		case <-g.caught:
		case <-g.ctx.Done():
			return false
		}
	}
	return true
}

// fanOut passes what is new to every member, as often as something is.
func (g *group) fanOut() {
	var aside *frame // that every member was offered
	for {
		select {
		case <-g.wake:
		case <-g.ctx.Done():
			return
		}
		begun := g.view.Load() // everybody has at least this afterwards
		further := begun.last() != g.passed.Load()
		if !further && begun.aside == aside {
			continue
		}
		var passing sync.WaitGroup
		for _, sh := range g.shards[1:] {
			passing.Go(func() { sh.pass(&g.view) })
		}
		g.shards[0].pass(&g.view)
		passing.Wait()
		aside = begun.aside
		if further {
			g.passed.Store(begun.last())
			nudge(g.caught)
			g.a.metrics.passed(begun)
		}
	}
}

// passStride is how many members are handed something while others wait to join or leave.
const passStride = 64

// pass hands every member what it lacks when its turn comes: a pass over many takes long, and what happens meanwhile is not left
// to the next one for those who are still to come. Most lack the same. It goes from the last to the first, because a member who
// leaves between two strides has its place taken by the last, who has had its turn, and who joins has all.
func (sh *shard) pass(current *atomic.Pointer[view]) {
	var (
		bodies [][]byte
		of     *view
		behind int64
	)
	for rest := math.MaxInt; rest > 0; {
		sh.mu.Lock()
		rest = min(rest, len(sh.members))
		stop := max(rest-passStride, 0)
		for ; rest > stop; rest-- {
			m, now := sh.members[rest-1], current.Load()
			if m.cursor >= now.last() {
				m.offer(now)
				continue
			}
			if now != of || m.cursor != behind {
				of, behind = now, m.cursor
				bodies = now.after(nil, behind)
			}
			m.viewer.Next(now.last(), bodies)
			m.cursor = now.last()
			m.offer(now)
		}
		sh.mu.Unlock()
	}
}
