package redisx_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/redisx"
)

func TestOpenCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	client, err := redisx.Open(t.Context(), cluster.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, ok := client.(*redis.ClusterClient); !ok {
		t.Fatalf("opened %T", client)
	}
	one, err := redisx.Open(t.Context(), cluster.Nodes[1].URL+"/0?cluster=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = one.Close() })
	// A key's node answers, whichever it is.
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := client.Set(t.Context(), key, key, 0).Err(); err != nil {
			t.Error(err)
		}
		if got, err := one.Get(t.Context(), key).Result(); err != nil || got != key {
			t.Errorf("%s is %q, %v", key, got, err)
		}
	}

	// It answers for as long as one node does.
	for i, node := range cluster.Nodes {
		if err := ping(t, client); err != nil {
			t.Errorf("with %d nodes dead: %v", i, err)
		}
		end := node.Kill
		if i == 0 {
			end = node.Pause // a node that hangs is worse than one that is gone
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ping(t, client); err == nil {
		t.Error("a cluster without nodes answered")
	}
}

func ping(t *testing.T, client redis.UniversalClient) error {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return redisx.Ping(ctx, client)
}

func TestOpenClusterFails(t *testing.T) {
	t.Parallel()
	gone := redistest.Start(t)
	single := redistest.Start(t)
	if err := gone.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ url, want string }{
		"another database":  {gone.URL + "/1?addr=" + gone.Addr, "database 0 alone"},
		"no port":           {gone.URL + "?addr=localhost", "read the address"},
		"an unknown option": {gone.URL + "?addr=" + gone.Addr + "&hunter2=1", "read the address"},
		"cluster=no":        {gone.URL + "?cluster=no", "read the address"},
		"a foreign scheme":  {"http://" + gone.Addr + "?cluster=true", "read the address"},
		"nobody there":      {gone.URL + "?addr=" + gone.Addr, "reach Redis at " + gone.Addr + ", " + gone.Addr},
		"no cluster":        {single.URL + "?cluster=true", "cluster support disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := redisx.Open(t.Context(), test.url)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}
