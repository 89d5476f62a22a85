package pace

import (
	"net/netip"
	"testing"
	"time"
)

type at struct{ time.Time }

func (a *at) Now() time.Time { return a.Time }

func TestPace(t *testing.T) {
	t.Parallel()
	now := &at{time.Unix(1_000, 0)}
	l := New[string](time.Second, 3, now)
	take := func(key string, want time.Duration) {
		t.Helper()
		if wait, ok := l.Take(key); ok != (want == 0) || wait != want {
			t.Errorf("%s waits %s, %t, want %s", key, wait, ok, want)
		}
	}
	take("ada", 0)
	take("ada", 0)
	take("ada", 0)
	take("ada", time.Second)
	take("ben", 0) // each has a pace of their own
	now.Time = now.Add(400 * time.Millisecond)
	take("ada", 600*time.Millisecond) // what was refused did not count
	now.Time = now.Add(600 * time.Millisecond)
	take("ada", 0)
	take("ada", time.Second)
	now.Time = now.Add(time.Hour) // a long rest is worth no more than a burst
	for range 3 {
		take("ada", 0)
	}
	take("ada", time.Second)
}

// Those who are at rest take no room.
func TestRoom(t *testing.T) {
	t.Parallel()
	now := &at{time.Unix(1_000, 0)}
	l := New[int](time.Second, 1, now)
	for i := range 50 * sweepAt {
		now.Time = now.Add(10 * time.Millisecond)
		l.Take(i)
		if len(l.next) > 2*sweepAt {
			t.Fatalf("%d keys, of which 100 are at work", len(l.next))
		}
	}
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::", "2001:db8:0:0:ffff::2%eth0": "2001:db8::", "2001:db8:0:1::1": "2001:db8:0:1::",
	} {
		if got := Customer(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("%s is counted to %s, not %s", address, got, want)
		}
	}
	if got := Customer(netip.Addr{}); got.IsValid() {
		t.Errorf("nobody is counted to %s", got)
	}
}
