package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// KindSnapshot is the kind of an event that replaces everything a viewer knew: it carries the state
// as of its version, and the events that follow start one above it.
const KindSnapshot = "SNAPSHOT"

// MaxPayload bounds an event's payload in bytes. Events are small facts; a change that needs more
// carries a reference.
const MaxPayload = 256 << 10

// Topic names what is watched: "auction:<uuid>".
type Topic string

// TopicOf names the topic of one thing of a kind.
func TopicOf(kind string, id uuid.UUID) Topic { return Topic(kind + ":" + id.String()) }

// Event is one change of a topic. It is shared between viewers: nobody may write to its payload.
type Event struct {
	Topic   Topic
	Version int64 // 1, 2, 3 … within the topic
	Kind    string
	At      time.Time // the database's clock inside the transaction, in UTC, to the microsecond
	Payload json.RawMessage
}

// Publisher wakes viewers up. It is called after the commit, never fails the caller and returns
// at once: the events are in the database, and whoever misses the wake-up reads them there.
type Publisher interface {
	Publish(ctx context.Context, events ...Event)
}

// AppendTx stores an event in the transaction that made the change. The version must come from the
// topic's own row, incremented under its lock in the same transaction, and each version must have its
// event: a version without one is a hole, which viewers bridge by a snapshot. Pass what it returns to
// a Publisher after the commit.
func AppendTx(
	ctx context.Context, tx pgx.Tx, topic Topic, version int64, kind string, payload any,
) (_ Event, err error) {
	event, err := NewEvent(topic, version, kind, payload)
	if err != nil {
		return Event{}, err
	}
	err = event.StoreTx(ctx, tx)
	return event, err
}

// NewEvent is an event that is not stored yet.
func NewEvent(topic Topic, version int64, kind string, payload any) (_ Event, err error) {
	defer fault.Wrap(&err, "append %s %d", topic, version)
	encoded, err := encodePayload(kind, payload)
	return Event{Topic: topic, Version: version, Kind: kind, Payload: encoded}, err
}

// StoreTx stores a new event, and takes its time, by one statement; AppendTx says what must hold.
func (e *Event) StoreTx(ctx context.Context, tx pgx.Tx) (err error) {
	defer fault.Wrap(&err, "append %s %d", e.Topic, e.Version)
	at, err := db.New().EventInsert(ctx, tx, db.EventInsertParams{
		Topic: string(e.Topic), Version: e.Version, Kind: e.Kind, Payload: e.Payload,
	})
	e.At = at.UTC()
	return err
}

// Change is an event to be stored: what AppendTx is told.
type Change struct {
	Topic   Topic
	Version int64
	Kind    string
	Payload any
}

// AppendAllTx is AppendTx for events of many topics, by one statement.
func AppendAllTx(ctx context.Context, tx pgx.Tx, changes []Change) (_ []Event, err error) {
	defer fault.Wrap(&err, "append to %d topics", len(changes))
	var params db.EventInsertAllParams
	for _, c := range changes {
		encoded, err := encodePayload(c.Kind, c.Payload)
		if err != nil {
			return nil, err
		}
		params.Topics, params.Versions = append(params.Topics, string(c.Topic)), append(params.Versions, c.Version)
		params.Kinds, params.Payloads = append(params.Kinds, c.Kind), append(params.Payloads, string(encoded))
	}
	rows, err := db.New().EventInsertAll(ctx, tx, params)
	events := make([]Event, len(rows))
	for i, row := range rows {
		events[i] = Event{Topic: Topic(row.Topic), Version: row.Version, Kind: row.Kind, At: row.At.UTC(), Payload: json.RawMessage(row.Payload)}
	}
	return events, err
}

func encodePayload(kind string, payload any) (json.RawMessage, error) {
	if kind == KindSnapshot {
		return nil, fmt.Errorf("kind %s is not for stored events", kind)
	}
	encoded, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the payload: %w", err)
	}
	if len(encoded) > MaxPayload {
		return nil, fmt.Errorf("a payload of %d bytes, above %d", len(encoded), MaxPayload)
	}
	return encoded, nil
}
