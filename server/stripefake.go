package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/stripefake"
)

// runStripeFake is `souk stripe-fake`: the play-money Stripe alone, for clients and tests that bring
// their own server. It prints its address and serves until it is told to stop.
func runStripeFake(ctx context.Context, c *console, args []string) (err error) {
	set := flag.NewFlagSet("souk stripe-fake", flag.ContinueOnError)
	addr := set.String("addr", "127.0.0.1:12111", "address to listen on; port 0 takes a free one")
	key := set.String("key", fakeStripeKey, "secret key that requests have to bear")
	state := set.String("state", "", "file that keeps the state across restarts; in memory alone without it")
	hookURL := set.String("webhook-url", "", "address that events are posted to")
	hookSecret := set.String("webhook-secret", "", "secret that they are signed with")
	seed := set.Uint64("seed", 0, "seed of ids and of what goes wrong")
	faults := set.String("faults", "", "what goes wrong and how often, as in cut_after=0.05,duplicate=0.3,wait=500ms")
	public := set.String("public-url", "", "address under which people reach the 3-D Secure page, if not the one that requests come to")
	if err := c.flags(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return c.misused("stripe-fake takes flags alone, and not %q", set.Arg(0))
	}
	if (*hookURL == "") != (*hookSecret == "") {
		return c.misused("-webhook-url and -webhook-secret go together")
	}
	config, err := loadConfig(c.environ)
	if err != nil {
		return err
	}
	fake, err := stripefake.New(stripefake.Config{
		Key: *key, Seed: *seed, StateFile: *state, PublicURL: *public,
		Log: obs.NewLogger(c.err, config.LogLevel, config.LogFormat),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fake.Close()) }()
	if err := fake.Misbehave(*faults); err != nil {
		return c.misused("%v", err)
	}
	if *hookURL != "" {
		fake.Notify(stripefake.Endpoint{URL: *hookURL, Secret: *hookSecret})
	}
	url, stop, err := fake.Listen(*addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The Stripe fake listens on %s, with the key %s. Its money is play money.\n", url, *key)
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTimeout)
	defer cancel()
	return stop(stopping)
}
