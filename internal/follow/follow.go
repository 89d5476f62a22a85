package follow

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

// ErrSelf refuses to follow oneself.
var ErrSelf = fault.New(fault.Precondition, "FOLLOW_OF_ONESELF", "You can't follow yourself.").At("userId")

const followList = 'F' // marks cursors of lists of whom somebody follows

// Follow is that somebody follows somebody.
type Follow struct {
	FollowedID uuid.UUID
	FollowerID uuid.UUID
	Since      time.Time
}

// Cursor is the row's place in a list.
func (f Follow) Cursor() string { return page.Key{At: f.Since, ID: f.FollowedID}.Encode(followList) }

// FollowPage is a page of a list of Follows.
type FollowPage = page.Page[Follow]

// FollowEdge is one row of it.
type FollowEdge = page.Edge[Follow]

func followOf(row db.Follow) Follow {
	return Follow{FollowedID: row.FollowedID, FollowerID: row.FollowerID, Since: row.Since}
}

// Service holds the use cases of this package.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// New makes the service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// Begin has somebody follow a user; who does already goes on.
func (s *Service) Begin(ctx context.Context, follower, followed uuid.UUID) (err error) {
	if follower == followed {
		return ErrSelf
	}
	defer fault.Wrap(&err, "follow %s", followed)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		began, err := s.q.FollowBegin(ctx, tx, followed, follower)
		if err != nil || began == 0 {
			return err
		}
		return s.q.FollowerCountUp(ctx, tx, followed)
	})
	if postgres.Violates(err, "follow_followed_id_fkey") {
		return identity.ErrUserNotFound
	}
	return err
}

// End has somebody follow a user no more; who does not is as before.
func (s *Service) End(ctx context.Context, follower, followed uuid.UUID) (err error) {
	defer fault.Wrap(&err, "stop following %s", followed)
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		ended, err := s.q.FollowEnd(ctx, tx, followed, follower)
		if err != nil || ended == 0 {
			return err
		}
		return s.q.FollowerCountDown(ctx, tx, followed)
	})
}

// Counts reads, for a loader, how many follow each of the users.
func (s *Service) Counts(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]int32, error) {
	rows, err := s.q.FollowerCounts(ctx, s.pool, users)
	counts := make(map[uuid.UUID]int32, len(users))
	for _, user := range users {
		counts[user] = 0
	}
	for _, row := range rows {
		counts[row.UserID] = row.Followers
	}
	return counts, err
}

// Among reads, for a loader, which of the users somebody follows.
func (s *Service) Among(ctx context.Context, follower uuid.UUID, users []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.q.FollowedAmong(ctx, s.pool, follower, users)
	followed := make(map[uuid.UUID]bool, len(users))
	for _, user := range users {
		followed[user] = false
	}
	for _, user := range rows {
		followed[user] = true
	}
	return followed, err
}

// List is whom somebody follows, the newest first.
func (s *Service) List(ctx context.Context, follower uuid.UUID, args page.Args) (FollowPage, error) {
	size, err := args.Size()
	if err != nil {
		return FollowPage{}, err
	}
	before, err := args.Before(followList)
	if err != nil {
		return FollowPage{}, err
	}
	rows, err := s.q.FollowPage(ctx, s.pool, db.FollowPageParams{
		FollowerID: follower, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, followOf, Follow.Cursor), err
}

// FollowersTx reads a user's followers in the order of their ids, at most so many after one.
func (s *Service) FollowersTx(ctx context.Context, tx pgx.Tx, followed, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	return s.q.FollowersAfter(ctx, tx, followed, after, int32(limit))
}
