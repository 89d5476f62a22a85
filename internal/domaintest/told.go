package domaintest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/souklive/souk/internal/realtime"
)

// Told is a publisher that remembers what it was told.
type Told struct {
	mu         sync.Mutex
	events     []realtime.Event
	broadcasts []Broadcast
}

var (
	_ realtime.Publisher   = (*Told)(nil)
	_ realtime.Broadcaster = (*Told)(nil)
)

// Broadcast is what was told to be forgotten.
type Broadcast struct {
	Topic   realtime.Topic
	Payload json.RawMessage
}

// Broadcast remembers it all the same.
func (p *Told) Broadcast(_ context.Context, topic realtime.Topic, payload any) error {
	raw, err := json.Marshal(payload)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broadcasts = append(p.broadcasts, Broadcast{topic, raw})
	return err
}

// Broadcasts is all that was broadcast.
func (p *Told) Broadcasts() []Broadcast {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.broadcasts)
}

// Publish remembers the events.
func (p *Told) Publish(_ context.Context, events ...realtime.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, events...)
}

// Of is what was told about a topic, in the order of the telling.
func (p *Told) Of(topic realtime.Topic) []realtime.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	var events []realtime.Event
	for _, e := range p.events {
		if e.Topic == topic {
			events = append(events, e)
		}
	}
	return events
}

// Count is how many events were told in all.
func (p *Told) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.events)
}

// Events reads a topic's stored events, and insists that their versions have no hole and that each was told
// once, as it is stored.
func (w *World) Events(topic realtime.Topic) []realtime.Event {
	w.T.Helper()
	rows, err := w.Pool.Query(w.Ctx(), `SELECT version, kind, payload, at FROM event WHERE topic = $1 ORDER BY version`, string(topic))
	w.Must(err)
	defer rows.Close()
	told := make(map[int64]realtime.Event)
	for _, e := range w.Told.Of(topic) {
		if _, twice := told[e.Version]; twice {
			w.T.Errorf("%s/%d was told twice", topic, e.Version)
		}
		told[e.Version] = e
	}
	var stored []realtime.Event
	for rows.Next() {
		e := realtime.Event{Topic: topic}
		w.Must(rows.Scan(&e.Version, &e.Kind, (*[]byte)(&e.Payload), &e.At))
		stored = append(stored, e)
		if e.Version != int64(len(stored)) {
			w.T.Errorf("event %d of %s has version %d", len(stored), topic, e.Version)
		}
		if t := told[e.Version]; t.Kind != e.Kind || !t.At.Equal(e.At) || !bytes.Equal(t.Payload, e.Payload) {
			w.T.Errorf("%s/%d is stored as %s %s, and was told as %s %s", topic, e.Version, e.Kind, e.Payload, t.Kind, t.Payload)
		}
	}
	w.Must(rows.Err())
	if len(told) != len(stored) {
		w.T.Errorf("%d events of %s were told, %d are stored", len(told), topic, len(stored))
	}
	return stored
}
