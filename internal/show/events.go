package show

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// The kinds of a show's own events; each carries a Change. Those of its lots and its chat are theirs.
const (
	EventScheduled = "SCHEDULED"
	EventChanged   = "CHANGED"
	EventStarted   = "STARTED"
	EventEnded     = "ENDED"     // its lots that waited are passed
	EventCancelled = "CANCELLED" // the same
)

// Change is the show right after an event that changed it, and in a snapshot. Events of a show's lots and its chat carry
// other parts; each package knows the names of its own, and reads the others' as nothing.
type Change struct {
	Show *Show `json:"show,omitempty"`
}

// Topic is where a show's changes are told.
func Topic(show uuid.UUID) realtime.Topic { return realtime.TopicOf("show", show) }

// AppendTx tells a show's viewers of something in the transaction that made it; the payload is a JSON object. It locks the
// show's feed until the commit, so it comes after every other lock, and before what is posted to the ledger. Pass what
// it returns to a realtime.Publisher after the commit.
func AppendTx(ctx context.Context, tx pgx.Tx, show uuid.UUID, kind string, payload any) (_ realtime.Event, err error) {
	defer fault.Wrap(&err, "tell a show's viewers")
	version, err := db.New().ShowFeedAdvance(ctx, tx, show)
	if err != nil {
		return realtime.Event{}, err
	}
	return realtime.AppendTx(ctx, tx, Topic(show), version, kind, payload)
}

// Snapshot is the event that a new viewer begins with: the show as it is.
func (s *Service) Snapshot(show uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		row, err := s.q.ShowSnapshot(ctx, s.pool, show)
		if postgres.NoRows(err) {
			return realtime.Event{}, ErrNotFound
		}
		if err != nil {
			return realtime.Event{}, fmt.Errorf("read show %s: %w", show, err)
		}
		now := showOf(row.Show)
		payload, err := json.Marshal(Change{Show: &now})
		return realtime.Event{
			Topic: Topic(show), Version: row.Version, Kind: realtime.KindSnapshot, At: row.At.UTC(), Payload: payload,
		}, err
	}
}

// FromEvent reads the change that an event carries.
func FromEvent(e realtime.Event) (Change, error) {
	var c Change
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return Change{}, fmt.Errorf("show in %s/%d: %w", e.Topic, e.Version, err)
	}
	return c, nil
}
