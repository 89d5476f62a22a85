package shipping

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/realtime"
)

// Orders are moved by what carriers say, in the transaction that learns of it. They answer the events to publish after the commit, and what was told before
// changes nothing.
type Orders interface {
	EnRouteTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
	DeliveredTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
	// ReturnCarriedTx is for what goes back by a claim: its carrier has it, or has brought it.
	ReturnCarriedTx(ctx context.Context, tx pgx.Tx, order, claim uuid.UUID, arrived bool) ([]realtime.Event, error)
	ParcelTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error) // tells both sides that a parcel is otherwise than before
}

// Jobs is where work is left for later.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service holds the use cases of this package.
type Service struct {
	pool      *pgxpool.Pool
	q         *db.Queries
	carriers  []Carrier
	locator   Locator
	addresses *address.Service
	labels    blob.Store
	orders    Orders
	jobs      Jobs
	hub       realtime.Publisher
	log       *slog.Logger
	metrics   metrics
}

// Config is what a Service is made of.
type Config struct {
	Pool       *pgxpool.Pool
	Carriers   []Carrier // none where nobody carries
	Locator    Locator   // nil where nobody knows where streets are
	Addresses  *address.Service
	Labels     blob.Store
	Jobs       Jobs // nil where only the sweep works
	Hub        realtime.Publisher
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil where nobody measures
}

// New makes a Service.
func New(c Config) (*Service, error) {
	s := &Service{
		pool: c.Pool, q: db.New(), carriers: c.Carriers, locator: c.Locator, addresses: c.Addresses, labels: c.Labels, jobs: c.Jobs, hub: c.Hub, log: c.Log, metrics: newMetrics(),
	}
	return s, s.metrics.register(c.Registerer)
}

// UseOrders says who moves orders; to be called before the first parcel is tracked.
func (s *Service) UseOrders(o Orders) { s.orders = o }

// carrier finds one by its name.
func (s *Service) carrier(name string) (Carrier, error) {
	for _, c := range s.carriers {
		if c.Name() == name {
			return c, nil
		}
	}
	return nil, ErrCarrier
}

func (s *Service) publish(ctx context.Context, told []realtime.Event) {
	if len(told) > 0 {
		s.hub.Publish(ctx, told...)
	}
}

// metrics count what carriers answer.
type metrics struct {
	calls  *prometheus.CounterVec
	alerts *prometheus.CounterVec
}

func newMetrics() metrics {
	return metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_carrier_calls_total", Help: "Calls to carriers about parcels, by what came of them.",
		}, []string{"carrier", "call", "outcome"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_shipment_alerts_total", Help: "Shipments that wait for their label for too long, or for somebody to look at our account.",
		}, []string{"carrier"}),
	}
}

func (m metrics) register(to prometheus.Registerer) error {
	if to == nil {
		return nil
	}
	if err := to.Register(m.calls); err != nil {
		return err
	}
	return to.Register(m.alerts)
}

// called counts a call.
func (m metrics) called(carrier, call string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = OutcomeOf(err).String()
	}
	m.calls.WithLabelValues(carrier, call, outcome).Inc()
}
