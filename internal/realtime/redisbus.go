package realtime

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisBus is the bus over one Redis server: one connection for all topics of this server.
type redisBus struct {
	client redis.UniversalClient
	link   *link
	rest   respite
}

func newRedisBus(client redis.UniversalClient, config Config) *redisBus {
	return &redisBus{
		client: client, rest: respite{length: config.PublishRest},
		link: newLink(client, plain, config.Log, config.PingEvery),
	}
}

func (b *redisBus) Publish(ctx context.Context, messages []message) (lost int, err error) {
	if err := b.rest.now(); err != nil {
		return len(messages), err
	}
	_, err = b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, m := range messages {
			p.Publish(ctx, m.channel, m.payload)
		}
		return nil
	})
	if err != nil {
		b.rest.begin(err)
		return len(messages), err
	}
	return 0, nil
}

func (b *redisBus) Watch(channel string)                 { b.link.watch(channel) }
func (b *redisBus) Unwatch(channel string)               { b.link.unwatch(channel) }
func (b *redisBus) Run(ctx context.Context, to receiver) { b.link.run(ctx, to) }

// respite leaves a server alone for a while after a failure, so that a dead one costs a time-out now and then, and
// not one a batch.
type respite struct {
	length time.Duration
	until  time.Time
	cause  error
}

// now returns the failure that the server is left alone for, or nil.
func (r *respite) now() error {
	if time.Now().Before(r.until) {
		return r.cause
	}
	return nil
}

func (r *respite) begin(cause error) { r.until, r.cause = time.Now().Add(r.length), cause }
