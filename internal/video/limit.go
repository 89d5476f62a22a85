package video

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// How many tokens are given out in a minute, by this server. Many guests may share an address.
const (
	perUser    = 30
	perAddress = 600
	maxAskers  = 100_000 // whom the limiter remembers
)

// limiter counts who asks how often, minute by minute of the clock. A server counts for itself: the limit is there to
// keep one client from keeping it busy, and not to be exact.
type limiter struct {
	mu     sync.Mutex
	minute time.Time
	asked  map[Viewer]int
}

func newLimiter() *limiter { return &limiter{asked: map[Viewer]int{}} }

// take counts one request; it answers how long to wait where it is one too many.
func (l *limiter) take(who Viewer, now time.Time) time.Duration {
	most := perUser
	if who.User == uuid.Nil { // a guest
		most = perAddress
	} else {
		who.Addr = Viewer{}.Addr // a user is one user wherever they are
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) || len(l.asked) >= maxAskers {
		l.minute = minute
		clear(l.asked)
	}
	if l.asked[who] >= most {
		return l.minute.Add(time.Minute).Sub(now)
	}
	l.asked[who]++
	return 0
}
