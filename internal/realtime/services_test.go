package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/redisx"
)

// database is a real one. Its topics' rows are stood in for by a lock for each, held until the commit.
type database struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	rows map[Topic]*row
}

type row struct {
	mu      sync.Mutex
	version int64
}

func newDatabase(tb testing.TB) *database {
	tb.Helper()
	d := pgtest.New(tb)
	// Clones of one template have one epoch; two databases on one Redis must not.
	if _, err := d.Admin.Exec(tb.Context(), "UPDATE epoch SET id = gen_random_uuid()"); err != nil {
		tb.Fatal(err)
	}
	return &database{pool: d.Pool, rows: map[Topic]*row{}}
}

func (d *database) row(topic Topic) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rows[topic] == nil {
		d.rows[topic] = &row{}
	}
	return d.rows[topic]
}

// commit makes the topic's next event in a transaction of its own.
func (d *database) commit(ctx context.Context, topic Topic) (e Event, err error) {
	row := d.row(topic)
	row.mu.Lock()
	defer row.mu.Unlock()
	want := eventOf(topic, row.version+1)
	err = postgres.InTx(ctx, d.pool, func(tx pgx.Tx) error {
		e, err = AppendTx(ctx, tx, topic, want.Version, want.Kind, want.Payload)
		return err
	})
	if err == nil {
		row.version++
	}
	return e, err
}

func (d *database) snapshot(topic Topic) func(context.Context) (Event, error) {
	return func(ctx context.Context) (e Event, err error) {
		err = d.pool.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM event WHERE topic = $1", topic).Scan(&e.Version)
		return e, err
	}
}

// overBoth runs a test over one Redis server and over a cluster.
func overBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"server": redistest.URL, "cluster": redistest.ClusterURL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, url(t))
		})
	}
}

func dial(tb testing.TB, url string) redis.UniversalClient {
	tb.Helper()
	client, err := redisx.New(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// listeners counts the servers that hear what is published on a channel.
func listeners(ctx context.Context, client redis.UniversalClient, channel string) int64 {
	count := client.PubSubNumSub
	if cluster, ok := client.(*redis.ClusterClient); ok {
		node, err := cluster.MasterForKey(ctx, channel)
		if err != nil {
			return 0
		}
		count = node.PubSubShardNumSub
	}
	n, err := count(ctx, channel).Result()
	if err != nil {
		return 0
	}
	return n[channel]
}

func startReal(tb testing.TB, config Config, d *database, url string) *Hub {
	tb.Helper()
	config.Pool, config.Redis, config.Log = d.pool, dial(tb, url), quiet
	h, err := NewHub(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(h.Close)
	return h
}

func TestAppendTx(t *testing.T) {
	t.Parallel()
	d, topic := newDatabase(t), newTestTopic()
	s := newPGStore(d.pool, 2, time.Second)
	var sent []Event
	for range 3 {
		e, err := d.commit(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, e)
	}
	stored, err := s.Range(t.Context(), topic, 0, 100, 10)
	if err != nil || len(stored) != 3 {
		t.Fatalf("%d events, %v", len(stored), err)
	}
	latest, err := s.Latest(t.Context(), topic, 2)
	if err != nil || len(latest) != 2 || latest[0].Version != 2 || latest[1].Version != 3 {
		t.Errorf("latest: %v, %v", latest, err)
	}
	// The store and the bus give the same bytes, so that no viewer can tell which way an event came.
	for i, e := range sent {
		payload, err := encode("n", e)
		if err != nil {
			t.Fatal(err)
		}
		carried, _, err := decode(topic, payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []Event{stored[i], carried} {
			if fmt.Sprintf("%v", got) != fmt.Sprintf("%v", e) {
				t.Errorf("got %v, want %v", got, e)
			}
		}
	}
	tails, epoch, err := s.Tails(t.Context(), []Topic{topic, "none:1"})
	if err != nil || tails[topic] != 3 || tails["none:1"] != 0 || epoch == "" {
		t.Errorf("tails: %v, %s, %v", tails, epoch, err)
	}
}

func TestAppendTxRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version int64
		kind    string
		payload any
	}{
		"a version twice":       {1, "A", 1},
		"version zero":          {0, "A", 1},
		"a snapshot":            {2, KindSnapshot, 1},
		"what JSON cannot say":  {2, "A", func() {}},
		"a payload without end": {2, "A", make([]byte, MaxPayload)},
		"broken raw JSON":       {2, "A", json.RawMessage("{")},
	} {
		tx, topic := pgtest.Tx(t), newTestTopic()
		if _, err := AppendTx(t.Context(), tx, topic, 1, "A", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := AppendTx(t.Context(), tx, topic, tc.version, tc.kind, tc.payload); err == nil {
			t.Errorf("%s passed", name)
		}
	}
}

func TestRolledBackEventIsNotSeen(t *testing.T) {
	t.Parallel()
	overBoth(t, testRolledBackEventIsNotSeen)
}

func testRolledBackEventIsNotSeen(t *testing.T, url string) {
	d, topic := newDatabase(t), newTestTopic()
	h := startReal(t, Config{}, d, url)
	s := subscribe(t, h, Subscribe{Topic: topic, After: new(int64(0))})
	never := errors.New("never mind")
	err := postgres.InTx(t.Context(), d.pool, func(tx pgx.Tx) error {
		if _, err := AppendTx(t.Context(), tx, topic, 1, "UNDONE", nil); err != nil {
			return err
		}
		return never
	})
	if !errors.Is(err, never) {
		t.Fatal(err)
	}
	e, err := d.commit(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	h.Publish(t.Context(), e)
	expect(t, s, 1, 1)
}

func TestTwoServers(t *testing.T) {
	t.Parallel()
	overBoth(t, testTwoServers)
}

func testTwoServers(t *testing.T, url string) {
	d, topic := newDatabase(t), newTestTopic()
	slow := Config{PollEvery: time.Hour, PollUnhealthy: time.Hour} // so that it is Redis that brings the event
	one, two := startReal(t, slow, d, url), startReal(t, slow, d, url)
	s := subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))})
	await(t, "the second server's subscription", func() bool {
		return listeners(t.Context(), one.config.Redis, channelOf(one.Epoch(), topic)) == 1
	})
	for version := int64(1); version <= 20; version++ {
		e, err := d.commit(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		one.Publish(t.Context(), e)
		expect(t, s, version, version)
	}
	s.Close()
}

// Two installations on one Redis share a topic's name and nothing else.
func TestTwoInstallations(t *testing.T) {
	t.Parallel()
	overBoth(t, testTwoInstallations)
}

func testTwoInstallations(t *testing.T, url string) {
	a, b, topic := newDatabase(t), newDatabase(t), newTestTopic()
	one, two := startReal(t, Config{}, a, url), startReal(t, Config{}, b, url)
	if one.Epoch() == two.Epoch() {
		t.Fatal("one epoch for two databases")
	}
	mine, theirs := subscribe(t, one, Subscribe{Topic: topic, After: new(int64(0))}), subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))})
	for range 2 {
		e, err := a.commit(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		one.Publish(t.Context(), e)
	}
	expect(t, mine, 1, 2)
	e, err := b.commit(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	two.Publish(t.Context(), e)
	expect(t, theirs, 1, 1)
	if got := value(t, two.metrics.phantoms); got != 0 {
		t.Errorf("%v foreign events arrived", got)
	}
}

func TestRedisDownFromTheStart(t *testing.T) {
	t.Parallel()
	overBothOfOnesOwn(t, testRedisDownFromTheStart)
}

func testRedisDownFromTheStart(t *testing.T, r *ownRedis) {
	d, topic := newDatabase(t), newTestTopic()
	if err := r.kill(); err != nil {
		t.Fatal(err)
	}
	quick := Config{PollUnhealthy: 20 * time.Millisecond}
	one, two := startReal(t, quick, d, r.url), startReal(t, quick, d, r.url)
	here, there := subscribe(t, one, Subscribe{Topic: topic, After: new(int64(0))}), subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))})
	for range 5 {
		e, err := d.commit(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		one.Publish(t.Context(), e)
	}
	expect(t, here, 1, 5)
	expect(t, there, 1, 5)
	if one.healthy.Load() {
		t.Error("a dead Redis is called healthy")
	}
	if err := r.restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "both servers are back on Redis", func() bool { return one.healthy.Load() && two.healthy.Load() })
}

// A Redis that hangs costs one time-out, and then nothing for a while.
func TestHangingRedisIsLeftAlone(t *testing.T) {
	t.Parallel()
	overBothOfOnesOwn(t, testHangingRedisIsLeftAlone)
}

func testHangingRedisIsLeftAlone(t *testing.T, r *ownRedis) {
	config := Config{Redis: dial(t, r.url), PublishRest: time.Hour, Log: quiet}.withDefaults()
	bus := newBus(config)
	messages := []message{{"one", "x"}, {"two", "y"}, {"three", "z"}, {"four", "z"}, {"five", "z"}}
	if lost, err := bus.Publish(t.Context(), messages); lost != 0 || err != nil {
		t.Fatalf("%d lost, %v", lost, err)
	}
	for _, node := range r.nodes {
		if err := node.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if lost, err := bus.Publish(ctx, messages); lost != len(messages) || err == nil {
		t.Fatalf("a Redis that hangs took messages: %d lost, %v", lost, err)
	}
	for range 100 { // each would wait for ever
		if lost, err := bus.Publish(t.Context(), messages); lost != len(messages) || err == nil {
			t.Fatalf("%d lost, %v", lost, err)
		}
	}
}

// realOracle is the world over Postgres and Redis, through a chaotic bus on top.
func realOracle(t *testing.T, url string) *oracle {
	d := newDatabase(t)
	events, patience := length(250)
	o := &oracle{
		seed: seed(t), topics: []Topic{newTestTopic(), newTestTopic(), newTestTopic()}, events: events, viewers: 10,
		pace: 2 * time.Millisecond, patience: patience, commit: d.commit, snapshot: d.snapshot,
	}
	config := tight()
	config.PollEvery, config.PingEvery = 200*time.Millisecond, 50*time.Millisecond
	config.ReplayEvents, config.Page = 64, 50
	config.PublishRest = 50 * time.Millisecond
	for i := range 2 {
		config := config.withDefaults()
		config.Log = quiet
		config.Redis = dial(t, url)
		bus := newBus(config)
		store := newPGStore(d.pool, 3, config.ReadTimeout)
		o.hubs = append(o.hubs, startHub(t, config, store, chaotic(bus, o.seed+uint64(i))))
	}
	return o
}

func TestOracleOverPostgresAndRedis(t *testing.T) {
	t.Parallel()
	overBoth(t, testOracleOverPostgresAndRedis)
}

func testOracleOverPostgresAndRedis(t *testing.T, url string) {
	o := realOracle(t, url)
	for _, fault := range o.run(t.Context()) {
		t.Error(fault)
	}
}

// No one may hold more of the pool than its permits, however many topics catch up.
func TestReadsAreFew(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := newPGStore(d.pool, 1, 50*time.Millisecond)
	s.permits <- struct{}{} // somebody reads
	if _, err := s.Latest(t.Context(), newTestTopic(), 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read without a permit: %v", err)
	}
	<-s.permits
	if _, err := s.Latest(t.Context(), newTestTopic(), 1); err != nil {
		t.Error(err)
	}
}
