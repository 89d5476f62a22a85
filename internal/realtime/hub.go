package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// Hub brings events to this server's viewers.
type Hub struct {
	config      Config
	node        string // tells this server's own messages from the others'
	log         *slog.Logger
	store       store
	bus         bus
	outbox      *outbox
	metrics     *metrics
	newSequence func(last int64, limit int) sequencer

	epoch   atomic.Pointer[string]
	healthy atomic.Bool
	reads   singleflight.Group // viewers that want the same page share one read

	ctx     context.Context // ends the background work
	cancel  context.CancelFunc
	working sync.WaitGroup

	mu        sync.RWMutex
	topics    map[Topic]*topic
	listeners map[Topic]map[*Listener]struct{}
	viewers   int           // Subscribe calls in progress, open subscriptions and listeners
	draining  bool          // nobody joins any more
	empty     chan struct{} // closed when draining and without viewers
	closed    bool

	poller *poller
}

var _ Publisher = (*Hub)(nil)

// NewHub reads the epoch and starts a hub. Close ends it.
func NewHub(config Config) (*Hub, error) {
	if config.Pool == nil || config.Redis == nil {
		return nil, errors.New("a hub needs Postgres and Redis")
	}
	config = config.withDefaults()
	store := newPGStore(config.Pool, config.ReadConcurrency, config.ReadTimeout)
	h, err := newHub(config, store, newBus(config))
	if err == nil {
		h.start()
	}
	return h, err
}

// newHub makes a hub that start will bring to life.
func newHub(config Config, store store, bus bus) (*Hub, error) {
	config = config.withDefaults()
	h := &Hub{
		config: config, node: uuid.NewString()[:8], log: config.Log, store: store, bus: bus, metrics: newMetrics(),
		newSequence: func(last int64, limit int) sequencer { return newSequence(last, limit) },
		topics:      map[Topic]*topic{},
		listeners:   map[Topic]map[*Listener]struct{}{},
		empty:       make(chan struct{}),
		poller:      newPoller(),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	epoch, err := store.Epoch(h.ctx)
	if err != nil {
		h.cancel()
		return nil, err
	}
	h.epoch.Store(&epoch)
	if err := h.metrics.register(config.Registerer); err != nil {
		h.cancel()
		return nil, err
	}
	h.outbox = &outbox{
		bus: bus, node: h.node, epoch: h.Epoch, metrics: h.metrics, log: h.log,
		timeout: config.PublishTimeout, queue: make(chan parcel, outboxSize),
	}
	return h, nil
}

func (h *Hub) start() {
	h.working.Go(func() { h.outbox.run(h.ctx) })
	h.working.Go(func() { h.bus.Run(h.ctx, inbox{h}) })
	h.working.Go(func() { h.pollTails(h.ctx) })
}

// Epoch identifies the database's history. A client sends it back with its cursor.
func (h *Hub) Epoch() string { return *h.epoch.Load() }

// Publish brings committed events to viewers: those of this server at once, the others by Redis. It
// neither blocks nor fails; call it after the commit.
func (h *Hub) Publish(_ context.Context, events ...Event) {
	for _, e := range events {
		if t := h.topic(e.Topic); t != nil {
			t.post(e)
		}
		h.outbox.put(e)
	}
}

// Subscribe joins a topic. It waits for at most one read from Postgres; the subscription ends with
// ctx. Refusals: ErrCursorInvalid, ErrDraining, ErrUnavailable.
func (h *Hub) Subscribe(ctx context.Context, request Subscribe) (*Subscription, error) {
	if request.After != nil && *request.After < 0 {
		return nil, ErrCursorInvalid
	}
	t, err := h.acquire(request.Topic)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.opened:
		err = t.openErr
		if err != nil {
			err = ErrUnavailable.Because(err)
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		h.release(t)
		return nil, err
	}
	s := newSubscription(ctx, t, request)
	if err := t.join(s); err != nil {
		s.Close()
		h.release(t)
		return nil, err
	}
	h.metrics.subscriptions.Inc()
	go s.run()
	return s, nil
}

func (h *Hub) topic(name Topic) *topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.topics[name]
}

// acquire finds or opens a topic and counts one viewer in.
func (h *Hub) acquire(name Topic) (*topic, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return nil, ErrDraining
	}
	t := h.topics[name]
	if t == nil {
		ctx, stop := context.WithCancel(h.ctx)
		t = newTopic(h, name, stop)
		h.topics[name] = t
		h.metrics.topics.Inc()
		h.bus.Watch(channelOf(h.Epoch(), name))
		h.working.Go(func() { t.run(ctx) })
	}
	if t.idle != nil {
		t.idle.Stop()
	}
	t.refs++
	h.viewers++
	return t, nil
}

// release counts one viewer out. A topic without any lingers, because viewers come back.
func (h *Hub) release(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.refs--
	h.viewers--
	if t.refs == 0 && h.topics[t.name] == t {
		t.idle = time.AfterFunc(h.config.Linger, func() { h.retire(t) })
	}
	h.checkEmpty()
}

func (h *Hub) retire(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.refs == 0 {
		h.remove(t)
	}
}

// forget removes a topic that could not be opened: the next viewer tries anew.
func (h *Hub) forget(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(t)
}

// remove stops a topic; mu is held.
func (h *Hub) remove(t *topic) {
	if h.topics[t.name] != t {
		return
	}
	delete(h.topics, t.name)
	h.metrics.topics.Dec()
	h.bus.Unwatch(channelOf(h.Epoch(), t.name))
	t.stop()
}

// checkEmpty tells Drain that the last viewer has left; mu is held.
func (h *Hub) checkEmpty() {
	if !h.draining || h.viewers > 0 {
		return
	}
	select {
	case <-h.empty:
	default:
		close(h.empty)
	}
}
