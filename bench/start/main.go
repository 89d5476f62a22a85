// Command start measures how long a newcomer waits: from starting the built program with its demo to the
// first GraphQL query that it answers, and to the banner. Cold is a state directory that does not exist
// yet; warm is the second start on the same one.
//
//	go run ./bench/start [-souk bin/souk] [-runs 5]
//
// Each run is a process of its own on a free port and ends with a clean stop. The state directories are
// temporary, and nothing but the started processes is touched.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-start:", err)
		os.Exit(1)
	}
}

// maxRuns and maxWait keep the whole of it within a few minutes.
const (
	maxRuns = 20
	maxWait = time.Minute
)

func run(ctx context.Context, args []string, out io.Writer) error {
	set := flag.NewFlagSet("bench-start", flag.ContinueOnError)
	souk := set.String("souk", "bin/souk", "the program to start")
	runs := set.Int("runs", 5, "how often to start it, cold and warm each")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *runs < 1 || *runs > maxRuns {
		return fmt.Errorf("-runs %d is outside 1 to %d", *runs, maxRuns)
	}
	program, err := filepath.Abs(*souk)
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	var cold, warm []start
	for n := range *runs {
		fmt.Fprintf(out, "run %d of %d\n", n+1, *runs)
		first, second, err := pair(ctx, program)
		if err != nil {
			return fmt.Errorf("run %d: %w", n+1, err)
		}
		cold, warm = append(cold, first), append(warm, second)
	}
	report(out, cold, warm)
	return nil
}

// pair starts the program twice on one fresh state directory.
func pair(ctx context.Context, program string) (cold, warm start, err error) {
	// PostgreSQL's user, who is not root, must be able to pass through the directory.
	parent, err := os.MkdirTemp("", "souk-bench-*")
	if err != nil {
		return cold, warm, fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	if err := os.Chmod(parent, 0o711); err != nil { //nolint:gosec // see above
		return cold, warm, fmt.Errorf("open the directory: %w", err)
	}
	state := filepath.Join(parent, "state")
	if cold, err = measure(ctx, program, state); err != nil {
		return cold, warm, fmt.Errorf("cold: %w", err)
	}
	if warm, err = measure(ctx, program, state); err != nil {
		return cold, warm, fmt.Errorf("warm: %w", err)
	}
	return cold, warm, nil
}

func report(out io.Writer, cold, warm []start) {
	fmt.Fprintf(out, "\n%d starts each, milliseconds       median      min      max\n", len(cold))
	rows := []struct {
		label, name string
		starts      []start
		pick        func(start) time.Duration
	}{
		{"cold, to the first answer", "start_cold_ms", cold, start.toAnswer},
		{"cold, to the banner", "start_cold_banner_ms", cold, start.toBanner},
		{"cold, to stop", "stop_cold_ms", cold, start.toStop},
		{"warm, to the first answer", "start_warm_ms", warm, start.toAnswer},
		{"warm, to the banner", "start_warm_banner_ms", warm, start.toBanner},
		{"warm, to stop", "stop_warm_ms", warm, start.toStop},
	}
	medians := make([]int64, len(rows))
	for i, row := range rows {
		low, mid, high := spread(row.starts, row.pick)
		medians[i] = mid
		fmt.Fprintf(out, "  %-30s %8d %8d %8d\n", row.label, mid, low, high)
	}
	fmt.Fprintln(out)
	for i, row := range rows {
		fmt.Fprintf(out, "RESULT %s %d\n", row.name, medians[i])
	}
}

// spread is the least, the median and the greatest in milliseconds; of an even number of values the
// median is the upper one of the two in the middle.
func spread(starts []start, pick func(start) time.Duration) (low, mid, high int64) {
	values := make([]int64, len(starts))
	for i, s := range starts {
		values[i] = pick(s).Milliseconds()
	}
	slices.Sort(values)
	return values[0], values[len(values)/2], values[len(values)-1]
}
