package audience

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/gqlws"
)

// Config is what Groups are made of; Epoch is required. What is left at zero has the default that is named.
type Config struct {
	Epoch func() string // of the versions

	MaxFrames   int           // that a group keeps for viewers who come back; 256
	MaxBytes    int           // of them; 256 KiB
	SnapshotAge time.Duration // how old a snapshot may be that another viewer begins with; 500 ms
	Linger      time.Duration // how long a group outlives its last viewer; 5 s
	Passers     int           // how many goroutines go through a large group's members at one time; one fewer than Go runs
	OpenTimeout time.Duration // for a group's first answer, and a query for many; 10 s

	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics are exposed
}

// Groups are the audiences of this process.
type Groups struct {
	config  Config
	metrics *metrics
	ctx     context.Context // of all executions
	cancel  context.CancelFunc
	working sync.WaitGroup

	mu      sync.Mutex
	groups  map[string]*group
	queries map[string]*query
	closed  bool
}

// New makes an empty set. Close ends it.
func New(config Config) (*Groups, error) {
	config.MaxFrames = cmp.Or(config.MaxFrames, 256)
	config.MaxBytes = cmp.Or(config.MaxBytes, 256<<10)
	config.SnapshotAge = cmp.Or(config.SnapshotAge, 500*time.Millisecond)
	config.Linger = cmp.Or(config.Linger, 5*time.Second)
	config.Passers = cmp.Or(config.Passers, max(1, runtime.GOMAXPROCS(0)-1)) // so that the next event comes meanwhile
	config.OpenTimeout = cmp.Or(config.OpenTimeout, 10*time.Second)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	g := &Groups{config: config, metrics: newMetrics(), groups: map[string]*group{}, queries: map[string]*query{}}
	if err := g.metrics.register(config.Registerer); err != nil {
		return nil, err
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// Close ends all groups, and waits.
func (a *Groups) Close() {
	a.mu.Lock()
	a.closed = true
	for _, g := range a.groups {
		if g.idle != nil {
			g.idle.Stop()
		}
	}
	a.mu.Unlock()
	a.cancel()
	a.working.Wait()
}

// TakeDown keeps what viewers were told so far from who comes back: something of it is not for everybody any more. What they have missed is
// executed for them anew.
func (a *Groups) TakeDown() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.groups {
		g.takeDown()
	}
}

// Join implements gqlws.JoinFunc.
func (a *Groups) Join(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, v gqlws.Viewer) (leave func(), joined bool) {
	if op.Operation.Operation != ast.Subscription {
		return nil, false
	}
	p, ok := read(op)
	if !ok {
		return nil, false
	}
	if c := cursorIn(ctx); c != nil {
		p.after, p.epoch = &c.After, c.Epoch
	}
	if p.epoch != "" && p.epoch != a.config.Epoch() { // what was counted then continues nowhere
		p.after = nil
	}
	kind := KindOf(ctx)
	g := a.acquire(kind.key()+p.key, kind, exec, op)
	if g == nil {
		return nil, false
	}
	v = seam(v)
	if g.newest {
		v = offering{v}
	}
	m := g.newMember(v)
	m.leave = sync.OnceFunc(func() { g.leave(m); a.metrics.viewers.Dec(); a.release(g) })
	a.metrics.viewers.Inc()
	if !g.tryAttach(m, p) {
		a.working.Go(func() { g.bring(m, p) })
	}
	return m.leave, true
}

// acquire finds or makes a group and counts a viewer in; nil once closed.
func (a *Groups) acquire(key string, kind Kind, exec graphql.GraphExecutor, op *graphql.OperationContext) *group {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	g := a.groups[key]
	if g == nil {
		g = newGroup(a, key, kind, exec, op)
		a.groups[key] = g
		a.metrics.groups.Inc()
		a.working.Go(g.run)
	}
	if g.idle != nil {
		g.idle.Stop()
		g.idle = nil
	}
	g.refs++
	return g
}

// release counts a viewer out. A group without any lingers, because viewers come back.
func (a *Groups) release(g *group) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g.refs--
	if g.refs > 0 || a.groups[g.key] != g || a.closed {
		return
	}
	g.idle = time.AfterFunc(a.config.Linger, func() { a.retire(g) })
}

func (a *Groups) retire(g *group) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g.refs == 0 {
		a.remove(g)
	}
}

// forget takes a group off, so that the next viewer opens a new one.
func (a *Groups) forget(g *group) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(g)
}

func (a *Groups) remove(g *group) {
	if a.groups[g.key] == g {
		delete(a.groups, g.key)
		a.metrics.groups.Dec()
		g.cancel()
	}
}

// execute begins a run of the group's operation, apart from any viewer: nobody's context, headers or session, but their kind.
func execute(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, run *Run) (graphql.ResponseHandler, context.Context, *gqlws.StreamEnd) {
	ctx, end := gqlws.WithStreamEnd(withRun(graphql.StartOperationTrace(ctx), run))
	respond, ctx := exec.DispatchOperation(ctx, apart(op))
	return respond, ctx, end
}
