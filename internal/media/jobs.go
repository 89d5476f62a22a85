package media

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/picture"
	"github.com/souklive/souk/internal/postgres"
)

const (
	renderTime  = 5 * time.Minute
	renderTries = 100 // a storage may be away for days
	sweepTime   = 10 * time.Minute
	sweepEvery  = time.Hour
)

// queueOf is where the work on a store's objects waits. Each disk has its own, so that only servers that have the disk do it.
func queueOf(store string) string { return "media_" + strings.ReplaceAll(store, "-", "_") }

// Queues are those that this server works off. One at a time: a picture is large once it is decoded.
func (s *Service) Queues() map[string]river.QueueConfig {
	queues := make(map[string]river.QueueConfig, len(s.stores))
	for _, store := range s.stores {
		queues[queueOf(store.Name())] = river.QueueConfig{MaxWorkers: 1}
	}
	return queues
}

// RenderJob makes a photo's sizes.
type RenderJob struct {
	Photo uuid.UUID `json:"photo"`
}

// Kind names the job.
func (RenderJob) Kind() string { return "media_render" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (RenderJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: renderTries} }

type renderWorker struct {
	river.WorkerDefaults[RenderJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *renderWorker) Timeout(*river.Job[RenderJob]) time.Duration { return renderTime }

// NextRetry implements river.Worker: soon, and then every ten minutes.
func (w *renderWorker) NextRetry(job *river.Job[RenderJob]) time.Time {
	return time.Now().Add(min(time.Second<<min(job.Attempt, 10), 10*time.Minute))
}

// Work makes the sizes.
func (w *renderWorker) Work(ctx context.Context, job *river.Job[RenderJob]) error {
	return w.service.Render(ctx, job.Args.Photo)
}

// Render makes the sizes of a photo whose bytes have come, and then throws what was sent away. Any number may do so at once, and again.
func (s *Service) Render(ctx context.Context, photo uuid.UUID) (err error) {
	defer fault.Wrap(&err, "render photo %s", photo)
	row, err := s.q.PhotoByID(ctx, s.pool, photo)
	if err != nil || row.Status != stored {
		return err
	}
	store := s.store(row.Store)
	if store == nil {
		return fmt.Errorf("it lies in %s, which is not here", row.Store)
	}
	key, body, err := s.original(ctx, store, photo)
	if err != nil {
		return err
	}
	info, renditions, err := renditionsOf(body)
	if errors.Is(err, picture.ErrType) || errors.Is(err, picture.ErrCut) || errors.Is(err, picture.ErrSize) {
		s.log.WarnContext(ctx, "a photo can't be shown", "photo", id.Photo.Encode(photo), "error", err)
		_, err = s.q.PhotoBroken(ctx, s.pool, photo)
		return err
	}
	if err != nil {
		return err
	}
	widths := make([]int32, len(renditions))
	for i, r := range renditions {
		widths[i] = int32(r.Width)
		if err := store.Put(ctx, shownKey(photo, r.Width), "image/jpeg", r.Body); err != nil {
			return err
		}
	}
	n, err := s.q.PhotoReady(ctx, s.pool, db.PhotoReadyParams{ID: photo, Width: int32(info.Width), Height: int32(info.Height), Widths: widths})
	if err != nil {
		return err
	}
	if n == 0 { // somebody was faster, or it was given up: the sweep finds what is too much
		return nil
	}
	return store.Delete(ctx, key)
}

// original is what a client sent: where it is sent to now, or where it was kept before there were sizes.
func (s *Service) original(ctx context.Context, store blob.Store, photo uuid.UUID) (key string, body []byte, err error) {
	for _, key = range []string{uploadKey(photo), oldKey(photo)} {
		if body, err = blob.ReadAll(ctx, store, key, picture.MaxBytes); !errors.Is(err, blob.ErrNotFound) {
			return key, body, err
		}
	}
	return key, nil, err
}

func renditionsOf(body []byte) (picture.Info, []picture.Rendition, error) {
	info, err := picture.Inspect(body)
	if err != nil {
		return info, nil, err
	}
	renditions, err := picture.Render(body, info)
	return info, renditions, err
}

// SweepJob gives up what nobody has, and has each store cleaned.
type SweepJob struct{}

// Kind names the job.
func (SweepJob) Kind() string { return "media_sweep" }

type sweepWorker struct {
	river.WorkerDefaults[SweepJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *sweepWorker) Timeout(*river.Job[SweepJob]) time.Duration { return sweepTime }

// Work sweeps.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepJob]) error {
	return w.service.Sweep(ctx)
}

// CleanJob erases what a store has too much.
type CleanJob struct {
	Store string `json:"store"`
}

// Kind names the job.
func (CleanJob) Kind() string { return "media_clean" }

type cleanWorker struct {
	river.WorkerDefaults[CleanJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *cleanWorker) Timeout(*river.Job[CleanJob]) time.Duration { return sweepTime }

// Work cleans.
func (w *cleanWorker) Work(ctx context.Context, job *river.Job[CleanJob]) error {
	return w.service.Clean(ctx, job.Args.Store)
}

// cleanTx has a store cleaned, once however often it is asked for at a time.
func (s *Service) cleanTx(ctx context.Context, tx pgx.Tx, store string) error {
	_, err := s.jobs.InsertTx(ctx, tx, CleanJob{Store: store}, &river.InsertOpts{
		Queue: queueOf(store), MaxAttempts: 10, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	})
	return err
}

// Start has the stores of this server cleaned: among the photos of a disk may be such as no row knows to be there.
func (s *Service) Start(ctx context.Context) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		for _, store := range s.stores {
			if err := s.cleanTx(ctx, tx, store.Name()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Workers registers the jobs of this package.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &renderWorker{service: s})
	river.AddWorker(workers, &sweepWorker{service: s})
	river.AddWorker(workers, &cleanWorker{service: s})
}

// PeriodicJobs is what River has to enqueue regularly, by one leader however many servers run.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return SweepJob{}, &river.InsertOpts{MaxAttempts: 1} },
			&river.PeriodicJobOpts{RunOnStart: true}),
	}
}

// sweepTx is what Sweep does in one transaction: it gives up a batch, and has its stores cleaned.
func (s *Service) sweepTx(ctx context.Context, find func(tx pgx.Tx) ([]uuid.UUID, error)) (found []uuid.UUID, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if found, err = find(tx); err != nil {
			return err
		}
		return s.giveUpTx(ctx, tx, found)
	})
	return found, err
}
