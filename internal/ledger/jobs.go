package ledger

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// rollUpEvery bounds the tail that reading a recorded account has to sum.
const rollUpEvery = time.Minute

// RollUpJob sums the recorded accounts up to what is complete.
type RollUpJob struct{}

// Kind names the job.
func (RollUpJob) Kind() string { return "ledger_roll_up" }

type rollUpWorker struct {
	river.WorkerDefaults[RollUpJob]
	pool *pgxpool.Pool
}

// Work rolls up once.
func (w *rollUpWorker) Work(ctx context.Context, _ *river.Job[RollUpJob]) error {
	_, err := RollUp(ctx, w.pool)
	return err
}

// Workers registers the jobs of the ledger.
func Workers(workers *river.Workers, pool *pgxpool.Pool) {
	river.AddWorker(workers, &rollUpWorker{pool: pool})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(rollUpEvery),
			func() (river.JobArgs, *river.InsertOpts) { return RollUpJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
