package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/sync/singleflight"

	"github.com/souklive/souk/internal/gqlws"
)

// member is a viewer in a group.
type member struct {
	viewer gqlws.Viewer
	shard  *shard
	gone   chan struct{} // closed when it leaves
	leave  func()        // counts it out; may be called again

	// Guarded by its shard's lock.
	cursor int64  // the last version that it was handed
	aside  *frame // the last that it was offered
	at     int    // its place in the shard; -1 while it is not in
}

// end is a member's last word, after which it is in no group: whoever brought it need not count it out any more.
func (m *member) end(errs gqlerror.List) {
	m.viewer.End(errs)
	m.leave()
}

// offer offers a member what is beside the log, where it was not offered it before. Its shard's lock is held.
func (m *member) offer(now *view) {
	if m.aside != now.aside {
		m.aside = now.aside
		m.viewer.Offer(now.aside.body)
	}
}

// group is an audience.
type group struct {
	a      *Groups
	key    string
	kind   Kind
	exec   graphql.GraphExecutor
	op     *graphql.OperationContext
	newest bool // of its answers only the newest counts
	ctx    context.Context
	cancel context.CancelFunc

	opened chan struct{} // closed once view is set, or ended
	view   atomic.Pointer[view]
	back   back
	fresh  atomic.Pointer[snapshot] // the newest
	reads  singleflight.Group
	wake   chan struct{}
	soon   atomic.Bool // a wake is on its way
	shards []*shard
	next   atomic.Uint32
	passed atomic.Int64  // the version that every member was handed
	caught chan struct{} // a pass has ended
	done   chan struct{} // closed when all members were ended

	floor     atomic.Int64 // the version from which newcomers are handed what is kept
	takenDown atomic.Int64 // when something was last taken down, by the clock's nanoseconds

	appending sync.Mutex // held by who makes a view of the one before it

	mu    sync.Mutex
	over  bool
	ended gqlerror.List

	// Guarded by Groups.mu.
	refs int
	idle *time.Timer
}

type snapshot struct {
	frame
	taken time.Time
}

func newGroup(a *Groups, key string, kind Kind, exec graphql.GraphExecutor, op *graphql.OperationContext) *group {
	g := &group{
		a: a, key: key, kind: kind, exec: exec, op: op, back: newBack(),
		opened: make(chan struct{}), wake: make(chan struct{}, 1), caught: make(chan struct{}, 1), done: make(chan struct{}),
		shards: make([]*shard, a.config.Passers),
	}
	for i := range g.shards {
		g.shards[i] = &shard{}
	}
	g.ctx, g.cancel = context.WithCancel(WithKind(a.ctx, kind))
	if g.newest = gqlws.Droppable(op); g.newest { // it has nothing to wait for
		g.view.Store(&view{first: 1})
		close(g.opened)
	}
	return g
}

// run executes the operation for all until it ends or nobody watches any more.
func (g *group) run() {
	defer g.cancel()
	var passing sync.WaitGroup
	passing.Go(g.fanOut)
	errs := g.follow()
	g.a.forget(g)
	g.cancel()
	passing.Wait()
	g.end(errs)
}

// follow appends each event to the log. The first answer is a snapshot, behind which the log begins.
func (g *group) follow() gqlerror.List {
	if g.newest {
		return g.followNewest()
	}
	timer := time.AfterFunc(g.a.config.OpenTimeout, func() {
		select {
		case <-g.opened:
		default:
			g.cancel()
		}
	})
	defer timer.Stop()
	run := &Run{Begin: &Begin{}, shared: true, asides: true}
	err := g.each(g.ctx, run, func(f frame) bool {
		if f.aside {
			g.lay(f)
			return true
		}
		if g.view.Load() == nil {
			g.fresh.Store(&snapshot{f, time.Now()})
			g.passed.Store(f.version)
			g.view.Store(&view{first: f.version + 1})
			close(g.opened)
			return true
		}
		g.a.metrics.executions.Inc()
		now := g.append(f)
		if run.waiting() {
			g.wakeSoon()
		} else {
			nudge(g.wake)
		}
		return g.keepStep(now)
	})
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.errs
	}
	return nil
}

// append puts an event behind the log.
func (g *group) append(f frame) *view {
	g.appending.Lock()
	defer g.appending.Unlock()
	now := g.view.Load()
	if f.version == now.last()+1 {
		now = now.with(f, g.passed.Load(), g.a.config.MaxFrames, g.a.config.MaxBytes)
	} else { // a snapshot: the sequence starts anew
		now = &view{first: f.version + 1, reset: &f, aside: now.aside}
	}
	g.view.Store(now)
	if time.Now().UnixNano()-g.takenDown.Load() < int64(settling) {
		g.floor.Store(now.last())
	}
	return now
}

// settling is how long after a takedown an event may still be executed as things were before it.
const settling = 2 * time.Second

// takeDown keeps what was told so far from who comes now. Who is in is still handed what they lack of it.
func (g *group) takeDown() {
	g.appending.Lock()
	defer g.appending.Unlock()
	g.takenDown.Store(time.Now().UnixNano())
	if now := g.view.Load(); now != nil {
		g.floor.Store(now.last())
	}
}

// lay puts an answer beside the log, in the place of the one before it.
func (g *group) lay(f frame) {
	g.appending.Lock()
	defer g.appending.Unlock()
	if now := g.view.Load(); now != nil {
		g.a.metrics.executions.Inc()
		g.view.Store(now.besides(f))
		nudge(g.wake)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// refusedError is the errors that an execution answered or ended with.
type refusedError struct{ errs gqlerror.List }

func (e *refusedError) Error() string { return e.errs.Error() }

// each hands every answer of a run to take until it has enough, or the stream ends.
func (g *group) each(ctx context.Context, run *Run, take func(frame) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	respond, ctx, end := execute(ctx, g.exec, g.op, run)
	var encoded bench
	for {
		response := respond(ctx)
		if response == nil {
			break
		}
		m, ok := run.next()
		if len(response.Errors) > 0 && ctx.Err() != nil { // the group's end, and not what a viewer asked for
			return ctx.Err()
		}
		if !ok && !g.newest { // no event: the operation was refused
			return &refusedError{response.Errors}
		}
		if len(response.Errors) > 0 { // not even a part may go into the log, from which others would get it later
			return &refusedError{failure(response)}
		}
		body, err := encode(response)
		if err != nil {
			return fmt.Errorf("encode version %d: %w", m.version, err)
		}
		if !take(frame{m.version, m.at, encoded.keep(body), m.aside}) {
			return nil
		}
	}
	if errs := end.Errors(); len(errs) > 0 {
		return &refusedError{errs}
	}
	return ctx.Err()
}

// encode is a copy of an answer without errors: the executor uses its buffer again. Its data is JSON already.
func encode(response *graphql.Response) ([]byte, error) {
	if len(response.Data) == 0 || response.Extensions != nil || response.HasNext != nil {
		return json.Marshal(response)
	}
	body := make([]byte, 0, len(dataHead)+len(response.Data)+len(dataTail))
	return append(append(append(body, dataHead...), response.Data...), dataTail...), nil
}

const dataHead, dataTail = `{"data":`, `}`

// failure is what viewers hear of an event that could not be executed as a whole.
func failure(response *graphql.Response) gqlerror.List {
	errs, _ := gqlws.Failure(&graphql.Response{Errors: response.Errors})
	return errs
}

// tryAttach lets a member in where the log or a recent snapshot has all that it asks for.
func (g *group) tryAttach(m *member, p plan) bool {
	if g.view.Load() == nil {
		return false
	}
	if g.newest {
		return g.attach(m, 0, nil)
	}
	if p.after != nil {
		return g.attach(m, *p.after, nil)
	}
	s := g.fresh.Load()
	return time.Since(s.taken) <= g.a.config.SnapshotAge && s.taken.UnixNano() > g.takenDown.Load() && g.attach(m, s.version, s.body)
}

// attach hands a member what it lacks behind a version and counts it in; false where the log does not reach back. first
// is handed to it before, where there is any.
func (g *group) attach(m *member, version int64, first []byte) bool {
	sh := m.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := g.view.Load()
	if (version < max(now.first-1, g.floor.Load()) && !g.newest) || (version > now.last() && first == nil) {
		return false
	}
	g.mu.Lock()
	over := g.over
	g.mu.Unlock()
	if over {
		return false
	}
	var bodies [][]byte
	if first != nil {
		bodies = append(bodies, first)
	}
	m.cursor = version
	if version < now.last() {
		bodies = now.after(bodies, version)
		m.cursor = now.last()
	}
	select {
	case <-m.gone:
		return true // it has left meanwhile, and wants nothing
	default:
	}
	if len(bodies) > 0 {
		m.viewer.Next(m.cursor, bodies)
	}
	m.offer(now)
	m.at = len(sh.members)
	sh.members = append(sh.members, m)
	return true
}

// bring lets a member in that needs more than what is at hand: the group's opening, a snapshot, or what lies before the log.
func (g *group) bring(m *member, p plan) {
	select {
	case <-g.opened:
	case <-m.gone:
		return
	}
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	go func() {
		select {
		case <-m.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	for try := range maxTries {
		if g.view.Load() == nil {
			break
		}
		if g.tryAttach(m, p) {
			return
		}
		if g.newest { // nothing keeps it out but the group's end
			break
		}
		if p.after != nil {
			if try < maxTries-1 && *p.after >= g.floor.Load() && g.reachBack(ctx, *p.after) {
				continue
			}
			g.catchUp(ctx, m, p)
			return
		}
		s, err := g.takeSnapshot(ctx)
		if err != nil {
			g.endOne(m, err)
			return
		}
		if g.attach(m, s.version, s.body) {
			return
		}
		if s.version < g.floor.Load() { // it goes on from there by itself
			m.viewer.Next(s.version, [][]byte{s.body})
			p.after = &s.version
			g.catchUp(ctx, m, p)
			return
		}
	}
	g.endIfOver(m)
}

const maxTries = 5

// takeSnapshot executes the operation for its first answer; viewers that need one at the same moment share it.
func (g *group) takeSnapshot(ctx context.Context) (*snapshot, error) {
	result := g.reads.DoChan("", func() (any, error) {
		var taken *snapshot
		begun := time.Now()
		err := g.each(g.ctx, &Run{Begin: &Begin{}, shared: true}, func(f frame) bool {
			taken = &snapshot{f, begun}
			return false
		})
		if taken == nil {
			if err == nil {
				err = &refusedError{gqlerror.List{gqlws.ErrInterrupted}}
			}
			return nil, err
		}
		g.a.metrics.snapshots.Inc()
		g.fresh.Store(taken)
		return taken, nil
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*snapshot), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// catchUp executes what lies between a member's cursor and the log for this member alone.
func (g *group) catchUp(ctx context.Context, m *member, p plan) {
	g.a.metrics.catchUps.Inc()
	attached := false
	err := g.each(ctx, &Run{Begin: &Begin{&Cursor{*p.after, p.epoch}}, shared: true}, func(f frame) bool {
		m.viewer.Next(f.version, [][]byte{f.body})
		if !m.viewer.Ready() {
			return false
		}
		attached = g.attach(m, f.version, nil)
		return !attached
	})
	if !attached {
		g.endOne(m, err)
	}
}

// endOne ends a member that could not be let in; one that has left by itself wants to hear nothing.
func (g *group) endOne(m *member, err error) {
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		m.end(refused.errs)
	case err != nil && g.ctx.Err() == nil && !errors.Is(err, context.Canceled):
		g.a.config.Log.Error("a viewer could not be let in", "error", err)
		m.end(gqlerror.List{gqlws.ErrInterrupted})
	default:
		g.endIfOver(m)
	}
}

// endIfOver gives a member the group's last word, where it has been spoken while the member was not in.
func (g *group) endIfOver(m *member) {
	select {
	case <-m.gone:
	case <-g.done:
		m.end(g.ended)
	}
}

// end ends all members.
func (g *group) end(errs gqlerror.List) {
	if len(errs) == 0 && g.a.ctx.Err() == nil {
		errs = gqlerror.List{gqlws.ErrInterrupted}
	}
	g.mu.Lock()
	g.over, g.ended = true, errs
	g.mu.Unlock()
	for _, sh := range g.shards {
		sh.mu.Lock()
		members := slices.Clone(sh.members)
		sh.mu.Unlock()
		for _, m := range members {
			m.end(errs)
		}
	}
	close(g.done)
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// newMember is a viewer that is not in yet.
func (g *group) newMember(v gqlws.Viewer) *member {
	sh := g.shards[int(g.next.Add(1))%len(g.shards)]
	return &member{viewer: v, shard: sh, gone: make(chan struct{}), at: -1}
}

// leave counts a member out, once.
func (g *group) leave(m *member) {
	close(m.gone)
	sh := m.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m.at < 0 {
		return
	}
	last := len(sh.members) - 1
	sh.members[m.at] = sh.members[last]
	sh.members[m.at].at = m.at
	sh.members[last] = nil
	sh.members = sh.members[:last]
	m.at = -1
}
