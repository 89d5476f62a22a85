package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// authorisationLife is how long a card keeps money aside; after it the sweep asks whether the authorisation is still there.
const authorisationLife = 7 * 24 * time.Hour

// OrderPaymentResolve finishes one payment of an order: what was lost of its beginning, its capture or its voiding. It
// is enqueued with each of them.
type OrderPaymentResolve struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (OrderPaymentResolve) Kind() string { return "order_payment_resolve" }

type orderPaymentWorker struct {
	river.WorkerDefaults[OrderPaymentResolve]
	service *Service
}

// Work advances the payment, and comes back later for as long as it is on its way.
func (w *orderPaymentWorker) Work(ctx context.Context, job *river.Job[OrderPaymentResolve]) error {
	p, err := w.service.AdvanceOrderPayment(ctx, job.Args.ID)
	if fault.KindOf(err) == fault.NotFound {
		return river.JobCancel(err)
	}
	if err != nil {
		return err
	}
	if p.onItsWay() {
		return river.JobSnooze(lookAgain(time.Since(job.CreatedAt)))
	}
	return nil
}

// onItsWay tells whether something at the provider is still to come by itself or by our asking.
func (p OrderPayment) onItsWay() bool {
	return slices.Contains([]OrderPaymentStatus{OrderProcessing, OrderRequiresAction, OrderCapturing, OrderVoiding}, p.Status)
}

// OrderPaymentSweep finishes the payments whose jobs were lost, and finds authorisations that have expired.
type OrderPaymentSweep struct{}

// Kind implements river.JobArgs.
func (OrderPaymentSweep) Kind() string { return "order_payment_sweep" }

type orderPaymentSweepWorker struct {
	river.WorkerDefaults[OrderPaymentSweep]
	service *Service
}

// Timeout implements river.Worker: a slow provider takes seconds for each.
func (w *orderPaymentSweepWorker) Timeout(*river.Job[OrderPaymentSweep]) time.Duration {
	return sweepLimit
}

// Work advances whatever is open, page by page.
func (w *orderPaymentSweepWorker) Work(ctx context.Context, _ *river.Job[OrderPaymentSweep]) error {
	return w.service.sweepOrderPayments(ctx, sweepAge)
}

func (s *Service) sweepOrderPayments(ctx context.Context, olderThan time.Duration) error {
	for last := uuid.Nil; ; {
		ids, err := s.q.OrderPaymentsOpen(ctx, s.pool, db.OrderPaymentsOpenParams{
			AfterID: last, OlderThanSeconds: olderThan.Seconds(), KeyLifeSeconds: keyLife.Seconds(),
			AuthorisationSeconds: authorisationLife.Seconds(), PageSize: sweepBatch,
		})
		if err != nil {
			return fmt.Errorf("sweep payments of orders: %w", err)
		}
		for _, last = range ids {
			if _, err := s.AdvanceOrderPayment(ctx, last); err != nil {
				s.log.ErrorContext(ctx, "a payment of an order could not be advanced", "payment", last, "error", err)
			}
		}
		if len(ids) < sweepBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
