package realtime

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	outboxSize  = 4096
	outboxBatch = 128
	logEvery    = 10 * time.Second
)

// outbox sends committed events and broadcasts to the bus from a goroutine of its own, as many as have gathered in
// one round trip. What it cannot send it drops and counts: the other servers find
// events in Postgres, and broadcasts nowhere.
type outbox struct {
	bus     bus
	node    string
	epoch   func() string
	metrics *metrics
	log     *slog.Logger
	timeout time.Duration // of one round trip

	queue  chan parcel
	logged time.Time // guarded by run's goroutine
	lost   atomic.Int64
}

// parcel is an event to send, a broadcast, or a mark that says when all before it is sent.
type parcel struct {
	event     Event
	topic     Topic // of the broadcast
	broadcast json.RawMessage
	mark      chan<- struct{}
}

// put never blocks.
func (o *outbox) put(e Event) {
	select {
	case o.queue <- parcel{event: e}:
	default:
		o.drop(1)
	}
}

// offer is put for a broadcast. What waits to be sent is half events' at least.
func (o *outbox) offer(topic Topic, payload json.RawMessage) {
	if len(o.queue) > outboxSize/2 {
		o.drop(1)
		return
	}
	select {
	case o.queue <- parcel{topic: topic, broadcast: payload}:
	default:
		o.drop(1)
	}
}

// flush waits until what was put before is sent or dropped.
func (o *outbox) flush(ctx context.Context) {
	mark := make(chan struct{})
	select {
	case o.queue <- parcel{mark: mark}:
	case <-ctx.Done():
		return
	}
	select {
	case <-mark:
	case <-ctx.Done():
	}
}

func (o *outbox) run(ctx context.Context) {
	for {
		select {
		case first := <-o.queue:
			o.send(ctx, o.gather(first))
		case <-ctx.Done():
			return
		}
	}
}

// gather takes what has queued up behind the first parcel.
func (o *outbox) gather(first parcel) []parcel {
	batch := []parcel{first}
	for len(batch) < outboxBatch {
		select {
		case p := <-o.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

func (o *outbox) send(ctx context.Context, batch []parcel) {
	if messages := o.messages(batch); len(messages) > 0 {
		o.publish(ctx, messages)
	}
	for _, p := range batch {
		if p.mark != nil {
			close(p.mark)
		}
	}
}

func (o *outbox) messages(batch []parcel) []message {
	messages := make([]message, 0, len(batch))
	for _, p := range batch {
		if p.mark != nil {
			continue
		}
		m, err := p.write(o.epoch(), o.node)
		if err != nil { // a payload that is no JSON never came from AppendTx
			o.log.Error("encode a message for the bus", "topic", cmp.Or(p.event.Topic, p.topic), "version", p.event.Version, "error", err)
			continue
		}
		messages = append(messages, m)
	}
	return messages
}

// write makes a parcel the bus's message.
func (p parcel) write(epoch, node string) (message, error) {
	if p.broadcast != nil {
		payload, err := json.Marshal(broadcast{node, p.broadcast})
		return message{broadcastsOf(epoch, p.topic), string(payload)}, err
	}
	payload, err := encode(node, p.event)
	return message{channelOf(epoch, p.event.Topic), payload}, err
}

func (o *outbox) publish(ctx context.Context, messages []message) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	lost, err := o.bus.Publish(ctx, messages)
	o.metrics.published.Add(float64(len(messages) - lost))
	if lost > 0 {
		o.drop(lost)
		o.complain(err)
	}
}

func (o *outbox) drop(n int) {
	o.lost.Add(int64(n))
	o.metrics.unpublished.Add(float64(n))
}

// complain logs a failure, once in a while.
func (o *outbox) complain(err error) {
	if time.Since(o.logged) < logEvery {
		return
	}
	o.logged = time.Now()
	o.log.Warn("redis does not take wake-ups; other servers read postgres meanwhile",
		"error", err, "not_sent", o.lost.Swap(0))
}
