package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redistest"
)

// metric is what the server says about itself.
func (s *server) metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	req.Close = true // so that asking leaves no connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("the server has no metric %s", name), lines.Err())
}

// heldByViewers are what a server has only while somebody watches.
var heldByViewers = []string{
	"souk_websocket_connections", "souk_audience_viewers", "souk_audience_groups", "souk_realtime_subscriptions", "souk_realtime_topics",
}

// Of what a server has at all times there may be a few more afterwards: connections that its pools have opened meanwhile.
const (
	goroutines = "go_goroutines"
	files      = "process_open_fds"
	few        = 25
)

// idle is how many goroutines and open files a server has while nobody watches.
type idle map[string]float64

func measureIdle(t *testing.T, s *server) idle {
	t.Helper()
	measured := idle{}
	for _, name := range []string{goroutines, files} {
		value, err := s.metric(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		measured[name] = value
	}
	return measured
}

// leavesNothing waits until the servers have let go of all that viewers had them hold, and Redis, on all its nodes, of every subscription.
func leavesNothing(t *testing.T, before idle, redises []*redistest.Server, servers ...*server) {
	t.Helper()
	for i, s := range servers {
		most := map[string]float64{}
		for _, name := range heldByViewers {
			most[name] = 0
		}
		for name, value := range before {
			most[name] = value + few
		}
		for name, most := range most {
			var value float64
			settles(t, func() string {
				var err error
				if value, err = s.metric(t.Context(), name); err == nil && value <= most {
					return ""
				}
				return fmt.Sprintf("server %d has %s %v, want at most %v (%v)", i, name, value, most, err)
			})
		}
	}
	for _, node := range redises {
		client := redis.NewClient(&redis.Options{Addr: node.Addr})
		settles(t, func() string {
			channels, err := client.PubSubChannels(t.Context(), "souk:*").Result()
			sharded, shardErr := client.PubSubShardChannels(t.Context(), "souk:*").Result()
			if err == nil && shardErr == nil && len(channels)+len(sharded) == 0 {
				return ""
			}
			return fmt.Sprintf("Redis has subscriptions left: %v, %v (%v, %v)", channels, sharded, err, shardErr)
		})
		_ = client.Close()
	}
}

// settles waits until nothing is wrong any more; if something stays so, that is the test's error.
func settles(t *testing.T, wrong func() string) {
	t.Helper()
	var last string
	for range 450 { // 45 s, of which topics linger ten
		if last = wrong(); last == "" {
			return
		}
		pause(t.Context(), patience/450)
	}
	t.Error(last)
}
