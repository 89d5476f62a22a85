package realtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// patient never polls and lingers briefly, so that what a test sees is its own doing.
func patient() Config {
	return Config{PollEvery: time.Hour, PollUnhealthy: time.Hour, GapWait: time.Millisecond, Linger: time.Millisecond}
}

func commitN(store *memStore, topic Topic, n int) (last Event) {
	for range n {
		last = store.commit(topic)
	}
	return last
}

func TestWhereAStreamStarts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after    *int64
		epoch    string
		pruned   int64
		snapshot bool
		first    int64 // the first version that comes
	}{
		"no cursor":               {snapshot: true, first: 20},
		"from the beginning":      {after: new(int64(0)), first: 1},
		"in the middle":           {after: new(int64(11)), first: 12},
		"in the log's memory":     {after: new(int64(18)), first: 19},
		"at the top":              {after: new(int64(20)), first: 21},
		"the epoch is the same":   {after: new(int64(11)), epoch: "e1", first: 12},
		"ahead of the top":        {after: new(int64(21)), snapshot: true, first: 20},
		"far ahead of the top":    {after: new(int64(1 << 62)), snapshot: true, first: 20},
		"of another epoch":        {after: new(int64(11)), epoch: "e0", snapshot: true, first: 20},
		"too far behind":          {after: new(int64(3)), snapshot: true, first: 20, pruned: 0},
		"pruned":                  {after: new(int64(6)), pruned: 9, snapshot: true, first: 20},
		"pruned a whole page":     {after: new(int64(5)), pruned: 16, snapshot: true, first: 20},
		"pruned up to the cursor": {after: new(int64(9)), pruned: 9, first: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, topic := newMemStore(), newTestTopic()
			commitN(store, topic, 20)
			store.prune(topic, tc.pruned)
			config := patient()
			config.ReplayEvents, config.Page = 4, 5
			if name == "too far behind" {
				config.MaxReplay = 16
			}
			h := startHub(t, config, store, (&memNet{}).bus())
			s := subscribe(t, h, Subscribe{Topic: topic, After: tc.after, Epoch: tc.epoch, Snapshot: store.snapshot(topic)})
			first := tc.first
			if tc.snapshot {
				if e := next(t, s); e.Kind != KindSnapshot || e.Version != tc.first || e.Topic != topic {
					t.Fatalf("first came %s %d", e.Kind, e.Version)
				}
				first++
			}
			h.Publish(t.Context(), store.commit(topic))
			expect(t, s, first, 21)
		})
	}
}

func TestNegativeCursorIsRefused(t *testing.T) {
	t.Parallel()
	h := startHub(t, patient(), newMemStore(), (&memNet{}).bus())
	if _, err := h.Subscribe(t.Context(), Subscribe{Topic: newTestTopic(), After: new(int64(-1))}); !errors.Is(err, ErrCursorInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutSnapshot(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	commitN(store, topic, 5)
	h := startHub(t, patient(), store, (&memNet{}).bus())
	live := subscribe(t, h, Subscribe{Topic: topic})
	lost := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(9))})
	expectEnd(t, lost, ErrCursorLost)
	h.Publish(t.Context(), store.commit(topic))
	expect(t, live, 6, 6)
}

// A viewer that comes from a faster server knows more than this hub does.
func TestCursorAheadOfThisServer(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	h := startHub(t, patient(), store, (&memNet{}).bus())
	first := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	h.Publish(t.Context(), store.commit(topic))
	expect(t, first, 1, 1)
	commitN(store, topic, 3) // nobody told this hub
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(4)), Snapshot: store.snapshot(topic)})
	h.Publish(t.Context(), store.commit(topic))
	expect(t, s, 5, 5)
	expect(t, first, 2, 5)
}

// A version that was handed out and never stored is bridged by a snapshot, for those who are live too.
func TestHoleBecomesASnapshot(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	commitN(store, topic, 3)
	h := startHub(t, patient(), store, (&memNet{}).bus())
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0)), Snapshot: store.snapshot(topic)})
	expect(t, s, 1, 3)
	store.set(func(m *memStore) { m.events[topic] = append(m.events[topic], eventOf(topic, 5)) })
	h.Publish(t.Context(), eventOf(topic, 5))
	if e := next(t, s); e.Kind != KindSnapshot || e.Version != 5 {
		t.Fatalf("got %s %d", e.Kind, e.Version)
	}
	h.Publish(t.Context(), store.commit(topic))
	expect(t, s, 6, 6)
	if got := value(t, h.metrics.holes); got != 1 {
		t.Errorf("holes = %v", got)
	}
}

// A store that never catches up with its own snapshots must not become an endless loop.
func TestSnapshotsInARowEnd(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	commitN(store, topic, 50)
	store.prune(topic, 45)
	h := startHub(t, patient(), store, (&memNet{}).bus())
	s := subscribe(t, h, Subscribe{Topic: topic, Snapshot: func(context.Context) (Event, error) { return Event{Version: 3}, nil }})
	expectEnd(t, s, ErrUnavailable)
}

func TestSnapshotFails(t *testing.T) {
	t.Parallel()
	h := startHub(t, patient(), newMemStore(), (&memNet{}).bus())
	gone := errors.New("gone")
	s := subscribe(t, h, Subscribe{Topic: newTestTopic(), Snapshot: func(context.Context) (Event, error) { return Event{}, gone }})
	expectEnd(t, s, gone)
	s = subscribe(t, h, Subscribe{Topic: newTestTopic(), Snapshot: func(context.Context) (Event, error) { panic("oh") }})
	for range s.Events() {
	}
	if s.Err() == nil || !strings.Contains(s.Err().Error(), "panic: oh") {
		t.Errorf("a panic became %v", s.Err())
	}
}

func TestSwappedAndRepeatedMessagesNeedNoRead(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	config := patient()
	config.GapWait = time.Hour
	h := startHub(t, config, store, (&memNet{}).bus())
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	for range 4 {
		store.commit(topic)
	}
	for _, version := range []int64{3, 2, 2, 4, 1, 1, 3} {
		h.Publish(t.Context(), eventOf(topic, version))
	}
	expect(t, s, 1, 4)
	await(t, "duplicates are counted", func() bool { return value(t, h.metrics.duplicates) == 2 })
}

// A last message that is lost has no successor to give it away; the poll finds it.
func TestLostLastMessage(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	config := patient()
	config.PollEvery = 20 * time.Millisecond
	config.PollUnhealthy = 20 * time.Millisecond
	h := startHub(t, config, store, (&memNet{}).bus())
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	commitN(store, topic, 3)
	expect(t, s, 1, 3)
}

// Events larger than a message travel as their version.
func TestLargeEvent(t *testing.T) {
	t.Parallel()
	store, topic, net := newMemStore(), newTestTopic(), &memNet{}
	here, there := startHub(t, patient(), store, net.bus()), startHub(t, patient(), store, net.bus())
	s := subscribe(t, there, Subscribe{Topic: topic, After: new(int64(0))})
	big := eventOf(topic, 1)
	big.Payload = []byte(`"` + strings.Repeat("x", maxInline) + `"`)
	store.set(func(m *memStore) { m.events[topic] = []Event{big} })
	here.Publish(t.Context(), big)
	if e := next(t, s); e.Version != 1 || len(e.Payload) != len(big.Payload) {
		t.Errorf("got version %d with %d bytes", e.Version, len(e.Payload))
	}
}

func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	bus := (&memNet{}).bus()
	h := startHub(t, patient(), store, bus)
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	bad := []string{
		"", "x", "[]", `{"v":0}`, `{"v":-5}`, `{"v":"1"}`, `{"v":1,"p":{}}`, `{"v":1,"k":"SNAPSHOT","p":{}}`,
		`{"v":99999999999999999999}`, `{"v":1,"k":"A","p":{}`, `{"v":1,"k":"` + strings.Repeat("x", 3*maxInline) + `"}`,
	}
	for _, payload := range bad {
		if _, err := bus.Publish(t.Context(), []message{{channelOf("e1", topic), payload}}); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = bus.Publish(t.Context(), []message{{channelOf("e0", topic), `{"v":1,"k":"OLD","p":{}}`}})
	h.Publish(t.Context(), store.commit(topic))
	expect(t, s, 1, 1)
	if got := value(t, h.metrics.malformed); got != float64(len(bad)) {
		t.Errorf("malformed = %v, want %d", got, len(bad))
	}
}

// What only the bus knows never happened: it is dropped, and must not come out later.
func TestPhantoms(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	bus := (&memNet{}).bus()
	h := startHub(t, patient(), store, bus)
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	_, _ = bus.Publish(t.Context(), []message{
		{channelOf("e1", topic), `{"v":3,"k":"FORGED","p":{}}`},
		{channelOf("e1", topic), `{"v":1000000000}`},
	})
	await(t, "the phantom is counted", func() bool { return value(t, h.metrics.phantoms) == 1 })
	for range 4 {
		h.Publish(t.Context(), store.commit(topic))
	}
	expect(t, s, 1, 4)
}

func TestLaggingViewerIsEnded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"by count": func(c *Config) { c.LagEvents = 64 },
		"by bytes": func(c *Config) { c.LagBytes = 64 * (eventOverhead + 80) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, topic := newMemStore(), newTestTopic()
			config := patient()
			config.ReplayEvents = 16
			change(&config)
			h := startHub(t, config, store, (&memNet{}).bus())
			stalled := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
			good := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
			h.Publish(t.Context(), store.commit(topic))
			expect(t, stalled, 1, 1) // it is live now
			expect(t, good, 1, 1)
			for version := int64(2); version <= 300; version++ {
				h.Publish(t.Context(), store.commit(topic))
				expect(t, good, version, version)
			}
			await(t, "the stalled viewer is counted", func() bool { return value(t, h.metrics.lagging) == 1 })
			last := int64(1)
			for e := range stalled.Events() { // what it had taken is still in order
				if e.Version != last+1 {
					t.Errorf("%d after %d", e.Version, last)
				}
				last = e.Version
			}
			if !errors.Is(stalled.Err(), ErrLagging) {
				t.Errorf("ended with %v", stalled.Err())
			}
			if held := len(h.topic(topic).view.Load().events); held > 32 {
				t.Errorf("the log still holds %d events", held)
			}
			again := subscribe(t, h, Subscribe{Topic: topic, After: new(last)})
			expect(t, again, last+1, 300)
		})
	}
}

// A viewer that stalls while it reads old pages holds one page, and is ended when that is hopeless.
func TestStalledCatchUpIsEnded(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	config := patient()
	config.ReplayEvents, config.Page, config.MaxReplay = 4, 16, 100
	h := startHub(t, config, store, (&memNet{}).bus())
	commitN(store, topic, 90)
	stalled := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	expect(t, stalled, 1, 1) // it has its page
	good := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(90))})
	for version := int64(91); version <= 300; version++ {
		h.Publish(t.Context(), store.commit(topic))
		expect(t, good, version, version)
	}
	expectEnd(t, stalled, ErrLagging)
}

// A slow viewer within its bound keeps the log as long as it needs it, and loses nothing.
func TestSlowViewerWithinItsBound(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	config := patient()
	config.ReplayEvents = 8
	h := startHub(t, config, store, (&memNet{}).bus())
	slow := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	fast := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	h.Publish(t.Context(), store.commit(topic))
	expect(t, fast, 1, 1)
	expect(t, slow, 1, 1)
	await(t, "the opening's two reads", func() bool { return store.count() == 2 })
	for range 200 {
		e := store.commit(topic)
		h.Publish(t.Context(), e)
		expect(t, fast, e.Version, e.Version)
	}
	expect(t, slow, 2, 201)
	if reads := store.count(); reads != 2 {
		t.Errorf("%d reads from the store", reads)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := startHub(t, patient(), newMemStore(), (&memNet{}).bus())
	ctx, cancel := context.WithCancel(t.Context())
	s, err := h.Subscribe(ctx, Subscribe{Topic: newTestTopic(), After: new(int64(0))})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	expectEnd(t, s, nil)
	if s.Err() != nil {
		t.Errorf("ended with %v", s.Err())
	}
}

func TestTopicLeavesWithItsLastViewer(t *testing.T) {
	t.Parallel()
	bus := (&memNet{}).bus()
	h := startHub(t, patient(), newMemStore(), bus)
	topic := newTestTopic()
	one, two := subscribe(t, h, Subscribe{Topic: topic}), subscribe(t, h, Subscribe{Topic: topic})
	if n := bus.watching(); n != 1 {
		t.Errorf("%d channels for one topic", n)
	}
	one.Close()
	expectEnd(t, one, nil)
	if h.topic(topic) == nil {
		t.Error("the topic left before its last viewer")
	}
	two.Close()
	await(t, "the topic leaves", func() bool { return h.topic(topic) == nil && bus.watching() == 0 })
}

// Viewers that come back at once, at many cursors, cost reads by the topic and not by the viewer.
func TestStormReadsOnce(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	commitN(store, topic, 200)
	h := startHub(t, patient(), store, (&memNet{}).bus())
	for i := range 200 {
		s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(i)), Snapshot: store.snapshot(topic)})
		expect(t, s, int64(i)+1, 200)
	}
	if reads := store.count(); reads > 2 { // the tail at the opening, and its check once Redis confirms
		t.Errorf("%d reads for one topic", reads)
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	h := startHub(t, patient(), store, (&memNet{}).bus())
	live := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	h.Publish(t.Context(), store.commit(topic))
	expect(t, live, 1, 1)

	down := errors.New("down")
	store.set(func(m *memStore) { m.fail = down })
	if _, err := h.Subscribe(t.Context(), Subscribe{Topic: newTestTopic()}); !errors.Is(err, ErrUnavailable) || !errors.Is(err, down) {
		t.Errorf("a new topic: %v", err)
	}
	missed := store.commit(topic)
	e := store.commit(topic)
	h.Publish(t.Context(), e) // arrives early; what is before it cannot be read yet
	await(t, "a read is tried", func() bool { return store.count() > 3 })
	store.set(func(m *memStore) { m.fail = nil })
	expect(t, live, missed.Version, e.Version)
}

func TestEpochChanges(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	commitN(store, topic, 5)
	config := patient()
	config.PollEvery, config.PollUnhealthy = 10*time.Millisecond, 10*time.Millisecond
	bus := (&memNet{}).bus()
	h := startHub(t, config, store, bus)
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	expect(t, s, 1, 5)
	store.set(func(m *memStore) { m.epoch, m.events = "e2", map[Topic][]Event{} })
	expectEnd(t, s, ErrEpochChanged)
	if h.Epoch() != "e2" {
		t.Errorf("epoch %s", h.Epoch())
	}
	s = subscribe(t, h, Subscribe{Topic: topic, After: new(int64(5)), Epoch: "e1", Snapshot: store.snapshot(topic)})
	if e := next(t, s); e.Kind != KindSnapshot || e.Version != 0 {
		t.Errorf("got %s %d", e.Kind, e.Version)
	}
	h.Publish(t.Context(), store.commit(topic))
	expect(t, s, 1, 1)
	bus.mu.Lock()
	defer bus.mu.Unlock()
	if len(bus.watched) != 1 || !bus.watched[channelOf("e2", topic)] {
		t.Errorf("watching %v", bus.watched)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	store, net := newMemStore(), &memNet{}
	h, other := startHub(t, patient(), store, net.bus()), startHub(t, patient(), store, net.bus())
	topic := newTestTopic()
	elsewhere := subscribe(t, other, Subscribe{Topic: topic, After: new(int64(0))})
	var viewers []*Subscription
	for range 10 {
		viewers = append(viewers, subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))}))
	}
	h.Drain(t.Context())
	for _, s := range viewers {
		expectEnd(t, s, ErrDraining)
	}
	if _, err := h.Subscribe(t.Context(), Subscribe{Topic: topic}); !errors.Is(err, ErrDraining) {
		t.Errorf("a new viewer: %v", err)
	}
	h.Publish(t.Context(), store.commit(topic)) // the last requests still commit
	h.Close()
	expect(t, elsewhere, 1, 1)
	h.Close()
	h.Publish(t.Context(), store.commit(topic)) // harmless
}

// A consumer that never reads cannot hold up the end.
func TestDrainWithStalledViewers(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	h := startHub(t, patient(), store, (&memNet{}).bus())
	commitN(store, topic, 100)
	for range 5 {
		subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("the drain waited for consumers")
	}
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	config := patient()
	config.Registerer = registry
	startHub(t, config, newMemStore(), (&memNet{}).bus())
	if families, err := registry.Gather(); err != nil || len(families) < 10 {
		t.Errorf("%d families, %v", len(families), err)
	}
	if _, err := newHub(config, newMemStore(), (&memNet{}).bus()); err == nil {
		t.Error("a second hub on one registry passed")
	}
}

// brokenBus takes no message.
type brokenBus struct{ *memBus }

func (b *brokenBus) Publish(ctx context.Context, messages []message) (lost int, err error) {
	<-ctx.Done() // as a Redis that hangs
	return len(messages), ctx.Err()
}

func TestPublishDoesNotWaitForABrokenBus(t *testing.T) {
	t.Parallel()
	store, topic := newMemStore(), newTestTopic()
	bus := &brokenBus{(&memNet{}).bus()}
	config := patient()
	config.PublishTimeout = time.Millisecond
	config.LagEvents, config.LagBytes = 1<<20, 1<<30 // no commit slows this writer down
	h := startHub(t, config, store, bus)
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	go func() {
		for range 3 * outboxSize {
			h.Publish(context.Background(), store.commit(topic))
		}
	}()
	expect(t, s, 1, 3*outboxSize)
}

func TestTopicOf(t *testing.T) {
	t.Parallel()
	topic := newTestTopic()
	got, ok := topicIn("e", channelOf("e", topic))
	if !ok || got != topic {
		t.Errorf("%s, %v", got, ok)
	}
	if _, ok := topicIn("f", channelOf("e", topic)); ok {
		t.Error("a channel of another epoch passed")
	}
}

func ExampleHub_Subscribe() {
	store, topic := newMemStore(), Topic("auction:1")
	store.commit(topic)
	hub, _ := newHub(Config{Log: quiet}, store, (&memNet{}).bus())
	hub.start()
	defer hub.Close()

	seen := int64(0)
	sub, err := hub.Subscribe(context.Background(), Subscribe{Topic: topic, After: &seen, Epoch: hub.Epoch()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for event := range sub.Events() {
		fmt.Println(event.Kind, event.Version)
		sub.Close()
	}
	// Output: TICK 1
}
