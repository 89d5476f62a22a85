package auction

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
)

const (
	batchMax   = 512      // bids of one transaction
	waitingMax = 16 << 10 // bids that wait for one lot in this server
)

// ask is a bid that waits for its answer.
type ask struct {
	bidder uuid.UUID
	amount money.Amount
	buyNow bool
	card   *uuid.UUID
	key    string

	came   time.Time // monotonic, for the metrics alone
	placed Placed
	err    error
	done   chan struct{} // closed when placed and err are there
}

func (a *ask) refuse(err error) { a.placed, a.err = Placed{}, err }

// queue keeps the bids of each lot in the order of their arrival, and has one batch of a lot at a time committed.
// It knows nothing of what a bid is.
type queue struct {
	commit func(lot uuid.UUID, batch []*ask) // answers each of the batch

	mu      sync.Mutex
	waiting map[uuid.UUID][]*ask // of the lots that have a batch under way
	stopped bool
	runs    sync.WaitGroup
}

func newQueue(commit func(uuid.UUID, []*ask)) *queue {
	return &queue{commit: commit, waiting: make(map[uuid.UUID][]*ask)}
}

// ask puts a bid in its lot's line and waits for its answer. Where ctx ends first the bid stays in the line.
func (q *queue) ask(ctx context.Context, lot uuid.UUID, a *ask) (Placed, error) {
	a.done, a.came = make(chan struct{}), time.Now()
	if err := q.enter(lot, a); err != nil {
		return Placed{}, err
	}
	select {
	case <-a.done:
		return a.placed, a.err
	case <-ctx.Done():
		return Placed{}, ctx.Err()
	}
}

func (q *queue) enter(lot uuid.UUID, a *ask) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	line, running := q.waiting[lot]
	switch {
	case q.stopped:
		return ErrStopping
	case len(line) >= waitingMax:
		return ErrBusy
	}
	q.waiting[lot] = append(line, a)
	if !running {
		q.runs.Go(func() { q.run(lot) })
	}
	return nil
}

// run commits a lot's bids, as many at once as have come, until none wait.
func (q *queue) run(lot uuid.UUID) {
	for batch := q.next(lot); len(batch) > 0; batch = q.next(lot) {
		q.commit(lot, batch)
		for _, a := range batch {
			close(a.done)
		}
	}
}

// next takes the bids that are at the head of a lot's line; a lot without any has no line.
func (q *queue) next(lot uuid.UUID) []*ask {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.waiting[lot]
	n := min(len(line), batchMax)
	if n == 0 {
		delete(q.waiting, lot)
		return nil
	}
	q.waiting[lot] = line[n:]
	if n == len(line) {
		q.waiting[lot] = nil // the batch keeps the line's memory
	}
	return line[:n:n]
}

// drain takes no more bids, and waits for the answers of those that are in line.
func (q *queue) drain(ctx context.Context) error {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	done := make(chan struct{})
	go func() { q.runs.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
