// Package feed tells a user what has changed of theirs: a topic for each user, "user:<id>", with events
// that name a thing and say what happened to it, and carry no more. It owns the table user_feed, whose
// row hands out the topic's versions under its lock.
//
// Lock order: the thing's own row, then the feed's, then the ledger. Whoever tells several users in one
// transaction tells them in the order of their ids.
package feed

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/realtime"
)

// Kind says what happened.
type Kind string

// The kinds of events.
const (
	TopUpChanged     Kind = "TOP_UP_CHANGED"     // a top-up has another status
	CardSetupChanged Kind = "CARD_SETUP_CHANGED" // the saving of a card has another status
	CardRemoved      Kind = "CARD_REMOVED"
)

// payload is what an event carries.
type payload struct {
	Object string `json:"object"`
}

// Topic is where a user is told.
func Topic(user uuid.UUID) realtime.Topic { return realtime.TopicOf("user", user) }

// AppendTx tells a user that something happened to a thing, in the transaction in which it happened.
// Pass what it returns to a realtime.Publisher after the commit.
func AppendTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, kind Kind, object id.ID) (_ realtime.Event, err error) {
	defer fault.Wrap(&err, "tell a user")
	version, err := db.New().FeedAdvance(ctx, tx, user)
	if err != nil {
		return realtime.Event{}, err
	}
	return realtime.AppendTx(ctx, tx, Topic(user), version, string(kind), payload{Object: object.String()})
}

// Snapshot is the event that a new listener begins with: the version reached, without an object.
func Snapshot(pool *pgxpool.Pool, user uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		version, err := db.New().FeedVersion(ctx, pool, user)
		if err != nil {
			return realtime.Event{}, fmt.Errorf("read a user's feed: %w", err)
		}
		return realtime.Event{Topic: Topic(user), Version: version, Kind: realtime.KindSnapshot}, nil
	}
}

// Object is the thing that an event is about; a snapshot is about none.
func Object(e realtime.Event) (*id.ID, error) {
	if e.Kind == realtime.KindSnapshot {
		return nil, nil
	}
	var p payload
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return nil, fmt.Errorf("object in %s/%d: %w", e.Topic, e.Version, err)
	}
	kind, u, err := id.Parse(p.Object)
	if err != nil {
		return nil, fmt.Errorf("object in %s/%d: %w", e.Topic, e.Version, err)
	}
	object := kind.ID(u)
	return &object, nil
}
