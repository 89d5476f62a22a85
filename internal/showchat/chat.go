package showchat

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/text"
)

// Config is what a Service is made of.
type Config struct {
	Pool  *pgxpool.Pool
	Hub   realtime.Publisher
	Shows *show.Service
	Crowd Crowd
	Clock clock.Clock // of the attempts alone; all else goes by the database's
	Log   *slog.Logger
}

// Service holds the use cases of this package.
type Service struct {
	pool      *pgxpool.Pool
	q         *db.Queries
	hub       realtime.Publisher
	clock     clock.Clock
	log       *slog.Logger
	shows     *show.Service
	crowd     Crowd
	attempts  *pace.Limiter[uuid.UUID]
	reactions *pace.Limiter[uuid.UUID]
	posts     *batch.Queue[uuid.UUID, post, Message]
}

// Who tries to send more than this is turned away before anything is read: the rate that the rules allow is far below it.
const (
	attemptEvery = 100 * time.Millisecond
	attemptBurst = 30
)

// maxBatch is how many messages are written at once.
const maxBatch = 256

// New makes the service. Close ends it.
func New(c Config) *Service {
	s := &Service{
		pool: c.Pool, q: db.New(), hub: c.Hub, clock: c.Clock, log: c.Log,
		shows: c.Shows, crowd: c.Crowd,
		attempts:  pace.New[uuid.UUID](attemptEvery, attemptBurst, c.Clock),
		reactions: pace.New[uuid.UUID](reactEvery, reactBurst, c.Clock),
	}
	s.posts = batch.New(batch.Config[uuid.UUID, post, Message]{Run: s.write, Most: maxBatch})
	return s
}

// Close takes no more messages, and waits until those that came are written.
func (s *Service) Close(ctx context.Context) error { return s.posts.Close(ctx) }

// Chat is how a show's chat is set.
type Chat struct {
	ShowID   uuid.UUID
	SlowMode time.Duration // between two messages of a person; zero for none
	Words    []string      // that are refused, as they were typed; for moderators' eyes
	Pinned   *uuid.UUID
	Messages int64 // how many were ever posted
}

// SlowModeSeconds is the slow mode as clients see it.
func (c Chat) SlowModeSeconds() int { return int(c.SlowMode / time.Second) }

func chatOf(row db.ShowChat) Chat {
	return Chat{
		ShowID: row.ShowID, SlowMode: time.Duration(row.SlowMode) * time.Second, Words: row.Words, Pinned: row.Pinned, Messages: row.Messages,
	}
}

// room is a chat whose row is locked.
type room struct {
	Chat
	host uuid.UUID
	open bool      // its show is to come or runs
	now  time.Time // read after the lock was had
}

// lockTx takes a chat's lock. The chat is made by the first who needs it.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, showID uuid.UUID) (room, error) {
	row, err := s.q.ShowChatLock(ctx, tx, showID)
	if postgres.NoRows(err) {
		if err := s.openTx(ctx, tx, showID); err != nil {
			return room{}, err
		}
		row, err = s.q.ShowChatLock(ctx, tx, showID)
	}
	if err != nil {
		return room{}, err
	}
	status := show.Status(row.Status)
	r := room{Chat: chatOf(row.ShowChat), host: row.HostID, open: status == show.Scheduled || status == show.Live}
	r.now, err = s.q.ShowChatClock(ctx, tx)
	return r, err
}

// openTx makes a chat, with the host as its first member.
func (s *Service) openTx(ctx context.Context, tx pgx.Tx, showID uuid.UUID) error {
	host, err := s.q.ShowChatHost(ctx, tx, showID)
	if postgres.NoRows(err) {
		return show.ErrNotFound.At("showId")
	}
	if err != nil {
		return err
	}
	if err := s.q.ShowChatInsert(ctx, tx, showID); err != nil {
		return err
	}
	return s.q.ShowMembersInsert(ctx, tx, showID, []uuid.UUID{host.HostID}, []string{handle(host.Name)})
}

// handle is a name as it is compared.
func handle(name string) string { return strings.Join(text.Words(name), " ") }

// Chats reads how the chats of shows are set, for a loader. A show in which nobody has said anything has an empty one.
func (s *Service) Chats(ctx context.Context, shows []uuid.UUID) (map[uuid.UUID]Chat, error) {
	rows, err := s.q.ShowChatsByShow(ctx, s.pool, shows)
	if err != nil {
		return nil, err
	}
	chats := make(map[uuid.UUID]Chat, len(shows))
	for _, showID := range shows {
		chats[showID] = Chat{ShowID: showID}
	}
	for _, row := range rows {
		chats[row.ShowID] = chatOf(row)
	}
	return chats, nil
}
