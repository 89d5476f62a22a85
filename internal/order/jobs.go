package order

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

const (
	completeEvery = time.Minute
	completeLimit = 10 * time.Minute
)

// CompleteJob completes the orders whose time has come.
type CompleteJob struct{}

// Kind names the job.
func (CompleteJob) Kind() string { return "order_complete" }

type completeWorker struct {
	river.WorkerDefaults[CompleteJob]
	service *Service
}

// Timeout implements river.Worker: after a long pause there may be many.
func (w *completeWorker) Timeout(*river.Job[CompleteJob]) time.Duration { return completeLimit }

// Work completes whatever is due.
func (w *completeWorker) Work(ctx context.Context, _ *river.Job[CompleteJob]) error {
	return w.service.CompleteDue(ctx)
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &completeWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(completeEvery),
			func() (river.JobArgs, *river.InsertOpts) { return CompleteJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
