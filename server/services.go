package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
	"github.com/souklive/souk/internal/redisx"
	"github.com/souklive/souk/internal/stripefake"
)

// usualConns is how many connections a process opens to the database where nobody says: more of them take turns on the same processors, and each plans each
// statement for itself (docs/benchmarks.md#checkouts-make-bench-checkout).
func usualConns() int32 { return int32(max(10, min(3*runtime.GOMAXPROCS(0), 1000))) }

// databaseName is the database inside the private cluster.
const databaseName = "souk"

// services are the things that the domains stand on, opened in the order of the fields.
type services struct {
	config   Config
	role     role
	demo     bool // the demo's accounts may be shown to everyone
	log      *slog.Logger
	registry *prometheus.Registry

	stateDir  string
	listener  net.Listener // nil where nothing is served
	publicURL string       // where clients reach the server, without a slash at its end
	pool      *pgxpool.Pool
	redis     redis.UniversalClient
	stripeKey string
	stripeURL string // empty for Stripe itself
	playMoney bool

	playParcels bool // fakes carry them

	closing []step // in the order of opening; closed the other way round
}

// fakeStripeKey is what the Stripe fake is spoken to with; its money is play money.
const fakeStripeKey = "sk_test_souk_play_money"

// fakeWebhookSecret is what the fake signs its events with. That it is no secret does no harm: of an event we
// believe nothing but that it is time to ask.
const fakeWebhookSecret = "whsec_souk_play_money" //nolint:gosec // G101: see above

func newServices(config Config, r role, log *slog.Logger) (*services, error) {
	s := &services{config: config, role: r, log: log, registry: obs.NewRegistry(obs.ReadBuild()), stateDir: config.StateDir}
	if s.stateDir == "" {
		workdir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("find the working directory: %w", err)
		}
		s.stateDir = cluster.DefaultStateDir(workdir)
	}
	s.config.StateDir = s.stateDir
	return s, nil
}

// closes registers how something that was opened is closed.
func (s *services) closes(name string, run func(context.Context) error) {
	s.closing = append(s.closing, step{name, run})
}

// closeSteps is how everything that is open is closed: the last first.
func (s *services) closeSteps() []step {
	steps := slices.Clone(s.closing)
	slices.Reverse(steps)
	return steps
}

// tellStep logs how a part was closed.
func (s *services) tellStep(name string, took time.Duration, err error) {
	if err != nil {
		s.log.Warn("gave up on stopping a part", "part", name, "took", took.Round(time.Millisecond), "error", err)
		return
	}
	s.log.Info("stopped a part", "part", name, "took", took.Round(time.Millisecond))
}

// database connects to PostgreSQL as the server's role, starting a private cluster where none is named, and in
// development brings the schema up to date first.
func (s *services) database(ctx context.Context) error {
	url, adminURL, err := s.databaseURLs(ctx)
	if err != nil {
		return err
	}
	if s.config.Env == development {
		if err := postgres.Migrate(ctx, adminURL, s.log); err != nil {
			return err
		}
	}
	if s.pool, err = postgres.Open(ctx, url, cmp.Or(s.config.DBMaxConns, usualConns())); err != nil {
		return err
	}
	s.closes("database connections", func(context.Context) error { s.pool.Close(); return nil })
	if err := s.registry.Register(obs.NewPoolCollector(s.pool)); err != nil {
		return err
	}
	return s.checkDatabase(ctx)
}

// databaseURLs are where the server and migrations log in.
func (s *services) databaseURLs(ctx context.Context) (url, adminURL string, err error) {
	if url = s.config.DatabaseURL.Reveal(); url != "" {
		if adminURL = s.config.DatabaseAdminURL.Reveal(); adminURL == "" {
			adminURL = url
		}
		return url, adminURL, nil
	}
	private, err := cluster.Start(ctx, cluster.Config{StateDir: s.stateDir, Database: databaseName, Install: true, Log: s.log})
	if err != nil {
		return "", "", err
	}
	s.closes("PostgreSQL", private.Stop)
	return private.ServerURL(databaseName), private.AdminURL(databaseName), nil
}

var errSchemaBehind = errors.New("the database's schema is older than this program; run `souk migrate` first")

// checkDatabase refuses a schema that the program does not know, and a login that could rewrite the ledger.
func (s *services) checkDatabase(ctx context.Context) error {
	pending, err := postgres.Pending(ctx, s.pool)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fmt.Errorf("%w (migrations that it lacks: %d)", errSchemaBehind, pending)
	}
	if err := postgres.CheckServerRole(ctx, s.pool); err != nil {
		if s.config.Env == production {
			return fmt.Errorf("DATABASE_URL: %w", err)
		}
		s.log.WarnContext(ctx, "DATABASE_URL logs in as a role that could rewrite the ledger; production refuses it", "error", err)
	}
	return nil
}

// openRedis connects to Redis, or starts one inside the process.
func (s *services) openRedis(ctx context.Context) error {
	if url := s.config.RedisURL.Reveal(); url != "" {
		client, err := redisx.Open(ctx, url)
		if err != nil {
			return fmt.Errorf("REDIS_URL: %w", err)
		}
		s.redis = client
		s.closes("Redis connections", func(context.Context) error { return client.Close() })
		return nil
	}
	client, stop, err := redisx.OpenLocal()
	if err != nil {
		return err
	}
	s.redis = client
	s.closes("the Redis inside the process", func(context.Context) error { stop(); return nil })
	return nil
}

// openStripe decides who takes payments. Without a key that is the fake, which keeps its state across restarts, as
// Stripe would.
func (s *services) openStripe(context.Context) error {
	s.stripeKey, s.stripeURL = s.config.StripeSecretKey.Reveal(), s.config.StripeAPIURL
	if s.stripeKey != "" {
		return nil
	}
	s.playMoney, s.stripeKey = true, fakeStripeKey
	fake, err := stripefake.New(stripefake.Config{
		Key: fakeStripeKey, StateFile: filepath.Join(s.stateDir, "stripe-fake"), Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("start the Stripe fake (where another process has it, set STRIPE_SECRET_KEY for both, "+
			"or give this one a SOUK_STATE_DIR of its own): %w", err)
	}
	s.closes("the Stripe fake's state", func(context.Context) error { return fake.Close() })
	url, stop, err := fake.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closes("the Stripe fake", stop)
	s.stripeURL = url
	if err := s.leaveStripeURL(); err != nil {
		return err
	}
	if s.listener != nil {
		fake.Notify(stripefake.Endpoint{URL: baseURL(s.listener) + payment.WebhookPath, Secret: fakeWebhookSecret})
	}
	return nil
}

// webhookSecret is what events are signed with; empty where none is known.
func (s *services) webhookSecret() string {
	if secret := s.config.StripeWebhookSecret.Reveal(); secret != "" || !s.playMoney {
		return secret
	}
	return fakeWebhookSecret
}

// listen takes the address first, so that one that is taken is known before anything is started.
func (s *services) listen(ctx context.Context) (err error) {
	s.listener, err = listen(ctx, "SOUK_ADDR", s.config.Addr, s.config.IsSet("SOUK_ADDR"))
	if err != nil {
		return err
	}
	s.publicURL = s.config.PublicURL
	if s.publicURL == "" {
		s.publicURL = baseURL(s.listener)
	}
	return nil
}
