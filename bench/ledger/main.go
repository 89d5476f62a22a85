// Command ledger measures what the ledger costs, in ratios that another machine should find too:
//
//   - releasing an escrow (four postings, the fee and the tax account common to all) by ledger.post(), against a
//     script that sends the same statements bare, and against a fee account that is locked as a row;
//   - reading a balance after ten million postings, against a thousand.
//
// It starts a PostgreSQL of its own that keeps every commit (fsync), or uses DATABASE_URL, whose login must be a
// superuser; it makes a database there and drops it at the end. pgbench drives, from PostgreSQL's own programs.
//
//	go run ./bench/ledger [-seconds 5] [-rounds 3] [-postings 10000000]
//	go run ./bench/ledger -check 10000000      checks books of that many postings: time and memory
//	go run ./bench/ledger -reconcile 10000000  compares that many records with a provider's: time and memory
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv("DATABASE_URL"), os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-ledger:", err)
		os.Exit(1)
	}
}

// options are what to measure, and for how long.
type options struct {
	seconds, rounds int
	postings, check int64
	reconcile       int64
}

// The limits keep the whole of it within some minutes, and the disk within some gigabytes.
const (
	maxSeconds  = 20
	maxRounds   = 10
	minPostings = 10_000
	maxPostings = 50_000_000
)

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench-ledger", flag.ContinueOnError)
	set.IntVar(&o.seconds, "seconds", 5, "how long each script runs in each round")
	set.IntVar(&o.rounds, "rounds", 3, "how often each script runs, in turns with the others")
	set.Int64Var(&o.postings, "postings", 10_000_000, "the long history of the balance that is read")
	set.Int64Var(&o.check, "check", 0, "only check books of this many postings, and say what that takes")
	set.Int64Var(&o.reconcile, "reconcile", 0, "only compare this many records with a provider's, and say what that takes")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.seconds < 1 || o.seconds > maxSeconds:
		return o, fmt.Errorf("-seconds %d is outside 1 to %d", o.seconds, maxSeconds)
	case o.rounds < 1 || o.rounds > maxRounds:
		return o, fmt.Errorf("-rounds %d is outside 1 to %d", o.rounds, maxRounds)
	case o.postings < minPostings || o.postings > maxPostings:
		return o, fmt.Errorf("-postings %d is outside %d to %d", o.postings, minPostings, maxPostings)
	case o.check != 0 && (o.check < minPostings || o.check > maxPostings):
		return o, fmt.Errorf("-check %d is outside %d to %d", o.check, minPostings, maxPostings)
	case o.reconcile != 0 && (o.reconcile < minPostings || o.reconcile > maxPostings):
		return o, fmt.Errorf("-reconcile %d is outside %d to %d", o.reconcile, minPostings, maxPostings)
	}
	return o, nil
}

func run(ctx context.Context, args []string, url string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	books, err := openBooks(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.close()) }()
	if o.check > 0 {
		return checkLarge(ctx, books, o.check, out)
	}
	if o.reconcile > 0 {
		return reconcileLarge(ctx, books, o.reconcile, out)
	}
	releases, err := measureReleases(ctx, books, o, out)
	if err != nil {
		return err
	}
	reads, err := measureReads(ctx, books, o.postings, out)
	if err != nil {
		return err
	}
	releases.print(out)
	reads.print(out)
	fmt.Fprintln(out)
	fmt.Fprintf(out, "RESULT ledger_release_vs_bare %.2f\n", releases.worst(post, bare))
	fmt.Fprintf(out, "RESULT ledger_release_vs_guarded %.2f\n", releases.worst(post, locked))
	fmt.Fprintf(out, "RESULT ledger_balance_growth %.2f\n", reads.growth())
	return nil
}
