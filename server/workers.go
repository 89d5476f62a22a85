package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// workers runs background work until it is stopped. A worker that ends before that takes the program
// down with it: a server whose jobs stand still must not look healthy.
type workers struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	failures []error // of stopping
}

// startWorkers calls fail for each worker that ends before stop.
func startWorkers(ctx context.Context, runs []func(ctx context.Context) error, fail func(error)) *workers {
	// They outlive the signal: they are stopped in their turn, after the requests.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &workers{cancel: cancel}
	for _, run := range runs {
		w.wait.Go(func() {
			err := run(ctx)
			switch {
			case ctx.Err() != nil:
				w.stopped(err)
			case err == nil:
				fail(errors.New("a worker failed: it ended by itself"))
			default:
				fail(fmt.Errorf("a worker failed: %w", err))
			}
		})
	}
	return w
}

func (w *workers) stopped(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, err)
}

// stop asks the workers to finish what they hold, or hand it back, and waits for them.
func (w *workers) stop(ctx context.Context) error {
	w.cancel()
	done := make(chan struct{})
	go func() { w.wait.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.failures...)
}
