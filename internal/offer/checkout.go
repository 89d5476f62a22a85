package offer

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/realtime"
)

// ToCheckOut is an offer that its buyer may check out now. It is looked at again as it is quoted.
func (s *Service) ToCheckOut(ctx context.Context, buyer, which uuid.UUID) (o Offer, err error) {
	defer fault.Wrap(&err, "check out offer %s", which)
	rows, err := s.q.OffersSeenBy(ctx, s.pool, []uuid.UUID{which}, false, buyer)
	if err != nil {
		return o, err
	}
	if len(rows) == 0 || rows[0].BuyerID != buyer {
		return o, ErrNotFound.At("offerId")
	}
	o = offerOf(rows[0])
	now, err := s.q.OfferNow(ctx, s.pool)
	switch {
	case err != nil:
		return o, err
	case !o.LastStatus.live() || !now.Before(o.ExpiresAt):
		return o, ErrOver.At("offerId").With("offer", o)
	case o.LastStatus != Accepted:
		return o, ErrNotAgreed.At("offerId").With("offer", o)
	}
	return o, nil
}

// QuoteTx notes that an offer was quoted, with what is set aside for it: it may be used as long as that is, though its own time be over by then. It answers what
// another quote has set aside since o was read, whose place this one takes; nil where there is none.
func (s *Service) QuoteTx(ctx context.Context, tx pgx.Tx, o Offer, reservation uuid.UUID) (other *uuid.UUID, err error) {
	row, err := s.q.OfferLock(ctx, tx, o.ID, o.BuyerID)
	if err != nil {
		return nil, err
	}
	switch n, err := s.q.OfferQuoted(ctx, tx, o.ID, o.BuyerID, reservation); {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, ErrOver.At("offerId").With("offer", o)
	case row.ReservationID == nil || o.Reservation != nil && *o.Reservation == *row.ReservationID || *row.ReservationID == reservation:
		return nil, nil
	}
	return row.ReservationID, nil
}

// HoldTx locks an offer, and says whether what is set aside for it is what was when o was read.
func (s *Service) HoldTx(ctx context.Context, tx pgx.Tx, o Offer) (same bool, err error) {
	row, err := s.q.OfferLock(ctx, tx, o.ID, o.BuyerID)
	return row.ReservationID != nil && o.Reservation != nil && *row.ReservationID == *o.Reservation, err
}

// UseTx makes an order of an offer, once. False: it was used, or taken back.
func (s *Service) UseTx(ctx context.Context, tx pgx.Tx, which, order uuid.UUID) (bool, error) {
	n, err := s.q.OfferUse(ctx, tx, &order, which)
	return n > 0, err
}

// TellUsedTx tells of an offer that was used in this transaction, once nothing but feeds and money is left to lock in it.
func (s *Service) TellUsedTx(ctx context.Context, tx pgx.Tx, buyer, which uuid.UUID) ([]realtime.Event, error) {
	row, err := s.q.OfferLock(ctx, tx, which, buyer)
	if err != nil {
		return nil, err
	}
	return tellTx(ctx, tx, offerOf(row))
}
