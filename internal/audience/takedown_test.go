package audience

import (
	"fmt"
	"testing"
	"time"
)

// What was told before a takedown is executed anew for who comes back, whatever the log has of it, and whoever comes first has a snapshot of
// their own time; who is in misses nothing, and nobody has an event twice.
func TestTakenDown(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Hour})
	first, _ := b.join(-1)
	first.wait(0)
	b.commit(20)
	first.wait(20)
	back, _ := b.join(5)
	back.wait(20)
	if runs := b.runs.Load(); runs != 1 {
		t.Fatalf("%d executions, where the log has all", runs)
	}

	b.groups.TakeDown()
	runs, snapshots := b.runs.Load(), b.snapshots.Load()
	late, _ := b.join(5)
	if seen := late.wait(20); len(seen) != 15 {
		t.Errorf("who comes back has %v", seen)
	}
	if b.runs.Load() != runs+1 {
		t.Errorf("what was told before is told on")
	}
	fresh, _ := b.join(-1)
	fresh.wait(20)
	if b.snapshots.Load() != snapshots+1 {
		t.Errorf("who comes new has an old snapshot")
	}

	b.commit(5) // as it may have been executed before anybody knew
	for i, v := range []*viewer{first, back, late, fresh} {
		if seen := v.wait(25); seen[len(seen)-1] != "BID25" {
			t.Errorf("viewer %d: %v", i, seen)
		}
	}
	runs = b.runs.Load()
	again, _ := b.join(20)
	again.wait(25)
	if b.runs.Load() != runs+1 {
		t.Errorf("what was executed in that moment is told on")
	}
}

// While a lot is busy, those who come in the seconds behind a takedown get in all the same.
func TestTakenDownWhileBusy(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Millisecond})
	first, _ := b.join(-1)
	first.wait(0)
	b.groups.TakeDown()
	var all []*viewer
	for i := range 200 {
		b.commit(1)
		after := int64(-1)
		if i%2 == 0 {
			after = int64(i / 2)
		}
		v, _ := b.join(after)
		all = append(all, v)
	}
	for _, v := range append(all, first) {
		if seen := v.wait(200); len(seen) == 0 {
			t.Error(fmt.Sprint(seen))
		}
	}
}
