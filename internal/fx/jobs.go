package fx

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// refreshEvery is much shorter than rates are used for, so that a source may fail often before anybody notices.
const refreshEvery = 30 * time.Minute

// RefreshJob asks the source for its rates.
type RefreshJob struct{}

// Kind names the job.
func (RefreshJob) Kind() string { return "fx_refresh" }

type refreshWorker struct {
	river.WorkerDefaults[RefreshJob]
	service *Service
}

// Work refreshes once; the next job is the next attempt.
func (w *refreshWorker) Work(ctx context.Context, _ *river.Job[RefreshJob]) error {
	return w.service.Refresh(ctx)
}

// Workers registers the jobs of fx.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &refreshWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(refreshEvery),
			func() (river.JobArgs, *river.InsertOpts) { return RefreshJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
