package audience

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// Viewers who come back to a server that was restarted share what they have missed: however many they are, no event is executed
// twice, and nobody has an execution of their own.
func TestViewersComeBackTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Hour})
	const top, each = 300, 100
	b.commit(top)
	missed := []int64{1, 40, 100, 200}
	var all []*viewer
	for range each {
		for _, i := range rand.Perm(len(missed)) {
			v, _ := b.join(top - missed[i])
			all = append(all, v)
		}
	}
	for _, v := range all {
		first := v.last + 1
		if seen := v.wait(top); seen[0] == "SNAPSHOT300" {
			t.Fatalf("who wanted %d has %s", first, seen[0])
		}
	}
	if runs := b.runs.Load(); runs > int64(1+len(missed)) {
		t.Errorf("%d executions for %d viewers with %d cursors", runs, len(all), len(missed))
	}
	if answers := b.answers.Load(); answers > 1+200 {
		t.Errorf("%d events executed; they have missed 200", answers)
	}
	b.commit(1)
	for _, v := range all {
		v.wait(top + 1)
	}
}

// What follows a cursor may be gone: who asks for it gets a snapshot, and stands in nobody's way who has missed less.
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Hour})
	b.pruned.Store(50)
	b.commit(100)
	var gone, back []*viewer
	for range 20 {
		v, _ := b.join(10)
		gone = append(gone, v)
		w, _ := b.join(60)
		back = append(back, w)
	}
	for _, v := range gone {
		if seen := v.wait(100); seen[0] != "SNAPSHOT100" {
			t.Errorf("what was pruned: %v", seen)
		}
	}
	for _, v := range back {
		if seen := v.wait(100); len(seen) != 40 || seen[0] != "BID61" {
			t.Errorf("what was kept: %v", seen)
		}
	}
}

// Viewers come back with any cursor while events happen and old frames go: nobody sees a hole, and nobody waits for ever.
func TestComingBackWhileItGoesOn(t *testing.T) {
	t.Parallel()
	for _, frames := range []int{8, 256} {
		t.Run(strconv.Itoa(frames), func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{MaxFrames: frames, Linger: time.Nanosecond})
			b.commit(100)
			const events = 300
			var all []*viewer
			for n := range events {
				now, _, _ := b.now()
				v, leave := b.join(now - 1 - rand.Int64N(99))
				if n%3 == 0 {
					v.wait(now)
					leave()
				} else {
					all = append(all, v)
				}
				b.commit(1)
			}
			for _, v := range all {
				v.wait(100 + events)
			}
		})
	}
}
