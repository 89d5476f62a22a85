package risk

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

const (
	undoEvery = time.Minute
	undoLimit = 10 * time.Minute // after a long pause there may be many
)

// UndoJob cancels the orders of what staff have refused.
type UndoJob struct{}

// Kind names the job.
func (UndoJob) Kind() string { return "risk_undo" }

type undoWorker struct {
	river.WorkerDefaults[UndoJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *undoWorker) Timeout(*river.Job[UndoJob]) time.Duration { return undoLimit }

// Work undoes whatever is to be undone.
func (w *undoWorker) Work(ctx context.Context, _ *river.Job[UndoJob]) error {
	return w.service.Undo(ctx)
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) { river.AddWorker(workers, &undoWorker{service: s}) }

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(undoEvery),
		func() (river.JobArgs, *river.InsertOpts) { return UndoJob{}, &river.InsertOpts{MaxAttempts: 1} },
		&river.PeriodicJobOpts{RunOnStart: true})}
}
