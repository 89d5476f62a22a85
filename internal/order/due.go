package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
)

const (
	dueBatch = 100
	// dueFailures ends a run: so many orders that can't be done are no matter of theirs.
	dueFailures = 20
)

// CompleteDue completes all orders whose time has come, each in a transaction of its own, so that one that fails holds up no other; the
// next run tries it again. Any number may run at once.
func (s *Service) CompleteDue(ctx context.Context) error {
	return eachDue(ctx, func(after Due) ([]Due, error) {
		rows, err := s.q.OrdersToComplete(ctx, s.pool, after.At, after.ID, dueBatch)
		return dues(rows, func(r db.OrdersToCompleteRow) Due { return Due{r.ID, r.DueAt} }), err
	}, s.Complete)
}

// MatureDue makes the earnings of all orders whose return window is over their sellers', in the order in which those end, as CompleteDue does.
func (s *Service) MatureDue(ctx context.Context) error {
	return eachDue(ctx, func(after Due) ([]Due, error) {
		rows, err := s.q.OrdersToMature(ctx, s.pool, after.At, after.ID, dueBatch)
		return dues(rows, func(r db.OrdersToMatureRow) Due { return Due{r.ID, r.DueAt} }), err
	}, s.Mature)
}

// Due is an order whose time for something has come.
type Due struct {
	ID uuid.UUID
	At time.Time
}

func dues[R any](rows []R, of func(R) Due) []Due {
	due := make([]Due, len(rows))
	for i, row := range rows {
		due[i] = of(row)
	}
	return due
}

func eachDue(ctx context.Context, next func(after Due) ([]Due, error), do func(context.Context, uuid.UUID) (bool, error)) error {
	var (
		failed []error
		last   Due
	)
	for ctx.Err() == nil {
		page, err := next(last)
		if err != nil {
			return err
		}
		for _, last = range page {
			if _, err := do(ctx, last.ID); err != nil {
				failed = append(failed, err)
			}
			if len(failed) == dueFailures {
				return errors.Join(failed...)
			}
		}
		if len(page) < dueBatch {
			break
		}
	}
	return errors.Join(append(failed, ctx.Err())...)
}
