package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxInline is the largest message that carries its event. A larger event travels as its version
// alone, and each server reads it from Postgres.
const maxInline = 32 << 10

// bus carries wake-ups between servers: at most once, in any order, to whoever watches the channel.
type bus interface {
	// Publish sends messages in one round trip and tells how many it could not send. A server that failed is left alone
	// for a while. One goroutine calls it.
	Publish(ctx context.Context, messages []message) (lost int, err error)
	// Watch and Unwatch say which channels are wanted. They return at once; Run sees to it.
	Watch(channel string)
	Unwatch(channel string)
	// Run keeps the connection until ctx ends and hands what arrives to the receiver.
	Run(ctx context.Context, to receiver)
}

// receiver is the bus's view of the hub. Its methods do not block.
type receiver interface {
	// received is called for each message.
	received(channel, payload string)
	// watching says that the channel's messages arrive from now on.
	watching(channel string)
	// healthy says whether messages can be expected to arrive at all.
	healthy(bool)
}

// newBus is the bus that the client's kind asks for.
func newBus(config Config) bus {
	if cluster, ok := config.Redis.(*redis.ClusterClient); ok {
		return newClusterBus(cluster, config)
	}
	return newRedisBus(config.Redis, config)
}

type message struct{ channel, payload string }

// wire is a message's JSON. Payload is absent from an event that was too large.
type wire struct {
	Node    string          `json:"n"`
	Version int64           `json:"v"`
	Kind    string          `json:"k,omitempty"`
	At      int64           `json:"t,omitempty"` // microseconds since 1970
	Payload json.RawMessage `json:"p,omitempty"`
}

// encode writes the event for the other servers.
func encode(node string, e Event) (string, error) {
	w := wire{Node: node, Version: e.Version}
	if len(e.Payload) <= maxInline {
		w.Kind, w.At, w.Payload = e.Kind, e.At.UnixMicro(), e.Payload
	}
	b, err := json.Marshal(w)
	return string(b), err
}

var errMalformed = errors.New("malformed message")

// decode reads a message of a topic and tells which server sent it.
func decode(topic Topic, payload string) (_ Event, node string, err error) {
	var w wire
	if len(payload) > 2*maxInline {
		return Event{}, "", errMalformed
	}
	if err := json.Unmarshal([]byte(payload), &w); err != nil {
		return Event{}, "", errMalformed
	}
	if w.Version <= 0 || (w.Payload != nil && (w.Kind == "" || w.Kind == KindSnapshot)) {
		return Event{}, "", errMalformed
	}
	return Event{
		Topic: topic, Version: w.Version, Kind: w.Kind, At: time.UnixMicro(w.At).UTC(), Payload: w.Payload,
	}, w.Node, nil
}

// channelOf names a topic's channel. The epoch keeps two installations on one Redis apart.
func channelOf(epoch string, topic Topic) string { return "souk:" + epoch + ":" + string(topic) }

// topicIn is the topic of a channel of this epoch.
func topicIn(epoch, channel string) (Topic, bool) {
	rest, ok := strings.CutPrefix(channel, "souk:"+epoch+":")
	return Topic(rest), ok
}
