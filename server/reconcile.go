package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/reconcile"
)

// errDifferences says that our books and the provider's differ; how has been printed.
var errDifferences = errors.New("our books and the payment provider's differ")

// runReconcile is `souk reconcile [--json] [--since time] [--young duration]`.
func runReconcile(ctx context.Context, c *console, args []string) (err error) {
	set := flag.NewFlagSet("souk reconcile", flag.ContinueOnError)
	asJSON := set.Bool("json", false, "print one JSON object for each difference, and one for the run at the end")
	since := set.String("since", "", "compare records from then on (2026-01-31, 2026-01-31T18:30:00Z, or 72h ago), and no sums; all without it")
	young := set.Duration("young", time.Hour, "how long a record may be on one side alone")
	if err := c.flags(set, args); err != nil {
		return err
	}
	now := time.Now()
	begin, ok := parseSince(*since, now)
	if !ok || set.NArg() > 0 || *young < 0 {
		return c.misused("souk reconcile [--json] [--since 2026-01-31 or 72h] [--young 1h]")
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.database(ctx); err != nil {
		return err
	}
	if err := s.stripeBeside(ctx); err != nil {
		return err
	}
	service := reconcile.New(s.pool, payment.NewStripe(s.stripeKey, s.stripeURL, nil), clock.System{})
	options := reconcile.Options{Since: begin, Cut: now.Add(-*young), Found: c.tellDifference}
	if *asJSON {
		options.Found = c.tellDifferenceJSON
	}
	if isTerminal(c.err, c.environ) {
		options.Read = func(n int64) { fmt.Fprintf(c.err, "\r\x1b[K      %d records read …", n) }
	}
	run, err := service.Run(ctx, options)
	if options.Read != nil {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	if *asJSON {
		c.tellRunJSON(run)
	} else {
		c.tellRun(run)
	}
	if !run.Agrees() {
		return errDifferences
	}
	return nil
}

// parseSince reads a day, a time, or a duration back from now; nothing is the beginning of time.
func parseSince(text string, now time.Time) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), !t.After(now)
		}
	}
	back, err := time.ParseDuration(text)
	return now.Add(-back).UTC(), err == nil && back > 0
}

func (c *console) tellDifference(d reconcile.Difference) {
	if d.Kind == reconcile.Pending {
		return // counted at the end
	}
	fmt.Fprintf(c.out, "DIFFERS  %s", d.Kind)
	if d.ProviderID != "" {
		fmt.Fprintf(c.out, "  %s", d.ProviderID)
	}
	if d.EntryKey != "" {
		fmt.Fprintf(c.out, "  %s", d.EntryKey)
	}
	if d.EntryID != nil {
		fmt.Fprintf(c.out, " (entry %d)", *d.EntryID)
	}
	fmt.Fprintf(c.out, "\n         %s\n", strings.ReplaceAll(d.Detail, "\n", " "))
}

func (c *console) tellRun(r reconcile.Run) {
	if r.Agrees() {
		fmt.Fprint(c.out, "Our books and the provider's agree.")
	} else {
		fmt.Fprintf(c.out, "Differences: %d; docs/operations.md says what to do with each.", r.DifferenceCount)
	}
	fmt.Fprintf(c.out, " %d records there, %d here, pending: %d (younger than %s, or refunds on their way).\n",
		r.ProviderRecords, r.OurRecords, r.Pending, r.Cut.UTC().Format(time.RFC3339))
	if r.Since != nil {
		fmt.Fprintf(c.out, "Only records since %s were compared, and no sums.\n", r.Since.UTC().Format(time.RFC3339))
	}
}

func (c *console) tellDifferenceJSON(d reconcile.Difference) {
	out := map[string]any{"kind": d.Kind, "currency": d.Currency, "detail": d.Detail, "entry": d.EntryID}
	for name, text := range map[string]string{"provider_id": d.ProviderID, "entry_key": d.EntryKey} {
		if text != "" {
			out[name] = text
		}
	}
	if d.Theirs != nil {
		out["theirs"] = d.Theirs.Minor
	}
	if d.Ours != nil {
		out["ours"] = d.Ours.Minor
	}
	_ = json.NewEncoder(c.out).Encode(out) // nobody to tell when the output is closed
}

func (c *console) tellRunJSON(r reconcile.Run) {
	_ = json.NewEncoder(c.out).Encode(map[string]any{
		"run": r.ID, "ok": r.Agrees(), "provider": r.Provider, "since": r.Since, "cut": r.Cut, "provider_records": r.ProviderRecords,
		"our_records": r.OurRecords, "pending": r.Pending, "differences": r.DifferenceCount, "ms": r.FinishedAt.Sub(r.StartedAt).Milliseconds(),
	})
}

// fakeURLFile is where a server with a Stripe fake leaves the fake's address for tools beside it.
const fakeURLFile = "stripe-fake.url"

// leaveStripeURL tells tools beside this process where its fake is.
func (s *services) leaveStripeURL() error {
	path := filepath.Join(s.stateDir, fakeURLFile)
	if err := os.WriteFile(path, []byte(s.stripeURL), 0o600); err != nil {
		return fmt.Errorf("leave the Stripe fake's address: %w", err)
	}
	s.closes("the Stripe fake's address", func(context.Context) error { return os.Remove(path) })
	return nil
}

// stripeBeside finds the Stripe that a server on the same state directory works with; the fake's state has one owner.
func (s *services) stripeBeside(ctx context.Context) error {
	if s.config.StripeSecretKey.Reveal() == "" {
		url, err := os.ReadFile(filepath.Join(s.stateDir, fakeURLFile))
		if err == nil && answers(ctx, string(url)) {
			s.playMoney, s.stripeKey, s.stripeURL = true, fakeStripeKey, string(url)
			return nil
		}
	}
	return s.openStripe(ctx)
}

// answers says whether a Stripe fake of ours is at an address.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/balance", nil)
	if err != nil {
		return false
	}
	r.SetBasicAuth(fakeStripeKey, "")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
