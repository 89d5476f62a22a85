package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/internal/fault"
)

// RefundResolve finds out what became of one refund. It is enqueued with the refund itself.
type RefundResolve struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (RefundResolve) Kind() string { return "refund_resolve" }

type refundWorker struct {
	river.WorkerDefaults[RefundResolve]
	service *Service
}

// Timeout implements river.Worker: a look, and a refund that is sent anew.
func (w *refundWorker) Timeout(*river.Job[RefundResolve]) time.Duration { return 2 * refundSending }

// Work pushes the refund, and comes back later for as long as it is open.
func (w *refundWorker) Work(ctx context.Context, job *river.Job[RefundResolve]) error {
	refund, err := w.service.PushRefund(ctx, job.Args.ID)
	if fault.KindOf(err) == fault.NotFound {
		return river.JobCancel(err)
	}
	if err != nil {
		return err
	}
	if refund.Status == RefundProcessing {
		return river.JobSnooze(lookAgain(time.Since(job.CreatedAt)))
	}
	return nil
}

// RefundSweep pushes the refunds whose jobs were lost.
type RefundSweep struct{}

// Kind implements river.JobArgs.
func (RefundSweep) Kind() string { return "refund_sweep" }

type refundSweepWorker struct {
	river.WorkerDefaults[RefundSweep]
	service *Service
}

// Timeout implements river.Worker.
func (w *refundSweepWorker) Timeout(*river.Job[RefundSweep]) time.Duration { return sweepLimit }

// Work pushes whatever is open, page by page.
func (w *refundSweepWorker) Work(ctx context.Context, _ *river.Job[RefundSweep]) error {
	return w.service.sweepRefunds(ctx, sweepAge)
}

func (s *Service) sweepRefunds(ctx context.Context, olderThan time.Duration) error {
	for last := uuid.Nil; ; {
		ids, err := s.q.RefundsOpen(ctx, s.pool, last, olderThan.Seconds(), sweepBatch)
		if err != nil {
			return fmt.Errorf("sweep refunds: %w", err)
		}
		for _, last = range ids {
			if _, err := s.PushRefund(ctx, last); err != nil {
				s.log.ErrorContext(ctx, "a refund could not be pushed", "refund", last, "error", err)
			}
		}
		if len(ids) < sweepBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
