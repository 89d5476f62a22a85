package referral

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

const (
	matureEvery = time.Minute
	matureBatch = 100
	matureLimit = 10 * time.Minute
)

// MatureJob pays the commissions that are due.
type MatureJob struct{}

// Kind names the job.
func (MatureJob) Kind() string { return "referral_mature" }

type matureWorker struct {
	river.WorkerDefaults[MatureJob]
	service *Service
}

// Timeout implements river.Worker: after a long pause there may be many.
func (w *matureWorker) Timeout(*river.Job[MatureJob]) time.Duration { return matureLimit }

// Work matures whatever is due.
func (w *matureWorker) Work(ctx context.Context, _ *river.Job[MatureJob]) error {
	return w.service.MatureDue(ctx)
}

// MatureDue pays all commissions that are due, each in a transaction of its own, so that one that fails holds up no
// other; it is logged, and the next run tries again. Any number may run at once.
func (s *Service) MatureDue(ctx context.Context) error {
	for last := uuid.Nil; ; {
		ids, err := s.q.ReferralsDue(ctx, s.pool, last, matureBatch)
		if err != nil {
			return fmt.Errorf("look for commissions that are due: %w", err)
		}
		for _, last = range ids {
			if err := s.mature(ctx, last); err != nil {
				s.log.ErrorContext(ctx, "a commission could not be paid", "referral", last, "error", err)
			}
		}
		if len(ids) < matureBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Workers registers the jobs of referral.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &matureWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(matureEvery),
			func() (river.JobArgs, *river.InsertOpts) { return MatureJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}
