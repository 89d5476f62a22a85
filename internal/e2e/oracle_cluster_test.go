package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
)

// ofCluster are the faults of a Redis Cluster. While a master without a replica is away the cluster serves nobody.
func (x *trouble) ofCluster() []fault {
	nodes := x.cluster.Nodes
	master, replica := nodes[0], x.cluster.Replica
	return []fault{
		{"a master's replica took its place", func(ctx context.Context, _ *rand.Rand) error {
			if err := master.Kill(); err != nil {
				return err
			}
			if err := replica.AwaitRole(ctx, "master"); err != nil {
				return err
			}
			pause(ctx, time.Second) // on the replica alone
			err := errors.Join(master.Restart(ctx), master.AwaitRole(ctx, "slave"), x.cluster.AwaitReady(ctx))
			master, replica = replica, master
			return err
		}},
		{"a node killed", func(ctx context.Context, rng *rand.Rand) error {
			node := nodes[1+rng.IntN(2)]
			if err := node.Kill(); err != nil {
				return err
			}
			pause(ctx, between(rng, 200*time.Millisecond, 2500*time.Millisecond))
			return errors.Join(node.Restart(ctx), x.cluster.AwaitReady(ctx))
		}},
		{"a node frozen", func(ctx context.Context, rng *rand.Rand) error {
			node := nodes[1+rng.IntN(2)]
			if err := node.Pause(); err != nil {
				return err
			}
			pause(ctx, between(rng, 200*time.Millisecond, 3500*time.Millisecond))
			return errors.Join(node.Resume(), x.cluster.AwaitReady(ctx))
		}},
		{"all nodes killed their subscribers", func(ctx context.Context, _ *rand.Rand) error {
			return askAll(ctx, x.redises, "CLIENT", "KILL", "TYPE", "pubsub")
		}},
		{"all nodes paused their clients", func(ctx context.Context, rng *rand.Rand) error {
			d := between(rng, 200*time.Millisecond, 900*time.Millisecond)
			err := askAll(ctx, x.redises, "CLIENT", "PAUSE", d.Milliseconds(), "ALL")
			pause(ctx, d)
			return err
		}},
	}
}

// askAll sends each node a command.
func askAll(ctx context.Context, nodes []*redistest.Server, command ...any) (err error) {
	for _, node := range nodes {
		client := redis.NewClient(&redis.Options{Addr: node.Addr, MaxRetries: -1})
		err = errors.Join(err, client.Do(ctx, command...).Err())
		_ = client.Close()
	}
	return err
}
