package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	subscribeChunk = 256 // channels in one SUBSCRIBE
	maxReconnect   = time.Second
)

// redisBus is the bus over Redis pub/sub, on one connection for all topics of this server. It reads
// that connection itself: go-redis's own channel drops messages when its reader is slow.
type redisBus struct {
	client redis.UniversalClient
	log    *slog.Logger
	ping   time.Duration // how often the connection proves that it lives

	mu      sync.Mutex
	wanted  map[string]struct{}
	changed chan struct{}
}

func newRedisBus(client redis.UniversalClient, log *slog.Logger, ping time.Duration) *redisBus {
	return &redisBus{
		client: client, log: log, ping: ping,
		wanted: map[string]struct{}{}, changed: make(chan struct{}, 1),
	}
}

func (b *redisBus) Publish(ctx context.Context, messages []message) error {
	_, err := b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, m := range messages {
			p.Publish(ctx, m.channel, m.payload)
		}
		return nil
	})
	return err
}

func (b *redisBus) Watch(channel string) {
	b.mu.Lock()
	b.wanted[channel] = struct{}{}
	b.mu.Unlock()
	nudge(b.changed)
}

func (b *redisBus) Unwatch(channel string) {
	b.mu.Lock()
	delete(b.wanted, channel)
	b.mu.Unlock()
	nudge(b.changed)
}

func (b *redisBus) Run(ctx context.Context, to receiver) {
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := b.session(ctx, to)
		to.healthy(false)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*b.ping {
			pause = 50 * time.Millisecond
		}
		b.log.Warn("redis pub/sub connection lost; reading from postgres meanwhile", "error", err, "retry_in", pause)
		select {
		case <-time.After(pause + rand.N(pause)):
		case <-ctx.Done():
		}
		pause = min(2*pause, maxReconnect)
	}
}

// session is the life of one connection. Every error ends it: the next one subscribes to all that is
// wanted, and each confirmation makes the hub compare its tail with Postgres.
func (b *redisBus) session(ctx context.Context, to receiver) error {
	ctx, cancel := context.WithCancel(ctx)
	pubsub := b.client.Subscribe(ctx)
	if err := pubsub.Ping(ctx); err != nil {
		cancel()
		_ = pubsub.Close()
		return err
	}
	var readErr error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		readErr = b.read(ctx, pubsub, to)
	}()
	writeErr := b.write(ctx, pubsub, ended)
	cancel()
	_ = pubsub.Close() // this is what ends a read in progress
	<-ended
	return errors.Join(writeErr, readErr)
}

// write keeps the subscriptions as wanted and pings, until the reader ends or a write fails.
func (b *redisBus) write(ctx context.Context, pubsub *redis.PubSub, ended <-chan struct{}) error {
	tick := time.NewTicker(b.ping)
	defer tick.Stop()
	applied := map[string]struct{}{}
	for {
		if err := b.apply(ctx, pubsub, applied); err != nil {
			return err
		}
		select {
		case <-b.changed:
		case <-tick.C:
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
func (b *redisBus) apply(ctx context.Context, pubsub *redis.PubSub, applied map[string]struct{}) error {
	b.mu.Lock()
	wanted := maps.Clone(b.wanted)
	b.mu.Unlock()
	missing, surplus := difference(wanted, applied), difference(applied, wanted)
	for chunk := range slices.Chunk(missing, subscribeChunk) {
		if err := pubsub.Subscribe(ctx, chunk...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	for chunk := range slices.Chunk(surplus, subscribeChunk) {
		if err := pubsub.Unsubscribe(ctx, chunk...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	for _, channel := range missing {
		applied[channel] = struct{}{}
	}
	for _, channel := range surplus {
		delete(applied, channel)
	}
	return nil
}

// read hands on what arrives. Pings make an answer due within each interval, so silence is a fault.
func (b *redisBus) read(ctx context.Context, pubsub *redis.PubSub, to receiver) error {
	for {
		got, err := pubsub.ReceiveTimeout(ctx, 2*b.ping)
		if err != nil {
			return err
		}
		switch got := got.(type) {
		case *redis.Message:
			to.received(got.Channel, got.Payload)
		case *redis.Subscription:
			if got.Kind == "subscribe" {
				to.watching(got.Channel)
			}
		case *redis.Pong:
			to.healthy(true)
		}
	}
}

// difference lists what is in a and not in b.
func difference(a, b map[string]struct{}) (only []string) {
	for k := range a {
		if _, ok := b[k]; !ok {
			only = append(only, k)
		}
	}
	return only
}

// nudge sets a flag that one goroutine waits for.
func nudge(flag chan<- struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
