package redistest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
)

// What a cluster's test leans on: its nodes come back as members, and a slot goes where it is sent.
func TestCluster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	cluster := redistest.StartCluster(t)
	options, err := redis.ParseClusterURL(cluster.URL)
	must(t, err)
	client := redis.NewClusterClient(options)
	t.Cleanup(func() { _ = client.Close() })
	must(t, client.Set(ctx, "key", "value", 0).Err())

	slot, err := cluster.Slot(ctx, "another key")
	must(t, err)
	owner, err := cluster.Owner(ctx, slot)
	must(t, err)
	for _, node := range cluster.Nodes {
		if node == owner {
			continue
		}
		must(t, cluster.Move(ctx, slot, node))
		must(t, cluster.AwaitReady(ctx))
	}
	for _, node := range cluster.Nodes {
		must(t, node.Kill())
		must(t, node.Restart(ctx))
		must(t, cluster.AwaitReady(ctx))
	}
	must(t, client.Set(ctx, "another key", "value", 0).Err())
}

func TestSharedClusterAnswers(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseClusterURL(redistest.ClusterURL(t))
	must(t, err)
	client := redis.NewClusterClient(options)
	defer func() { _ = client.Close() }()
	must(t, client.SPublish(t.Context(), "channel", "message").Err())
}
