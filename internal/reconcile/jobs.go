package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
)

const (
	daily = 24 * time.Hour
	// back is how far back the daily job looks: a week and a day, so that each record is looked at several times, and
	// the list stays short. `souk reconcile` compares everything.
	back = 8 * daily
	// jobTimeout bounds the daily job; a provider gives some thousand records a minute.
	jobTimeout = 2 * time.Hour
)

// DailyJob compares what is of the last days.
type DailyJob struct{}

// Kind names the job.
func (DailyJob) Kind() string { return "reconcile_daily" }

type dailyWorker struct {
	river.WorkerDefaults[DailyJob]
	service *Service
	log     *slog.Logger
}

// Timeout is longer than that of other jobs.
func (*dailyWorker) Timeout(*river.Job[DailyJob]) time.Duration { return jobTimeout }

// Work compares once. A difference is for a person to mend, so it is logged as an error, and the job is done.
func (w *dailyWorker) Work(ctx context.Context, _ *river.Job[DailyJob]) error {
	run, err := w.service.Run(ctx, Options{Since: w.service.clock.Now().Add(-back)})
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if !run.Agrees() {
		level = slog.LevelError
	}
	w.log.Log(ctx, level, "compared our books with the payment provider's", "provider", run.Provider, "records", run.ProviderRecords,
		"differences", run.DifferenceCount, "pending", run.Pending, "run", run.ID)
	return nil
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, service *Service, log *slog.Logger) {
	river.AddWorker(workers, &dailyWorker{service: service, log: log})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run. Servers that restart
// often do not compare more often for it.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(daily),
			func() (river.JobArgs, *river.InsertOpts) {
				return DailyJob{}, &river.InsertOpts{MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByPeriod: daily}}
			},
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
