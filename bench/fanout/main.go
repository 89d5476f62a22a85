//go:build linux

// Command fanout measures what it costs to bring a lot's events to many viewers, side by side with other ways of doing so:
//
//   - the processor time of a message, against a raw broadcast of the same bytes by gorilla's PreparedMessage, against gqlgen with
//     its own transport and one execution a viewer, and against the centrifuge library;
//   - how fast a backlog leaves, against the raw broadcast;
//   - how long it takes from the commit of a bid to the last viewer;
//   - what an idle viewer and a stalled one cost;
//   - how all viewers come back at once.
//
// What is measured is the program itself (bin/souk), on a PostgreSQL and a Redis that are started here. The server has one core to
// itself as far as this benchmark goes, the load client another.
//
//	go run ./bench/fanout [-souk bin/souk] [-centrifuge bin/bench-centrifuge] [-quick] [-only cpu,lag,memory,stall,storm]
//		[-viewers 1000,5000] [-against raw,stock] [-rounds 3]
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
	"strconv"
	"strings"
	"syscall"

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
		fmt.Fprintln(os.Stderr, "bench-fanout:", err)
		os.Exit(1)
	}
}

// roles are the other processes of a measurement, which this program starts itself as.
var roles = map[string]func([]string) error{"pin": rig.Pin, "load": viewers.Run, "raw": runRaw, "stock": runStock}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// parts are what is measured, in this order.
func parts() []part {
	return []part{
		{"cpu", (*bench).measureCost},
		{"lag", (*bench).measureLag},
		{"memory", (*bench).measureMemory},
		{"stall", (*bench).measureStalled},
		{"storm", (*bench).measureStorm},
	}
}

type part struct {
	name    string
	measure func(*bench, context.Context) error
}

// bench is a run.
type bench struct {
	*stage
	options
	self string
	most int // viewers that descriptors allow
	rig.Report
}

type options struct {
	souk, centrifuge string
	quick            bool
	only             []string
	viewers          []int // in place of a part's own numbers, where there are several
	against          []string
	rounds           int // 0 for a part's own
}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench-fanout", flag.ContinueOnError)
	set.StringVar(&o.souk, "souk", "bin/souk", "the program to measure")
	set.StringVar(&o.centrifuge, "centrifuge", "bin/bench-centrifuge", "the server on centrifuge; left out where there is none")
	set.BoolVar(&o.quick, "quick", false, "fewer viewers and shorter: for a first look")
	only := set.String("only", "", "some of the parts, separated by commas")
	viewers := set.String("viewers", "", "numbers of viewers for cpu and lag, separated by commas, in place of theirs")
	against := set.String("against", "raw,stock,centrifuge", "who takes part in cpu beside us; raw always does")
	set.IntVar(&o.rounds, "rounds", 0, "of cpu and stall, in place of theirs")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	for _, program := range []*string{&o.souk, &o.centrifuge} {
		if *program, err = filepath.Abs(*program); err != nil {
			return o, err
		}
	}
	if _, err := os.Stat(o.centrifuge); err != nil {
		o.centrifuge = ""
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	o.against = strings.Split(*against, ",")
	if o.viewers, err = numbers(*viewers); err != nil {
		return o, fmt.Errorf("-viewers: %w", err)
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(parts(), func(p part) bool { return p.name == name }) {
			return o, fmt.Errorf("-only: there is no part %q", name)
		}
	}
	return o, nil
}

// numbers reads a list that may be empty.
func numbers(list string) (out []int, err error) {
	if list == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of viewers", text)
		}
		out = append(out, n)
	}
	return out, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b := &bench{options: o, Report: rig.Report{Out: out}}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	files, err := descriptors()
	if err != nil {
		return err
	}
	b.most = min(files, serverLimit) - spareFiles
	if b.stage, err = openStage(ctx, o.souk); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
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

const (
	serverLimit = 20_000 // connections that a server takes
	spareFiles  = 200    // for what else it has open
)
