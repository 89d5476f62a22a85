package realtime

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/souklive/souk/internal/fault"
)

// Subscribe asks for a topic's events.
type Subscribe struct {
	Topic Topic
	// After is the last version that the viewer has; the first event is the one above it. Nil: the
	// first event is a snapshot, or, where Snapshot is nil too, whatever happens next.
	After *int64
	// Epoch is the one After was counted in, where the client knows it.
	Epoch string
	// Snapshot reads the current state. Its event's version is the topic row's, read in the same
	// statement or transaction as the state; topic and kind are filled in. It is called in the
	// subscription's own goroutine, again where a gap cannot be filled. Its error ends the subscription.
	Snapshot func(ctx context.Context) (Event, error)
}

const (
	eventBuffer  = 8 // events handed over without waiting for the consumer
	maxSnapshots = 3 // in a row, without an event between them
)

// Subscription is one viewer's stream of a topic: a cursor into the topic's log and a goroutine that
// moves it as fast as its consumer takes events.
type Subscription struct {
	hub     *Hub
	topic   *topic
	request Subscribe

	ctx    context.Context
	cancel context.CancelCauseFunc
	events chan Event
	err    atomic.Pointer[error]

	// cursor is the last version handed over. live means that it follows the topic's log, so the
	// topic judges its lag; otherwise it reads pages from Postgres at its own pace.
	cursor    atomic.Int64
	live      atomic.Bool
	snapshots int // since the last event; run's goroutine only
}

// ended is the cause of a context that this package ended.
type ended struct{ reason error }

func (e ended) Error() string { return e.reason.Error() }

func newSubscription(ctx context.Context, t *topic, request Subscribe) *Subscription {
	s := &Subscription{hub: t.hub, topic: t, request: request, events: make(chan Event, eventBuffer)}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.cursor.Store(t.view.Load().last()) // who asks for nothing else gets all that happens from here on
	return s
}

// Events gives the stream: consecutive versions, each once, with a snapshot wherever the sequence
// starts anew. It is closed at the end; then Err says why.
func (s *Subscription) Events() <-chan Event { return s.events }

// Err says why Events was closed: nil where the subscriber's context ended or Close was called, else
// ErrLagging, ErrDraining, ErrEpochChanged, ErrCursorLost, ErrUnavailable or the snapshot's own error.
func (s *Subscription) Err() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Close ends the subscription. It does not wait; Events is closed soon after.
func (s *Subscription) Close() { s.cancel(context.Canceled) }

func (s *Subscription) end(reason error) { s.cancel(ended{reason}) }

// run is the subscription's goroutine.
func (s *Subscription) run() {
	err := s.follow()
	var by ended
	switch {
	case errors.As(context.Cause(s.ctx), &by):
		err = by.reason
	case s.ctx.Err() != nil:
		err = nil
	}
	if err != nil {
		s.err.Store(&err)
	}
	if errors.Is(err, ErrLagging) {
		s.hub.metrics.lagging.Inc()
	}
	s.cancel(context.Canceled)
	s.topic.leave(s)
	close(s.events)
	s.hub.metrics.subscriptions.Dec()
	s.hub.release(s.topic)
}

// follow places the cursor, then hands over what the log holds above it, for as long as that goes.
func (s *Subscription) follow() error {
	if err := s.begin(); err != nil {
		return err
	}
	for s.ctx.Err() == nil {
		view := s.topic.view.Load()
		events, ok := view.after(s.cursor.Load())
		s.live.Store(ok)
		switch {
		case !ok:
			if err := s.catchUp(view); err != nil {
				return err
			}
		case len(events) > 0:
			s.send(events)
		default:
			select {
			case <-view.changed:
			case <-s.ctx.Done():
			}
		}
	}
	return nil
}

// begin decides where the stream starts. A cursor that this history cannot continue gets a snapshot.
func (s *Subscription) begin() error {
	if s.request.After == nil {
		if s.request.Snapshot == nil {
			return nil
		}
		return s.resync("start")
	}
	last := s.topic.view.Load().last()
	after := *s.request.After
	if s.request.Epoch != "" && s.request.Epoch != s.hub.Epoch() {
		return s.resync("epoch")
	}
	if after > last { // this server may be behind the one that the viewer comes from
		tail, err := s.hub.tail(s.ctx, s.topic.name, after)
		if err != nil {
			return err
		}
		if after > tail {
			return s.resync("ahead")
		}
		s.topic.raise(tail)
	}
	if last-after > s.hub.config.MaxReplay {
		return s.resync("far")
	}
	s.cursor.Store(after)
	return nil
}

// catchUp hands over a page from Postgres: the log in memory begins above the cursor.
func (s *Subscription) catchUp(log *view) error {
	cursor := s.cursor.Load()
	if log.last()-cursor > 2*s.hub.config.MaxReplay {
		return ErrLagging // the topic moves faster than this consumer reads
	}
	page, err := s.hub.page(s.ctx, s.topic.name, cursor)
	if err != nil {
		return err
	}
	n := 0
	for n < len(page) && page[n].Version == cursor+1+int64(n) {
		n++
	}
	if n == 0 {
		return s.resync("gap")
	}
	s.send(page[:n])
	return nil
}

// resync hands over a snapshot and places the cursor at its version.
func (s *Subscription) resync(reason string) error {
	if s.request.Snapshot == nil {
		return ErrCursorLost
	}
	if s.snapshots++; s.snapshots > maxSnapshots {
		return ErrUnavailable.Because(fmt.Errorf("%d snapshots of %s and still no event that follows", maxSnapshots, s.topic.name))
	}
	snapshot, err := s.snapshot()
	if err != nil {
		return err
	}
	snapshot.Topic, snapshot.Kind = s.topic.name, KindSnapshot
	select {
	case s.events <- snapshot:
		s.cursor.Store(snapshot.Version)
		s.hub.metrics.snapshots.WithLabelValues(reason).Inc()
	case <-s.ctx.Done():
	}
	return nil
}

// snapshot calls the domain's reader. A panic there is that viewer's, not the server's.
func (s *Subscription) snapshot() (_ Event, err error) {
	defer fault.Wrap(&err, "snapshot of %s", s.topic.name)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	snapshot, err := s.request.Snapshot(s.ctx)
	if err == nil && snapshot.Version < 0 {
		err = fmt.Errorf("version %d", snapshot.Version)
	}
	if snapshot.At.IsZero() {
		snapshot.At = time.Now().UTC()
	}
	return snapshot, err
}

// send hands events over, one by one, until the subscription ends.
func (s *Subscription) send(events []Event) {
	sent := 0
	for _, e := range events {
		select {
		case s.events <- e:
			s.cursor.Store(e.Version)
			sent++
			continue
		case <-s.ctx.Done():
		}
		break
	}
	if sent > 0 {
		s.snapshots = 0
		s.hub.metrics.delivered.Add(float64(sent))
	}
}
