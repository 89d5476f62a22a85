package realtime

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// sequencer decides what goes out next; an interface so that the oracle's own test can break it.
type sequencer interface {
	offer(Event) ([]Event, verdict)
	know(version int64)
	behind() bool
	fill(page []Event) [][]Event
	settle() (phantoms int)
}

// topic is one topic with viewers on this server. Its goroutine, run, is the only one that touches the
// sequence and makes views; everybody else reads the view or leaves mail.
type topic struct {
	hub  *Hub
	name Topic
	stop context.CancelFunc

	// opened is closed once view is set, or openErr.
	opened  chan struct{}
	openErr error
	view    atomic.Pointer[view]

	mail chan Event    // from the bus and from this server's own commits; bounded, never waited for
	hint atomic.Int64  // a version that exists, told by a poll or by mail that found no room
	wake chan struct{} // there is a hint

	mu    sync.Mutex
	subs  map[*Subscription]struct{}
	ended error // set once; nobody joins any more

	// Guarded by Hub.mu.
	refs int
	idle *time.Timer
}

func newTopic(h *Hub, name Topic, stop context.CancelFunc) *topic {
	return &topic{
		hub: h, name: name, stop: stop,
		opened: make(chan struct{}),
		mail:   make(chan Event, h.config.Mailbox),
		wake:   make(chan struct{}, 1),
		subs:   map[*Subscription]struct{}{},
	}
}

// post leaves an event for the sequencer. Where there is no room its version is noted instead, and
// the sequencer will find the event in Postgres.
func (t *topic) post(e Event) {
	select {
	case t.mail <- e:
	default:
		t.hub.metrics.overflows.Inc()
		t.raise(e.Version)
	}
}

// raise says that a version exists.
func (t *topic) raise(version int64) {
	if v := t.view.Load(); v != nil && version <= v.last() {
		return
	}
	for {
		known := t.hint.Load()
		if version <= known || t.hint.CompareAndSwap(known, version) {
			break
		}
	}
	nudge(t.wake)
}

// run opens the topic and keeps its log until ctx ends.
func (t *topic) run(ctx context.Context) {
	latest, err := t.hub.store.Latest(ctx, t.name, t.hub.config.ReplayEvents)
	if err != nil {
		t.openErr = err
		t.hub.forget(t)
		close(t.opened)
		return
	}
	l := &keeper{topic: t, hub: t.hub, view: emptyView(0)}
	if len(latest) > 0 {
		l.view = emptyView(latest[0].Version - 1)
		l.view = l.view.with(contiguousTail(latest))
	}
	l.sequence = t.hub.newSequence(l.view.last(), t.hub.config.AheadBytes)
	t.view.Store(l.view)
	close(t.opened)
	l.loop(ctx)
}

// contiguousTail is the longest run of consecutive versions that ends with the last event.
func contiguousTail(events []Event) []Event {
	i := len(events) - 1
	for i > 0 && events[i-1].Version == events[i].Version-1 {
		i--
	}
	return events[i:]
}

// join registers a subscription, so that the topic can judge its lag and end it.
func (t *topic) join(s *Subscription) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended != nil {
		return t.ended
	}
	t.subs[s] = struct{}{}
	return nil
}

func (t *topic) leave(s *Subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subs, s)
}

// end ends every subscription, for this reason.
func (t *topic) end(reason error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = reason
	for s := range t.subs {
		s.end(reason)
	}
}

// keeper is the sequencer goroutine's own state.
type keeper struct {
	topic    *topic
	hub      *Hub
	sequence sequencer
	view     *view
	grown    int // events since the last trim
	weight   int // and their bytes
	failures int // reads in a row that failed
}

// loop takes mail and hints; once something is known to be missing it waits a moment, because the bus
// may only have swapped two messages, and then reads it.
func (k *keeper) loop(ctx context.Context) {
	gap := time.NewTimer(time.Hour)
	gap.Stop()
	defer gap.Stop()
	waiting := false
	for {
		select {
		case e := <-k.topic.mail:
			k.take(e)
		case <-k.topic.wake:
			k.sequence.know(k.topic.hint.Swap(0))
		case <-gap.C:
			waiting = false
			k.fill(ctx)
		case <-ctx.Done():
			return
		}
		switch behind := k.sequence.behind(); {
		case behind && !waiting:
			gap.Reset(k.pause())
			waiting = true
		case !behind && waiting:
			gap.Stop()
			waiting = false
		}
	}
}

// pause is the wait before a read: short at first, longer while Postgres refuses.
func (k *keeper) pause() time.Duration {
	return min(k.hub.config.GapWait<<min(k.failures, 10), 2*time.Second)
}

func (k *keeper) take(e Event) {
	run, verdict := k.sequence.offer(e)
	switch verdict {
	case stale:
		k.hub.metrics.duplicates.Inc()
	case fresh:
		k.extend(run)
	case early:
	}
}

// fill reads what is missing, page by page, up to the store's top.
func (k *keeper) fill(ctx context.Context) {
	page := k.hub.config.Page
	for {
		events, err := k.hub.store.Range(ctx, k.topic.name, k.view.last(), math.MaxInt64, page)
		if err != nil {
			if ctx.Err() == nil && k.failures%10 == 0 {
				k.hub.log.Warn("cannot read events; will try again", "topic", k.topic.name, "error", err)
			}
			k.failures++
			return
		}
		k.failures = 0
		k.hub.metrics.fills.Inc()
		k.hub.metrics.filled.Add(float64(len(events)))
		for _, run := range k.sequence.fill(events) {
			k.extend(run)
		}
		if len(events) < page {
			break
		}
	}
	if phantoms := k.sequence.settle(); phantoms > 0 {
		k.hub.metrics.phantoms.Add(float64(phantoms))
		k.hub.log.Warn("the bus carried events that the database does not know", "topic", k.topic.name, "events", phantoms)
	}
}

// extend publishes the log with a run at its end.
func (k *keeper) extend(run []Event) {
	if missing := run[0].Version - k.view.last() - 1; missing > 0 {
		k.hub.metrics.holes.Add(float64(missing))
		k.hub.log.Error("versions without an event", "topic", k.topic.name, "before", run[0].Version, "missing", missing)
	}
	now := time.Now()
	for _, e := range run {
		k.hub.metrics.lag.Observe(max(0, now.Sub(e.At).Seconds()))
	}
	k.hub.metrics.events.Add(float64(len(run)))
	k.show(k.view.with(run))
	k.grown += len(run)
	k.weight += weigh(run)
	if k.grown >= k.hub.config.ReplayEvents || k.weight >= k.hub.config.ReplayBytes {
		k.grown, k.weight = 0, 0
		k.trim()
	}
}

// show makes a view the topic's and wakes its readers.
func (k *keeper) show(next *view) {
	last := k.view
	k.view = next
	k.topic.view.Store(next)
	close(last.changed)
}

// trim drops what nobody will read from memory: all but the replay window, or as far back as the
// slowest live viewer. Who is further back than the lag bound is ended.
func (k *keeper) trim() {
	c := k.hub.config
	bound := window(k.view.events, c.LagEvents, c.LagBytes)
	keep := window(k.view.events, c.ReplayEvents, c.ReplayBytes)
	k.topic.mu.Lock()
	for s := range k.topic.subs {
		cursor := s.cursor.Load()
		if !s.live.Load() { // it waits for its snapshot, or reads pages from Postgres
			if k.view.last()-cursor > 2*c.MaxReplay {
				s.end(ErrLagging)
			}
			continue
		}
		next := int(cursor + 1 - k.view.first)
		switch {
		case next < 0 && k.view.last()-cursor <= int64(c.LagEvents):
			// It is on an older view, and will read a page where that ends.
		case next < bound:
			s.end(ErrLagging)
		default:
			keep = min(keep, next)
		}
	}
	k.topic.mu.Unlock()
	if keep > 0 {
		k.show(k.view.from(keep))
	}
}
