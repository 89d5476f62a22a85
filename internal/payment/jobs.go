package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

const (
	firstLook  = 20 * time.Second // after a top-up began: later than its own request can take
	sweepEvery = time.Minute
	sweepAge   = 2 * time.Minute // what is open longer than this has lost its job, or is slow anyway
	sweepBatch = 100
	sweepLimit = 10 * time.Minute
)

// TopUpResolve finds out what became of one top-up. It is enqueued with the top-up itself.
type TopUpResolve struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (TopUpResolve) Kind() string { return "top_up_resolve" }

type resolveWorker struct {
	river.WorkerDefaults[TopUpResolve]
	service *Service
}

// Work resolves the top-up, and comes back later for as long as it is open.
func (w *resolveWorker) Work(ctx context.Context, job *river.Job[TopUpResolve]) error {
	top, err := w.service.Resolve(ctx, job.Args.ID)
	if fault.KindOf(err) == fault.NotFound {
		return river.JobCancel(err)
	}
	if err != nil {
		return err
	}
	if top.Status == Processing || top.Status == RequiresAction {
		return river.JobSnooze(lookAgain(time.Since(job.CreatedAt)))
	}
	return nil
}

// lookAgain waits a quarter of the age: often at first, every hour at the end.
func lookAgain(age time.Duration) time.Duration {
	return min(max(age/4, 5*time.Second), time.Hour)
}

// TopUpSweep resolves the top-ups whose jobs were lost: jobs only wake work up, the scan carries it.
type TopUpSweep struct{}

// Kind implements river.JobArgs.
func (TopUpSweep) Kind() string { return "top_up_sweep" }

type sweepWorker struct {
	river.WorkerDefaults[TopUpSweep]
	service *Service
}

// Timeout implements river.Worker: a slow provider takes seconds for each.
func (w *sweepWorker) Timeout(*river.Job[TopUpSweep]) time.Duration { return sweepLimit }

// Work resolves whatever is open, page by page.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[TopUpSweep]) error {
	return w.service.sweep(ctx, sweepAge)
}

func (s *Service) sweep(ctx context.Context, olderThan time.Duration) error {
	for last := uuid.Nil; ; {
		ids, err := s.q.TopUpsOpen(ctx, s.pool, db.TopUpsOpenParams{
			AfterID: last, OlderThanSeconds: olderThan.Seconds(), KeyLifeSeconds: keyLife.Seconds(), PageSize: sweepBatch,
		})
		if err != nil {
			return fmt.Errorf("sweep top-ups: %w", err)
		}
		for _, last = range ids {
			if _, err := s.Resolve(ctx, last); err != nil {
				s.log.ErrorContext(ctx, "a top-up could not be resolved", "topUp", last, "error", err)
			}
		}
		if len(ids) < sweepBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Workers registers the jobs of payment.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &resolveWorker{service: s})
	river.AddWorker(workers, &sweepWorker{service: s})
	river.AddWorker(workers, &refundWorker{service: s})
	river.AddWorker(workers, &refundSweepWorker{service: s})
	river.AddWorker(workers, &orderPaymentWorker{service: s})
	river.AddWorker(workers, &orderPaymentSweepWorker{service: s})
	river.AddWorker(workers, &eventWorker{service: s})
	river.AddWorker(workers, &detachWorker{service: s})
	river.AddWorker(workers, &providerSweepWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return TopUpSweep{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return RefundSweep{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) {
				return OrderPaymentSweep{}, &river.InsertOpts{MaxAttempts: 1}
			},
			&river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return ProviderSweep{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
