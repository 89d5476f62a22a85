// Package redisx opens Redis, which wakes servers up, counts and forgets: nothing in it is the truth.
package redisx

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Open connects to the server at a redis://, rediss:// or unix:// URL, or to the cluster at one that names several
// nodes, and proves that it answers.
func Open(ctx context.Context, url string) (redis.UniversalClient, error) {
	address, err := parse(url)
	if err != nil {
		return nil, err
	}
	client := address.open()
	if err := Ping(ctx, client); err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("reach Redis at %s: %w", address, err)
	}
	return client, nil
}

// New is Open for who does not need an answer yet.
func New(url string) (redis.UniversalClient, error) {
	address, err := parse(url)
	if err != nil {
		return nil, err
	}
	return address.open(), nil
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
