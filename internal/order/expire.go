package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	defaultPayWithin = 24 * time.Hour
	notPaid          = "It was not paid in time."
)

// PayWithin says how long orders may be owed; to be called before the first is made.
func (s *Service) PayWithin(d time.Duration) { s.payWithin = d }

// payBy is until when an order is to be paid, while it is owed.
func payBy(row db.Order) *time.Time {
	if Payment(row.Payment) != PaymentPending || Fulfilment(row.Fulfilment) != FulfilmentPending {
		return nil
	}
	return row.PayBy
}

// UnpaidDue is orders that were not paid in time, the longest ago first, after one of them.
func (s *Service) UnpaidDue(ctx context.Context, after Due, most int32) ([]Due, error) {
	rows, err := s.q.OrdersUnpaidDue(ctx, s.pool, after.At, after.ID, most)
	return dues(rows, func(r db.OrdersUnpaidDueRow) Due { return Due{r.ID, r.DueAt} }), err
}

// Expire cancels an order that was won in no lot and not paid in time, and tells its parties. It is false where there was nothing to cancel.
func (s *Service) Expire(ctx context.Context, order uuid.UUID) (bool, error) {
	var expired *Expired
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if expired, err = s.ExpireTx(ctx, tx, order); err != nil || expired == nil {
			return err
		}
		if err := expired.TellTx(ctx, tx); err != nil {
			return err
		}
		return expired.ReleaseTx(ctx, tx)
	})
	if err != nil || expired == nil {
		return false, err
	}
	s.publish(ctx, expired.Told)
	if expired.After == nil {
		return true, nil
	}
	return true, expired.After(context.WithoutCancel(ctx)) // where it fails, its job mends it
}

// Lot is the lot that an order was won in, nil where it was won in none.
func (s *Service) Lot(ctx context.Context, order uuid.UUID) (*uuid.UUID, error) {
	row, err := s.q.OrderByID(ctx, s.pool, order)
	if postgres.NoRows(err) {
		return nil, ErrNotFound
	}
	return row.AuctionID, err
}

// Expired is an order that came to its end unpaid.
type Expired struct {
	Order Order
	Told  []realtime.Event                // to publish after the commit
	After func(ctx context.Context) error // the provider's part, to be done after the commit; nil where it has none

	s      *Service
	voided payment.Voided
}

// TellTx tells the order's parties of its end, and others of what follows from it. It comes when nothing of goods, lots and orders is locked any more: all their feeds are
// locked together.
func (e *Expired) TellTx(ctx context.Context, tx pgx.Tx, more ...feed.News) error {
	o := e.Order
	news := append([]feed.News{{User: o.BuyerID, Kind: feed.OrderExpired, Object: o.NodeID()}, {User: o.SellerID, Kind: feed.OrderExpired, Object: o.NodeID()}}, more...)
	told, err := feed.TellTx(ctx, tx, news...)
	if err != nil {
		return err
	}
	given, err := e.voided.TellTx(ctx, tx)
	e.Told = slices.Concat(e.Told, told, given)
	return err
}

// ReleaseTx gives back what was set aside for the order; it comes last in its transaction.
func (e *Expired) ReleaseTx(ctx context.Context, tx pgx.Tx) error {
	return e.s.releaseVoidedTx(ctx, tx, e.Order, e.voided)
}

// ExpireTx cancels an order whose time to be paid is over; its listing is for sale again. It is nil where the order is paid, authorised
// or cancelled, or has time left: whoever has the order's lock first decides. A payment that is under way is given up with it:
// what it sets aside later is let go.
func (s *Service) ExpireTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (_ *Expired, err error) {
	defer fault.Wrap(&err, "expire order %s", order)
	row, err := s.q.OrderLock(ctx, tx, order)
	if err != nil {
		return nil, err
	}
	o := orderOf(row)
	if o.state() != unpaid || o.Disputed {
		return nil, nil
	}
	due, err := s.q.OrderIsDue(ctx, tx, order)
	if err != nil || !due {
		return nil, err
	}
	o.Reason = notPaid
	voided, told, err := s.voidTx(ctx, tx, &o)
	if err != nil {
		return nil, err
	}
	return &Expired{Order: o, Told: told, After: s.letGo(voided), s: s, voided: voided}, nil
}
