package realtime

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souklive/souk/internal/redistest"
)

// ownRedis is a Redis that a test may break: one server, or a cluster.
type ownRedis struct {
	url     string
	nodes   []*redistest.Server
	cluster *redistest.Cluster // nil for one server
}

// overBothOfOnesOwn runs a test over a server and over a cluster that nobody else uses.
func overBothOfOnesOwn(t *testing.T, test func(*testing.T, *ownRedis)) {
	t.Helper()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		test(t, &ownRedis{url: server.URL, nodes: []*redistest.Server{server}})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		test(t, ownCluster(t))
	})
}

func ownCluster(t *testing.T) *ownRedis {
	cluster := redistest.StartCluster(t)
	return &ownRedis{cluster.URL, cluster.Nodes, cluster}
}

func (r *ownRedis) kill() (err error) {
	for _, node := range r.nodes {
		err = errors.Join(err, node.Kill())
	}
	return err
}

func (r *ownRedis) restart(ctx context.Context) (err error) {
	for _, node := range r.nodes {
		err = errors.Join(err, node.Restart(ctx))
	}
	return err
}

// The oracle while nodes are killed, frozen and brought back, their clients are cut, and a topic's slot moves.
func TestOracleThroughRedisFaults(t *testing.T) {
	t.Parallel()
	overBothOfOnesOwn(t, testOracleThroughRedisFaults)
}

func testOracleThroughRedisFaults(t *testing.T, r *ownRedis) {
	o := realOracle(t, r.url)
	rng := rand.New(rand.NewPCG(o.seed, 7))
	steps := 0
	node := r.nodes[0]
	o.disturb = func(done int) {
		if done%20 != 0 {
			return
		}
		steps++
		var err error
		switch steps % 6 {
		case 0:
			node = r.nodes[rng.IntN(len(r.nodes))]
			err = node.Kill()
		case 1:
			err = node.Restart(context.Background())
		case 2:
			node = r.nodes[rng.IntN(len(r.nodes))]
			err = node.Pause()
			time.Sleep(time.Duration(rng.Int64N(int64(300 * time.Millisecond)))) // how long it is frozen
		case 3:
			err = node.Resume()
		case 4:
			err = dial(t, node.URL).Do(context.Background(), "CLIENT", "KILL", "TYPE", "pubsub").Err()
		case 5:
			// A node that is just back may not be believed yet, so this one may fail.
			_ = r.move(channelOf(o.hubs[0].Epoch(), o.topics[rng.IntN(len(o.topics))]), rng)
		}
		if err != nil {
			o.fault("disturb: %v", err)
		}
	}
	for _, fault := range o.run(t.Context()) {
		t.Error(fault)
	}
	if steps < 10 {
		t.Errorf("only %d disturbances", steps)
	}
}

// move gives a channel's slot to another node.
func (r *ownRedis) move(channel string, rng *rand.Rand) error {
	if r.cluster == nil {
		return nil
	}
	slot, err := r.cluster.Slot(context.Background(), channel)
	if err != nil {
		return err
	}
	owner, err := r.cluster.Owner(context.Background(), slot)
	if err != nil {
		return err
	}
	for {
		if to := r.nodes[rng.IntN(len(r.nodes))]; to != owner {
			return r.cluster.Move(context.Background(), slot, to)
		}
	}
}
