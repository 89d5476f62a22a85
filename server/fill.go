package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/souklive/souk/internal/fill"
	"github.com/souklive/souk/internal/postgres"
)

// errFillProduction keeps invented goods out of a real market.
var errFillProduction = errors.New("SOUK_ENV is production: invented listings are added there with --production only")

// runFill is `souk fill [--listings n] [--production]`.
func runFill(ctx context.Context, c *console, args []string) (err error) {
	set := flag.NewFlagSet("souk fill", flag.ContinueOnError)
	listings := set.Int("listings", 100_000, "how many listings are added")
	earnest := set.Bool("production", false, "also where SOUK_ENV is production")
	if err := c.flags(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 || *listings < fill.Least || *listings > fill.Most {
		return c.misused("souk fill [--listings %d to %d] [--production]", fill.Least, fill.Most)
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := mayFill(s.config, *earnest); err != nil {
		return err
	}
	if err := s.database(ctx); err != nil {
		return err
	}
	_, adminURL, err := s.databaseURLs(ctx)
	if err != nil {
		return err
	}
	admin, err := postgres.Open(ctx, adminURL, 2)
	if err != nil {
		return err
	}
	defer admin.Close()
	began := time.Now()
	if err := fill.Run(ctx, admin, *listings, true); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d listings were added in %s.\n", *listings, time.Since(began).Round(time.Millisecond))
	return nil
}

func mayFill(c Config, earnest bool) error {
	if c.Env == production && !earnest {
		return errFillProduction
	}
	return nil
}
