package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func listen(tb testing.TB, h *Hub, topic Topic) *Listener {
	tb.Helper()
	l, err := h.Listen(tb.Context(), topic)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func broadcastNow(tb testing.TB, h *Hub, topic Topic, payload any) {
	tb.Helper()
	if err := h.Broadcast(tb.Context(), topic, payload); err != nil {
		tb.Fatal(err)
	}
}

// heard takes broadcasts until one is what is wanted.
func heard(tb testing.TB, l *Listener, want string) {
	tb.Helper()
	timeout := time.After(20 * time.Second)
	var last json.RawMessage
	for {
		select {
		case payload, ok := <-l.Broadcasts():
			if !ok {
				tb.Fatalf("the broadcasts ended: %v", l.Err())
			}
			if last = payload; string(payload) == want {
				return
			}
		case <-timeout:
			tb.Fatalf("heard %s last, want %s", last, want)
		}
	}
}

// A broadcast reaches every server's listeners to its topic, by either kind of Redis, and leaves nothing in the database.
func TestBroadcast(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, url string) {
		d := newDatabase(t)
		one, two := startReal(t, Config{}, d, url), startReal(t, Config{}, d, url)
		topic := newTestTopic()
		here, there, elsewhere := listen(t, one, topic), listen(t, two, topic), listen(t, two, newTestTopic())
		redis, channel := dial(t, url), broadcastsOf(one.Epoch(), topic)
		await(t, "both servers hear the channel", func() bool { return listeners(t.Context(), redis, channel) == 2 })

		for n := range 20 {
			broadcastNow(t, one, topic, n)
		}
		heard(t, here, "19")
		heard(t, there, "19")
		broadcastNow(t, two, topic, map[string]int{"watching": 7})
		heard(t, here, `{"watching":7}`)
		heard(t, there, `{"watching":7}`)

		if len(elsewhere.Broadcasts()) > 0 {
			t.Error("a broadcast was heard on another topic")
		}
		var events int
		if err := d.pool.QueryRow(t.Context(), "SELECT count(*) FROM event").Scan(&events); err != nil || events > 0 {
			t.Errorf("%d events are stored, %v", events, err)
		}
		here.end(nil)
		there.end(nil)
		await(t, "nobody hears the channel", func() bool { return listeners(t.Context(), redis, channel) == 0 })
	})
}

// Of what waits for a listener the newest is left, and a topic's events are none of its business, nor the other way round.
func TestTheNewestBroadcastWaits(t *testing.T) {
	t.Parallel()
	store := newMemStore()
	h := startHub(t, Config{}, store, (&memNet{}).bus())
	topic := newTestTopic()
	l, events := listen(t, h, topic), subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	for n := range 1000 {
		broadcastNow(t, h, topic, n)
	}
	h.Publish(t.Context(), store.commit(topic))
	if got := string(<-l.Broadcasts()); got != "999" {
		t.Errorf("heard %s, want the newest", got)
	}
	if len(l.Broadcasts()) > 0 {
		t.Error("more than one waited")
	}
	expect(t, events, 1, 1)
}

func TestWhatIsNoBroadcast(t *testing.T) {
	t.Parallel()
	h := startHub(t, Config{}, newMemStore(), (&memNet{}).bus())
	topic := newTestTopic()
	l, channel := listen(t, h, topic), broadcastsOf(h.Epoch(), topic)
	for _, message := range []string{"", "{", "[]", `{"n":"x"}`, `{"n":"x","p":"` + strings.Repeat("x", 2*MaxBroadcast) + `"}`} {
		inbox{h}.received(channel, message)
	}
	if n := value(t, h.metrics.malformed); n != 5 {
		t.Errorf("%v malformed messages counted, want 5", n)
	}
	inbox{h}.received(channel, fmt.Sprintf(`{"n":%q,"p":1}`, h.node))
	inbox{h}.received(broadcastsOf("another", topic), `{"n":"x","p":1}`)
	if len(l.Broadcasts()) > 0 {
		t.Errorf("heard %s", <-l.Broadcasts())
	}
	for name, payload := range map[string]any{"too large": strings.Repeat("x", MaxBroadcast), "no JSON": func() {}} {
		if h.Broadcast(t.Context(), topic, payload) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A listener ends with its context and with the server, and hears on when the database is replaced.
func TestListenersEnd(t *testing.T) {
	t.Parallel()
	store, bus := newMemStore(), (&memNet{}).bus()
	h := startHub(t, Config{PollEvery: 5 * time.Millisecond}, store, bus)
	topic := newTestTopic()
	ctx, leave := context.WithCancel(t.Context())
	left, err := h.Listen(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	stays := listen(t, h, topic)
	leave()
	if _, ok := <-left.Broadcasts(); ok || left.Err() != nil {
		t.Errorf("who left ended with %v", left.Err())
	}

	subscribe(t, h, Subscribe{Topic: newTestTopic(), After: new(int64(0))}) // tails are compared while somebody watches
	store.set(func(m *memStore) { m.epoch = "e2" })
	await(t, "the new epoch", func() bool { return h.Epoch() == "e2" })
	inbox{h}.received(broadcastsOf("e2", topic), `{"n":"another","p":"on"}`)
	heard(t, stays, `"on"`)
	if !bus.has(broadcastsOf("e2", topic)) || bus.has(broadcastsOf("e1", topic)) {
		t.Error("the channel is not the new epoch's")
	}

	h.Drain(t.Context())
	if _, ok := <-stays.Broadcasts(); ok || !errors.Is(stays.Err(), ErrDraining) {
		t.Errorf("drained with %v", stays.Err())
	}
	if _, err := h.Listen(t.Context(), topic); !errors.Is(err, ErrDraining) {
		t.Errorf("listening at a draining server: %v", err)
	}
	if n := bus.watching(); n > 1 { // the subscription's topic lingers
		t.Errorf("%d channels left", n)
	}
}

// Broadcasts never take the room of events that wait for Redis.
func TestBroadcastsLeaveRoomForEvents(t *testing.T) {
	t.Parallel()
	h, err := newHub(Config{Log: quiet}, newMemStore(), (&memNet{}).bus()) // not started: nothing leaves the outbox
	if err != nil {
		t.Fatal(err)
	}
	defer h.cancel()
	for n := range 2 * outboxSize {
		broadcastNow(t, h, newTestTopic(), n)
	}
	if n := len(h.outbox.queue); n > outboxSize/2+1 {
		t.Errorf("%d broadcasts wait", n)
	}
}
