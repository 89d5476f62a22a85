package identity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// revocations is the table of sessions, on the clock of the test's bubble.
type revocations struct {
	mu   sync.Mutex
	at   map[uuid.UUID]time.Time
	away bool // it does not answer
}

func (r *revocations) revoke(session uuid.UUID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[session] = time.Now()
}

func (r *revocations) set(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

func (r *revocations) lately(_ context.Context, seconds float64) (revoked []uuid.UUID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return nil, errors.New("away")
	}
	for session, at := range r.at {
		if time.Since(at).Seconds() < seconds {
			revoked = append(revoked, session)
		}
	}
	return revoked, nil
}

// watched is a running Watch in a bubble of its own time, in which a second takes no time.
func watched(t *testing.T, test func(t *testing.T, w *Watch, table *revocations)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		table := &revocations{at: map[uuid.UUID]time.Time{}}
		w := watching(slog.New(slog.DiscardHandler), table.lately)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = w.Run(ctx) })
		test(t, w, table)
		stop()
		running.Wait()
	})
}

// connection is one that a Watch holds.
type connection struct {
	session Session
	release func()

	mu    sync.Mutex
	ended time.Time
}

func (c *connection) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.IsZero() {
		c.ended = time.Now()
	}
}

func (c *connection) endedAt() time.Time {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func hold(t *testing.T, w *Watch, session Session) *connection {
	t.Helper()
	c := &connection{session: session}
	var err error
	if c.release, err = w.Hold(session, c.end); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.release)
	return c
}

func someSession() Session {
	return Session{ID: uuid.New(), User: User{ID: uuid.New()}, ExpiresAt: time.Now().Add(sessionTTL)}
}

// Whatever the moment of a revocation, all connections of its session have ended a second later, and nobody else's.
func TestARevocationEndsConnectionsWithinASecond(t *testing.T) {
	t.Parallel()
	for offset := time.Duration(0); offset <= watchEvery; offset += watchEvery / 8 {
		watched(t, func(t *testing.T, w *Watch, table *revocations) {
			session := someSession()
			mine := []*connection{hold(t, w, session), hold(t, w, session)}
			other := hold(t, w, someSession())
			time.Sleep(time.Minute + offset)
			revoked := time.Now()
			table.revoke(session.ID)
			time.Sleep(time.Second)
			for _, c := range mine {
				if at := c.endedAt(); at.IsZero() || at.Sub(revoked) > time.Second {
					t.Errorf("revoked %v after a look: ended %v later", offset, at.Sub(revoked))
				}
			}
			if !other.endedAt().IsZero() {
				t.Error("another's connection has ended")
			}
		})
	}
}

// What is revoked while the database does not answer ends a second after it does, however long that was.
func TestRevocationsAreFoundAfterAnOutage(t *testing.T) {
	t.Parallel()
	watched(t, func(t *testing.T, w *Watch, table *revocations) {
		c := hold(t, w, someSession())
		time.Sleep(time.Minute)
		table.set(true)
		time.Sleep(time.Second)
		table.revoke(c.session.ID)
		time.Sleep(10 * time.Minute)
		if !c.endedAt().IsZero() {
			t.Fatal("ended by a database that does not answer")
		}
		table.set(false)
		time.Sleep(time.Second)
		if c.endedAt().IsZero() {
			t.Error("what was revoked in the outage goes on")
		}
	})
}

// A session that expires ends its connections at that moment, idle as they are, though no table says so and the database does
// not answer; one that was let go is left alone.
func TestConnectionsEndWhenTheirSessionExpires(t *testing.T) {
	t.Parallel()
	watched(t, func(t *testing.T, w *Watch, table *revocations) {
		session := someSession()
		c, gone := hold(t, w, session), hold(t, w, session)
		gone.release()
		table.set(true)
		time.Sleep(sessionTTL - time.Nanosecond)
		if !c.endedAt().IsZero() {
			t.Fatal("ended before its session")
		}
		time.Sleep(time.Nanosecond)
		if at := c.endedAt(); !at.Equal(session.ExpiresAt) {
			t.Errorf("ended at %v, its session at %v", at, session.ExpiresAt)
		}
		if !gone.endedAt().IsZero() {
			t.Error("a connection that was let go has ended")
		}
		late := someSession()
		late.ExpiresAt = time.Now()
		if hold(t, w, late).endedAt().IsZero() {
			t.Error("an expired session holds a connection open")
		}
	})
}

func TestAUserHasSoManyConnections(t *testing.T) {
	t.Parallel()
	watched(t, func(t *testing.T, w *Watch, _ *revocations) {
		session := someSession()
		var last *connection
		for range maxHeld {
			last = hold(t, w, session)
		}
		if _, err := w.Hold(session, func() {}); !errors.Is(err, ErrTooManyConnections) {
			t.Errorf("one more: %v", err)
		}
		hold(t, w, someSession())
		last.release()
		last.release() // a second time counts nobody out
		hold(t, w, session)
		if _, err := w.Hold(session, func() {}); !errors.Is(err, ErrTooManyConnections) {
			t.Errorf("one more: %v", err)
		}
	})
}
