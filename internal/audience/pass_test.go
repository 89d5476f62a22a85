package audience

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// eager is a viewer that does something at each delivery.
type eager struct {
	got  []string
	then func()
}

func (e *eager) Next(_ int64, answers [][]byte) {
	for _, body := range answers {
		e.got = append(e.got, string(body))
	}
	e.then()
}

func (e *eager) Offer([]byte)      {}
func (e *eager) Ready() bool       { return true }
func (e *eager) End(gqlerror.List) {}

// What happens while a pass is on its way goes out with it to those who are still to come, together with what it was begun for; the
// next pass brings it to the others, and everybody has each event once, in order.
func TestWhatHappensDuringAPassGoesOutWithIt(t *testing.T) {
	t.Parallel()
	const viewers = 3*passStride + 1
	var current atomic.Pointer[view]
	add := func(version int64) {
		now := current.Load()
		if now == nil {
			now = &view{first: 1}
		}
		current.Store(now.with(frame{version: version, at: time.Now(), body: fmt.Appendf(nil, "v%d", version)}, 0, 256, 1<<20))
	}
	add(1)
	deliveries, sh := 0, &shard{}
	all := make([]*eager, viewers)
	for i := range all {
		all[i] = &eager{then: func() {
			if deliveries++; deliveries == viewers/2 {
				add(2)
			}
		}}
		sh.members = append(sh.members, &member{viewer: all[i], at: i})
	}
	together := 0
	for pass := range 3 {
		sh.pass(&current)
		for _, v := range all {
			if pass == 0 && len(v.got) == 2 {
				together++
			}
			if pass > 0 && !slices.Equal(v.got, []string{"v1", "v2"}) {
				t.Fatalf("after pass %d a viewer has %v", pass, v.got)
			}
		}
	}
	if together != viewers-viewers/2 {
		t.Errorf("%d of %d viewers got both in one pass", together, viewers)
	}
	if want := viewers + viewers/2; deliveries != want {
		t.Errorf("%d deliveries, want %d", deliveries, want)
	}
}

// A burst shares what its first event asks for; an event that comes later shares nothing with those before it.
func TestABurstSharesWithWhatWasAtHand(t *testing.T) {
	t.Parallel()
	run := &Run{}
	var made [][]any
	ask := func() any {
		return run.Burst(func(events []any) any {
			made = append(made, events)
			return len(made)
		})
	}
	for version := range int64(3) {
		run.Emit(version, time.Now(), version)
	}
	for range 2 {
		if got := ask(); got != 1 {
			t.Fatalf("the first event got %v", got)
		}
	}
	run.Emit(3, time.Now(), int64(3)) // too late for what was made before it
	for event := range 2 {
		run.next()
		if got := ask(); got != 1 {
			t.Fatalf("event %d of the burst got %v", event+1, got)
		}
	}
	run.next()
	if got := ask(); got != 2 {
		t.Fatalf("the event behind the burst got %v", got)
	}
	if len(made) != 2 || !slices.Equal(made[0], []any{int64(0), int64(1), int64(2)}) || !slices.Equal(made[1], []any{int64(3)}) {
		t.Errorf("made of %v", made)
	}
}
