package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// MaxBroadcast bounds a broadcast's payload in bytes.
const MaxBroadcast = 4 << 10

// Broadcaster tells whoever listens to a topic what nobody needs to know later: who types, how many watch. A broadcast has no
// version and is stored nowhere; it arrives at most once, and a newer one takes the place of one that waits. So each tells a
// whole state, and not a step towards one.
//
// The error is the caller's own: a payload that cannot be encoded, or is above MaxBroadcast. Whether anybody heard remains
// unknown.
type Broadcaster interface {
	Broadcast(ctx context.Context, topic Topic, payload any) error
}

var _ Broadcaster = (*Hub)(nil)

// Broadcast reaches this server's listeners at once, the others by Redis. It does not block.
func (h *Hub) Broadcast(_ context.Context, topic Topic, payload any) error {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode a broadcast on %s: %w", topic, err)
	}
	if len(encoded) > MaxBroadcast {
		return fmt.Errorf("a broadcast on %s of %d bytes, above %d", topic, len(encoded), MaxBroadcast)
	}
	h.metrics.broadcasts.Inc()
	h.hear(topic, encoded)
	h.outbox.offer(topic, encoded)
	return nil
}

// Listener hears a topic's broadcasts.
type Listener struct {
	hub   *Hub
	topic Topic
	stop  func() bool // of the wait for its context's end

	mu     sync.Mutex
	newest chan json.RawMessage // one waits
	ended  bool
	err    error
}

// Listen hears a topic's broadcasts from here on, until ctx ends. Who is told a state to begin with reads it after this, so
// that nothing is missed between. It refuses with ErrDraining.
func (h *Hub) Listen(ctx context.Context, topic Topic) (*Listener, error) {
	l := &Listener{hub: h, topic: topic, newest: make(chan json.RawMessage, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return nil, ErrDraining
	}
	if h.listeners[topic] == nil {
		h.listeners[topic] = map[*Listener]struct{}{}
		h.bus.Watch(broadcastsOf(h.Epoch(), topic))
	}
	h.listeners[topic][l] = struct{}{}
	h.viewers++
	h.metrics.listeners.Inc()
	l.mu.Lock() // its context may end at once
	defer l.mu.Unlock()
	l.stop = context.AfterFunc(ctx, func() { l.end(nil) })
	return l, nil
}

// Broadcasts gives what is heard: the newest, where more than one came since the last was taken. Nobody writes to the
// bytes. It is closed at the end; then Err says why.
func (l *Listener) Broadcasts() <-chan json.RawMessage { return l.newest }

// Err says why Broadcasts was closed: nil where its context ended, else ErrDraining.
func (l *Listener) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// hear puts a payload in the place of the one that waits.
func (l *Listener) hear(payload json.RawMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	select {
	case <-l.newest:
	default:
	}
	l.newest <- payload // there is room: nobody else adds
}

// end closes the listener, for this reason; the first call counts.
func (l *Listener) end(reason error) {
	l.mu.Lock()
	first := !l.ended
	if first {
		l.ended, l.err = true, reason
		close(l.newest)
	}
	l.mu.Unlock()
	if first {
		l.stop()
		l.hub.forgetListener(l)
	}
}

func (h *Hub) forgetListener(l *Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners[l.topic], l)
	if len(h.listeners[l.topic]) == 0 {
		delete(h.listeners, l.topic)
		h.bus.Unwatch(broadcastsOf(h.Epoch(), l.topic))
	}
	h.viewers--
	h.metrics.listeners.Dec()
	h.checkEmpty()
}

// hear hands a payload to this server's listeners.
func (h *Hub) hear(topic Topic, payload json.RawMessage) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for l := range h.listeners[topic] {
		l.hear(payload)
	}
}

// allListeners lists them; mu is held.
func (h *Hub) allListeners() []*Listener {
	var all []*Listener
	for _, listeners := range h.listeners {
		for l := range listeners {
			all = append(all, l)
		}
	}
	return all
}

// followEpoch moves the listeners' channels from one epoch to another; mu is held. Broadcasts have no history that would end.
func (h *Hub) followEpoch(old, epoch string) {
	for topic := range h.listeners {
		h.bus.Unwatch(broadcastsOf(old, topic))
		h.bus.Watch(broadcastsOf(epoch, topic))
	}
}

// broadcastMark keeps broadcasts apart from a topic's events: they have a channel of their own, and no sequencer.
const broadcastMark = "~"

func broadcastsOf(epoch string, topic Topic) string { return channelOf(epoch, broadcastMark+topic) }

// broadcastIn is the topic whose broadcasts a channel carries, by its name without the epoch.
func broadcastIn(name Topic) (Topic, bool) {
	rest, ok := strings.CutPrefix(string(name), broadcastMark)
	return Topic(rest), ok
}

// broadcast is a broadcast's JSON between servers.
type broadcast struct {
	Node    string          `json:"n"`
	Payload json.RawMessage `json:"p"`
}

// receiveBroadcast takes another server's broadcast from the bus.
func (h *Hub) receiveBroadcast(topic Topic, message string) {
	var b broadcast
	if len(message) > 2*MaxBroadcast || json.Unmarshal([]byte(message), &b) != nil || b.Payload == nil {
		h.metrics.malformed.Inc()
		return
	}
	if b.Node != h.node { // its own listeners have heard it
		h.hear(topic, b.Payload)
	}
}
