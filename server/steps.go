package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// step is one thing to stop.
type step struct {
	name string
	run  func(ctx context.Context) error
}

// teller is told how each step went.
type teller func(name string, took time.Duration, err error)

// runSteps stops one thing after the other within the budget. Each step but the last may use half of
// what is left, so that one that hangs cannot take the time of those after it, and of PostgreSQL, which
// comes last, least of all. A step that fails or overruns is reported and left behind.
func runSteps(tell teller, budget time.Duration, steps []step) error {
	deadline := time.Now().Add(budget)
	var failures []error
	for i, s := range steps {
		share := time.Until(deadline)
		if i < len(steps)-1 {
			share /= 2
		}
		start := time.Now()
		err := runStep(s, share)
		if err != nil {
			failures = append(failures, fmt.Errorf("stop %s: %w", s.name, err))
		}
		tell(s.name, time.Since(start), err)
	}
	return errors.Join(failures...)
}

// runStep bounds a step, also one that does not heed its context: closing a pool waits for whoever
// still holds a connection.
func runStep(s step, share time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), share)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // it heeded the context
		return err
	case <-time.After(stragglers):
		return fmt.Errorf("still busy after %s", share.Round(time.Millisecond))
	}
}

// stragglers is how long a step whose time is up may take to say so.
const stragglers = 100 * time.Millisecond
