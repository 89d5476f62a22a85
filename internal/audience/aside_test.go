package audience

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// waitAside waits for an aside, and answers how many were offered.
func (v *viewer) waitAside(text string) int {
	v.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		v.mu.Lock()
		aside, asides, bad := v.aside, v.asides, v.bad
		v.mu.Unlock()
		if bad != "" {
			v.t.Fatal(bad)
		}
		if aside == fmt.Sprintf(`{"data":%q}`, text) {
			return asides
		}
		select {
		case <-v.news:
		case <-timeout:
			v.t.Fatalf("%s does not come; the last aside was %s", text, aside)
		}
	}
}

// What is beside the events is executed once for all and offered to each, with no event as well as between them; who comes later is
// offered the newest of it behind its first answer, whatever that is.
func TestAsides(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.commit(2)
	var all []*viewer
	for range 200 {
		v, _ := b.join(-1)
		all = append(all, v)
	}
	for _, v := range all {
		v.wait(2)
	}
	answers := b.answers.Load()
	b.asides <- "one"
	for _, v := range all {
		v.waitAside("one")
	}
	b.commit(1)
	b.asides <- "two"
	for _, v := range all {
		v.wait(3)
		if n := v.waitAside("two"); n != 2 {
			t.Fatalf("offered %d asides of 2", n)
		}
	}
	if n := b.answers.Load(); n != answers+1 {
		t.Errorf("%d executions for an event", n-answers)
	}
	for name, after := range map[string]int64{"new": -1, "at the end": 3, "an event behind": 2, "before the log": 1} {
		late, _ := b.join(after)
		if n := late.waitAfter(after).waitAside("two"); n != 1 {
			t.Errorf("%s: offered %d asides", name, n)
		}
	}
}

// waitAfter is a viewer that comes back; one that misses nothing begins with an aside.
func (v *viewer) waitAfter(after int64) *viewer {
	if after != 3 {
		v.wait(3)
	}
	return v
}

// Asides among events and among viewers who come and go take nothing from anybody: each has all versions, and in the end the newest aside.
func TestAsidesAmongEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxFrames: 16})
	v, _ := b.join(-1)
	v.wait(0)
	all := []*viewer{v}
	const events = 400
	for n := range events {
		b.commit(1)
		if n%3 == 0 {
			b.asides <- strconv.Itoa(n)
		}
		if n%10 == 0 {
			came, leave := b.join(rand.Int64N(int64(n) + 1))
			if n%20 == 0 {
				leave()
			} else {
				all = append(all, came)
			}
		}
	}
	b.asides <- "last"
	for _, v := range all {
		v.wait(events)
		v.waitAside("last")
	}
}
