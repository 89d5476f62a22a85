//go:build linux

// Command catalogue measures a catalogue of invented listings:
//
//   - a list of 20 with price, picture and seller through GraphQL, against a bare net/http and pgx handler that sends the same bytes;
//   - search with four facets by 8 clients, on a tenth of the listings and on all of them;
//   - reserving and releasing, on one hot product and over 10,000, against pgbench with the bare statements.
//
// PostgreSQL (which keeps every commit) and Redis are started here. Both sides of a ratio run in turns on the same machine, the clients
// included.
//
//	go run ./bench/catalogue [-souk bin/souk] [-n 100000] [-quick] [-only list,search,reserve] [-statements]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/fill"
	"github.com/souklive/souk/internal/postgres"
)

const clients = 8

func main() {
	var err error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	role, args := "", os.Args[1:]
	if len(args) > 1 {
		role = args[0]
	}
	switch role {
	case "pin":
		err = rig.Pin(args[1:])
	case "bare":
		err = serveBare(ctx, args[1], os.Stdin, os.Stdout)
	default:
		err = run(ctx, args, os.Stdout)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-catalogue:", err)
		os.Exit(1)
	}
}

// bench is a run.
type bench struct {
	*rig.Rig
	rig.Report
	options

	pool *pgxpool.Pool // as a server has it
}

type options struct {
	souk     string
	only     []string
	listings int
	rounds   int
	length   time.Duration // of one side's turn in a round
	spend    bool          // each turn of ours tells its statements
}

var parts = []string{"list", "search", "reserve"}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench-catalogue", flag.ContinueOnError)
	set.StringVar(&o.souk, "souk", "bin/souk", "the program to measure")
	set.IntVar(&o.listings, "n", 100_000, "how many listings")
	quick := set.Bool("quick", false, "one short round: for a first look")
	only := set.String("only", strings.Join(parts, ","), "some of the parts, separated by commas")
	set.BoolVar(&o.spend, "statements", false, "say after each turn which statements it made, and their time in PostgreSQL")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.rounds, o.length = 3, 4*time.Second
	if *quick {
		o.rounds, o.length = 1, time.Second
	}
	if o.listings < 1000 || o.listings > 2_000_000 {
		return o, fmt.Errorf("-n %d is outside 1,000 to 2,000,000", o.listings)
	}
	o.only = strings.Split(*only, ",")
	for _, name := range o.only {
		if !slices.Contains(parts, name) {
			return o, fmt.Errorf("-only: there is no part %q", name)
		}
	}
	o.souk, err = filepath.Abs(o.souk)
	return o, err
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
	if err := postgres.Migrate(ctx, b.Database.AdminURL(rig.DatabaseName), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if b.pool, err = postgres.Open(ctx, b.Database.ServerURL(rig.DatabaseName), 20); err != nil {
		return err
	}
	b.Defer(func(context.Context) error { b.pool.Close(); return nil })
	b.Row("%d cores, load %s when it began", runtime.NumCPU(), rig.Load())
	if err := b.fill(ctx, o.listings/10); err != nil {
		return err
	}
	var small search
	if slices.Contains(o.only, "search") {
		if small, err = b.measureSearch(ctx, o.listings/10); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	if err := b.fill(ctx, o.listings-o.listings/10); err != nil {
		return err
	}
	if slices.Contains(o.only, "search") {
		large, err := b.measureSearch(ctx, o.listings)
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		b.Result("catalogue_search_per_s", large.rate)
		b.Result("catalogue_search_p95_ms", large.p95)
		b.Result("catalogue_search_growth", large.p95/small.p95)
	}
	for name, measure := range map[string]func(context.Context) error{"list": b.measureList, "reserve": b.measureReserve} {
		if !slices.Contains(o.only, name) {
			continue
		}
		if err := measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	b.Print()
	return nil
}

// fill adds invented listings, and says how long that took.
func (b *bench) fill(ctx context.Context, listings int) error {
	began := time.Now()
	if err := fill.Run(ctx, b.Admin, listings, true); err != nil {
		return err
	}
	if _, err := b.Admin.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return err
	}
	b.Say("%d listings filled in %s", listings, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// turn is a while in which clients do one thing again and again.
type turn struct {
	rate     float64 // a second
	p50, p95 float64 // milliseconds
	spent    spent
}

// spent is what one call took of the processor, in milliseconds: unlike a rate, it says the same on a machine that has other work.
type spent struct{ server, database, clients float64 }

func (s spent) String() string {
	return fmt.Sprintf("%.2f + %.2f + %.2f", s.server, s.database, s.clients)
}

// ours is play for our side, with its statements where they were asked for; the use cases of no server are called in this process.
func (b *bench) ours(ctx context.Context, server *rig.Process, do func(ctx context.Context, client, n int) error) (turn, error) {
	if b.spend {
		if err := b.CountStatements(ctx); err != nil {
			return turn{}, err
		}
	}
	before, err := b.cpu(ctx, server)
	if err != nil {
		return turn{}, err
	}
	t, err := play(ctx, b.length, do)
	if err != nil {
		return t, err
	}
	after, err := b.cpu(ctx, server)
	if err != nil {
		return t, err
	}
	calls := t.rate * b.length.Seconds()
	t.spent = spent{(after.server - before.server) / calls, (after.database - before.database) / calls, (after.clients - before.clients) / calls}
	if !b.spend {
		return t, nil
	}
	lines, err := b.Statements(ctx)
	b.Say("%.0f a second\n%s", t.rate, strings.Join(lines, "\n"))
	return t, err
}

// cpu is what the server, PostgreSQL and this process have had of the processor so far.
func (b *bench) cpu(ctx context.Context, server *rig.Process) (s spent, err error) {
	var of [3]time.Duration
	var errs [3]error
	if server != nil {
		of[0], errs[0] = server.CPU()
	}
	of[1], errs[1] = b.DatabaseCPU(ctx)
	of[2], errs[2] = rig.OwnCPU()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return spent{ms(of[0]), ms(of[1]), ms(of[2])}, errors.Join(errs[:]...)
}

// play has all clients do it for a time; do gets the client's number and how often it has been called by it.
func play(ctx context.Context, length time.Duration, do func(ctx context.Context, client, n int) error) (t turn, err error) {
	var mu sync.Mutex
	var took []float64
	var all sync.WaitGroup
	began := time.Now()
	for c := range clients {
		all.Go(func() {
			var mine []float64
			for n := 0; time.Since(began) < length; n++ {
				at := time.Now()
				if bad := do(ctx, c, n); bad != nil {
					mu.Lock()
					err = errors.Join(err, bad)
					mu.Unlock()
					return
				}
				mine = append(mine, float64(time.Since(at).Microseconds())/1000)
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(took)
	return turn{rate: float64(len(took)) / time.Since(began).Seconds(), p50: rig.Quantile(took, 0.5), p95: rig.Quantile(took, 0.95)}, err
}
