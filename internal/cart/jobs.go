package cart

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// Guests' carts are kept for keepDays after they were last changed. What is older goes in batches of pruneBatch, each a transaction of
// its own.
const (
	keepDays   = 30
	pruneEvery = time.Hour
	pruneBatch = 1_000
)

// PruneJob deletes the carts that guests have left.
type PruneJob struct{}

// Kind names the job.
func (PruneJob) Kind() string { return "cart_prune" }

type pruneWorker struct {
	river.WorkerDefaults[PruneJob]
	service *Service
}

// Work prunes until nothing is old, or until the job's time is over; the next one goes on.
func (w *pruneWorker) Work(ctx context.Context, _ *river.Job[PruneJob]) error {
	_, err := w.service.Prune(ctx)
	return err
}

// Prune deletes guests' carts that nobody has changed for 30 days, and tells how many.
func (s *Service) Prune(ctx context.Context) (deleted int64, err error) {
	for {
		n, err := s.q.CartPrune(ctx, s.pool, keepDays, pruneBatch)
		deleted += n
		if err != nil || n < pruneBatch {
			return deleted, err
		}
	}
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, service *Service) {
	river.AddWorker(workers, &pruneWorker{service: service})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(pruneEvery),
			func() (river.JobArgs, *river.InsertOpts) { return PruneJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
