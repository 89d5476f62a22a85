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
	failed chan error // buffered; holds the first failure
}

func startWorkers(ctx context.Context, runs []func(ctx context.Context) error) *workers {
	// They outlive the signal: they are stopped in their turn, after the requests.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &workers{cancel: cancel, failed: make(chan error, 1)}
	for _, run := range runs {
		w.wait.Go(func() {
			err := run(ctx)
			if ctx.Err() != nil {
				if err != nil && !errors.Is(err, context.Canceled) {
					w.fail(fmt.Errorf("stopping a worker: %w", err))
				}
				return
			}
			if err == nil {
				err = errors.New("it ended by itself")
			}
			w.fail(fmt.Errorf("a worker failed: %w", err))
		})
	}
	return w
}

func (w *workers) fail(err error) {
	select {
	case w.failed <- err:
	default: // one failure is enough to stop
	}
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
	select {
	case err := <-w.failed:
		return err
	default:
		return nil
	}
}
