package show

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	announceBatch = 200 // followers whose feeds one transaction locks
	announceLimit = 10 * time.Minute
)

// AnnounceJob tells the followers of a show's host of it.
type AnnounceJob struct {
	Show uuid.UUID `json:"show"`
	What feed.Kind `json:"what"`
}

// Kind names the job.
func (AnnounceJob) Kind() string { return "show_announce" }

type announceWorker struct {
	river.WorkerDefaults[AnnounceJob]
	service *Service
}

// Timeout implements river.Worker: a host may have very many followers.
func (w *announceWorker) Timeout(*river.Job[AnnounceJob]) time.Duration { return announceLimit }

// Work tells them; what is cut off is tried again, and goes on where it stopped.
func (w *announceWorker) Work(ctx context.Context, job *river.Job[AnnounceJob]) error {
	return w.service.Announce(ctx, job.Args.Show, job.Args.What)
}

// Workers registers the jobs of show.
func Workers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &announceWorker{service: s})
}

func (s *Service) announceTx(ctx context.Context, tx pgx.Tx, show uuid.UUID, what feed.Kind) error {
	if err := s.q.ShowAnnouncementInsert(ctx, tx, show, string(what)); err != nil {
		return err
	}
	_, err := s.jobs.InsertTx(ctx, tx, AnnounceJob{Show: show, What: what}, nil)
	return err
}

// Announce tells the host's followers of a show, each once, some in each transaction. Any number may run at once, and each
// goes on where the last one stopped. A show that has moved on is not announced any further.
func (s *Service) Announce(ctx context.Context, show uuid.UUID, what feed.Kind) (err error) {
	defer fault.Wrap(&err, "tell followers of show %s", show)
	for done := false; !done; {
		var events []realtime.Event
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			events, done, err = s.announceSomeTx(ctx, tx, show, what)
			return err
		})
		if err != nil {
			return err
		}
		s.hub.Publish(ctx, events...)
	}
	return nil
}

func (s *Service) announceSomeTx(ctx context.Context, tx pgx.Tx, show uuid.UUID, what feed.Kind) (_ []realtime.Event, done bool, err error) {
	so, err := s.q.ShowAnnouncementLock(ctx, tx, show, string(what))
	if err != nil || so.DoneAt != nil {
		return nil, true, err
	}
	var followers []uuid.UUID
	if current := map[feed.Kind]Status{feed.ShowScheduled: Scheduled, feed.ShowLive: Live}; Status(so.Status) == current[what] {
		if followers, err = s.follows.FollowersTx(ctx, tx, so.HostID, so.AfterID, announceBatch); err != nil {
			return nil, false, err
		}
	}
	last := so.AfterID
	if len(followers) > 0 {
		last = followers[len(followers)-1]
	}
	done = len(followers) < announceBatch
	err = s.q.ShowAnnouncementAdvance(ctx, tx, db.ShowAnnouncementAdvanceParams{
		ShowID: show, Kind: string(what), AfterID: last, Told: int32(len(followers)), Done: done,
	})
	if err != nil || len(followers) == 0 {
		return nil, done, err
	}
	events, err := feed.AppendAllTx(ctx, tx, followers, what, id.Show.ID(show))
	return events, done, err
}
