package identity

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// ErrTooManyConnections refuses one open connection more of a user.
var ErrTooManyConnections = fault.New(fault.RateLimited, "TOO_MANY_CONNECTIONS", "You have too many connections open.")

const (
	watchEvery   = 400 * time.Millisecond
	watchOverlap = 10 * time.Second // a revocation is looked for this long, as its time is from before its commit
	maxHeld      = 100              // connections of a user on one server
)

// Watch ends the connections of sessions that end: on every server, within a second of their revocation, and at once when
// they expire.
type Watch struct {
	revoked func(ctx context.Context, seconds float64) ([]uuid.UUID, error) // the sessions that were, within so many seconds
	log     *slog.Logger
	every   time.Duration

	mu    sync.Mutex
	held  map[uuid.UUID]map[*held]struct{} // by session
	count map[uuid.UUID]int                // by user
}

// held is one connection.
type held struct {
	end    func()
	expiry *time.Timer
}

// NewWatch makes a Watch without connections; Run makes it look.
func NewWatch(pool *pgxpool.Pool, log *slog.Logger) *Watch {
	return watching(log, func(ctx context.Context, seconds float64) ([]uuid.UUID, error) {
		return db.New().SessionsRevokedLately(ctx, pool, seconds)
	})
}

func watching(log *slog.Logger, revoked func(context.Context, float64) ([]uuid.UUID, error)) *Watch {
	return &Watch{
		revoked: revoked, log: cmp.Or(log, slog.New(slog.DiscardHandler)), every: watchEvery,
		held: map[uuid.UUID]map[*held]struct{}{}, count: map[uuid.UUID]int{},
	}
}

// Hold has end called when the session ends; it may be called although release was. It refuses with TOO_MANY_CONNECTIONS.
func (w *Watch) Hold(session Session, end func()) (release func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count[session.User.ID] >= maxHeld {
		return nil, ErrTooManyConnections
	}
	h := &held{end: end, expiry: time.AfterFunc(time.Until(session.ExpiresAt), end)}
	if w.held[session.ID] == nil {
		w.held[session.ID] = map[*held]struct{}{}
	}
	w.held[session.ID][h] = struct{}{}
	w.count[session.User.ID]++
	return sync.OnceFunc(func() { w.release(session, h) }), nil
}

func (w *Watch) release(session Session, h *held) {
	h.expiry.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.held[session.ID], h); len(w.held[session.ID]) == 0 {
		delete(w.held, session.ID)
	}
	if w.count[session.User.ID]--; w.count[session.User.ID] == 0 {
		delete(w.count, session.User.ID)
	}
}

// Run looks for revoked sessions until ctx ends. While the database does not answer, connections stay; what was revoked
// meanwhile is found afterwards.
func (w *Watch) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	looked, failing := time.Now(), false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		begun := time.Now()
		err := w.look(ctx, begun.Sub(looked)+watchOverlap)
		switch {
		case err == nil:
			looked, failing = begun, false
		case !failing && ctx.Err() == nil:
			failing = true
			w.log.ErrorContext(ctx, "ended sessions cannot be looked for", "error", err)
		}
	}
}

func (w *Watch) look(ctx context.Context, back time.Duration) error {
	if w.idle() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	revoked, err := w.revoked(ctx, back.Seconds())
	if err != nil {
		return err
	}
	for _, end := range w.ends(revoked) {
		end()
	}
	return nil
}

func (w *Watch) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held) == 0
}

func (w *Watch) ends(sessions []uuid.UUID) (ends []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, session := range sessions {
		for h := range w.held[session] {
			ends = append(ends, h.end)
		}
	}
	return ends
}
