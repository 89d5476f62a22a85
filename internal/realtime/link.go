package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const maxReconnect = time.Second

// verbs are the commands of plain pub/sub, or those of the sharded one.
type verbs struct {
	subscribe, unsubscribe func(*redis.PubSub, context.Context, ...string) error
	begun, ended           string // how the server confirms them
	chunk                  int    // channels in one command
}

var (
	plain = verbs{(*redis.PubSub).Subscribe, (*redis.PubSub).Unsubscribe, "subscribe", "unsubscribe", 256}
	// One command cannot name channels of two slots, even where one node has both.
	sharded = verbs{(*redis.PubSub).SSubscribe, (*redis.PubSub).SUnsubscribe, "ssubscribe", "sunsubscribe", 1}
)

// subscriber is the client of one Redis server.
type subscriber interface {
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
}

// link is what this server subscribes to at one Redis server, over one connection that it renews. It reads that
// connection itself: go-redis's own channel drops messages when its reader is slow, and resubscribes on its own with
// channels of several slots in one command, which a cluster refuses.
type link struct {
	verbs
	log  *slog.Logger
	ping time.Duration // how often the connection proves that it lives
	// trouble, where set, is told of a refused or withdrawn channel and of a lost connection: another server may have
	// the channels now. Where it is not, a refusal ends the connection.
	trouble func(error)

	mu      sync.Mutex
	client  subscriber
	wanted  map[string]struct{}
	asked   map[string]request // on this connection
	late    bool               // a request waits for longer than an interval
	changed chan struct{}
}

// request is a subscription that was sent for.
type request struct {
	confirmed bool
	old       bool // sent before the last tick
}

func newLink(client subscriber, verbs verbs, log *slog.Logger, ping time.Duration) *link {
	return &link{
		verbs: verbs, log: log, ping: ping, client: client,
		wanted: map[string]struct{}{}, asked: map[string]request{}, changed: make(chan struct{}, 1),
	}
}

func (l *link) watch(channel string) {
	l.mu.Lock()
	l.wanted[channel] = struct{}{}
	l.mu.Unlock()
	nudge(l.changed)
}

func (l *link) unwatch(channel string) {
	l.mu.Lock()
	delete(l.wanted, channel)
	l.mu.Unlock()
	nudge(l.changed)
}

// assign replaces all that is wanted, and the client, which counts from the next connection on.
func (l *link) assign(client subscriber, wanted map[string]struct{}) {
	l.mu.Lock()
	l.client, l.wanted = client, wanted
	l.mu.Unlock()
	nudge(l.changed)
}

// run keeps the connection until ctx ends.
func (l *link) run(ctx context.Context, to receiver) {
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := l.session(ctx, to)
		to.healthy(false)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*l.ping {
			pause = 50 * time.Millisecond
		}
		l.log.Warn("redis pub/sub connection lost; reading from postgres meanwhile", "error", err, "retry_in", pause)
		if l.trouble != nil {
			l.trouble(err)
		}
		select {
		case <-time.After(pause + rand.N(pause)):
		case <-ctx.Done():
		}
		pause = min(2*pause, maxReconnect)
	}
}

// session is the life of one connection. Every error ends it: the next one subscribes to all that is
// wanted, and each confirmation makes the hub compare its tail with Postgres.
func (l *link) session(ctx context.Context, to receiver) error {
	ctx, cancel := context.WithCancel(ctx)
	pubsub := l.begin().Subscribe(ctx)
	if err := pubsub.Ping(ctx); err != nil {
		cancel()
		_ = pubsub.Close()
		return err
	}
	var readErr error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		readErr = l.read(ctx, pubsub, to)
	}()
	writeErr := l.write(ctx, pubsub, ended)
	cancel()
	_ = pubsub.Close() // this is what ends a read in progress
	<-ended
	return errors.Join(writeErr, readErr)
}

// begin forgets the last connection.
func (l *link) begin() subscriber {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.asked)
	l.late = false
	return l.client
}

// write keeps the subscriptions as wanted and pings, until the reader ends or a write fails.
func (l *link) write(ctx context.Context, pubsub *redis.PubSub, ended <-chan struct{}) error {
	tick := time.NewTicker(l.ping)
	defer tick.Stop()
	for {
		if err := l.apply(ctx, pubsub); err != nil {
			return err
		}
		select {
		case <-l.changed:
		case <-tick.C:
			l.age()
			if err := pubsub.Ping(ctx); err != nil {
				return fmt.Errorf("ping: %w", err)
			}
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// apply brings the connection's subscriptions to what is wanted.
func (l *link) apply(ctx context.Context, pubsub *redis.PubSub) error {
	missing, surplus := l.differences()
	for chunk := range slices.Chunk(missing, l.chunk) {
		if err := l.subscribe(pubsub, ctx, chunk...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	for chunk := range slices.Chunk(surplus, l.chunk) {
		if err := l.unsubscribe(pubsub, ctx, chunk...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	return nil
}

// differences lists what is to be asked for and what is to be given up, and counts both as done.
func (l *link) differences() (missing, surplus []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for channel := range l.wanted {
		if _, ok := l.asked[channel]; !ok {
			missing = append(missing, channel)
			l.asked[channel] = request{}
		}
	}
	for channel := range l.asked {
		if _, ok := l.wanted[channel]; !ok {
			surplus = append(surplus, channel)
			delete(l.asked, channel)
		}
	}
	return missing, surplus
}

// age asks again for what was asked for before the last tick and is not confirmed.
func (l *link) age() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = false
	for channel, r := range l.asked {
		switch {
		case r.confirmed:
		case r.old:
			l.late = true
			delete(l.asked, channel)
		default:
			r.old = true
			l.asked[channel] = r
		}
	}
}

// read hands on what arrives. Pings make an answer due within each interval, so silence is a fault.
func (l *link) read(ctx context.Context, pubsub *redis.PubSub, to receiver) error {
	for {
		got, err := pubsub.ReceiveTimeout(ctx, 2*l.ping)
		if err != nil {
			if _, refused := errors.AsType[redis.Error](err); !refused || l.trouble == nil {
				return err
			}
			l.trouble(err)
			continue
		}
		switch got := got.(type) {
		case *redis.Message:
			to.received(got.Channel, got.Payload)
		case *redis.Subscription:
			l.told(got, to)
		case *redis.Pong:
			to.healthy(!l.isLate())
		}
	}
}

// told notes what the server says about a subscription. A cluster's node says of itself that one has ended when the
// channel's slot has moved.
func (l *link) told(got *redis.Subscription, to receiver) {
	l.mu.Lock()
	r, asked := l.asked[got.Channel]
	withdrawn := got.Kind == l.ended && r.confirmed
	begun := got.Kind == l.begun && asked
	switch {
	case begun:
		l.asked[got.Channel] = request{confirmed: true}
	case withdrawn:
		delete(l.asked, got.Channel)
	}
	l.mu.Unlock()
	if begun {
		to.watching(got.Channel)
	}
	if withdrawn && l.trouble != nil {
		l.trouble(fmt.Errorf("%s was withdrawn", got.Channel))
	}
}

func (l *link) isLate() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late
}

// nudge sets a flag that one goroutine waits for.
func nudge(flag chan<- struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
