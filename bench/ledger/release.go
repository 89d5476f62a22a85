package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

//go:embed scripts/*.sql
var scripts embed.FS

// script is one way to release an escrow, in scripts/.
type script string

const (
	post     script = "post"     // ledger.post()
	bare     script = "bare"     // the statements that post() runs, nothing checked
	steps    script = "steps"    // the same work in more and simpler statements
	numbers  script = "numbers"  // as steps, the accounts' numbers given
	together script = "together" // as numbers, in one statement: one round trip, as post() has
	locked   script = "locked"   // ledger.post() with a fee account that has a balance row
)

// all are the scripts in the order in which a round runs them.
func all() []script { return []script{post, bare, steps, numbers, together, locked} }

// clients are the sizes that are measured.
func clients() []int { return []int{32, 64} }

// releases are releases a second, by size and script, one number a round.
type releases struct {
	rates map[int]map[script][]float64
}

// measureReleases runs every script in each round, so that what else the machine does meets them all.
func measureReleases(ctx context.Context, b *books, o options, out io.Writer) (releases, error) {
	bench, err := newPgbench(ctx, b)
	if err != nil {
		return releases{}, err
	}
	defer bench.remove()
	setup, err := scripts.ReadFile("scripts/setup.sql")
	if err != nil {
		return releases{}, err
	}
	if err := b.exec(ctx, string(setup)); err != nil {
		return releases{}, fmt.Errorf("prepare: %w", err)
	}
	r := releases{rates: map[int]map[script][]float64{}}
	for _, size := range clients() {
		r.rates[size] = map[script][]float64{}
		for round := range o.rounds {
			fmt.Fprintf(out, "releases, %d clients, round %d of %d\n", size, round+1, o.rounds)
			for _, s := range all() {
				rate, err := bench.run(ctx, s, size, o.seconds)
				if err != nil {
					return releases{}, fmt.Errorf("%s with %d clients: %w", s, size, err)
				}
				r.rates[size][s] = append(r.rates[size][s], rate)
			}
		}
	}
	return r, nil
}

// ratio is the median of the rounds' ratios: within a round both met the same machine.
func (r releases) ratio(size int, over, under script) float64 {
	ratios := make([]float64, len(r.rates[size][over]))
	for i := range ratios {
		ratios[i] = r.rates[size][over][i] / r.rates[size][under][i]
	}
	return median(ratios)
}

// worst is the least ratio of all sizes.
func (r releases) worst(over, under script) float64 {
	ratios := make([]float64, 0, len(clients()))
	for _, size := range clients() {
		ratios = append(ratios, r.ratio(size, over, under))
	}
	return slices.Min(ratios)
}

func (r releases) print(out io.Writer) {
	fmt.Fprintf(out, "\nescrow releases a second, median (each round)\n")
	labels := map[script]string{
		post: "ledger.post()", bare: "the same statements bare", steps: "bare, step by step", numbers: "bare, numbers given",
		together: "bare, in one statement", locked: "the fee account locked",
	}
	for _, size := range clients() {
		fmt.Fprintf(out, "  %d clients\n", size)
		for _, s := range all() {
			rates := r.rates[size][s]
			fmt.Fprintf(out, "    %-26s %7.0f  (", labels[s], median(rates))
			for i, rate := range rates {
				if i > 0 {
					fmt.Fprint(out, " ")
				}
				fmt.Fprintf(out, "%.0f", rate)
			}
			fmt.Fprint(out, ")")
			if s != post {
				fmt.Fprintf(out, "  post() has %.2f of it", r.ratio(size, post, s))
			}
			fmt.Fprintln(out)
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// pgbench is PostgreSQL's load generator, of the server's own version.
type pgbench struct {
	program, url, dir string
}

func newPgbench(ctx context.Context, b *books) (*pgbench, error) {
	var bin string
	if err := b.admin.QueryRow(ctx, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&bin); err != nil {
		return nil, fmt.Errorf("where the server's programs are: %w", err)
	}
	p := &pgbench{program: filepath.Join(bin, "pgbench"), url: b.url}
	if _, err := os.Stat(p.program); err != nil { // the server is on another machine, or has it elsewhere
		if p.program, err = exec.LookPath("pgbench"); err != nil {
			return nil, fmt.Errorf("pgbench is neither in %s nor on PATH: it comes with PostgreSQL's server or its contrib package", bin)
		}
	}
	var err error
	if p.dir, err = os.MkdirTemp("", "souk-bench-scripts-*"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	if err := os.CopyFS(p.dir, scripts); err != nil {
		p.remove()
		return nil, fmt.Errorf("write the scripts: %w", err)
	}
	return p, nil
}

func (p *pgbench) remove() { _ = os.RemoveAll(p.dir) } //nolint:gosec // our own temporary directory

var ratePattern = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)

// asServer gives every script the rights of a server, no more: PostgreSQL asks a superuser for none, and saves that time.
const asServer = "PGOPTIONS=-c role=souk_app"

// run answers transactions a second. A statement that fails ends its client, and pgbench then says so by its exit code.
func (p *pgbench) run(ctx context.Context, s script, size, seconds int) (float64, error) {
	command := exec.CommandContext(ctx, p.program, "--no-vacuum", "--protocol=prepared", "--jobs=2",
		"--client="+strconv.Itoa(size), "--time="+strconv.Itoa(seconds),
		"--file="+filepath.Join(p.dir, "scripts", string(s)+".sql"), p.url)
	command.Env = append(os.Environ(), asServer)
	text, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, text)
	}
	match := ratePattern.FindSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("pgbench gives no rate:\n%s", text)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}
