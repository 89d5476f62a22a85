package realtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// memStore is a store in memory that tests can break.
type memStore struct {
	mu     sync.Mutex
	epoch  string
	events map[Topic][]Event
	fail   error
	reads  int
	// alter changes what a read returns.
	alter func([]Event) []Event
}

func newMemStore() *memStore { return &memStore{epoch: "e1", events: map[Topic][]Event{}} }

// commit stores the topic's next event, as AppendTx and COMMIT would.
func (m *memStore) commit(topic Topic) Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	version := int64(1)
	if all := m.events[topic]; len(all) > 0 {
		version = all[len(all)-1].Version + 1
	}
	e := eventOf(topic, version)
	m.events[topic] = append(m.events[topic], e)
	return e
}

// prune removes events up to a version.
func (m *memStore) prune(topic Topic, upTo int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[topic] = slices.DeleteFunc(slices.Clone(m.events[topic]), func(e Event) bool { return e.Version <= upTo })
}

func (m *memStore) set(fn func(*memStore)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn(m)
}

func (m *memStore) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *memStore) Epoch(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.fail
}

func (m *memStore) Latest(_ context.Context, topic Topic, limit int) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	all := m.events[topic]
	return m.altered(all[max(0, len(all)-limit):]), m.fail
}

func (m *memStore) Range(_ context.Context, topic Topic, after, upTo int64, limit int) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	var page []Event
	for _, e := range m.events[topic] {
		if e.Version > after && e.Version <= upTo && len(page) < limit {
			page = append(page, e)
		}
	}
	return m.altered(page), m.fail
}

func (m *memStore) altered(page []Event) []Event {
	page = slices.Clone(page)
	if m.alter != nil {
		page = m.alter(page)
	}
	return page
}

func (m *memStore) Tails(_ context.Context, topics []Topic) (map[Topic]int64, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	tails := map[Topic]int64{}
	for _, topic := range topics {
		tails[topic] = 0
		if all := m.events[topic]; len(all) > 0 {
			tails[topic] = all[len(all)-1].Version
		}
	}
	return tails, m.epoch, m.fail
}

// snapshot is what a domain's Snapshot would read.
func (m *memStore) snapshot(topic Topic) func(context.Context) (Event, error) {
	return func(ctx context.Context) (Event, error) {
		tails, _, err := m.Tails(ctx, []Topic{topic})
		return Event{Version: tails[topic], Payload: json.RawMessage(`"state"`)}, err
	}
}

// memNet is a bus in memory for several hubs.
type memNet struct {
	mu   sync.Mutex
	ends []*memBus
}

type memBus struct {
	net     *memNet
	mu      sync.Mutex
	watched map[string]bool
	to      receiver
	down    bool
}

func (n *memNet) bus() *memBus {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := &memBus{net: n, watched: map[string]bool{}}
	n.ends = append(n.ends, b)
	return b
}

func (b *memBus) Publish(_ context.Context, messages []message) (lost int, err error) {
	b.net.mu.Lock()
	ends := slices.Clone(b.net.ends)
	b.net.mu.Unlock()
	for _, m := range messages {
		for _, end := range ends {
			end.mu.Lock()
			to, listens := end.to, end.watched[m.channel] && !end.down
			end.mu.Unlock()
			if to != nil && listens {
				to.received(m.channel, m.payload)
			}
		}
	}
	return 0, nil
}

func (b *memBus) Watch(channel string) {
	b.mu.Lock()
	b.watched[channel] = true
	to := b.to
	b.mu.Unlock()
	if to != nil {
		go to.watching(channel)
	}
}

func (b *memBus) Unwatch(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watched, channel)
}

func (b *memBus) watching() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.watched)
}

func (b *memBus) has(channel string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watched[channel]
}

func (b *memBus) Run(ctx context.Context, to receiver) {
	b.mu.Lock()
	b.to = to
	b.mu.Unlock()
	to.healthy(true)
	<-ctx.Done()
	b.mu.Lock()
	b.to = nil
	b.mu.Unlock()
}

// chaosBus drops, repeats and delays (and so swaps) what another bus brings.
type chaosBus struct {
	bus
	mu        sync.Mutex
	rng       *rand.Rand
	drop, dup float64
	delay     float64
	worst     time.Duration
	pending   sync.WaitGroup
}

func chaotic(b bus, seed uint64) *chaosBus {
	return &chaosBus{bus: b, rng: rand.New(rand.NewPCG(seed, 1)), drop: .1, dup: .1, delay: .3, worst: 60 * time.Millisecond}
}

func (c *chaosBus) Run(ctx context.Context, to receiver) {
	c.bus.Run(ctx, chaosReceiver{to, c})
	c.pending.Wait()
}

type chaosReceiver struct {
	receiver
	c *chaosBus
}

func (r chaosReceiver) received(channel, payload string) {
	c := r.c
	c.mu.Lock()
	drop, dup, late := c.rng.Float64() < c.drop, c.rng.Float64() < c.dup, c.rng.Float64() < c.delay
	wait := time.Duration(c.rng.Int64N(int64(c.worst)))
	c.mu.Unlock()
	if drop {
		return
	}
	if dup {
		r.receiver.received(channel, payload)
	}
	if !late {
		r.receiver.received(channel, payload)
		return
	}
	c.pending.Add(1)
	time.AfterFunc(wait, func() {
		defer c.pending.Done()
		r.receiver.received(channel, payload)
	})
}

// eventOf is the only event that may ever carry this topic and version.
func eventOf(topic Topic, version int64) Event {
	return Event{
		Topic: topic, Version: version, Kind: "TICK", At: time.UnixMicro(1e15 + version).UTC(),
		Payload: json.RawMessage(fmt.Sprintf(`{"topic":%q,"n":%d}`, topic, version)),
	}
}

// check compares an event with the only one it may be, but for its time.
func check(e Event) error {
	want := eventOf(e.Topic, e.Version)
	if e.Kind != want.Kind || string(e.Payload) != string(want.Payload) {
		return fmt.Errorf("%s version %d is %s %s", e.Topic, e.Version, e.Kind, e.Payload)
	}
	return nil
}

var quiet = slog.New(slog.DiscardHandler)

// startHub starts a hub over fakes.
func startHub(tb testing.TB, config Config, s store, b bus, changes ...func(*Hub)) *Hub {
	tb.Helper()
	config.Log = cmp.Or(config.Log, quiet)
	h, err := newHub(config, s, b)
	if err != nil {
		tb.Fatal(err)
	}
	for _, change := range changes {
		change(h)
	}
	h.start()
	tb.Cleanup(h.Close)
	await(tb, "the bus runs", h.healthy.Load)
	return h
}

func newTestTopic() Topic { return TopicOf("auction", uuid.New()) }

// next takes one event, or fails.
func next(tb testing.TB, s *Subscription) Event {
	tb.Helper()
	select {
	case e, ok := <-s.Events():
		if !ok {
			tb.Fatalf("the stream ended: %v", s.Err())
		}
		return e
	case <-time.After(20 * time.Second):
		tb.Fatal("no event in 20 s")
	}
	return Event{}
}

// expect takes the versions from first to last.
func expect(tb testing.TB, s *Subscription, first, last int64) {
	tb.Helper()
	for want := first; want <= last; want++ {
		e := next(tb, s)
		if e.Version != want {
			tb.Fatalf("got %s %d, want version %d", e.Kind, e.Version, want)
		}
		if err := check(e); err != nil {
			tb.Fatal(err)
		}
	}
}

// expectEnd waits for the stream's end and compares its reason.
func expectEnd(tb testing.TB, s *Subscription, want error) {
	tb.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case _, ok := <-s.Events():
			if ok {
				continue
			}
			if err := s.Err(); !errors.Is(err, want) {
				tb.Fatalf("ended with %v, want %v", err, want)
			}
			return
		case <-deadline:
			tb.Fatal("the stream did not end in 20 s")
		}
	}
}

// await polls a condition that has no signal.
func await(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for range 4000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	tb.Fatalf("never happened: %s", what)
}

func subscribe(tb testing.TB, h *Hub, s Subscribe) *Subscription {
	tb.Helper()
	sub, err := h.Subscribe(tb.Context(), s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(sub.Close)
	return sub
}

// value reads a counter.
func value(tb testing.TB, c prometheus.Counter) float64 {
	tb.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		tb.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
