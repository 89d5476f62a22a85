package shipping

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

const (
	sweepEvery = 15 * time.Second
	sweepBatch = 100
	sweepLimit = 10 * time.Minute
)

// AdvanceJob brings one shipment on to its label. It is enqueued with the shipment.
type AdvanceJob struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (AdvanceJob) Kind() string { return "shipment_advance" }

// advanceOptions has the job come after the call of who made the shipment: it is for what that one did not bring to its end. The sweep does the rest.
func advanceOptions() *river.InsertOpts {
	return &river.InsertOpts{ScheduledAt: time.Now().Add(lease), MaxAttempts: 3}
}

type advanceWorker struct {
	river.WorkerDefaults[AdvanceJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *advanceWorker) Timeout(*river.Job[AdvanceJob]) time.Duration { return lease }

// Work advances the shipment.
func (w *advanceWorker) Work(ctx context.Context, job *river.Job[AdvanceJob]) error {
	return w.service.Advance(ctx, job.Args.ID)
}

// TakeBackJob has a carrier take a label back. It is enqueued with the wish.
type TakeBackJob struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (TakeBackJob) Kind() string { return "shipment_take_back" }

type takeBackWorker struct {
	river.WorkerDefaults[TakeBackJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *takeBackWorker) Timeout(*river.Job[TakeBackJob]) time.Duration { return lease }

// Work has the label taken back.
func (w *takeBackWorker) Work(ctx context.Context, job *river.Job[TakeBackJob]) error {
	return w.service.TakeBack(ctx, job.Args.ID)
}

// SweepJob brings every shipment on that is due, and asks where parcels are: jobs only wake work up, the scan carries it.
type SweepJob struct{}

// Kind implements river.JobArgs.
func (SweepJob) Kind() string { return "shipment_sweep" }

type sweepWorker struct {
	river.WorkerDefaults[SweepJob]
	service *Service
}

// Timeout implements river.Worker: a slow carrier takes seconds for each.
func (w *sweepWorker) Timeout(*river.Job[SweepJob]) time.Duration { return sweepLimit }

// Work advances and tracks whatever is due, page by page.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepJob]) error {
	return w.service.Sweep(ctx)
}

// Sweep advances, tracks and has taken back whatever is due, acts on what carriers told, and forgets pickup points that nobody told of for long.
func (s *Service) Sweep(ctx context.Context) error {
	for _, due := range []struct {
		what string
		page func(after uuid.UUID) ([]uuid.UUID, error)
		do   func(context.Context, uuid.UUID) error
	}{
		{"advanced", func(after uuid.UUID) ([]uuid.UUID, error) { return s.q.ShipmentsToTry(ctx, s.pool, after, sweepBatch) }, s.Advance},
		{"tracked", func(after uuid.UUID) ([]uuid.UUID, error) {
			return s.q.ShipmentsToTrack(ctx, s.pool, after, sweepBatch)
		}, s.Track},
		{"taken back", func(after uuid.UUID) ([]uuid.UUID, error) {
			return s.q.ShipmentsToRecall(ctx, s.pool, after, sweepBatch)
		}, s.TakeBack},
	} {
		for last := uuid.Nil; ; {
			ids, err := due.page(last)
			if err != nil {
				return err
			}
			for _, last = range ids {
				if err := due.do(ctx, last); err != nil {
					s.log.ErrorContext(ctx, "a shipment could not be worked on", "shipment", last, "what", due.what, "error", err)
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
			if len(ids) < sweepBatch {
				break
			}
		}
	}
	if err := s.sweepNews(ctx); err != nil {
		return err
	}
	return s.q.PickupPointsForget(ctx, s.pool, keptFor.Seconds())
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &advanceWorker{service: s})
	river.AddWorker(workers, &takeBackWorker{service: s})
	river.AddWorker(workers, &sweepWorker{service: s})
	river.AddWorker(workers, &newsWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) {
				return SweepJob{}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: sweepEvery}}
			},
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
