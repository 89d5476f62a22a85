package realtime

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souklive/souk/internal/redistest"
)

// unpolled is a hub whose viewers hear of another server's event by Redis or not at all.
var unpolled = Config{PollEvery: time.Hour, PollUnhealthy: time.Hour, PingEvery: 100 * time.Millisecond}

// topicAt finds a topic whose channel a node has.
func (r *ownRedis) topicAt(t *testing.T, epoch string, node *redistest.Server) Topic {
	t.Helper()
	for {
		topic := newTestTopic()
		if r.owner(t, epoch, topic) == node {
			return topic
		}
	}
}

func (r *ownRedis) owner(t *testing.T, epoch string, topic Topic) *redistest.Server {
	t.Helper()
	slot, err := r.cluster.Slot(t.Context(), channelOf(epoch, topic))
	if err != nil {
		t.Fatal(err)
	}
	owner, err := r.cluster.Owner(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	return owner
}

// hears waits until a node has the subscription of one server.
func hears(t *testing.T, node *redistest.Server, channel string) {
	t.Helper()
	client := dial(t, node.URL)
	await(t, "the node has the subscription", func() bool {
		n, err := client.PubSubShardNumSub(t.Context(), channel).Result()
		return err == nil && n[channel] == 1
	})
}

// tell commits an event and publishes it at a server.
func tell(t *testing.T, d *database, at *Hub, topic Topic) {
	t.Helper()
	e, err := d.commit(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	at.Publish(t.Context(), e)
}

// A topic's messages go to one node, and where its slot goes its viewers follow.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	r, d := ownCluster(t), newDatabase(t)
	one, two := startReal(t, unpolled, d, r.url), startReal(t, unpolled, d, r.url)
	topic := newTestTopic()
	channel := channelOf(one.Epoch(), topic)
	slot, err := r.cluster.Slot(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	s := subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))})
	hears(t, r.owner(t, one.Epoch(), topic), channel)
	tell(t, d, one, topic)
	expect(t, s, 1, 1)

	version := int64(1)
	for range 2 { // twice round
		for _, node := range r.nodes {
			if r.owner(t, one.Epoch(), topic) == node {
				continue
			}
			if err := r.cluster.Move(t.Context(), slot, node); err != nil {
				t.Fatal(err)
			}
			hears(t, node, channel)
			version++
			tell(t, d, one, topic) // the publisher's table of slots is an old one
			expect(t, s, version, version)
		}
	}
	if lost := value(t, one.metrics.unpublished); lost != 0 {
		t.Errorf("%v messages were not sent", lost)
	}
}

// A dead node takes its topics' wake-ups with it, and nothing of the others.
func TestNodeDiesAndComesBack(t *testing.T) {
	t.Parallel()
	r, d := ownCluster(t), newDatabase(t)
	one, two := startReal(t, unpolled, d, r.url), startReal(t, unpolled, d, r.url)
	var topics []Topic
	var viewers []*Subscription
	for _, node := range r.nodes {
		topic := r.topicAt(t, one.Epoch(), node)
		topics = append(topics, topic)
		viewers = append(viewers, subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))}))
		hears(t, node, channelOf(one.Epoch(), topic))
	}
	await(t, "the bus is well", two.healthy.Load)

	if err := r.nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "the loss is noticed", func() bool { return !two.healthy.Load() })
	for i, topic := range topics {
		tell(t, d, one, topic)
		if i > 0 {
			expect(t, viewers[i], 1, 1)
		}
	}
	await(t, "what the dead node did not take is counted", func() bool { return value(t, one.metrics.unpublished) == 1 })

	if err := r.nodes[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Its confirmation has the tail compared, and what was lost is read.
	expect(t, viewers[0], 1, 1)
	await(t, "the bus is well again", two.healthy.Load)
	await(t, "the node takes messages again", func() bool {
		before := value(t, one.metrics.published)
		tell(t, d, one, topics[0])
		await(t, "it is sent or dropped", func() bool {
			return value(t, one.metrics.published)+value(t, one.metrics.unpublished) > before
		})
		return value(t, one.metrics.published) > before
	})
	expect(t, viewers[0], 2, 2)
}

// A frozen node costs its own messages alone.
func TestPublishPastAFrozenNode(t *testing.T) {
	t.Parallel()
	r := ownCluster(t)
	config := Config{Redis: dial(t, r.url), PublishRest: time.Hour, Log: quiet}.withDefaults()
	bus := newBus(config)
	var messages []message
	for range 30 {
		for _, node := range r.nodes {
			messages = append(messages, message{channelOf("e", r.topicAt(t, "e", node)), "x"})
		}
	}
	if lost, err := bus.Publish(t.Context(), messages); lost != 0 || err != nil {
		t.Fatalf("%d lost, %v", lost, err)
	}
	if err := r.nodes[1].Pause(); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{100 * time.Millisecond, time.Hour} { // the second time it is left alone
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if lost, err := bus.Publish(ctx, messages); lost != len(messages)/3 || err == nil {
			t.Errorf("%d lost of %d, %v; want a third", lost, len(messages), err)
		}
		cancel()
	}
}

// A master dies and its replica takes its place: its viewers miss nothing of what was told meanwhile, and hear what is told from then on
// by the replica. Then the two change places again.
func TestFailOver(t *testing.T) {
	t.Parallel()
	r, d := ownCluster(t), newDatabase(t)
	if err := r.cluster.Replicate(t.Context()); err != nil {
		t.Fatal(err)
	}
	one, two := startReal(t, unpolled, d, r.url), startReal(t, unpolled, d, r.url)
	master, replica := r.cluster.Nodes[0], r.cluster.Replica
	topic, other := r.topicAt(t, one.Epoch(), master), r.topicAt(t, one.Epoch(), r.nodes[1])
	channel := channelOf(one.Epoch(), topic)
	s, undisturbed := subscribe(t, two, Subscribe{Topic: topic, After: new(int64(0))}), subscribe(t, two, Subscribe{Topic: other, After: new(int64(0))})
	hears(t, master, channel)
	hears(t, r.nodes[1], channelOf(one.Epoch(), other))
	await(t, "the bus is well", two.healthy.Load)
	version := int64(0)
	for round := range int64(2) {
		version++
		tell(t, d, one, topic)
		expect(t, s, version, version)

		if err := master.Kill(); err != nil {
			t.Fatal(err)
		}
		await(t, "the loss is noticed", func() bool { return !two.healthy.Load() })
		version++
		tell(t, d, one, topic)
		tell(t, d, one, other)
		expect(t, undisturbed, round+1, round+1)
		if err := replica.AwaitRole(t.Context(), "master"); err != nil {
			t.Fatal(err)
		}
		hears(t, replica, channel)
		expect(t, s, version, version)
		seen := version
		await(t, "both servers are well", func() bool { return one.healthy.Load() && two.healthy.Load() })

		await(t, "the replica takes messages", func() bool {
			sent, dropped := value(t, one.metrics.published), value(t, one.metrics.unpublished)
			tell(t, d, one, topic)
			version++
			await(t, "it is sent or dropped", func() bool {
				return value(t, one.metrics.published)+value(t, one.metrics.unpublished) > sent+dropped
			})
			return value(t, one.metrics.published) > sent
		})
		expect(t, s, seen+1, version)

		if err := master.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(master.AwaitRole(t.Context(), "slave"), r.cluster.AwaitReady(t.Context())); err != nil {
			t.Fatal(err)
		}
		master, replica = replica, master
	}
}
