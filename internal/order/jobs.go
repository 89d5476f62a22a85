package order

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

const (
	dueEvery = time.Minute
	dueLimit = 10 * time.Minute // after a long pause there may be many
)

// CompleteJob completes the orders whose time has come.
type CompleteJob struct{}

// Kind names the job.
func (CompleteJob) Kind() string { return "order_complete" }

type completeWorker struct {
	river.WorkerDefaults[CompleteJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *completeWorker) Timeout(*river.Job[CompleteJob]) time.Duration { return dueLimit }

// Work completes whatever is due.
func (w *completeWorker) Work(ctx context.Context, _ *river.Job[CompleteJob]) error {
	return w.service.CompleteDue(ctx)
}

// MatureJob makes the earnings of orders whose return window is over their sellers'.
type MatureJob struct{}

// Kind names the job.
func (MatureJob) Kind() string { return "order_mature" }

type matureWorker struct {
	river.WorkerDefaults[MatureJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *matureWorker) Timeout(*river.Job[MatureJob]) time.Duration { return dueLimit }

// Work matures whatever is due.
func (w *matureWorker) Work(ctx context.Context, _ *river.Job[MatureJob]) error {
	return w.service.MatureDue(ctx)
}

// ClaimJob calls staff for claims that nobody answers, decides those that they don't, and has buyers pay for labels that they bear.
type ClaimJob struct{}

// Kind names the job.
func (ClaimJob) Kind() string { return "order_claim" }

type claimWorker struct {
	river.WorkerDefaults[ClaimJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *claimWorker) Timeout(*river.Job[ClaimJob]) time.Duration { return dueLimit }

// Work moves whatever is due.
func (w *claimWorker) Work(ctx context.Context, _ *river.Job[ClaimJob]) error {
	return errors.Join(w.service.ClaimsDue(ctx), w.service.WaysDue(ctx))
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &completeWorker{service: s})
	river.AddWorker(workers, &matureWorker{service: s})
	river.AddWorker(workers, &claimWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	each := func(args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(dueEvery),
			func() (river.JobArgs, *river.InsertOpts) { return args, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true})
	}
	return []*river.PeriodicJob{each(CompleteJob{}), each(MatureJob{}), each(ClaimJob{})}
}
