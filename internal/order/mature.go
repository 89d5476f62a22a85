package order

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// earnings is what a move does with what an order earns, beside its states.
type earnings int

const (
	stays    earnings = iota
	releases          // out of escrow, to wait for its maturity
	matures           // it is the seller's
)

// earningsAt is when what an order earned becomes its seller's, or became; nil before its completion.
func earningsAt(row db.Order) *time.Time {
	if row.MaturedAt != nil {
		return row.MaturedAt
	}
	return row.MatureBy
}

// Mature makes what an order earned its seller's, once its return window is over. It is false where it is not, where its card's bank decides, or
// where it was done before: whoever has the order's lock first decides.
func (s *Service) Mature(ctx context.Context, order uuid.UUID) (matured bool, err error) {
	defer fault.Wrap(&err, "mature order %s", order)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, err := s.q.OrderLock(ctx, tx, order)
		if err != nil {
			return err
		}
		due, err := s.q.OrderIsToMature(ctx, tx, order)
		if err != nil || !due {
			return err
		}
		o := orderOf(row)
		o.earns = matures
		if told, err = s.stepTx(ctx, tx, &o, o.state(), EventMatured); err != nil {
			return err
		}
		return s.payment.MatureEarningsTx(ctx, tx, payment.Maturity{
			Order: o.ID, Seller: o.SellerID, Currency: o.Total.Currency, Key: fmt.Sprintf("order:%s:matured:%d", o.ID, o.Version),
		})
	})
	if err != nil {
		return false, err
	}
	s.publish(ctx, told)
	return len(told) > 0, nil
}
