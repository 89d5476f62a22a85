package offer

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
)

const (
	expireEvery = 5 * time.Second
	// expireBatch is how many offers end in a transaction: the feeds of both sides are locked until it does.
	expireBatch = 100
)

// ExpireLoop ends the offers whose time is over, and tells both sides, until ctx ends. Any number of servers may do so at once. Nothing waits for it: an offer
// that is beyond its time is over.
func (s *Service) ExpireLoop(ctx context.Context) error {
	return work.Every(ctx, expireEvery, s.log, "ending offers", func(ctx context.Context) error {
		_, err := s.ExpireDue(ctx)
		return err
	})
}

// ExpireDue ends what is due and nobody else ends, and says how many.
func (s *Service) ExpireDue(ctx context.Context) (n int, err error) {
	defer fault.Wrap(&err, "expire offers")
	for {
		var (
			due  []db.PriceOffer
			told []realtime.Event
		)
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			if due, err = s.q.OffersDueLock(ctx, tx, expireBatch); err == nil {
				told, err = s.expireTx(ctx, tx, due)
			}
			return err
		})
		if err != nil {
			return n, err
		}
		s.hub.Publish(ctx, told...)
		if n += len(due); len(due) < expireBatch {
			return n, nil
		}
	}
}

// expireTx ends offers that are locked, and tells both sides.
func (s *Service) expireTx(ctx context.Context, tx pgx.Tx, rows []db.PriceOffer) ([]realtime.Event, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids, offers := make([]uuid.UUID, len(rows)), make([]Offer, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	over, err := s.q.OffersExpire(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	for i, row := range over {
		offers[i] = offerOf(row)
	}
	return tellTx(ctx, tx, offers...)
}
