package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots is how many a Redis Cluster has.
const slots = 16384

// Cluster is a Redis Cluster of three masters on loopback, started for real. Its nodes keep what they know of each other,
// and nothing else, so that one that was killed comes back as a member.
type Cluster struct {
	URL     string // redis://host:port?addr=host:port&addr=host:port
	Nodes   []*Server
	Replica *Server // of the first of them, after Replicate

	dir string
}

var theClusterURL = sync.OnceValues(func() (string, error) {
	cluster, err := LaunchCluster(context.Background())
	if err != nil {
		return "", err
	}
	return cluster.URL, nil // their death signals end them
})

// ClusterURL is the address of a cluster that the test process shares.
func ClusterURL(t testing.TB) string {
	t.Helper()
	url, err := theClusterURL()
	if err != nil {
		t.Fatalf("redistest: a test needs a Redis Cluster: %v", err)
	}
	return url
}

// StartCluster starts a cluster that ends with the test.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	cluster, err := LaunchCluster(t.Context())
	if err != nil {
		t.Fatalf("redistest: a test needs a Redis Cluster: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.end(); err != nil {
			t.Errorf("redistest: %v", err)
		}
	})
	return cluster
}

// LaunchCluster starts a cluster outside a test; it ends with the process.
func LaunchCluster(ctx context.Context) (_ *Cluster, err error) {
	sweep()
	c := new(Cluster)
	if c.dir, err = os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.end()
		}
	}()
	for range 3 {
		node, err := launch(ctx, c.prepare)
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, node)
	}
	c.URL = c.Nodes[0].URL + "?addr=" + c.Nodes[1].Addr + "&addr=" + c.Nodes[2].Addr
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	if err := c.AwaitReady(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// dirPrefix begins the names of the nodes' directories; the process's id follows.
const dirPrefix = "souk-redis-cluster-"

// sweep removes the directories of processes that have ended: the shared cluster ends with its process, by a signal
// that leaves no time to clean up.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}

// prepare makes a server a node. The port on which nodes talk is usually its own and 10,000, which may be taken, or
// no port at all.
func (c *Cluster) prepare(s *Server) error {
	bus, err := freePort()
	if err != nil {
		return err
	}
	s.dir = c.dir
	s.extra = []string{
		"--cluster-enabled", "yes", "--cluster-config-file", fmt.Sprintf("nodes-%d.conf", s.port),
		"--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "1000",
		"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
	}
	return nil
}

// join gives each node a third of the slots and introduces them to the first.
func (c *Cluster) join(ctx context.Context) error {
	for i, node := range c.Nodes {
		first, last := slots*i/len(c.Nodes), slots*(i+1)/len(c.Nodes)-1
		err := node.do(ctx,
			[]any{"CLUSTER", "SET-CONFIG-EPOCH", i + 1},
			[]any{"CLUSTER", "ADDSLOTSRANGE", first, last},
			[]any{"CLUSTER", "MEET", "127.0.0.1", c.Nodes[0].port, c.Nodes[0].bus()})
		if err != nil {
			return err
		}
	}
	return nil
}

// bus is the port on which the node talks to others.
func (s *Server) bus() string {
	for i, arg := range s.extra {
		if arg == "--cluster-port" {
			return s.extra[i+1]
		}
	}
	return ""
}

// do runs commands at this server, whatever slot they are about.
func (s *Server) do(ctx context.Context, commands ...[]any) error {
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = client.Close() }()
	for _, command := range commands {
		if err := client.Do(ctx, command...).Err(); err != nil {
			return fmt.Errorf("%v at %s: %w", command, s.Addr, err)
		}
	}
	return nil
}

// AwaitReady waits until every node knows the others and serves.
func (c *Cluster) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	nodes := slices.Clone(c.Nodes)
	if c.Replica != nil {
		nodes = append(nodes, c.Replica)
	}
	for _, node := range nodes {
		if err := node.awaitCluster(ctx, len(nodes)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) awaitCluster(ctx context.Context, nodes int) error {
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = client.Close() }()
	for {
		info, err := client.ClusterInfo(ctx).Result()
		if err == nil && ready(info, nodes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the cluster is not ready at %s: %s", s.Addr, info), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ready(info string, nodes int) bool {
	return strings.Contains(info, "cluster_state:ok") &&
		strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r\n", slots)) &&
		strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r\n", nodes))
}

// Replicate gives the first node a replica, which takes its place when it is gone, and waits until it follows. The two may change places as often
// as one of them ends: the other masters are a majority.
func (c *Cluster) Replicate(ctx context.Context) (err error) {
	if c.Replica, err = launch(ctx, c.prepare); err != nil {
		return err
	}
	of := redis.NewClient(&redis.Options{Addr: c.Nodes[0].Addr})
	defer func() { _ = of.Close() }()
	master, err := of.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	if err := c.Replica.do(ctx, []any{"CLUSTER", "MEET", "127.0.0.1", c.Nodes[0].port, c.Nodes[0].bus()}); err != nil {
		return err
	}
	if err := c.Replica.until(ctx, func(*redis.Client) error { return c.Replica.do(ctx, []any{"CLUSTER", "REPLICATE", master}) }); err != nil {
		return err // it has never heard of the master
	}
	return errors.Join(c.Replica.AwaitRole(ctx, "slave"), c.AwaitReady(ctx))
}

// AwaitRole waits until a node is "master", or a "slave" that has all of its master's.
func (s *Server) AwaitRole(ctx context.Context, role string) error {
	return s.until(ctx, func(client *redis.Client) error {
		is, err := client.Do(ctx, "ROLE").Slice()
		if err == nil && (is[0] != role || (role == "slave" && is[3] != "connected")) {
			err = fmt.Errorf("%s has the role %v, not %s", s.Addr, is, role)
		}
		return err
	})
}

// until tries until there is no error, half a minute at most.
func (s *Server) until(ctx context.Context, try func(*redis.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer func() { _ = client.Close() }()
	for {
		err := try(client)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Slot is the slot of a key or a channel.
func (c *Cluster) Slot(ctx context.Context, key string) (int, error) {
	client := redis.NewClient(&redis.Options{Addr: c.Nodes[0].Addr})
	defer func() { _ = client.Close() }()
	slot, err := client.ClusterKeySlot(ctx, key).Result()
	return int(slot), err
}

// Owner is the node that has a slot, as the first one sees it.
func (c *Cluster) Owner(ctx context.Context, slot int) (*Server, error) {
	client := redis.NewClient(&redis.Options{Addr: c.Nodes[0].Addr})
	defer func() { _ = client.Close() }()
	shards, err := client.ClusterShards(ctx).Result()
	if err != nil {
		return nil, err
	}
	for _, shard := range shards {
		has := func(r redis.SlotRange) bool { return int64(slot) >= r.Start && int64(slot) <= r.End }
		if !slices.ContainsFunc(shard.Slots, has) {
			continue
		}
		for _, node := range c.Nodes {
			if int64(node.port) == shard.Nodes[0].Port {
				return node, nil
			}
		}
	}
	return nil, fmt.Errorf("nobody has slot %d", slot)
}

// Move gives a slot without keys to another node, by the steps of a migration.
func (c *Cluster) Move(ctx context.Context, slot int, to *Server) error {
	from, err := c.Owner(ctx, slot)
	if err != nil {
		return err
	}
	ids := map[*Server]string{}
	for _, node := range []*Server{from, to} {
		client := redis.NewClient(&redis.Options{Addr: node.Addr})
		ids[node], err = client.ClusterMyID(ctx).Result()
		_ = client.Close()
		if err != nil {
			return err
		}
	}
	set := func(at *Server, args ...any) error {
		return at.do(ctx, append([]any{"CLUSTER", "SETSLOT", slot}, args...))
	}
	return errors.Join(
		set(to, "IMPORTING", ids[from]), set(from, "MIGRATING", ids[to]),
		set(to, "NODE", ids[to]), set(from, "NODE", ids[to]),
	)
}

// Kill ends all nodes as a power cut would.
func (c *Cluster) Kill() (err error) {
	for _, node := range c.Nodes {
		err = errors.Join(err, node.Kill())
	}
	return err
}

// Restart brings all nodes back, without what they had stored, and waits until they are a cluster again.
func (c *Cluster) Restart(ctx context.Context) error {
	for _, node := range c.Nodes {
		if err := node.Restart(ctx); err != nil {
			return err
		}
	}
	return c.AwaitReady(ctx)
}

func (c *Cluster) end() error {
	err := c.Kill()
	if c.Replica != nil {
		err = errors.Join(err, c.Replica.Kill())
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}
