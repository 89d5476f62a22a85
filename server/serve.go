package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/obs"
)

// runServe is `souk serve [api|worker]`.
func runServe(ctx context.Context, c *console, args []string) error {
	set := flag.NewFlagSet("souk serve", flag.ContinueOnError)
	if err := c.flags(set, args); err != nil {
		return err
	}
	r := roleAll
	if set.NArg() > 0 {
		var err error
		if r, err = parseRole(set.Arg(0)); err != nil {
			return c.misused("%s", err)
		}
	}
	if set.NArg() > 1 {
		return c.misused("serve takes one role at most")
	}
	config, err := loadConfig(c.environ)
	if err != nil {
		return err
	}
	if err := config.checkRole(r); err != nil {
		return err
	}
	return serve(ctx, c, config, r, nil)
}

// runDemo is `souk demo`.
func runDemo(ctx context.Context, c *console, args []string) error {
	if err := c.flags(flag.NewFlagSet("souk demo", flag.ContinueOnError), args); err != nil {
		return err
	}
	config, err := loadConfig(c.environ)
	if err != nil {
		return err
	}
	if config.Env == production {
		return errors.New("SOUK_ENV=production: the demo makes accounts whose passwords everybody knows; use souk serve")
	}
	if config.StripeSecretKey != "" {
		return errors.New("STRIPE_SECRET_KEY is set: the demo pays with play money only; unset it, or use souk serve")
	}
	if !config.IsSet("SOUK_LOG_LEVEL") {
		config.LogLevel = slog.LevelWarn // the banner is what a newcomer should read
	}
	fmt.Fprintln(c.err, "Starting Souk; the first time takes some seconds.")
	return serve(ctx, c, config, roleAll, seedDemo)
}

// checkRole refuses half a server whose other half could not be reached.
func (c Config) checkRole(r role) error {
	if r == roleAll {
		return nil
	}
	var missing []problem
	if c.DatabaseURL == "" {
		missing = append(missing, problem{"DATABASE_URL", "must be set: one role alone shares its database with the other"})
	}
	if c.RedisURL == "" {
		missing = append(missing, problem{"REDIS_URL", "must be set: one role alone shares its Redis with the other"})
	}
	if c.StripeSecretKey == "" {
		missing = append(missing, problem{"STRIPE_SECRET_KEY", "must be set: a Stripe fake of its own would not know the other role's payments (souk stripe-fake and STRIPE_API_URL share one)"})
	}
	if len(missing) > 0 {
		return configError(missing)
	}
	return nil
}

// seeder fills the database before the banner is shown.
type seeder func(ctx context.Context, a *app) (demoResult, error)

// serve opens everything, serves until ctx ends or a part fails, and closes everything.
func serve(ctx context.Context, c *console, config Config, r role, seed seeder) (err error) {
	log := obs.NewLogger(c.err, config.LogLevel, config.LogFormat)
	s, err := newServices(config, r, log)
	if err != nil {
		return err
	}
	s.demo = seed != nil
	log.InfoContext(ctx, "settings", "role", r, "settings", s.config)
	for _, warning := range config.warnings() {
		log.WarnContext(ctx, "doubtful setting", "reason", warning)
	}
	say := func(string) {} // to a newcomer at a terminal
	if s.demo {
		say = func(line string) { fmt.Fprintln(c.err, line) }
	}
	defer func() {
		err = errors.Join(err, runSteps(s.tellStep, config.ShutdownTimeout, s.closeSteps()))
		if err == nil {
			say("Everything is stopped.")
		}
	}()
	run, err := s.start(ctx, seed)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err == nil {
		s.banner(c, run.demo)
		select {
		case <-ctx.Done():
		case err := <-run.failed:
			return err
		}
	}
	// Asked to stop, perhaps while starting: then what start says is that it was interrupted.
	say("\nStopping; press Ctrl-C again to end at once.")
	return nil
}

// running is a server that answers.
type running struct {
	demo   demoResult
	failed chan error // the first part that ended by itself
}

// fail takes the program down. One reason is enough.
func (r *running) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

// start opens what the server stands on, wires the domains, fills in the demo, and serves. What it has opened is
// in s.closing, also where it fails half-way.
func (s *services) start(ctx context.Context, seed seeder) (run *running, err error) {
	defer func() {
		if err != nil && s.listener != nil { // no server has it yet, which would close it
			_ = s.listener.Close()
		}
	}()
	opening := []func(context.Context) error{s.listen, s.database, s.openRedis, s.openStripe}
	for _, open := range opening {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	a, err := wire(ctx, s)
	if err != nil {
		return nil, err
	}
	run = &running{failed: make(chan error, 1)}
	if seed != nil {
		if run.demo, err = seed(ctx, a); err != nil {
			return nil, err
		}
	}
	if s.role.RunsJobs() {
		s.closes("background work", startWorkers(ctx, a.workers, run.fail).stop)
	}
	return run, s.serveHTTP(ctx, a, run)
}

// serveHTTP answers requests until it is closed: then it says that it is not ready, takes no new connection, ends
// streams, and tells WebSockets to come back elsewhere while requests finish.
func (s *services) serveHTTP(ctx context.Context, a *app, run *running) error {
	health := obs.NewHealth(s.log, time.Second, a.checks...)
	draining := make(chan struct{})
	metrics := obs.NewHTTPMetrics(s.registry)
	site := site{
		log: s.log, metrics: metrics, health: health, origins: s.config.AllowedOrigins, settings: s.config, draining: draining,
	}
	if s.role.ServesAPI() {
		site.app = a.handler
		s.closes("watch over sessions", startWorkers(ctx, []func(context.Context) error{a.watch}, run.fail).stop)
	}
	if s.config.MetricsAddr == "" {
		site.scrape = obs.MetricsHandler(s.registry)
	} else if err := s.serveMetrics(ctx, run); err != nil {
		return err
	}
	server := newHTTPServer(site.handler(), s.log)
	go func() {
		if err := server.Serve(arrival.Listen(s.listener)); !errors.Is(err, http.ErrServerClosed) {
			run.fail(fmt.Errorf("serve: %w", err))
		}
	}()
	s.closes("HTTP", func(ctx context.Context) error {
		health.Drain()
		close(draining)
		stopped := make(chan error, 1)
		go func() { stopped <- server.Shutdown(ctx) }()
		a.drain(ctx)
		err := <-stopped
		if err != nil { // a request that does not end would hold on to what is closed next
			err = errors.Join(err, server.Close())
		}
		return err
	})
	return nil
}

// serveMetrics serves /metrics on an address of its own.
func (s *services) serveMetrics(ctx context.Context, run *running) error {
	listener, err := listen(ctx, "SOUK_METRICS_ADDR", s.config.MetricsAddr, true)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", obs.MetricsHandler(s.registry))
	server := newHTTPServer(mux, s.log)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			run.fail(fmt.Errorf("serve metrics: %w", err))
		}
	}()
	s.closes("metrics", server.Shutdown)
	return nil
}

// banner shows a newcomer where to go; a server in earnest writes a line to its log instead.
func (s *services) banner(c *console, demo demoResult) {
	s.log.Info("serving", "url", s.publicURL, "addr", s.listener.Addr().String())
	if s.config.Env == production {
		return
	}
	b := banner{
		url: s.publicURL, playMoney: s.playMoney, parcels: s.playParcels, demo: demo,
		colour: isTerminal(c.out, c.environ),
	}
	if s.config.DatabaseURL == "" {
		b.stateDir = s.stateDir
	}
	if !s.config.IsSet("SOUK_ADDR") && s.listener.Addr().String() != s.config.Addr {
		b.moved = s.config.Addr + " is taken; this is the next free port."
	}
	b.print(c.out)
	if f, ok := c.out.(*os.File); ok {
		_ = f.Sync()
	}
}
