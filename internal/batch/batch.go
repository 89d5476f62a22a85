// Package batch puts what arrives for one thing, while a commit for it is under way, into the next one.
//
// Requests have a key: a lot, a show. For each key one batch runs at a time in this process; whatever arrives meanwhile waits,
// and is the next batch, in the order of arrival (package arrival). A request that finds nobody at work is a batch of one, at once: nothing
// ever waits for company.
//
// What must stay true:
//   - each request is in one batch, and has one answer;
//   - who stops waiting takes nothing back: the request is done all the same;
//   - a batch that panics, or answers too little, fails its own requests and no other's;
//   - no lock is held while a batch runs.
package batch

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package.
var (
	ErrBusy     = fault.New(fault.Unavailable, "TOO_BUSY", "More is waiting for this than can be done soon; try again in a moment.")
	ErrStopping = fault.New(fault.Unavailable, "DRAINING", "This server is restarting. Try again: another one answers.")
)

// Answer is what one request gets.
type Answer[A any] struct {
	Value A
	Err   error
}

// Config is what a Queue is made of; Run is required. What is left at zero has the default that is named.
type Config[K comparable, R, A any] struct {
	// Run does the requests of a key, in their order, and has as many answers. Its context is nobody's: it ends after Timeout.
	Run     func(ctx context.Context, key K, requests []R) []Answer[A]
	Most    int           // requests in one batch; 256
	Waiting int           // requests that wait for one key, beyond which they are refused with ErrBusy; 4,096
	Timeout time.Duration // for one batch; 15 s
}

// Queue is the requests that wait.
type Queue[K comparable, R, A any] struct {
	config  Config[K, R, A]
	working sync.WaitGroup

	mu     sync.Mutex
	lanes  map[K]*lane[R, A] // of the keys that somebody works for
	closed bool
}

// lane is what waits for one key.
type lane[R, A any] struct{ waiting []*ask[R, A] }

// ask is one request.
type ask[R, A any] struct {
	came    time.Time
	request R
	answer  chan Answer[A] // has room for it: nobody need be there
}

// gatherTurns bounds how often the processor is given away between two batches.
const gatherTurns = 16

// New makes a queue. Close ends it.
func New[K comparable, R, A any](config Config[K, R, A]) *Queue[K, R, A] {
	config.Most = cmp.Or(config.Most, 256)
	config.Waiting = cmp.Or(config.Waiting, 4096)
	config.Timeout = cmp.Or(config.Timeout, 15*time.Second)
	return &Queue[K, R, A]{config: config, lanes: map[K]*lane[R, A]{}}
}

// Do has a request done in the key's next batch, and waits for its answer. Where ctx ends first the request is still done,
// unless ctx had ended before.
func (q *Queue[K, R, A]) Do(ctx context.Context, key K, request R) (A, error) {
	var none A
	if err := ctx.Err(); err != nil {
		return none, err
	}
	a := &ask[R, A]{arrival.Of(ctx), request, make(chan Answer[A], 1)}
	if err := q.enter(key, a); err != nil {
		return none, err
	}
	select {
	case answer := <-a.answer:
		return answer.Value, answer.Err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// enter lets a request wait, and sees to it that somebody works for its key.
func (q *Queue[K, R, A]) enter(key K, a *ask[R, A]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrStopping
	}
	if l := q.lanes[key]; l != nil {
		if len(l.waiting) >= q.config.Waiting {
			return ErrBusy
		}
		l.waiting = append(l.waiting, a)
		return nil
	}
	q.lanes[key] = &lane[R, A]{waiting: []*ask[R, A]{a}}
	q.working.Go(func() { q.work(key) })
	return nil
}

func inOrder[R, A any](a, b *ask[R, A]) int { return a.came.Compare(b.came) }

// work runs batch after batch, until nothing waits.
func (q *Queue[K, R, A]) work(key K) {
	for {
		q.gather(key)
		asks := q.take(key)
		if len(asks) == 0 {
			return
		}
		answers := q.run(key, asks)
		for i, a := range asks {
			a.answer <- answers[i]
		}
	}
}

// gather lets those run who are on their way, or have just had an answer and ask again at once: they are in the next batch, and not
// behind it. It goes on as long as that brings anybody, and never sleeps.
func (q *Queue[K, R, A]) gather(key K) {
	for before, turn := -1, 0; turn < gatherTurns; turn++ {
		waiting := q.Waiting(key)
		if waiting == before || waiting >= q.config.Most {
			return
		}
		before = waiting
		runtime.Gosched()
	}
}

// take is the key's next batch; none, and the key's lane is gone.
func (q *Queue[K, R, A]) take(key K) []*ask[R, A] {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	n := min(len(l.waiting), q.config.Most)
	if n == 0 {
		delete(q.lanes, key)
		return nil
	}
	if !slices.IsSortedFunc(l.waiting, inOrder[R, A]) {
		slices.SortStableFunc(l.waiting, inOrder[R, A])
	}
	asks := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return asks
}

// run does one batch. Whatever it does, each request has an answer.
func (q *Queue[K, R, A]) run(key K, asks []*ask[R, A]) []Answer[A] {
	requests := make([]R, len(asks))
	for i, a := range asks {
		requests[i] = a.request
	}
	ctx, cancel := context.WithTimeout(context.Background(), q.config.Timeout)
	defer cancel()
	answers, err := q.contained(ctx, key, requests)
	if err == nil && len(answers) != len(asks) {
		err = fmt.Errorf("a batch of %d has %d answers", len(asks), len(answers))
	}
	if err != nil {
		answers = Fail[A](len(asks), err)
	}
	return answers
}

func (q *Queue[K, R, A]) contained(ctx context.Context, key K, requests []R) (answers []Answer[A], err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("a batch panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	return q.config.Run(ctx, key, requests), nil
}

// Waiting is how many requests wait for a key, besides those of the batch that runs.
func (q *Queue[K, R, A]) Waiting(key K) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lanes[key]; l != nil {
		return len(l.waiting)
	}
	return 0
}

// Fail answers n requests with one error.
func Fail[A any](n int, err error) []Answer[A] {
	return slices.Repeat([]Answer[A]{{Err: err}}, n)
}

// Close lets no more requests in, and waits until those that are in have their answers, or ctx ends.
func (q *Queue[K, R, A]) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	done := make(chan struct{})
	go func() { q.working.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
