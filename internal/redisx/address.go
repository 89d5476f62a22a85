package redisx

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The time-outs are short: everything that uses Redis has a way to go on without it.
const timeout = 2 * time.Second

// reloadEvery is how old a cluster's table of slots may be where nothing has pointed out that it is wrong.
const reloadEvery = 10 * time.Second

// address is what a URL names: one server, or a cluster.
type address struct {
	server  *redis.Options
	cluster *redis.ClusterOptions
}

// Check says what is wrong with a URL, without the password that it may hold.
func Check(text string) error {
	_, err := parse(text)
	return err
}

var (
	errNoAddress = errors.New("read the address: use redis://:password@host:port/0, " +
		"or redis://:password@host:port?addr=host2:port&addr=host3:port for a cluster")
	errClusterDatabase = errors.New("read the address: a cluster has database 0 alone")
)

// parse reads what go-redis reads: ParseURL for a server, ParseClusterURL for a cluster. A URL means a cluster when
// it names further nodes (addr=), or says so (cluster=true) where one name stands for all of them.
func parse(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, errNoAddress // url.Parse quotes what it could not read
	}
	query := u.Query()
	if query.Get("cluster") != "true" && !query.Has("addr") {
		return parseServer(text)
	}
	if strings.Trim(strings.TrimPrefix(u.Path, "/"), "0") != "" {
		return address{}, errClusterDatabase
	}
	query.Del("cluster")
	u.Path, u.RawQuery = "", query.Encode()
	return parseCluster(u.String())
}

func parseServer(text string) (address, error) {
	options, err := redis.ParseURL(text)
	if err != nil {
		return address{}, errNoAddress
	}
	options.ClientName = "souk"
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries = 1
	return address{server: options}, nil
}

func parseCluster(text string) (address, error) {
	options, err := redis.ParseClusterURL(text)
	if err != nil {
		return address{}, errNoAddress
	}
	options.ClientName = "souk"
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
	options.ContextTimeoutEnabled = true
	options.DialerRetries = 1
	options.ClusterStateReloadInterval = reloadEvery
	return address{cluster: options}, nil
}

// open makes the client; nothing is connected yet.
func (a address) open() redis.UniversalClient {
	if a.cluster != nil {
		return redis.NewClusterClient(a.cluster)
	}
	return redis.NewClient(a.server)
}

// String is where, without a password.
func (a address) String() string {
	if a.cluster != nil {
		return strings.Join(a.cluster.Addrs, ", ")
	}
	return a.server.Addr
}

// Ping says whether Redis answers: of a cluster, whether one of its nodes does. What a lost node takes with it is a
// wake-up here and there, and no reason to take the server that asks out of service.
func Ping(ctx context.Context, client redis.UniversalClient) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return client.Ping(ctx).Err()
	}
	ctx, answered := context.WithCancelCause(ctx)
	defer answered(nil)
	// The table of slots is read anew, from a node that may be frozen: then the last one serves.
	reload, cancel := context.WithTimeout(ctx, timeout/8)
	defer cancel()
	err := cluster.ForEachMaster(reload, func(_ context.Context, node *redis.Client) error {
		err := node.Ping(ctx).Err()
		if err == nil {
			answered(errAnswered)
		}
		return err
	})
	if errors.Is(context.Cause(ctx), errAnswered) {
		return nil
	}
	if err == nil {
		return errNoNodes
	}
	return err
}

var (
	errAnswered = errors.New("a node answered")
	errNoNodes  = errors.New("no node of the cluster has slots")
)
