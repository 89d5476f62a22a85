package domaintest

import (
	"context"
	"sync"
	"time"
)

// Limits is a limiter for which no time passes until a test says so.
type Limits struct {
	mu   sync.Mutex
	used map[string]time.Duration
}

// Once lets a key through that was not used since Forget.
func (l *Limits) Once(_ context.Context, key string, per time.Duration) (first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, used := l.used[key]; used {
		return false, nil
	}
	if l.used == nil {
		l.used = map[string]time.Duration{}
	}
	l.used[key] = per
	return true, nil
}

// Forget lets every key through once more.
func (l *Limits) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.used)
}
