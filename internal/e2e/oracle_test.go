package e2e

import (
	"context"
	"flag"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/stripefake"
)

var (
	seedFlag = flag.Uint64("oracle.seed", 0, "the oracle's seed; 0: by the clock")
	forFlag  = flag.Duration("oracle.for", 0, "how long the oracle makes faults; 0: until each kind was made, and half a minute at least")
)

// The oracle: many viewers with all kinds of operations, by all protocols, at two servers, while everything breaks
// that can: Redis, the way to it, the servers, Postgres, and the viewers' own connections. Each viewer has to see a
// contiguous range of the database's versions up to the end, with what the database says of each. Once they have left,
// nothing of them is left.
func TestOracle(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test -run '^TestOracle$' -oracle.seed=%d ./internal/e2e", seed)
	x := newTrouble(t, seed, oracleConfig{
		viewers: watching(80, 200), lots: 3, lotFor: 15 * time.Second, pace: 80 * time.Millisecond, fidget: 6 * time.Second, stall: 3 * time.Second,
	})
	x.wire.mangling.Store(true)
	x.run(seed, max(*forFlag, 30*time.Second), x.ofRedis(), append(happenings, mangled...))
}

// watching is how many watch in CI, where they find a mistake in the order of things as well, only later; and how many in make soak-live, which has the time.
func watching(ci, soak int) int {
	if *forFlag > 0 {
		return soak
	}
	return ci
}

// The same over a Redis Cluster: its nodes are killed and frozen, and a replica takes its master's place.
func TestOracleOverACluster(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test -run '^TestOracleOverACluster$' -oracle.seed=%d ./internal/e2e", seed)
	x := newTroubleOverACluster(t, seed, oracleConfig{
		viewers: watching(30, 60), lots: 2, lotFor: 10 * time.Second, pace: 120 * time.Millisecond, fidget: 4 * time.Second, stall: 2 * time.Second,
	})
	x.run(seed, max(*forFlag, 15*time.Second), x.ofCluster(), happenings)
}

// run has people write, viewers watch and things break, for a time and until each has happened, and looks at what was seen.
func (x *trouble) run(seed uint64, length time.Duration, ofRedis []fault, happenings []string) {
	t, w := x.t, x.w
	ctx, cancel := context.WithTimeout(t.Context(), length+5*time.Minute)
	defer cancel()
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	w.write(writing)
	watching := w.watch(ctx)

	breaking, stopBreaking := context.WithTimeout(ctx, length)
	defer stopBreaking()
	var making sync.WaitGroup
	making.Go(func() { x.makes(breaking, rand.New(rand.NewPCG(seed, 1)), ofRedis) })
	making.Go(func() { x.makes(breaking, rand.New(rand.NewPCG(seed, 2)), x.ofServers()) })
	making.Wait()
	for _, what := range happenings {
		w.awaits(ctx, what)
	}
	stopWriting()
	w.end(ctx)
	patient, stopPatience := context.WithTimeout(ctx, time.Minute)
	defer stopPatience()
	context.AfterFunc(patient, cancel)
	watching.Wait()
	w.hangUp()

	w.report()
	leavesNothing(t, w.idle, x.redises, w.servers...)
	for _, f := range slices.Concat(ofRedis, x.ofServers()) {
		w.atLeastOnce("fault: " + f.name)
	}
	w.atLeastOnce(happenings...)
}

// happenings are what has to happen in every run, however slow the machine, besides the faults.
var happenings = []string{
	"sockets cut", "sockets stalled", "sockets half open", "operations stopped and started anew", "resumed by Last-Event-ID",
	"journals kept to a topic's end", "snapshots read", "bids placed", "lots sold", "orders received",
	"events read at support's desk",
}

// mangled is what the way to one Redis does besides.
var mangled = []string{"publishes repeated", "publishes delayed", "publishes swapped", "publishes lost", "subscribers overrun"}

// awaits waits until something has happened, or ctx ends.
func (w *oracle) awaits(ctx context.Context, what string) {
	for w.counted(what) == 0 && ctx.Err() == nil {
		pause(ctx, 100*time.Millisecond)
	}
}

// newTrouble is two servers with a PostgreSQL and a Redis of their own.
func newTrouble(t *testing.T, seed uint64, config oracleConfig) *trouble {
	t.Helper()
	x := &trouble{t: t, redis: redistest.Start(t)}
	x.redises = []*redistest.Server{x.redis}
	counts := newTally()
	x.wire = startWire(t, x.redis.Addr, seed, counts)
	return x.start(seed, config, counts, x.wire.URL)
}

// newTroubleOverACluster has a Redis Cluster instead, whose first master has a replica.
func newTroubleOverACluster(t *testing.T, seed uint64, config oracleConfig) *trouble {
	t.Helper()
	x := &trouble{t: t, cluster: redistest.StartCluster(t)}
	if err := x.cluster.Replicate(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.redises = append(slices.Clone(x.cluster.Nodes), x.cluster.Replica)
	return x.start(seed, config, newTally(), x.cluster.URL)
}

// start starts the servers.
func (x *trouble) start(seed uint64, config oracleConfig, counts *tally, redisURL string) *trouble {
	t := x.t
	t.Helper()
	x.postgres, x.config = ownPostgres(t)
	t.Cleanup(func() { _ = x.postgres.Stop(context.WithoutCancel(t.Context())) })
	one := privateSite(t)
	one.tolerant = true
	one.settings["DATABASE_URL"], one.settings["DATABASE_ADMIN_URL"] = x.postgres.ServerURL("souk"), x.postgres.AdminURL("souk")
	one.settings["REDIS_URL"] = redisURL
	one.settings["SOUK_DB_MAX_CONNS"] = "12"
	one.settings["SOUK_TRUSTED_PROXIES"] = "127.0.0.0/8"
	stripe := one.shareStripe()
	x.sites = []*site{one, one.another()}
	servers := []*server{x.sites[0].start(), x.sites[1].start()}
	truth, err := newTruth(t.Context(), x.postgres.AdminURL("souk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(truth.pool.Close)
	x.w = newOracle(t, seed, config, counts, truth, servers...)
	stripe.Notify(stripefake.Endpoint{URL: x.w.takesWebhooks() + payment.WebhookPath, Secret: hookSecret})
	return x
}

// takesWebhooks is an address that leads to any of the servers, wherever they are just now.
func (w *oracle) takesWebhooks() string {
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target, err := url.Parse(w.anyServer(rand.New(rand.NewPCG(rand.Uint64(), 0))))
			if err == nil {
				r.SetURL(target)
			}
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo), // Stripe tries again
	})
	w.t.Cleanup(front.Close)
	return front.URL
}

// report says what was seen, and fails for what must not be.
func (w *oracle) report() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Logf("seed %d:%s", w.seed, w.tally)
	for _, class := range slices.Sorted(maps.Keys(w.violations)) {
		all := w.violations[class]
		w.t.Errorf("%d violations: %s\n%s", len(all), class, strings.Join(all[:min(5, len(all))], "\n"))
	}
	if w.t.Failed() {
		w.t.Logf("the newest notes:\n%s", strings.Join(w.notes, "\n"))
	}
}

func (w *oracle) atLeastOnce(what ...string) {
	w.t.Helper()
	for _, what := range what {
		if w.counted(what) == 0 {
			w.t.Errorf("there were no %s", what)
		}
	}
}
