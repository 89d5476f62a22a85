package show

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

// Status of a show.
type Status string

// The statuses of a show.
const (
	Scheduled Status = "SCHEDULED"
	Live      Status = "LIVE"
	Ended     Status = "ENDED"
)

const showList = 'S' // marks cursors of lists of shows

// Show is a live sale by one host.
type Show struct {
	ID        uuid.UUID  `json:"id"`
	HostID    uuid.UUID  `json:"hostId"`
	Title     string     `json:"title"`
	Status    Status     `json:"status"`
	StartsAt  time.Time  `json:"startsAt"`
	StartedAt *time.Time `json:"startedAt"`
}

// NodeID is the id that clients see.
func (s Show) NodeID() id.ID { return id.Show.ID(s.ID) }

// Cursor is the show's place in a list.
func (s Show) Cursor() string { return page.Key{At: s.StartsAt, ID: s.ID}.Encode(showList) }

// ShowPage is a page of a list of Shows.
type ShowPage = page.Page[Show]

// ShowEdge is one row of it.
type ShowEdge = page.Edge[Show]

func showOf(row db.Show) Show {
	return Show{
		ID: row.ID, HostID: row.HostID, Title: row.Title, Status: Status(row.Status),
		StartsAt: row.StartsAt, StartedAt: row.StartedAt,
	}
}

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	clock clock.Clock
	hub   realtime.Publisher
}

// Config are the parts that the service works with.
type Config struct {
	Pool  *pgxpool.Pool
	Clock clock.Clock
	Hub   realtime.Publisher
}

// New makes the service.
func New(c Config) *Service {
	return &Service{pool: c.Pool, q: db.New(), clock: c.Clock, hub: c.Hub}
}

// Create schedules a show.
func (s *Service) Create(ctx context.Context, host uuid.UUID, title string, startsAt time.Time) (_ Show, err error) {
	title = text.Clean(title)
	if n := utf8.RuneCountInString(title); n < 3 || n > 140 || !text.IsLine(title) {
		return Show{}, ErrTitle.At("title")
	}
	now := s.clock.Now()
	if startsAt.Before(now.Add(-time.Minute)) || startsAt.After(now.AddDate(1, 0, 0)) {
		return Show{}, ErrStartsAt.At("startsAt")
	}
	defer fault.Wrap(&err, "schedule a show")
	return s.change(ctx, EventScheduled, func(tx pgx.Tx) (db.Show, error) {
		return s.q.ShowInsert(ctx, tx, db.ShowInsertParams{ID: id.New(), HostID: host, Title: title, StartsAt: startsAt})
	})
}

// Start takes a scheduled show live.
func (s *Service) Start(ctx context.Context, host, show uuid.UUID) (_ Show, err error) {
	defer fault.Wrap(&err, "start show %s", show)
	return s.change(ctx, EventStarted, func(tx pgx.Tx) (db.Show, error) {
		row, err := s.q.ShowStart(ctx, tx, show, host)
		if postgres.NoRows(err) {
			return db.Show{}, ErrCantStart
		}
		return row, err
	})
}

// change changes a show and tells its viewers.
func (s *Service) change(ctx context.Context, kind string, do func(pgx.Tx) (db.Show, error)) (Show, error) {
	var (
		now   Show
		event realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := do(tx)
		if err != nil {
			return err
		}
		now = showOf(row)
		event, err = AppendTx(ctx, tx, row.ID, kind, Change{Show: &now})
		return err
	})
	if err != nil {
		return Show{}, err
	}
	s.hub.Publish(ctx, event)
	return now, nil
}

// TakeLotNumberTx gives the next lot of a live show its number.
func (s *Service) TakeLotNumberTx(ctx context.Context, tx pgx.Tx, host, show uuid.UUID) (int32, error) {
	n, err := s.q.ShowTakeLotNumber(ctx, tx, show, host)
	if postgres.NoRows(err) {
		return 0, ErrNotLive
	}
	return n, err
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

// List is the shows, the latest start first.
func (s *Service) List(ctx context.Context, args page.Args) (ShowPage, error) {
	size, err := args.Size()
	if err != nil {
		return ShowPage{}, err
	}
	before, err := args.Before(showList)
	if err != nil {
		return ShowPage{}, err
	}
	rows, err := s.q.ShowPage(ctx, s.pool, before.At, before.ID, int32(size+1))
	return page.Of(rows, size, showOf, Show.Cursor), err
}
