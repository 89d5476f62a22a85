package realtime

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// store reads what AppendTx wrote. All reads are bounded in rows and time.
type store interface {
	// Epoch identifies this database's history.
	Epoch(ctx context.Context) (string, error)
	// Latest returns at most limit of a topic's newest events, ascending.
	Latest(ctx context.Context, topic Topic, limit int) ([]Event, error)
	// Range returns at most limit events with after < version ≤ upTo, ascending.
	Range(ctx context.Context, topic Topic, after, upTo int64, limit int) ([]Event, error)
	// Tails returns each topic's newest version (zero: none) and the epoch, by one statement.
	Tails(ctx context.Context, topics []Topic) (map[Topic]int64, string, error)
}

// pgStore is the store in Postgres. It has few permits, so that a thousand topics that catch up at
// once do not take the pool from the requests that make the money.
type pgStore struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	permits chan struct{}
	timeout time.Duration
}

func newPGStore(pool *pgxpool.Pool, concurrency int, timeout time.Duration) *pgStore {
	return &pgStore{pool: pool, queries: db.New(), permits: make(chan struct{}, concurrency), timeout: timeout}
}

// acquire takes a permit and starts the read's time-out; the returned function gives both back.
func (s *pgStore) acquire(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	select {
	case s.permits <- struct{}{}:
		return ctx, func() { <-s.permits; cancel() }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, ctx.Err()
	}
}

func (s *pgStore) Epoch(ctx context.Context) (_ string, err error) {
	defer fault.Wrap(&err, "read the epoch")
	ctx, release, err := s.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	epoch, err := s.queries.EpochGet(ctx, s.pool)
	return epoch.String(), err
}

func (s *pgStore) Latest(ctx context.Context, topic Topic, limit int) (_ []Event, err error) {
	defer fault.Wrap(&err, "read the tail of %s", topic)
	ctx, release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	rows, err := s.queries.EventLatest(ctx, s.pool, string(topic), int32(limit))
	if err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(rows))
	for _, row := range slices.Backward(rows) {
		events = append(events, stored(topic, db.EventRangeRow(row)))
	}
	return events, nil
}

func (s *pgStore) Range(ctx context.Context, topic Topic, after, upTo int64, limit int) (_ []Event, err error) {
	defer fault.Wrap(&err, "read %s after %d", topic, after)
	ctx, release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	rows, err := s.queries.EventRange(ctx, s.pool, db.EventRangeParams{
		Topic: string(topic), After: after, UpTo: upTo, Page: int32(limit),
	})
	if err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(rows))
	for _, row := range rows {
		events = append(events, stored(topic, row))
	}
	return events, nil
}

func (s *pgStore) Tails(ctx context.Context, topics []Topic) (_ map[Topic]int64, epoch string, err error) {
	defer fault.Wrap(&err, "read the tails of %d topics", len(topics))
	ctx, release, err := s.acquire(ctx)
	if err != nil {
		return nil, "", err
	}
	defer release()
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = string(topic)
	}
	rows, err := s.queries.EventTails(ctx, s.pool, names)
	if err != nil {
		return nil, "", err
	}
	tails := make(map[Topic]int64, len(rows))
	for _, row := range rows {
		tails[Topic(row.Topic)] = row.Version
		epoch = row.Epoch.String()
	}
	return tails, epoch, nil
}

func stored(topic Topic, row db.EventRangeRow) Event {
	return Event{
		Topic: topic, Version: row.Version, Kind: row.Kind, At: row.At.UTC(), Payload: json.RawMessage(row.Payload),
	}
}
