package redisx_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/redisx"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client, err := redisx.Open(t.Context(), server.URL+"/3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client.Get(ctx, "key").Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a frozen server: %v, want the caller's own deadline", err)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	gone := redistest.Start(t)
	if err := gone.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ url, want string }{
		"no URL":         {"localhost:6379", "read the address"},
		"no scheme":      {"", "read the address"},
		"foreign":        {"postgres://localhost/1", "read the address"},
		"nobody there":   {gone.URL, "reach Redis at " + gone.Addr},
		"no such socket": {"unix:///nowhere/redis.sock", "reach Redis at /nowhere/redis.sock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := redisx.Open(t.Context(), test.url)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

func TestOpenLocal(t *testing.T) {
	t.Parallel()
	client, stop, err := redisx.OpenLocal()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	sub := client.Subscribe(ctx, "topic")
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if err := client.Publish(ctx, "topic", "hello").Err(); err != nil {
		t.Fatal(err)
	}
	select {
	case message := <-sub.Channel():
		if message.Payload != "hello" {
			t.Errorf("received %q", message.Payload)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing was received")
	}
	_ = sub.Close()
	stop()
	if err := client.Ping(ctx).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("after stop: %v, want a closed client", err)
	}
}

func TestOpenLocalLetsKeysExpire(t *testing.T) {
	t.Parallel()
	client, stop, err := redisx.OpenLocal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := client.Set(ctx, "short", "1", 100*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(ctx, "long", "1", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	for {
		left, err := client.Exists(ctx, "short").Result()
		if err != nil {
			t.Fatalf("the key never expired: %v", err)
		}
		if left == 0 {
			break
		}
	}
	if ttl := client.TTL(ctx, "long").Val(); ttl <= 59*time.Minute {
		t.Errorf("the long key has %v left: time runs too fast", ttl)
	}
}
