package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

func main() {
	redis.SetLogger(quietRedis{})
	spareProcessor()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains. It also gives the signals back, so that a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// spareProcessor has Go run one goroutine more at a time than it has cores, which the kernel shares out. Whoever writes to ten thousand viewers gives Go's
// scheduler its turn every ten milliseconds only, and on as many processors as cores the next event would wait that long at each of its steps: at
// Redis's socket, for a goroutine, at PostgreSQL's socket (decision 13).
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// quietRedis drops what the client library prints beside the errors that it returns.
type quietRedis struct{}

// Printf does nothing.
func (quietRedis) Printf(context.Context, string, ...any) {}

// Exit codes: a failure, and a call that made no sense.
const (
	exitFailure = 1
	exitUsage   = 2
)

// errUsage has been explained to the user already.
var errUsage = errors.New("usage")

// console is where a command talks to its user, and the environment it was called with.
type console struct {
	environ []string
	out     io.Writer
	err     io.Writer
}

// command is one subcommand.
type command struct {
	name    string
	args    string
	summary string
	run     func(ctx context.Context, c *console, args []string) error
}

func commands() []command {
	return []command{
		{"demo", "", "serve with demo accounts, listings and a live auction; needs nothing", runDemo},
		{"serve", "[api|worker]", "serve; everything in one process unless a role is named", runServe},
		{"migrate", "", "bring the database's schema up to date", runMigrate},
		{"ledger", "check [--json] [--only name,name]", "prove every balance; exit code 1 if one does not hold", runLedger},
		{"codes", "rotate [--batch n]", "seal every code for sale under the current key; exit code 1 if one is left", runCodes},
		{"auction", "replay [--json] --all | id", "judge stored bids again; exit code 1 if the rules say otherwise", runAuction},
		{"order", "check [--json] | explain [--json] id", "prove that orders, goods and money agree; or tell all that happened to one order", runOrder},
		{"fill", "[--listings n] [--production]", "add an invented catalogue, 100,000 listings unless told otherwise", runFill},
		{"reconcile", "[--json] [--since time] [--young duration]", "compare our books with the payment provider's; exit code 1 if they differ", runReconcile},
		{"stripe-fake", "[flags]", "serve the play-money Stripe alone", runStripeFake},
		{"version", "", "say what this binary was built from", runVersion},
		{"help", "", "show this, and the settings", runHelp},
	}
}

// run is the program: it finds the command, runs it, and gives the exit code. It returns when the
// command has ended or ctx is done and everything is closed.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	c := &console{environ: environ, out: stdout, err: stderr}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	name := args[0]
	if name == "-h" || name == "--help" || name == "-help" {
		name = "help"
	}
	for _, cmd := range commands() {
		if cmd.name == name {
			return exitCode(stderr, cmd.run(ctx, c, args[1:]))
		}
	}
	fmt.Fprintf(stderr, "souk: there is no command %q\n\n", name)
	usage(stderr)
	return exitUsage
}

func exitCode(stderr io.Writer, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errLedger), errors.Is(err, errDifferences), errors.Is(err, errReplay): // the findings have been printed
		return exitFailure
	default:
		fmt.Fprintln(stderr, "souk:", err)
		return exitFailure
	}
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Souk, the backend of a live marketplace.\n\nUsage: souk <command>\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-22s %s\n", strings.TrimSpace(cmd.name+" "+cmd.args), cmd.summary)
	}
	fmt.Fprint(w, "\nSettings come from the environment; `souk help` lists them.\n")
}

func runHelp(_ context.Context, c *console, _ []string) error {
	usage(c.out)
	fmt.Fprint(c.out, "\nSettings (docs/configuration.md explains each):\n\n")
	for _, f := range settingFields() {
		fmt.Fprintf(c.out, "  %-24s %s\n", f.name, strings.Join(f.remarks(), ", "))
	}
	return nil
}

// flags parses a command's flags. A mistake is explained on the console and comes back as errUsage.
func (c *console) flags(set *flag.FlagSet, args []string) error {
	set.SetOutput(c.err)
	err := set.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}

// misused explains a call that made no sense.
func (c *console) misused(format string, args ...any) error {
	fmt.Fprintf(c.err, "souk: "+format+"\n", args...)
	return errUsage
}
