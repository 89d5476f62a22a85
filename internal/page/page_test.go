package page

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for first, want := range map[int]int{1: 1, 100: 100} {
		if got, err := (Args{First: &first}).Size(); err != nil || got != want {
			t.Errorf("first %d: %d, %v", first, got, err)
		}
	}
	for _, first := range []int{0, -1, 101, 1 << 40} {
		if _, err := (Args{First: &first}).Size(); !errors.Is(err, ErrFirst) {
			t.Errorf("first %d: %v", first, err)
		}
	}
	if got, err := (Args{}).Size(); err != nil || got != DefaultFirst {
		t.Errorf("without first: %d, %v", got, err)
	}
}

func TestCursorIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(0, top.At.UnixMicro()).Draw(t, "micros")
		key := Key{At: time.UnixMicro(micros).UTC(), ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))}
		cursor := key.Encode('x')
		if back, err := (Args{After: &cursor}).Before('x'); err != nil || back != key {
			t.Fatalf("%v came back as %v, %v", key, back, err)
		}
		if _, err := (Args{After: &cursor}).Before('y'); !errors.Is(err, ErrCursor) {
			t.Fatalf("another list took the cursor: %v", err)
		}
		red, blue := AskedFor("red", nil), AskedFor("blue", nil)
		narrowed := key.Encode('x', red)
		if back, err := (Args{After: &narrowed}).Before('x', red); err != nil || back != key {
			t.Fatalf("%v came back as %v, %v", key, back, err)
		}
		for cursor, asked := range map[string]Asked{cursor: red, narrowed: blue, key.Encode('x', blue): {}} {
			if _, err := (Args{After: &cursor}).Before('x', asked); !errors.Is(err, ErrQuery) {
				t.Fatalf("another query took the cursor: %v", err)
			}
		}
		n := rapid.Int64Min(1).Draw(t, "n")
		number := EncodeNumber('x', n)
		if back, err := (Args{After: &number}).BeforeNumber('x'); err != nil || back != n {
			t.Fatalf("%d came back as %d, %v", n, back, err)
		}
	})
}

func TestCursorNeverPanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cursor := rapid.String().Draw(t, "cursor")
		_, _ = Args{After: &cursor}.Before('x')
		_, _ = Args{After: &cursor}.BeforeNumber('x')
	})
	for _, n := range []int64{0, -1, math.MinInt64} {
		cursor := EncodeNumber('x', n)
		if _, err := (Args{After: &cursor}).BeforeNumber('x'); !errors.Is(err, ErrCursor) {
			t.Errorf("%d: %v", n, err)
		}
	}
	for _, cursor := range []string{"", "!!!", "AAAA", EncodeNumber('x', 1)} {
		if _, err := (Args{After: &cursor}).Before('x'); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

// What asks for nothing asks for the list as a whole, so that its cursors are as they were before anybody could ask.
func TestAskedForNothing(t *testing.T) {
	t.Parallel()
	type filter struct{ Kind *string }
	for _, none := range []Asked{AskedFor(), AskedFor(nil), AskedFor((*string)(nil), ""), AskedFor(filter{}), AskedFor(false)} {
		if none != (Asked{}) || (Key{}).Encode('x', none) != (Key{}).Encode('x') {
			t.Errorf("%v", none)
		}
	}
	kind := "" // asked for, though it is empty
	if one, other := AskedFor(filter{&kind}), AskedFor(true); one == (Asked{}) || other == (Asked{}) || one == other {
		t.Errorf("%v and %v", one, other)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	cursor := func(s string) string { return "c" + s }
	p := Of([]int{1, 2, 3}, 2, strconv.Itoa, cursor)
	info := p.PageInfo()
	if len(p.Nodes) != 2 || !info.HasNextPage || *info.EndCursor != "c2" || p.Edges()[0] != (Edge[string]{Cursor: "c1", Node: "1"}) {
		t.Errorf("a full page: %+v %+v", p.Nodes, info)
	}
	p = Of([]int{}, 2, strconv.Itoa, cursor)
	if info := p.PageInfo(); info.HasNextPage || info.EndCursor != nil || p.Nodes == nil {
		t.Errorf("an empty page: %+v %+v", p, info)
	}
}
