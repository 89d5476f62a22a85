package video

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// lifetime is how long a token opens its channel. A client asks for the next one before that.
const lifetime = time.Hour

// The refusals of this package.
var (
	ErrOff     = fault.New(fault.Precondition, "VIDEO_OFF", "This server has no video provider.")
	ErrNotLive = fault.New(fault.Precondition, "VIDEO_SHOW_NOT_LIVE", "There is nothing to see: the show is not live.").At("showId")
	ErrTooMany = fault.New(fault.RateLimited, "TOO_MANY_VIDEO_TOKENS", "You have asked for too many video tokens; one lasts for an hour.")
)

// Viewer is who asks for a token.
type Viewer struct {
	User uuid.UUID  // nil where nobody is signed in
	Addr netip.Addr // tells guests apart where they ask too often
}

// Shows are where this package looks shows up; an id that names none is show.ErrNotFound.
type Shows interface {
	Get(ctx context.Context, show uuid.UUID) (show.Show, error)
}

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	shows  Shows
	signer Signer
	clock  clock.Clock
	limit  *limiter
}

// New makes the service. Without a signer it refuses all (ErrOff).
func New(pool *pgxpool.Pool, shows Shows, signer Signer, c clock.Clock) *Service {
	return &Service{pool: pool, q: db.New(), shows: shows, signer: signer, clock: c, limit: newLimiter()}
}

// Token opens a show's channel: to its host for publishing, also before the show, to try it out; to everybody else for
// watching, while it is live. To renew a token is to ask for another.
func (s *Service) Token(ctx context.Context, who Viewer, showID uuid.UUID) (_ Token, err error) {
	if s.signer == nil {
		return Token{}, ErrOff
	}
	now := s.clock.Now()
	if wait := s.limit.take(who, now); wait > 0 {
		refusal := *ErrTooMany
		refusal.RetryIn = wait
		return Token{}, &refusal
	}
	defer fault.Wrap(&err, "a video token for show %s", showID)
	sh, err := s.shows.Get(ctx, showID)
	if errors.Is(err, show.ErrNotFound) {
		err = show.ErrNotFound.At("showId")
	}
	if err != nil {
		return Token{}, err
	}
	role, err := roleIn(sh, who.User)
	if err == nil && role == Audience && who.User != uuid.Nil {
		err = s.admit(ctx, sh.ID, who.User)
	}
	if err != nil {
		return Token{}, err
	}
	uid, err := s.uid(ctx, who.User)
	if err != nil {
		return Token{}, err
	}
	return s.signer.Sign(Grant{Channel: id.Show.Encode(sh.ID), UID: uid, Role: role, IssuedAt: now, Lifetime: lifetime})
}

// roleIn is what somebody may do in the video of a show as it is now.
func roleIn(sh show.Show, user uuid.UUID) (Role, error) {
	switch {
	case sh.HostID == user && (sh.Status == show.Live || sh.Status == show.Scheduled):
		return Host, nil
	case sh.Status == show.Live:
		return Audience, nil
	default:
		return "", ErrNotLive
	}
}

// admit refuses who is banned from a show.
func (s *Service) admit(ctx context.Context, showID, user uuid.UUID) error {
	banned, err := showchat.Banned(ctx, s.pool, showID, []uuid.UUID{user})
	if err == nil && banned[user] {
		err = showchat.ErrBanned
	}
	return err
}

// uid is the number by which the provider knows a user, always the same; a guest's is fresh, and far from all of users.
func (s *Service) uid(ctx context.Context, user uuid.UUID) (uint32, error) {
	if user == uuid.Nil {
		uid, err := s.q.VideoGuestUID(ctx, s.pool)
		return uint32(uid), err
	}
	uid, err := s.q.VideoUID(ctx, s.pool, user)
	if postgres.NoRows(err) {
		if err := s.q.VideoUIDInsert(ctx, s.pool, user); err != nil {
			return 0, err
		}
		uid, err = s.q.VideoUID(ctx, s.pool, user)
	}
	return uint32(uid), err
}
