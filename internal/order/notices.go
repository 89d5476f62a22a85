package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/realtime"
)

// tellTx tells users what has become of an order, in the transaction that makes it so: once for each key.
func (s *Service) tellTx(ctx context.Context, tx pgx.Tx, o Order, kind notify.Kind, key string, users ...uuid.UUID) ([]realtime.Event, error) {
	notes := make([]notify.Note, len(users))
	for i, user := range users {
		notes[i] = notify.Note{Recipient: user, Kind: kind, Subject: o.NodeID(), Key: key}
	}
	return notify.InsertTx(ctx, tx, notes...)
}

// feedsTx locks the feeds of an order's parties, for a transaction that tells them in several steps. It comes when no goods are to be locked any more.
func (s *Service) feedsTx(ctx context.Context, tx pgx.Tx, o Order, more ...uuid.UUID) error {
	return feed.LockTx(ctx, tx, append(more, o.BuyerID, o.SellerID))
}

// commissionTx is feedsTx where a commission follows the order's end, whose referrer is told of it.
func (s *Service) commissionTx(ctx context.Context, tx pgx.Tx, o Order) error {
	if s.referrals == nil {
		return nil
	}
	referrer, err := s.referrals.ReferrerTx(ctx, tx, o.BuyerID)
	if err != nil || referrer == nil {
		return err
	}
	return s.feedsTx(ctx, tx, o, *referrer)
}

// newsTx tells those who wait for an order's goods that they were sent, and both parties that they are there.
func (s *Service) newsTx(ctx context.Context, tx pgx.Tx, o Order, event string) ([]realtime.Event, error) {
	switch event {
	case EventSent:
		return s.tellTx(ctx, tx, o, notify.OrderSent, "sent:"+o.ID.String(), o.BuyerID)
	case EventDelivered:
		return s.tellTx(ctx, tx, o, notify.OrderDelivered, "delivered:"+o.ID.String(), o.BuyerID, o.SellerID)
	}
	return nil, nil
}
