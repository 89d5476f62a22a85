package realtime

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	refreshEvery = 10                     // pings between two readings of the table of slots, where all is well
	refreshPause = 100 * time.Millisecond // between two that something asked for
	refreshWait  = 250 * time.Millisecond // for one: a node that is frozen does not answer, and the last table serves
)

// clusterBus is the bus over Redis Cluster, by sharded pub/sub: a channel is at the node that has its slot, and a
// message goes to that node alone. (Plain pub/sub works on a cluster too, but sends every message to every node.)
//
// There is one link for each master. go-redis has a sharded subscription as well, but all its channels stay at the node of the first.
// Slots move and masters change: the table of slots is read every ten seconds, and at once when a node refuses a
// channel, withdraws one or is lost. Until a channel is confirmed anew the bus is not healthy, and the hub reads
// Postgres meanwhile.
type clusterBus struct {
	client *redis.ClusterClient
	log    *slog.Logger
	ping   time.Duration
	rest   time.Duration

	resting map[string]*respite // by a node's address; of the goroutine that publishes

	changed chan struct{} // what is wanted
	stale   chan struct{} // the table of slots

	mu     sync.Mutex
	wanted map[string]struct{}
	well   map[string]bool // a link for each master's address: whether messages can be expected from it
	logged time.Time
}

func newClusterBus(client *redis.ClusterClient, config Config) *clusterBus {
	return &clusterBus{
		client: client, log: config.Log, ping: config.PingEvery, rest: config.PublishRest,
		resting: map[string]*respite{}, changed: make(chan struct{}, 1), stale: make(chan struct{}, 1),
		wanted: map[string]struct{}{}, well: map[string]bool{},
	}
}

func (b *clusterBus) Watch(channel string) {
	b.mu.Lock()
	b.wanted[channel] = struct{}{}
	b.mu.Unlock()
	nudge(b.changed)
}

func (b *clusterBus) Unwatch(channel string) {
	b.mu.Lock()
	delete(b.wanted, channel)
	b.mu.Unlock()
	nudge(b.changed)
}

// master is a node with slots, and what runs for it.
type master struct {
	client *redis.Client
	link   *link
	cancel context.CancelFunc
}

func (b *clusterBus) Run(ctx context.Context, to receiver) {
	ctx, cancel := context.WithCancel(ctx)
	var links sync.WaitGroup
	defer links.Wait()
	defer cancel()
	start := func(address string, m *master) {
		ctx, cancel := context.WithCancel(ctx)
		m.cancel = cancel
		links.Go(func() { m.link.run(ctx, linkReceiver{to, b, address}) })
	}
	masters := map[string]*master{}
	for ctx.Err() == nil {
		pause := time.After(refreshPause)
		b.refresh(ctx, masters, start)
		b.report(to)
		b.follow(ctx, masters)
		select {
		case <-pause:
		case <-ctx.Done():
		}
	}
}

// follow gives the links their channels for as long as the table of slots is believed.
func (b *clusterBus) follow(ctx context.Context, masters map[string]*master) {
	old := time.After(refreshEvery * b.ping)
	for {
		b.route(ctx, masters)
		select {
		case <-b.changed:
		case <-b.stale:
			return
		case <-old:
			return
		case <-ctx.Done():
			return
		}
	}
}

// refresh reads the table of slots and starts and ends links, so that each master has one.
func (b *clusterBus) refresh(ctx context.Context, masters map[string]*master, start func(string, *master)) {
	found := b.nodes(ctx)
	if len(found) == 0 {
		return // nobody answers, and never did
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for address, client := range found {
		if m := masters[address]; m != nil {
			m.client = client
			continue
		}
		m := &master{client: client, link: newLink(client, sharded, b.log.With("node", address), b.ping)}
		m.link.trouble = b.trouble
		masters[address], b.well[address] = m, false
		start(address, m)
	}
	for address, m := range masters {
		if found[address] == nil {
			m.cancel()
			delete(masters, address)
			delete(b.well, address)
		}
	}
}

// nodes are the masters by the newest table of slots that can be had.
func (b *clusterBus) nodes(ctx context.Context) map[string]*redis.Client {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	var mu sync.Mutex
	found := map[string]*redis.Client{}
	_ = b.client.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		found[node.Options().Addr] = node
		return nil
	})
	return found
}

// route tells each master's link its channels.
func (b *clusterBus) route(ctx context.Context, masters map[string]*master) {
	b.mu.Lock()
	wanted := maps.Clone(b.wanted)
	b.mu.Unlock()
	assigned := map[string]map[string]struct{}{}
	for address := range masters {
		assigned[address] = map[string]struct{}{}
	}
	for channel := range wanted {
		node, err := b.client.MasterForKey(ctx, channel)
		if err != nil {
			continue // no table yet; it is not healthy
		}
		channels := assigned[node.Options().Addr]
		if channels == nil {
			nudge(b.stale) // go-redis has read a newer table by itself
			continue
		}
		channels[channel] = struct{}{}
	}
	for address, m := range masters {
		m.link.assign(m.client, assigned[address])
	}
}

// trouble has the table of slots read anew.
func (b *clusterBus) trouble(err error) {
	nudge(b.stale)
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.logged) > logEvery {
		b.logged = time.Now()
		b.log.Info("the redis cluster has changed", "because", err)
	}
}

// linkReceiver is a link's view of the hub.
type linkReceiver struct {
	receiver
	bus     *clusterBus
	address string
}

func (r linkReceiver) healthy(well bool) {
	r.bus.mu.Lock()
	if _, ok := r.bus.well[r.address]; ok {
		r.bus.well[r.address] = well
	}
	r.bus.mu.Unlock()
	r.bus.report(r.receiver)
}

// report tells the hub whether all masters are well.
func (b *clusterBus) report(to receiver) {
	b.mu.Lock()
	defer b.mu.Unlock()
	healthy := len(b.well) > 0
	for _, well := range b.well {
		healthy = healthy && well
	}
	to.healthy(healthy)
}

// Publish sends to each node what is for it, to all of them at once. A node that fails costs its own messages alone.
func (b *clusterBus) Publish(ctx context.Context, messages []message) (lost int, err error) {
	batches, lost, err := b.batches(ctx, messages)
	var mu sync.Mutex
	var sending sync.WaitGroup
	for node, batch := range batches {
		rest := b.resting[node.Options().Addr]
		if cause := rest.now(); cause != nil {
			mu.Lock()
			lost, err = lost+len(batch), errors.Join(err, cause)
			mu.Unlock()
			continue
		}
		sending.Go(func() {
			missed, cause := b.send(ctx, node, batch)
			if missed == len(batch) {
				rest.begin(cause)
			}
			mu.Lock()
			defer mu.Unlock()
			lost, err = lost+missed, errors.Join(err, cause)
		})
	}
	sending.Wait()
	if err != nil {
		nudge(b.stale)
	}
	return lost, err
}

// batches sorts messages by the node that has their slot.
func (b *clusterBus) batches(ctx context.Context, messages []message) (batches map[*redis.Client][]message, lost int, err error) {
	batches = map[*redis.Client][]message{}
	for _, m := range messages {
		node, noTable := b.client.MasterForKey(ctx, m.channel)
		if noTable != nil {
			lost, err = lost+1, noTable
			continue
		}
		if address := node.Options().Addr; b.resting[address] == nil {
			b.resting[address] = &respite{length: b.rest}
		}
		batches[node] = append(batches[node], m)
	}
	return batches, lost, err
}

// send publishes at one node. What the node refuses goes to the one that it points to.
func (b *clusterBus) send(ctx context.Context, node *redis.Client, batch []message) (lost int, err error) {
	answers, _ := node.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, m := range batch {
			p.SPublish(ctx, m.channel, m.payload)
		}
		return nil
	})
	for i, answer := range answers {
		cause := answer.Err()
		if _, refused := errors.AsType[redis.Error](cause); refused {
			nudge(b.stale)
			cause = b.client.SPublish(ctx, batch[i].channel, batch[i].payload).Err()
		}
		if cause != nil {
			lost, err = lost+1, cause
		}
	}
	return lost, err
}
