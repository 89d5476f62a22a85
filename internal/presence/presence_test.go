package presence

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// bench is a Redis whose time the test makes pass, and servers that beat when they are told to.
type bench struct {
	t     *testing.T
	redis *miniredis.Miniredis
}

func newBench(t *testing.T) *bench { return &bench{t, miniredis.RunT(t)} }

func (b *bench) server() *Presence {
	client := redis.NewClient(&redis.Options{Addr: b.redis.Addr()})
	b.t.Cleanup(func() { _ = client.Close() })
	return New(Config{Redis: client, Epoch: func() string { return "epoch" }, Log: slog.New(slog.DiscardHandler)})
}

func (b *bench) beat(servers ...*Presence) {
	b.t.Helper()
	for _, s := range servers {
		if err := s.beat(b.t.Context(), true); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) want(s *Presence, where uuid.UUID, watching int64, reactions map[string]int64) {
	b.t.Helper()
	got, err := s.Count(b.t.Context(), where)
	if err != nil || got.Watching != watching || !maps.Equal(got.Reactions, reactions) {
		b.t.Errorf("got %+v, %v, want %d and %v", got, err, watching, reactions)
	}
}

func TestEachCountsOnceAServer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two, here, there := b.server(), b.server(), uuid.New(), uuid.New()
	b.want(one, here, 0, nil)
	leave := one.Enter(here, "ada")
	again := one.Enter(here, "ada")
	one.Enter(here, "ben")
	two.Enter(here, "cid")
	two.Enter(there, "cid")
	b.beat(one, two)
	for _, s := range []*Presence{one, two} {
		b.want(s, here, 3, nil)
		b.want(s, there, 1, nil)
	}
	leave()
	leave() // counts once
	b.beat(one)
	b.want(two, here, 3, nil)
	again()
	b.beat(one)
	b.want(two, here, 2, nil)
}

// A server that is gone without a word is forgotten before two seconds are over, and one that lives is not.
func TestAServerThatDies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	lives, dies, show := b.server(), b.server(), uuid.New()
	lives.Enter(show, "ada")
	for i := range 10 {
		dies.Enter(show, fmt.Sprint("viewer ", i))
	}
	b.beat(lives, dies)
	b.want(lives, show, 11, nil)
	for range 3 { // of the other nobody hears any more
		b.redis.FastForward(writeEvery * beatEvery)
		b.beat(lives)
	}
	b.want(lives, show, 1, nil)
	if writeEvery*beatEvery >= forgetAfter || forgetAfter+writeEvery*beatEvery > 2*time.Second {
		t.Error("the times do not fit: a beat, what it is kept, and two seconds")
	}
	b.beat(dies) // it had only been asleep
	b.want(lives, show, 11, nil)
	b.redis.FastForward(forgetAfter)
	b.want(lives, show, 0, nil)
}

// A server that stops takes its people with it at once, and where nobody is left nothing is left.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stays, stops, show := b.server(), b.server(), uuid.New()
	leave := stays.Enter(show, "ada")
	stops.Enter(show, "ben")
	b.beat(stays, stops)
	if err := stops.leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(stays, show, 1, nil)
	leave()
	b.beat(stays)
	b.want(stays, show, 0, nil)
	if len(stays.places) != 0 {
		t.Errorf("%d places are remembered", len(stays.places))
	}
	b.redis.FastForward(forgetAfter)
	if keys := b.redis.Keys(); len(keys) != 0 {
		t.Errorf("left: %q", keys)
	}
}

// Reactions of all servers are summed, each once, also of those who watch from nowhere.
func TestReactions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two, show := b.server(), b.server(), uuid.New()
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { one.React(show, "HEART") })
		wait.Go(func() { two.React(show, "HEART"); two.React(show, "CLAP") })
	}
	wait.Wait()
	b.beat(one, two)
	b.beat(one, two)
	b.want(one, show, 0, map[string]int64{"HEART": 100, "CLAP": 50})
	one.React(show, "CLAP")
	b.beat(one, two)
	b.want(two, show, 0, map[string]int64{"HEART": 100, "CLAP": 51})
	b.redis.FastForward(reactionsKept)
	b.want(two, show, 0, nil)
}

// While Redis is away nobody waits for long, and the count is right a beat after it is back.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s, show := b.server(), uuid.New()
	s.Enter(show, "ada")
	b.redis.Close()
	if err := s.beat(t.Context(), true); err == nil {
		t.Error("a beat went nowhere")
	}
	if _, err := s.Count(t.Context(), show); err == nil {
		t.Error("nobody was counted")
	}
	if err := b.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	b.beat(s)
	b.want(s, show, 1, nil)
}

// heard is what somebody who follows a place would take now.
func heard(news <-chan Counts) (all []int64) {
	for {
		select {
		case c := <-news:
			all = append(all, c.Watching, c.Reactions["HEART"])
		default:
			return all
		}
	}
}

// Who follows a place hears its counts once, again when they are others, and only the newest of what it did not take.
func TestFollow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two, here, there := b.server(), b.server(), uuid.New(), uuid.New()
	look := func() {
		t.Helper()
		if err := one.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := func(news <-chan Counts, counts ...int64) {
		t.Helper()
		if got := heard(news); !slices.Equal(got, counts) {
			t.Errorf("heard %v, want %v", got, counts)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	first, slow, other := one.Follow(ctx, here), one.Follow(ctx, here), one.Follow(ctx, there)
	want(first)
	look()
	want(first, 0, 0)
	two.Enter(here, "ada")
	two.React(here, "HEART")
	b.beat(one, two)
	look()
	look()
	want(first, 1, 1)
	two.Enter(here, "ben")
	b.beat(one, two)
	look()
	want(first, 2, 1)
	want(slow, 2, 1)
	want(other, 0, 0)
	late := one.Follow(ctx, here)
	want(late, 2, 1)

	b.redis.Close()
	if one.look(t.Context()) == nil {
		t.Error("a look at nothing")
	}
	want(first)
	if err := b.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	b.beat(two)
	look()
	want(first)
	stop()
	for one.following() > 0 { // they leave on a goroutine of their own
		runtime.Gosched()
	}
}

func (p *Presence) following() int {
	p.follows.mu.Lock()
	defer p.follows.mu.Unlock()
	return len(p.follows.of)
}
