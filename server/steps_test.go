package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func silent(string, time.Duration, error) {}

func TestStepsRunInOrderAndAFailureStopsNone(t *testing.T) {
	t.Parallel()
	var order []string
	record := func(name string, err error) step {
		return step{name, func(context.Context) error { order = append(order, name); return err }}
	}
	broken := errors.New("broken")
	var told []string
	tell := func(name string, _ time.Duration, err error) { told = append(told, fmt.Sprint(name, " ", err)) }
	err := runSteps(tell, time.Minute, []step{record("http", nil), record("jobs", broken), record("postgres", nil)})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "jobs") {
		t.Errorf("error %v, want the broken step by its name", err)
	}
	if want := []string{"http", "jobs", "postgres"}; !slices.Equal(order, want) {
		t.Errorf("ran %q, want %q", order, want)
	}
	if want := []string{"http <nil>", "jobs broken", "postgres <nil>"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestAStepThatHangsLeavesTimeForTheOthers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	var left time.Duration
	err := runSteps(silent, 200*time.Millisecond, []step{
		{"deaf", func(context.Context) error { <-release; return nil }},
		{"postgres", func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil
		}},
	})
	if err == nil || !strings.Contains(err.Error(), "deaf") {
		t.Errorf("error %v, want the deaf step", err)
	}
	if left == 0 {
		t.Error("the last step did not run")
	}
}

func TestStepMayUseHalfOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	var shares []time.Duration
	take := step{"take", func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		shares = append(shares, time.Until(deadline).Round(10*time.Second))
		return nil
	}}
	if err := runSteps(silent, 400*time.Second, []step{take, take, take}); err != nil {
		t.Fatal(err)
	}
	// None of them takes time, so each finds the whole still there; the last may use all of it.
	if want := []time.Duration{200 * time.Second, 200 * time.Second, 400 * time.Second}; !slices.Equal(shares, want) {
		t.Errorf("shares %v, want %v", shares, want)
	}
}

func TestServicesCloseBackwards(t *testing.T) {
	t.Parallel()
	s := &services{}
	for _, name := range []string{"postgres", "pool", "redis", "http"} {
		s.closes(name, func(context.Context) error { return nil })
	}
	var names []string
	for _, st := range s.closeSteps() {
		names = append(names, st.name)
	}
	if want := []string{"http", "redis", "pool", "postgres"}; !slices.Equal(names, want) {
		t.Errorf("closed in the order %q, want %q", names, want)
	}
}

func TestWorkersOutliveTheSignalAndStopWhenTold(t *testing.T) {
	t.Parallel()
	ctx, signal := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan struct{})
	w := startWorkers(ctx, []func(context.Context) error{func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}}, unexpected(t))
	<-begun
	signal()
	select {
	case <-ended:
		t.Error("the signal stopped the worker before its turn")
	case <-time.After(20 * time.Millisecond): // it had every chance; this cannot fail by being slow
	}
	if err := w.stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	<-ended
}

func TestWorkerThatEndsByItselfIsAFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, result := range map[string]error{"failed": broken, "ended": nil} {
		failed := make(chan error, 1)
		w := startWorkers(t.Context(), []func(context.Context) error{func(context.Context) error { return result }},
			func(err error) { failed <- err })
		if err := <-failed; err == nil || (result != nil && !errors.Is(err, result)) {
			t.Errorf("a worker that %s gave %v", name, err)
		}
		if err := w.stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

// unexpected fails the test where a worker is said to have ended before it was stopped.
func unexpected(t *testing.T) func(error) {
	t.Helper()
	return func(err error) { t.Errorf("taken for a failure: %v", err) }
}

func TestAFailureWhileStoppingIsReported(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	w := startWorkers(t.Context(), []func(context.Context) error{
		func(ctx context.Context) error { <-ctx.Done(); return broken },
		func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}, unexpected(t))
	if err := w.stop(t.Context()); !errors.Is(err, broken) || errors.Is(err, context.Canceled) {
		t.Errorf("stop gave %v, want the broken worker alone", err)
	}
}

func TestStoppingWorkersIsBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	w := startWorkers(t.Context(), []func(context.Context) error{func(context.Context) error { <-release; return nil }}, unexpected(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stop gave %v", err)
	}
}
