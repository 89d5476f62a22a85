package risk

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// Orders cancels what staff have refused: order.Service.
type Orders interface {
	Cancel(ctx context.Context, who order.Actor, order uuid.UUID, reason string) (order.Order, error)
}

// Jobs enqueues: river.Client.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// UseOrders says who cancels what staff refuse, and who wakes that up. It comes before Decide and Undo.
func (s *Service) UseOrders(jobs Jobs, orders Orders) { s.jobs, s.order = jobs, orders }

// refusedReason is what the parties of an order read; staff's own is for staff.
const refusedReason = "The market has refused this purchase."

const undoBatch = 100

// Undo cancels the orders of what staff have refused, each in a transaction of its own. What was sent, or is over, stays as it is; what is just being sent, or can't be
// cancelled for another reason, is tried again by the next run. Any number may run at once.
func (s *Service) Undo(ctx context.Context) error {
	var failed []error
	last, err := page.Args{}.From(reviewList)
	for err == nil && ctx.Err() == nil {
		var rows []db.RiskReviewsToUndoRow
		if rows, err = s.q.RiskReviewsToUndo(ctx, s.pool, last.At, last.ID, undoBatch); err != nil || len(rows) == 0 {
			break
		}
		for _, row := range rows {
			last = page.Key{At: row.DecidedAt, ID: row.CheckID}
			if err := s.undo(ctx, row); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(append(failed, err, ctx.Err())...)
}

// undo cancels the orders of one review.
func (s *Service) undo(ctx context.Context, row db.RiskReviewsToUndoRow) (err error) {
	defer fault.Wrap(&err, "undo what was refused by review %s", row.CheckID)
	orders, err := s.q.RiskReviewOrders(ctx, s.pool, []uuid.UUID{row.CheckID})
	if err != nil {
		return err
	}
	for _, o := range orders {
		_, err := s.order.Cancel(ctx, order.Actor{User: row.DecidedBy, Admin: true}, o.OrderID, refusedReason)
		if err != nil && !errors.Is(err, order.ErrMove) {
			return err
		}
	}
	return s.q.RiskReviewUndone(ctx, s.pool, row.CheckID)
}
