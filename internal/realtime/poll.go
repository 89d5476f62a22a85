package realtime

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// coalesce is how long a tail check waits for others to share its statement.
const coalesce = 5 * time.Millisecond

// poller collects the topics whose tails are to be compared out of turn.
type poller struct {
	mu     sync.Mutex
	topics map[Topic]struct{}
	wake   chan struct{}
}

func newPoller() *poller {
	return &poller{topics: map[Topic]struct{}{}, wake: make(chan struct{}, 1)}
}

func (p *poller) add(t Topic) {
	p.mu.Lock()
	p.topics[t] = struct{}{}
	p.mu.Unlock()
	nudge(p.wake)
}

func (p *poller) take() []Topic {
	p.mu.Lock()
	defer p.mu.Unlock()
	topics := make([]Topic, 0, len(p.topics))
	for t := range p.topics {
		topics = append(topics, t)
	}
	clear(p.topics)
	return topics
}

// pollTails compares this server's tails with Postgres, because a last message that was lost has no
// successor to give it away: all of them slowly while the bus is well and quickly while it is not, and
// those whose subscription was just confirmed at once.
func (h *Hub) pollTails(ctx context.Context) {
	last := time.Now()
	for {
		select {
		case <-time.After(time.Until(last.Add(h.pollInterval()))):
			last = time.Now()
			h.compare(ctx, h.names())
		case <-h.poller.wake:
			select {
			case <-time.After(coalesce):
			case <-ctx.Done():
			}
			h.compare(ctx, h.poller.take())
		case <-ctx.Done():
			return
		}
	}
}

// pollInterval varies a little, so that servers started together do not ask together.
func (h *Hub) pollInterval() time.Duration {
	every := h.config.PollUnhealthy
	if h.healthy.Load() {
		every = h.config.PollEvery
	}
	return every*9/10 + rand.N(every/5+1)
}

func (h *Hub) names() []Topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	names := make([]Topic, 0, len(h.topics))
	for name := range h.topics {
		names = append(names, name)
	}
	return names
}

// compare tells the topics what the store has.
func (h *Hub) compare(ctx context.Context, names []Topic) {
	if len(names) == 0 {
		return
	}
	h.metrics.polls.Inc()
	tails, epoch, err := h.store.Tails(ctx, names)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Warn("cannot compare tails with postgres", "topics", len(names), "error", err)
		}
		return
	}
	if epoch != h.Epoch() {
		h.changeEpoch(epoch)
		return
	}
	for name, version := range tails {
		if t := h.topic(name); t != nil {
			t.raise(version)
		}
	}
}

// tail reads a topic's newest version for a viewer that claims to have seen version seen. Viewers share
// reads, but a shared read may have begun before that version's commit: only one of the viewer's own
// may contradict it.
func (h *Hub) tail(ctx context.Context, topic Topic, seen int64) (int64, error) {
	read := func(ctx context.Context) (int64, error) {
		tails, _, err := h.store.Tails(ctx, []Topic{topic})
		return tails[topic], err
	}
	tail, err := share(ctx, h, "tail "+string(topic), read)
	if err == nil && tail < seen {
		tail, err = read(ctx)
	}
	return tail, unavailable(err)
}

// page reads events above the cursor, up to the next multiple of the page size, so that viewers that
// come back at different versions ask for the same pages. The first one continues the cursor, unless
// that version is gone: as above, no shared read is believed about that.
func (h *Hub) page(ctx context.Context, topic Topic, cursor int64) ([]Event, error) {
	size := int64(h.config.Page)
	start := cursor - cursor%size
	read := func(ctx context.Context) ([]Event, error) {
		return h.store.Range(ctx, topic, start, start+size, h.config.Page)
	}
	key := "page " + string(topic) + " " + strconv.FormatInt(start, 10)
	events, err := share(ctx, h, key, read)
	if err == nil && !continues(above(events, cursor), cursor) {
		events, err = read(ctx)
	}
	return above(events, cursor), unavailable(err)
}

// above drops the events up to the cursor.
func above(events []Event, cursor int64) []Event {
	for len(events) > 0 && events[0].Version <= cursor {
		events = events[1:]
	}
	return events
}

func continues(events []Event, cursor int64) bool {
	return len(events) > 0 && events[0].Version == cursor+1
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return ErrUnavailable.Because(err)
}

// share runs a read that others may be waiting for too: it belongs to the hub, not to the first who
// asked.
func share[T any](ctx context.Context, h *Hub, key string, read func(context.Context) (T, error)) (T, error) {
	var zero T
	done := h.reads.DoChan(key, func() (any, error) { return read(h.ctx) })
	select {
	case result := <-done:
		if result.Err != nil {
			return zero, result.Err
		}
		return result.Val.(T), nil
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}
