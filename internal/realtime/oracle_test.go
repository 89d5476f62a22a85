package realtime

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("oracle.seed", 0, "the oracle's seed; 0: by the clock")
	eventsFlag = flag.Int("oracle.events", 0, "events a topic; 0: some hundreds")
)

// length is how many events a topic has, and how long the whole may take.
func length(usual int) (events int, patience time.Duration) {
	if *eventsFlag > 0 {
		return *eventsFlag, time.Duration(*eventsFlag)*100*time.Millisecond + time.Minute
	}
	return usual, 90 * time.Second
}

// oracle is a world in which writers commit in order and publish out of order, and viewers come at
// random cursors, are cut and resume on any server. What each one sees must be a contiguous range up
// to the end, with nothing that was never written.
type oracle struct {
	seed     uint64
	hubs     []*Hub
	topics   []Topic
	events   int // a topic
	viewers  int // a topic
	commit   func(ctx context.Context, topic Topic) (Event, error)
	snapshot func(topic Topic) func(context.Context) (Event, error)
	disturb  func(done int) // called by the writer of the first topic, after each of its events
	pace     time.Duration
	patience time.Duration

	mu     sync.Mutex
	faults []string
}

func (o *oracle) fault(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// run returns what was wrong.
func (o *oracle) run(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	var wg sync.WaitGroup
	for i, topic := range o.topics {
		wg.Go(func() { o.write(ctx, i, topic) })
		for v := range o.viewers {
			wg.Go(func() { o.view(ctx, topic, rand.New(rand.NewPCG(o.seed, uint64(1000*i+v)))) })
		}
	}
	wg.Wait()
	return o.faults
}

// write commits in order. Two writers take turns to publish, so that messages leave out of order too.
func (o *oracle) write(ctx context.Context, index int, topic Topic) {
	rng := rand.New(rand.NewPCG(o.seed, uint64(index)+1e6))
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for i := 1; i <= o.events && ctx.Err() == nil; i++ {
		e, err := o.commit(ctx, topic)
		if err != nil {
			o.fault("commit: %v", err)
			return
		}
		hub := o.hubs[rng.IntN(len(o.hubs))]
		switch rng.IntN(20) {
		case 0: // the server dies between commit and publish
		case 1, 2, 3:
			publishing.Go(func() { time.Sleep(2 * o.pace); hub.Publish(ctx, e) })
		default:
			hub.Publish(ctx, e)
		}
		if index == 0 && o.disturb != nil {
			o.disturb(i)
		}
		if o.pace > 0 {
			time.Sleep(time.Duration(rng.Int64N(int64(2 * o.pace))))
		}
	}
}

// view follows a topic to its end, over as many connections as it takes.
func (o *oracle) view(ctx context.Context, topic Topic, rng *rand.Rand) {
	last := int64(-1) // nothing seen yet
	for last < int64(o.events) {
		if ctx.Err() != nil {
			o.fault("seed %d: a viewer of %s is at %d of %d when patience ends", o.seed, topic, last, o.events)
			return
		}
		hub := o.hubs[rng.IntN(len(o.hubs))]
		request := Subscribe{Topic: topic, Epoch: hub.Epoch(), Snapshot: o.snapshot(topic)}
		switch {
		case last >= 0:
			request.After = new(last)
		case rng.IntN(2) == 0:
			last = 0
			request.After = new(int64(0))
		}
		var ok bool
		if last, ok = o.connection(ctx, hub, request, last, 1+rng.IntN(o.events), rng); !ok {
			return
		}
	}
}

// connection is one subscription of a viewer, cut after some events.
func (o *oracle) connection(
	ctx context.Context, hub *Hub, request Subscribe, last int64, cut int, rng *rand.Rand,
) (int64, bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub, err := hub.Subscribe(ctx, request)
	if err != nil {
		return last, true // a refusal is allowed: the viewer comes back
	}
	for e := range sub.Events() {
		switch {
		case e.Kind == KindSnapshot && last == -1:
		case e.Kind == KindSnapshot:
			o.fault("seed %d: %s: a snapshot nobody asked for, at %d, after %d", o.seed, e.Topic, e.Version, last)
			return last, false
		case e.Version != last+1:
			o.fault("seed %d: %s: %d after %d", o.seed, e.Topic, e.Version, last)
			return last, false
		default:
			if err := check(e); err != nil {
				o.fault("seed %d: %v", o.seed, err)
				return last, false
			}
		}
		last = e.Version
		if cut--; cut == 0 || last == int64(o.events) {
			break
		}
		if rng.IntN(50) == 0 {
			time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Millisecond))))
		}
	}
	cancel()
	for range sub.Events() { // what was on its way when the connection was cut
	}
	return last, true
}

func seed(tb testing.TB) uint64 {
	tb.Helper()
	s := *seedFlag
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	tb.Logf("go test -run '%s' -oracle.seed=%d", tb.Name(), s)
	return s
}

// memOracle is the world over fakes, with knobs so tight that every path is taken.
func memOracle(t *testing.T, store *memStore, changes ...func(*Hub)) *oracle {
	events, patience := length(600)
	o := &oracle{
		seed: seed(t), topics: []Topic{newTestTopic(), newTestTopic()}, events: events, viewers: 12,
		pace: time.Millisecond, patience: patience,
		commit:   func(_ context.Context, topic Topic) (Event, error) { return store.commit(topic), nil },
		snapshot: store.snapshot,
	}
	net := &memNet{}
	for i := range 2 {
		o.hubs = append(o.hubs, startHub(t, tight(), store, chaotic(net.bus(), o.seed+uint64(i)), changes...))
	}
	return o
}

func tight() Config {
	return Config{
		Linger: 20 * time.Millisecond, GapWait: 5 * time.Millisecond, PollEvery: 50 * time.Millisecond,
		PollUnhealthy: 20 * time.Millisecond, Mailbox: 8, AheadBytes: 2000, ReplayEvents: 16, Page: 7,
		MaxReplay: 1 << 40, // a snapshot in place of a long replay would be no fault
	}
}

func TestOracleOverFakes(t *testing.T) {
	t.Parallel()
	store := newMemStore()
	o := memOracle(t, store)
	for _, fault := range o.run(t.Context()) {
		t.Error(fault)
	}
}

// TestOracleCatches proves the oracle: each of these builds is broken in one place.
func TestOracleCatches(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*memStore) func(*Hub){
		"a page misses an event": func(m *memStore) func(*Hub) {
			m.alter = func(page []Event) []Event {
				if len(page) > 3 {
					page = append(page[:2], page[3:]...)
				}
				return page
			}
			return nil
		},
		"a page reuses its buffer": func(m *memStore) func(*Hub) {
			m.alter = func(page []Event) []Event {
				for i := range page {
					page[i].Payload = page[len(page)-1].Payload
				}
				return page
			}
			return nil
		},
		"the sequence passes what comes early": func(*memStore) func(*Hub) {
			return func(h *Hub) {
				h.newSequence = func(last int64, limit int) sequencer { return &hasty{newSequence(last, limit)} }
			}
		},
		"the sequence passes what came before": func(*memStore) func(*Hub) {
			return func(h *Hub) {
				h.newSequence = func(last int64, limit int) sequencer { return &forgetful{newSequence(last, limit)} }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newMemStore()
			change := broken(store)
			if change == nil {
				change = func(*Hub) {}
			}
			o := memOracle(t, store, change)
			o.patience = 8 * time.Second
			if faults := o.run(t.Context()); len(faults) == 0 {
				t.Error("the oracle saw nothing")
			} else {
				t.Logf("%d faults, the first: %s", len(faults), faults[0])
			}
		})
	}
}

// hasty closes a gap by renumbering.
type hasty struct{ *sequence }

func (q *hasty) offer(e Event) ([]Event, verdict) {
	if e.Payload != nil && e.Version > q.last+1 {
		e.Version = q.last + 1
	}
	return q.sequence.offer(e)
}

// forgetful lets an old event pass as the next.
type forgetful struct{ *sequence }

func (q *forgetful) offer(e Event) ([]Event, verdict) {
	if e.Version == q.last {
		e.Version++
	}
	return q.sequence.offer(e)
}
