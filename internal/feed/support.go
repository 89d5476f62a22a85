package feed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/realtime"
)

// SupportTopic is where support is told: one topic for all of them.
const SupportTopic realtime.Topic = "support:desk"

// AppendSupportTx tells support that something happened to a thing, as AppendTx tells a user. Its lock comes after
// every user's.
func AppendSupportTx(ctx context.Context, tx pgx.Tx, kind Kind, object id.ID) (_ realtime.Event, err error) {
	defer fault.Wrap(&err, "tell support")
	version, err := db.New().SupportFeedAdvance(ctx, tx)
	if err != nil {
		return realtime.Event{}, err
	}
	return realtime.AppendTx(ctx, tx, SupportTopic, version, string(kind), payload{Object: object.String()})
}

// SupportSnapshot is the event that a new listener of support's begins with.
func (s *Service) SupportSnapshot(ctx context.Context) (realtime.Event, error) {
	now, err := db.New().SupportFeedVersion(ctx, s.pool)
	if err != nil {
		return realtime.Event{}, fmt.Errorf("read support's feed: %w", err)
	}
	return realtime.Event{Topic: SupportTopic, Version: now.Version, Kind: realtime.KindSnapshot, At: now.At.UTC()}, nil
}
