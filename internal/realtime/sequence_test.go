package realtime

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the bus does, what comes out is 1, 2, 3 … and a read at the end completes it.
func TestSequenceProperty(t *testing.T) {
	t.Parallel()
	topic := newTestTopic()
	rapid.Check(t, func(t *rapid.T) {
		top := rapid.Int64Range(1, 30).Draw(t, "top")
		q := newSequence(0, rapid.IntRange(0, 4000).Draw(t, "limit"))
		var out []Event
		for _, version := range rapid.SliceOf(rapid.Int64Range(1, top)).Draw(t, "arrivals") {
			e := eventOf(topic, version)
			if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
				e.Payload = nil
			}
			before := q.last
			run, verdict := q.offer(e)
			if (verdict == stale) != (version <= before) || (verdict == fresh) != (len(run) > 0) {
				t.Fatalf("version %d after %d: verdict %d, %d events", version, before, verdict, len(run))
			}
			out = append(out, run...)
			if q.bytes > q.limit {
				t.Fatalf("%d bytes held, above %d", q.bytes, q.limit)
			}
		}
		if q.behind() != (q.target > int64(len(out))) {
			t.Fatalf("behind is %v at %d of %d", q.behind(), len(out), q.target)
		}
		var page []Event
		for version := q.last + 1; version <= top; version++ {
			page = append(page, eventOf(topic, version))
		}
		for _, run := range q.fill(page) {
			out = append(out, run...)
		}
		if phantoms := q.settle(); phantoms != 0 || q.behind() || q.bytes != 0 {
			t.Fatalf("settled with %d phantoms, behind %v, %d bytes", phantoms, q.behind(), q.bytes)
		}
		if int64(len(out)) != top {
			t.Fatalf("%d events of %d", len(out), top)
		}
		for i, e := range out {
			if e.Version != int64(i)+1 || check(e) != nil {
				t.Fatalf("place %d has %+v", i, e)
			}
		}
	})
}

func TestSequenceFillSplitsAtHoles(t *testing.T) {
	t.Parallel()
	topic := newTestTopic()
	q := newSequence(2, 1000)
	var page []Event
	for _, version := range []int64{1, 2, 3, 4, 7, 8, 10} {
		page = append(page, eventOf(topic, version))
	}
	var got [][]int64
	for _, run := range q.fill(page) {
		var versions []int64
		for _, e := range run {
			versions = append(versions, e.Version)
		}
		got = append(got, versions)
	}
	want := [][]int64{{3, 4}, {7, 8}, {10}}
	if !slices.EqualFunc(got, want, slices.Equal[[]int64]) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	topic := newTestTopic()
	v := emptyView(4)
	for version := int64(5); version <= 9; version++ {
		v = v.with([]Event{eventOf(topic, version)})
	}
	older := v
	v = v.with([]Event{eventOf(topic, 10)}).from(2)
	for cursor, want := range map[int64]int{3: -1, 5: -1, 6: 4, 9: 1, 10: 0, 99: 0} {
		events, ok := v.after(cursor)
		got := len(events)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("after %d: %d events, want %d", cursor, got, want)
		}
		if len(events) > 0 && events[0].Version != cursor+1 {
			t.Errorf("after %d comes %d", cursor, events[0].Version)
		}
	}
	if older.last() != 9 || v.last() != 10 {
		t.Errorf("last is %d and %d", older.last(), v.last())
	}
	if jumped := v.with([]Event{eventOf(topic, 20)}); jumped.first != 20 || jumped.last() != 20 {
		t.Errorf("a jump gives %d to %d", jumped.first, jumped.last())
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	topic := newTestTopic()
	var events []Event
	for version := int64(1); version <= 10; version++ {
		events = append(events, eventOf(topic, version))
	}
	one := weight(events[0])
	for _, tc := range []struct{ count, bytes, want int }{
		{100, 1 << 20, 0}, {3, 1 << 20, 7}, {100, 2*one + 5, 8}, {100, 1, 9}, {0, 1 << 20, 10},
	} {
		if got := window(events, tc.count, tc.bytes); got != tc.want {
			t.Errorf("%d events and %d bytes begin at %d, want %d", tc.count, tc.bytes, got, tc.want)
		}
	}
	if got := window(nil, 5, 5); got != 0 {
		t.Errorf("nothing begins at %d", got)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := encode("n", eventOf("auction:1", 7))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, "", "{}", `{"v":1}`, `{"v":1,"p":null,"k":"A"}`, `[1]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, _, err := decode("auction:1", s)
		if err == nil && (e.Version <= 0 || e.Kind == KindSnapshot && e.Payload != nil) {
			t.Errorf("%q became %+v", s, e)
		}
	})
}
