// Package redisx opens Redis, which wakes servers up, counts and forgets: nothing in it is the truth.
package redisx

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Open connects to the server at a redis://, rediss:// or unix:// URL and proves that it answers. The
// type leaves room for a Redis Cluster.
//
// The time-outs are short: everything that uses Redis has a way to go on without it.
func Open(ctx context.Context, url string) (redis.UniversalClient, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	options.ClientName = "souk"
	options.DialTimeout = 2 * time.Second
	options.ReadTimeout = 2 * time.Second
	options.WriteTimeout = 2 * time.Second
	options.ContextTimeoutEnabled = true
	options.MaxRetries = 1
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("reach Redis at %s: %w", options.Addr, err)
	}
	return client, nil
}

// OpenLocal starts a Redis inside this process, for a server that runs alone. stop closes both ends.
func OpenLocal() (client redis.UniversalClient, stop func(), err error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the in-process Redis: %w", err)
	}
	opened, err := Open(context.Background(), "redis://"+server.Addr())
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	stopClock := runClock(server)
	return opened, func() {
		stopClock()
		_ = opened.Close()
		server.Close()
	}, nil
}

// runClock lets keys expire: miniredis is made for tests, in which no time passes by itself.
func runClock(server *miniredis.Miniredis) (stop func()) {
	const tick = 50 * time.Millisecond
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		last := time.Now()
		for {
			select {
			case now := <-ticker.C:
				server.FastForward(now.Sub(last))
				last = now
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-stopped }
}
