package stripefake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/souklive/souk/internal/clock"
)

// APIVersion is the one version of the Stripe API that the fake speaks, that of stripe-go v76.
const APIVersion = "2023-10-16"

// Config says what a fake is made of. Only Key is required.
type Config struct {
	Key       string       // the secret key that requests must bear
	Seed      uint64       // of ids and of the seeded faults
	Clock     clock.Clock  // the time that objects bear; the machine's where nil
	PublicURL string       // where people find the 3-D Secure page; where the request came to if empty
	StateFile string       // where the state survives a restart; in memory alone where empty
	Log       *slog.Logger // silent where nil

	Webhooks     []Endpoint    // where events are sent; Notify adds more
	WebhookRetry time.Duration // before the second attempt of a delivery, doubled for each further; a second if 0
}

// Server is the fake. It is safe for concurrent use.
type Server struct {
	key    string
	clock  clock.Clock
	log    *slog.Logger
	routes []route
	faults *Plan
	cards  catalogue

	publicURL string

	mu    sync.Mutex // guards everything below, and serialises every effect
	store *store
	keys  map[string]*idempotentAnswer
	ids   idSource
	file  *stateFile

	agenda  agenda
	ahead   time.Duration // of clock
	written time.Duration // of ahead, in the state file
	hooks   []*hook

	deliveries *DeliveryPlan
	retry      time.Duration
	closing    context.Context //nolint:containedctx // ends the deliveries, which outlive any call
	close      context.CancelFunc
	running    sync.WaitGroup
}

// New makes a fake, reading back the state file where there is one.
func New(config Config) (*Server, error) {
	if config.Key == "" {
		return nil, errors.New("stripefake: the secret key is empty")
	}
	s := &Server{
		key:    config.Key,
		clock:  config.Clock,
		log:    config.Log,
		routes: routes(),
		faults: newPlan(config.Seed),
		cards:  newCatalogue(),

		deliveries: newDeliveryPlan(config.Seed),
		retry:      config.WebhookRetry,

		publicURL: strings.TrimSuffix(config.PublicURL, "/"),
		store:     newStore(),
		keys:      make(map[string]*idempotentAnswer),
		ids:       idSource{seed: config.Seed},
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	if s.retry <= 0 {
		s.retry = time.Second
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if config.StateFile != "" {
		if err := s.load(config.StateFile); err != nil {
			return nil, fmt.Errorf("stripefake: state: %w", err)
		}
	}
	s.closing, s.close = context.WithCancel(context.Background())
	for _, e := range config.Webhooks {
		s.Notify(e)
	}
	return s, nil
}

// Faults is the plan of what goes wrong.
func (s *Server) Faults() *Plan { return s.faults }

// Close ends the deliveries and lets go of the state file. The fake answers 500 to writes afterwards.
func (s *Server) Close() error {
	s.close()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.close()
}

// Listen serves the fake on an address, 127.0.0.1:0 for any free port, and returns its URL for
// stripe-go's backend. stop ends the listener and closes open connections.
func (s *Server) Listen(address string) (url string, stop func(context.Context) error, err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("stripefake: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stopped, once := make(chan struct{}), new(sync.Once)
	go s.tickUntil(stopped)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the Stripe fake stopped serving", "error", err)
		}
	}()
	stop = func(ctx context.Context) error {
		once.Do(func() { close(stopped) })
		if err := server.Shutdown(ctx); err != nil {
			return errors.Join(err, server.Close())
		}
		return nil
	}
	return "http://" + listener.Addr().String(), stop, nil
}

// tickPeriod is how late something that happens by itself may be in a fake that listens.
const tickPeriod = 200 * time.Millisecond

func (s *Server) tickUntil(stopped <-chan struct{}) {
	ticker := time.NewTicker(tickPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-ticker.C:
			s.Tick()
		}
	}
}
