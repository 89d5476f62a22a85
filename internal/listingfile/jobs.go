package listingfile

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/internal/postgres"
)

const (
	runFor     = 20 * time.Second // then other jobs have their turn
	sweepEvery = time.Minute
	idleFor    = time.Minute // beyond it, whoever worked at an import is gone
	pruneMost  = 100
)

// RunJob works at an import for a time.
type RunJob struct {
	Import uuid.UUID `json:"import"`
}

// Kind names the job.
func (RunJob) Kind() string { return "listing_import_run" }

type runWorker struct {
	river.WorkerDefaults[RunJob]
	service *Service
}

// Work imports for a time. What is left is another job's.
func (w *runWorker) Work(ctx context.Context, job *river.Job[RunJob]) error {
	more, err := w.service.Run(ctx, job.Args.Import, w.service.Clock.Now().Add(runFor))
	if err == nil && more {
		return river.JobSnooze(0)
	}
	return err
}

// SweepLoop sweeps at once and then each minute, until ctx ends. Every server does: a sweep takes nothing from whoever is at work.
func (s *Service) SweepLoop(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx, idleFor); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "imports could not be swept", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Sweep has each import at which nobody has worked for so long gone on with, and forgets uploads that never came (a day) and imports
// that are over (90 days).
func (s *Service) Sweep(ctx context.Context, idle time.Duration) error {
	err := postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		imports, err := s.q.ListingImportsIdle(ctx, tx, idle.Seconds())
		if err != nil {
			return err
		}
		for _, imp := range imports {
			if _, err := s.Jobs.InsertTx(ctx, tx, RunJob{Import: imp}, nil); err != nil {
				return err
			}
		}
		return s.q.ListingImportsTouch(ctx, tx, imports) // so that the next sweep leaves them to their jobs
	})
	if err != nil {
		return err
	}
	for {
		n, err := s.q.ListingImportPrune(ctx, s.Pool, pruneMost)
		if err != nil || n < pruneMost {
			return err
		}
	}
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &runWorker{service: s})
}
