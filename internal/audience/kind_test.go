package audience

import (
	"testing"
	"time"

	"github.com/souklive/souk/internal/locale"
)

// Viewers of two kinds are never in one group: each gets what was executed for its own. What that costs follows the kinds and
// not the viewers, for those who come back with a cursor too.
func TestKindsAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Hour})
	b.commit(3)
	const each, events = 50, 10
	kinds := 0
	var all []*viewer
	for _, class := range []Class{Anonymous, SignedIn, Staff} {
		for _, reads := range []locale.Locale{locale.Arabic, locale.English, locale.French} {
			kinds++
			for range each {
				v, _ := b.joinAs(Kind{class, reads}, -1)
				all = append(all, v)
			}
		}
	}
	for _, v := range all {
		v.wait(3)
	}
	for range events {
		b.commit(1)
	}
	for _, v := range all {
		v.wait(3 + events)
	}
	var back []*viewer
	for _, v := range all {
		again, _ := b.joinAs(v.kind, 3)
		back = append(back, again)
	}
	for _, v := range back {
		v.wait(3 + events)
	}
	b.groups.mu.Lock()
	groups := len(b.groups.groups)
	b.groups.mu.Unlock()
	if groups != kinds {
		t.Errorf("%d groups of %d kinds", groups, kinds)
	}
	if runs, answers := b.runs.Load(), b.answers.Load(); runs != int64(kinds) || answers != int64(kinds*(1+events)) {
		t.Errorf("%d runs, %d answers; want %d and %d", runs, answers, kinds, kinds*(1+events))
	}
}
