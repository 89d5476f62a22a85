package show

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Status of a show.
type Status string

// The statuses of a show.
const (
	Scheduled Status = "SCHEDULED"
	Live      Status = "LIVE"
	Ended     Status = "ENDED"
	Cancelled Status = "CANCELLED" // before it began
)

// Over says whether nothing changes any more.
func (s Status) Over() bool { return s == Ended || s == Cancelled }

// Language is what a host speaks in a show.
type Language string

// The languages.
const (
	Arabic  Language = "AR"
	English Language = "EN"
	French  Language = "FR"
)

const maxLots = 1000 // of a show, those that were taken out included

// Show is a live sale by one host. Everything in it may be seen by everyone.
type Show struct {
	ID          uuid.UUID  `json:"id"`
	HostID      uuid.UUID  `json:"hostId"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	CoverID     *uuid.UUID `json:"coverId"`
	Language    Language   `json:"language"`
	Categories  []string   `json:"categories"`
	Status      Status     `json:"status"`
	StartsAt    time.Time  `json:"startsAt"`
	StartedAt   *time.Time `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt"` // or cancelled
	PinnedLotID *uuid.UUID `json:"pinnedLotId"`
}

// NodeID is the id that clients see.
func (s Show) NodeID() id.ID { return id.Show.ID(s.ID) }

func showOf(row db.Show) Show {
	return Show{
		ID: row.ID, HostID: row.HostID, Title: row.Title, Description: row.Description, CoverID: row.CoverID,
		Language: Language(row.Language), Categories: row.Categories, Status: Status(row.Status),
		StartsAt: row.StartsAt, StartedAt: row.StartedAt, EndedAt: row.EndedAt, PinnedLotID: row.PinnedLot,
	}
}

// Jobs enqueues a job inside a transaction; a River client does.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service holds the use cases of this package.
type Service struct {
	pool    *pgxpool.Pool
	q       *db.Queries
	clock   clock.Clock
	hub     realtime.Publisher
	media   *media.Service
	follows *follow.Service
	jobs    Jobs
}

// Config are the parts that the service works with; all are required.
type Config struct {
	Pool    *pgxpool.Pool
	Clock   clock.Clock
	Hub     realtime.Publisher
	Media   *media.Service
	Follows *follow.Service
	Jobs    Jobs
}

// New makes the service.
func New(c Config) *Service {
	return &Service{pool: c.Pool, q: db.New(), clock: c.Clock, hub: c.Hub, media: c.Media, follows: c.Follows, jobs: c.Jobs}
}

// LockTx locks a show for its host until the transaction ends, and says how it is. Every other lock comes after it.
func (s *Service) LockTx(ctx context.Context, tx pgx.Tx, host, show uuid.UUID) (Show, error) {
	row, err := s.q.ShowLock(ctx, tx, show)
	switch {
	case postgres.NoRows(err):
		return Show{}, ErrNotFound
	case err != nil:
		return Show{}, err
	case row.HostID != host:
		return Show{}, ErrNotHost
	}
	return showOf(row), nil
}

// TakeLotNumberTx gives a show's next lot its number, and says how the show is; it is locked from now on.
func (s *Service) TakeLotNumberTx(ctx context.Context, tx pgx.Tx, host, show uuid.UUID) (Show, int32, error) {
	now, err := s.LockTx(ctx, tx, host, show)
	if err != nil {
		return Show{}, 0, err
	}
	if now.Status.Over() {
		return Show{}, 0, ErrOver
	}
	n, err := s.q.ShowTakeLotNumber(ctx, tx, show)
	if err == nil && n > maxLots {
		err = ErrTooManyLots
	}
	return now, n, err
}

// PinTx pins a lot in a show that the caller has locked, or none.
func (s *Service) PinTx(ctx context.Context, tx pgx.Tx, show uuid.UUID, lot *uuid.UUID) (Show, error) {
	row, err := s.q.ShowPin(ctx, tx, lot, show)
	return showOf(row), err
}

// FinishTx ends or cancels a show that the caller has locked.
func (s *Service) FinishTx(ctx context.Context, tx pgx.Tx, show uuid.UUID, as Status) (Show, error) {
	row, err := s.q.ShowFinish(ctx, tx, string(as), show)
	return showOf(row), err
}

// Get reads one show.
func (s *Service) Get(ctx context.Context, show uuid.UUID) (Show, error) {
	found, err := s.ByID(ctx, []uuid.UUID{show})
	if err != nil {
		return Show{}, err
	}
	now, ok := found[show]
	if !ok {
		return Show{}, ErrNotFound
	}
	return now, nil
}

// ByID reads shows for a loader.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Show, error) {
	rows, err := s.q.ShowsByID(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	shows := make(map[uuid.UUID]Show, len(rows))
	for _, row := range rows {
		shows[row.ID] = showOf(row)
	}
	return shows, nil
}
