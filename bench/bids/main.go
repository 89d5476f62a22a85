//go:build linux

// Command bids measures what a bid costs, side by side with the naive way: lock the lot's row, check, insert the bid, update the lot,
// one bid a transaction, over a pool of the same size:
//
//   - on one hot lot, where everybody waits for the same row;
//   - through the whole program over HTTP, and what each layer of it costs;
//   - on a thousand lots at once;
//   - before two thousand viewers, from a bid's commit to the last of them.
//
// PostgreSQL (which keeps every commit) and Redis are started here. Both sides of a ratio run in turns on the same machine, the
// client that bids included.
//
//	go run ./bench/bids [-souk bin/souk] [-quick] [-only hot,stack,lots,viewers] [-statements] [-profile dir]
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
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
)

func main() {
	var err error
	if role := roles[first(os.Args[1:])]; role != nil {
		err = role(os.Args[2:])
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, os.Args[1:], os.Stdout)
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-bids:", err)
		os.Exit(1)
	}
}

// roles are the other processes of a measurement, which this program starts itself as.
var roles = map[string]func([]string) error{"pin": rig.Pin, "load": viewers.Run}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// parts are what is measured, in this order.
func parts() []part {
	return []part{
		{"hot", (*bench).measureHot},
		{"stack", (*bench).measureStack},
		{"lots", (*bench).measureLots},
		{"viewers", (*bench).measureViewers},
	}
}

type part struct {
	name    string
	measure func(*bench, context.Context) error
}

// bench is a run.
type bench struct {
	*rig.Rig
	rig.Report
	options

	market *market
	naive  *naive
}

type options struct {
	souk   string
	only   []string
	rounds int
	length time.Duration // of one side's turn in a round
	spend  bool          // each turn tells its statements
	cpu    string        // where this process's profile of each turn goes; nowhere where it is empty
}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench-bids", flag.ContinueOnError)
	set.StringVar(&o.souk, "souk", "bin/souk", "the program to measure")
	quick := set.Bool("quick", false, "one short round: for a first look")
	only := set.String("only", "", "some of the parts, separated by commas")
	set.BoolVar(&o.spend, "statements", false, "say after each turn which statements it made, and their time in PostgreSQL")
	set.StringVar(&o.cpu, "profile", "", "a directory for a processor profile of this process in each turn")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.rounds, o.length = 3, 3*time.Second
	if *quick {
		o.rounds, o.length = 1, time.Second
	}
	if o.souk, err = filepath.Abs(o.souk); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(parts(), func(p part) bool { return p.name == name }) {
			return o, fmt.Errorf("-only: there is no part %q", name)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b := &bench{options: o, Report: rig.Report{Out: out}}
	if b.Rig, err = rig.Open(ctx, o.souk); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	b.Row("%d cores, load %s when it began", runtime.NumCPU(), rig.Load())
	for _, part := range parts() {
		if len(o.only) > 0 && !slices.Contains(o.only, part.name) {
			continue
		}
		if err := part.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	b.Print()
	return nil
}
