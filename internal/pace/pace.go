// Package pace bounds how often somebody does a thing, in this process: so often on the average, and so many at once after a rest. It
// is for what is cheap to allow once too often; what has to be exact is counted in the database.
package pace

import (
	"sync"
	"time"

	"github.com/souklive/souk/internal/clock"
)

// Limiter counts by key.
type Limiter[K comparable] struct {
	every time.Duration
	slack time.Duration // how far ahead of its pace a key may be
	clock clock.Clock

	mu    sync.Mutex
	next  map[K]time.Time // when each key would be at rest again: what it has done, at its pace, takes until then
	sweep int             // as many keys as this, and those at rest are dropped
}

const sweepAt = 1024

// New makes a limiter that allows one thing in a time on the average, and burst of them at once.
func New[K comparable](every time.Duration, burst int, c clock.Clock) *Limiter[K] {
	return &Limiter[K]{every: every, slack: every * time.Duration(burst-1), clock: c, next: map[K]time.Time{}, sweep: sweepAt}
}

// Take allows a thing, or tells how long to wait until the next is allowed. What is refused does not count.
func (l *Limiter[K]) Take(key K) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	next := l.next[key]
	if next.Before(now) {
		next = now
	}
	if ahead := next.Sub(now); ahead > l.slack {
		return ahead - l.slack, false
	}
	l.next[key] = next.Add(l.every)
	l.drop(now)
	return 0, true
}

// drop forgets the keys at rest, as often as their number has doubled.
func (l *Limiter[K]) drop(now time.Time) {
	if len(l.next) < l.sweep {
		return
	}
	for key, next := range l.next {
		if !next.After(now) {
			delete(l.next, key)
		}
	}
	l.sweep = max(sweepAt, 2*len(l.next))
}
