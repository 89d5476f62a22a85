package redistest_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
)

func TestSharedServerAnswers(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(redistest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1, ReadTimeout: 300 * time.Millisecond})
	t.Cleanup(func() { _ = client.Close() })
	must(t, client.Set(ctx, "key", "value", 0).Err())

	must(t, server.Pause())
	if err := ping(ctx, client); err == nil {
		t.Error("a frozen server answered")
	}
	must(t, server.Resume())
	if got, err := client.Get(ctx, "key").Result(); err != nil || got != "value" {
		t.Errorf("after the freeze: %q, %v; want the value", got, err)
	}

	for name, end := range map[string]func() error{"Stop": server.Stop, "Kill": server.Kill} {
		must(t, end())
		if err := ping(ctx, client); err == nil {
			t.Errorf("the server answered after %s", name)
		}
		must(t, server.Restart(ctx))
		must(t, client.Ping(ctx).Err())
		if n, err := client.DBSize(ctx).Result(); err != nil || n != 0 {
			t.Errorf("after %s and Restart: %d keys, %v; want none", name, n, err)
		}
	}

	must(t, server.Pause())
	must(t, server.Stop())
	if err := server.Pause(); err == nil {
		t.Error("Pause of a stopped server: no error")
	}
}

func TestServersAreSeparate(t *testing.T) {
	t.Parallel()
	if one, two := redistest.Start(t), redistest.Start(t); one.Addr == two.Addr {
		t.Errorf("both have %s", one.Addr)
	}
}

func ping(ctx context.Context, client *redis.Client) error { return client.Ping(ctx).Err() }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
