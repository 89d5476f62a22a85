package batch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/batch"
)

// bench is a queue whose batches wait for a word, and keep what they were.
type bench struct {
	*batch.Queue[string, int, string]
	goOn chan struct{}

	mu   sync.Mutex
	runs [][]int
}

func newBench(most, waiting int) *bench {
	b := &bench{goOn: make(chan struct{})}
	b.Queue = batch.New(batch.Config[string, int, string]{Most: most, Waiting: waiting, Run: b.run})
	return b
}

func (b *bench) run(ctx context.Context, key string, requests []int) []batch.Answer[string] {
	b.mu.Lock()
	b.runs = append(b.runs, requests)
	b.mu.Unlock()
	select {
	case <-b.goOn:
	case <-ctx.Done():
		return batch.Fail[string](len(requests), ctx.Err())
	}
	answers := make([]batch.Answer[string], len(requests))
	for i, r := range requests {
		switch {
		case r == 13:
			panic("thirteen")
		case r == 14:
			return answers[:i]
		case r < 0:
			answers[i].Err = errors.New("negative")
		default:
			answers[i].Value = fmt.Sprintf("%s%d", key, r)
		}
	}
	return answers
}

// ask sends requests in order, each only once the one before it waits, and gives where their answers come.
func (b *bench) ask(ctx context.Context, key string, requests ...int) []chan batch.Answer[string] {
	answers := make([]chan batch.Answer[string], len(requests))
	for i, r := range requests {
		answers[i] = make(chan batch.Answer[string], 1)
		go func() {
			v, err := b.Do(ctx, key, r)
			answers[i] <- batch.Answer[string]{Value: v, Err: err}
		}()
		synctest.Wait()
	}
	return answers
}

func (b *bench) wantRuns(t *testing.T, want ...[]int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.EqualFunc(b.runs, want, slices.Equal) {
		t.Errorf("batches %v, want %v", b.runs, want)
	}
}

func wantAll(t *testing.T, answers []chan batch.Answer[string], want ...string) {
	t.Helper()
	for i, a := range answers {
		if got := <-a; got.Err != nil || got.Value != want[i] {
			t.Errorf("answer %d is %q, %v, want %q", i, got.Value, got.Err, want[i])
		}
	}
}

// What arrives while a batch is under way is the next, in order, and no more than the bound at a time.
func TestWhatArrivesMeanwhileIsTheNextBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(3, 100)
		answers := b.ask(t.Context(), "a", 1, 2, 3, 4, 5, 6)
		other := b.ask(t.Context(), "b", 7)
		b.wantRuns(t, []int{1}, []int{7})
		if a, b, c := b.Waiting("a"), b.Waiting("b"), b.Waiting("c"); a != 5 || b != 0 || c != 0 {
			t.Errorf("%d, %d and %d wait", a, b, c)
		}
		close(b.goOn)
		wantAll(t, answers, "a1", "a2", "a3", "a4", "a5", "a6")
		wantAll(t, other, "b7")
		b.wantRuns(t, []int{1}, []int{7}, []int{2, 3, 4}, []int{5, 6})
		wantAll(t, b.ask(t.Context(), "a", 8), "a8")
	})
}

func TestFailuresAreTheBatchsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, poison := range []int{13, 14} {
			b := newBench(2, 100)
			answers := b.ask(t.Context(), "a", -1, 1, poison, 3, 4)
			close(b.goOn)
			if got := <-answers[0]; got.Err == nil || got.Err.Error() != "negative" {
				t.Errorf("a refusal of one: %+v", got)
			}
			for _, a := range answers[1:3] {
				if got := <-a; got.Err == nil || !strings.Contains(got.Err.Error(), "batch") {
					t.Errorf("in the batch with %d: %+v", poison, got)
				}
			}
			wantAll(t, answers[3:], "a3", "a4")
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(10, 2)
		answers := b.ask(t.Context(), "a", 1, 2, 3, 4)
		if got := <-answers[3]; !errors.Is(got.Err, batch.ErrBusy) {
			t.Errorf("beyond what may wait: %+v", got)
		}
		wantAll(t, b.release(b.ask(t.Context(), "b", 5)), "b5")
		wantAll(t, answers[:3], "a1", "a2", "a3")
	})
}

func (b *bench) release(answers []chan batch.Answer[string]) []chan batch.Answer[string] {
	close(b.goOn)
	return answers
}

// Who stops waiting takes nothing back; who never began is not done.
func TestWhoLeavesTakesNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(10, 10)
		first := b.ask(t.Context(), "a", 1)
		leaving, leave := context.WithCancel(t.Context())
		left := b.ask(leaving, "a", 2)
		leave()
		if got := <-left[0]; !errors.Is(got.Err, context.Canceled) {
			t.Errorf("who left got %+v", got)
		}
		if got := <-b.ask(leaving, "a", 3)[0]; !errors.Is(got.Err, context.Canceled) {
			t.Errorf("who had left before got %+v", got)
		}
		close(b.goOn)
		wantAll(t, first, "a1")
		synctest.Wait()
		b.wantRuns(t, []int{1}, []int{2})
	})
}

// A queue that closes answers everybody who is in it, and lets nobody else in.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1, 10)
		answers := b.ask(t.Context(), "a", 1, 2)
		closed := make(chan error, 1)
		go func() { closed <- b.Close(t.Context()) }()
		synctest.Wait()
		if got := <-b.ask(t.Context(), "a", 3)[0]; !errors.Is(got.Err, batch.ErrStopping) {
			t.Errorf("a late one got %+v", got)
		}
		close(b.goOn)
		wantAll(t, answers, "a1", "a2")
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// A batch that hangs ends with its time, and so does the patience of who closes.
func TestTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(10, 10)
		answers := b.ask(t.Context(), "a", 1)
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Close(impatient); !errors.Is(err, context.Canceled) {
			t.Errorf("closing: %v", err)
		}
		if got := <-answers[0]; !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("got %+v", got)
		}
	})
}

// Thousands at once on a few keys: each is done once.
func TestEachOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	done := map[int]int{}
	q := batch.New(batch.Config[int, int, int]{Most: 7, Waiting: 10_000, Run: func(_ context.Context, key int, requests []int) []batch.Answer[int] {
		mu.Lock()
		defer mu.Unlock()
		answers := make([]batch.Answer[int], len(requests))
		for i, r := range requests {
			done[r]++
			answers[i].Value = r*10 + key
		}
		return answers
	}})
	var wait sync.WaitGroup
	for i := range 3_000 {
		wait.Go(func() {
			if got, err := q.Do(t.Context(), i%4, i); err != nil || got != i*10+i%4 {
				t.Errorf("%d: %d, %v", i, got, err)
			}
		})
	}
	wait.Wait()
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3_000 {
		if done[i] != 1 {
			t.Errorf("%d was done %d times", i, done[i])
		}
	}
}

// What arrived first is first, whichever way to the queue was shorter.
func TestOrderOfArrival(t *testing.T) {
	t.Parallel()
	begun, held := make(chan struct{}), make(chan struct{})
	var order []int
	q := batch.New(batch.Config[string, int, int]{Run: func(_ context.Context, _ string, requests []int) []batch.Answer[int] {
		if requests[0] == -1 {
			close(begun)
			<-held
		}
		order = append(order, requests...)
		return make([]batch.Answer[int], len(requests))
	}})
	var all sync.WaitGroup
	do := func(ctx context.Context, n int) {
		all.Go(func() {
			if _, err := q.Do(ctx, "lot", n); err != nil {
				t.Error(err)
			}
		})
	}
	do(t.Context(), -1)
	<-begun
	var arrived []context.Context
	for range 20 {
		arrived = append(arrived, arrival.Mark(t.Context()))
	}
	for i := range slices.Backward(arrived) {
		do(arrived[i], i)
		for q.Waiting("lot") != len(arrived)-i {
			runtime.Gosched()
		}
	}
	close(held)
	all.Wait()
	if !slices.IsSorted(order) || len(order) != 1+len(arrived) {
		t.Errorf("they were done in the order %v", order)
	}
}
