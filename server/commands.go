package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/postgres"
)

// runMigrate is `souk migrate`.
func runMigrate(ctx context.Context, c *console, args []string) (err error) {
	if err := c.flags(flag.NewFlagSet("souk migrate", flag.ContinueOnError), args); err != nil {
		return err
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	_, adminURL, err := s.databaseURLs(ctx)
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, adminURL, s.log); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "The schema is up to date.")
	return nil
}

// toolServices is for commands that need a part of what a server does.
func toolServices(c *console) (*services, error) {
	config, err := loadConfig(c.environ)
	if err != nil {
		return nil, err
	}
	return newServices(config, roleAll, obs.NewLogger(c.err, config.LogLevel, config.LogFormat))
}

// close is what a tool ends with. A failure is in the error, and the rest is not worth a line.
func (s *services) close() error {
	return runSteps(func(string, time.Duration, error) {}, s.config.ShutdownTimeout, s.closeSteps())
}

// errLedger says that an invariant does not hold; which one has been printed.
var errLedger = errors.New("the ledger does not add up")

// runLedger is `souk ledger check [--json] [--only name,name]`.
func runLedger(ctx context.Context, c *console, args []string) (err error) {
	if len(args) == 0 || args[0] != "check" {
		return c.misused("ledger has one command: souk ledger check [--json] [--only name,name]")
	}
	set := flag.NewFlagSet("souk ledger check", flag.ContinueOnError)
	asJSON := set.Bool("json", false, "print one JSON object for each invariant")
	only := set.String("only", "", "the names of the checks to run, with commas between; all without it")
	if err := c.flags(set, args[1:]); err != nil {
		return err
	}
	options := audit.Options{Only: strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.database(ctx); err != nil {
		return err
	}
	report := c.reportLines
	if *asJSON {
		report = c.reportJSON
	}
	if isTerminal(c.err, c.environ) {
		report = c.showProgress(&options, report)
	}
	ok, err := audit.Run(ctx, s.pool, options, report)
	var unknown *audit.UnknownCheckError
	switch {
	case errors.As(err, &unknown):
		return c.misused("%v; docs/ledger.md lists them", unknown)
	case err != nil:
		return err
	case !ok:
		return errLedger
	case *asJSON:
	case len(options.Only) > 0:
		fmt.Fprintln(c.out, "What was checked holds.")
	default:
		fmt.Fprintln(c.out, "Every balance holds.")
	}
	return nil
}

// showProgress names on the terminal's last line the check that runs, and takes the name away before its result.
func (c *console) showProgress(o *audit.Options, report func(audit.Result)) func(audit.Result) {
	o.Begun = func(check *audit.Check) { fmt.Fprintf(c.err, "\r\x1b[K      %s …", check.Name) }
	return func(r audit.Result) {
		fmt.Fprint(c.err, "\r\x1b[K")
		report(r)
	}
}

func (c *console) reportLines(r audit.Result) {
	if r.OK() {
		fmt.Fprintf(c.out, "ok    %s%s\n", r.Sentence, duration(r.Took))
		return
	}
	fmt.Fprintf(c.out, "FAIL  %s%s\n      %s, rows: %d\n", r.Sentence, duration(r.Took), r.Name, r.Count)
	for _, f := range r.Findings {
		fmt.Fprintf(c.out, "      %s  %s\n", f.Subject, strings.ReplaceAll(f.Detail, "\n", " "))
	}
	if more := r.Count - int64(len(r.Findings)); more > 0 {
		fmt.Fprintf(c.out, "      and %d more\n", more)
	}
}

// duration is how long a check took, where that is worth a word.
func duration(took time.Duration) string {
	if took < time.Second {
		return ""
	}
	return fmt.Sprintf(" (%.1f s)", took.Seconds())
}

func (c *console) reportJSON(r audit.Result) {
	type finding struct {
		Subject string `json:"subject"`
		Detail  string `json:"detail"`
	}
	findings := make([]finding, len(r.Findings))
	for i, f := range r.Findings {
		findings[i] = finding(f)
	}
	_ = json.NewEncoder(c.out).Encode(struct { // nobody to tell when the output is closed
		Name     string    `json:"name"`
		Sentence string    `json:"sentence"`
		OK       bool      `json:"ok"`
		Count    int64     `json:"count"`
		Findings []finding `json:"findings"`
		Millis   int64     `json:"ms"`
	}{r.Name, r.Sentence, r.OK(), r.Count, findings, r.Took.Milliseconds()})
}
