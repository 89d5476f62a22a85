// Package show holds live shows: who hosts one, when, and how many lots it has had.
//
// It owns the table show. Its row numbers the show's lots under its lock.
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
	"github.com/souklive/souk/internal/text"
)

// The refusals of this package.
var (
	ErrTitle     = fault.New(fault.Invalid, "TITLE_LENGTH", "A title has between 3 and 140 characters, and nothing that hides or turns it.")
	ErrStartsAt  = fault.New(fault.Invalid, "SHOW_START_INVALID", "A show starts within the next year, and not in the past.")
	ErrCantStart = fault.New(fault.Precondition, "SHOW_NOT_SCHEDULED", "Only the host starts a show, and only once.")
	ErrNotLive   = fault.New(fault.Precondition, "SHOW_NOT_LIVE", "The show is not yours, or is not live.")
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
	ID        uuid.UUID
	HostID    uuid.UUID
	Title     string
	Status    Status
	StartsAt  time.Time
	StartedAt *time.Time
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
}

// New makes the service.
func New(pool *pgxpool.Pool, c clock.Clock) *Service {
	return &Service{pool: pool, q: db.New(), clock: c}
}

// Create schedules a show.
func (s *Service) Create(ctx context.Context, host uuid.UUID, title string, startsAt time.Time) (Show, error) {
	title = text.Clean(title)
	if n := utf8.RuneCountInString(title); n < 3 || n > 140 || !text.IsLine(title) {
		return Show{}, ErrTitle.At("title")
	}
	now := s.clock.Now()
	if startsAt.Before(now.Add(-time.Minute)) || startsAt.After(now.AddDate(1, 0, 0)) {
		return Show{}, ErrStartsAt.At("startsAt")
	}
	row, err := s.q.ShowInsert(ctx, s.pool, db.ShowInsertParams{ID: id.New(), HostID: host, Title: title, StartsAt: startsAt})
	return showOf(row), err
}

// Start takes a scheduled show live.
func (s *Service) Start(ctx context.Context, host, show uuid.UUID) (Show, error) {
	row, err := s.q.ShowStart(ctx, s.pool, show, host)
	if postgres.NoRows(err) {
		return Show{}, ErrCantStart
	}
	return showOf(row), err
}

// TakeLotNumberTx gives the next lot of a live show its number.
func (s *Service) TakeLotNumberTx(ctx context.Context, tx pgx.Tx, host, show uuid.UUID) (int32, error) {
	n, err := s.q.ShowTakeLotNumber(ctx, tx, show, host)
	if postgres.NoRows(err) {
		return 0, ErrNotLive
	}
	return n, err
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
