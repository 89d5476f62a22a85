//go:build linux

// Command checkout measures what it takes to buy: a line is put into a cart, quoted and confirmed from the wallet, through GraphQL over HTTP
// of the program itself.
//
//   - whole checkouts by 8, 32 and 64 clients, what each mutation takes, and its statements;
//   - the same statements in the same transactions by pgbench: they are recorded from one checkout, as PostgreSQL's log has them;
//   - statements of a cart of 20 lines by its sellers;
//   - 64 buyers for ten pieces.
//
// PostgreSQL (which keeps every commit) and Redis are started here. Both sides of a ratio run in turns on the same machine, the clients
// included.
//
//	go run ./bench/checkout [-souk bin/souk] [-quick]
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
	"syscall"
	"time"

	"github.com/souklive/souk/bench/rig"
)

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "pin" {
		err = rig.Pin(os.Args[2:])
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, os.Args[1:], os.Stdout)
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-checkout:", err)
		os.Exit(1)
	}
}

// bench is a run.
type bench struct {
	*rig.Rig
	rig.Report
	*market

	url    string
	rounds int
	length time.Duration // of one side's turn in a round
	script string        // a recorded checkout, for pgbench
	quiet  []string      // how statements begin that the server makes by itself
	spend  bool
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	b := &bench{Report: rig.Report{Out: out}, rounds: 3, length: 6 * time.Second}
	set := flag.NewFlagSet("bench-checkout", flag.ContinueOnError)
	souk := set.String("souk", "bin/souk", "the program to measure")
	quick := set.Bool("quick", false, "one short round: for a first look")
	set.BoolVar(&b.spend, "statements", false, "say which statements the checkouts made, and their time in PostgreSQL")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *quick {
		b.rounds, b.length = 1, 2*time.Second
	}
	program, err := filepath.Abs(*souk)
	if err != nil {
		return err
	}
	if b.Rig, err = rig.Open(ctx, program); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.Row("%d cores, load %s when it began", runtime.NumCPU(), rig.Load())
	if b.market, err = settle(ctx, b.Rig); err != nil {
		return fmt.Errorf("settle the market: %w", err)
	}
	server, err := b.StartSouk(ctx, rig.AnyCore, "serve", "api")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	b.url = "http://" + server.Addr + "/graphql"
	for _, part := range []func(context.Context) error{b.record, b.measureCheckouts, b.measureCarts, b.measureCrowd} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	b.Print()
	return nil
}
