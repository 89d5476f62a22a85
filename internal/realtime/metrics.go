package realtime

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the hub's, all named souk_realtime_….
type metrics struct {
	topics, subscriptions, listeners  prometheus.Gauge
	events, broadcasts                prometheus.Counter
	delivered, duplicates, filled     prometheus.Counter
	fills, lagging, polls, malformed  prometheus.Counter
	published, unpublished, overflows prometheus.Counter
	phantoms, holes                   prometheus.Counter
	snapshots                         *prometheus.CounterVec
	healthy                           prometheus.Gauge
	lag                               prometheus.Histogram
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "souk", Subsystem: "realtime", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "souk", Subsystem: "realtime", Name: name, Help: help})
	}
	return &metrics{
		topics:        gauge("topics", "Topics with viewers, or in their linger."),
		subscriptions: gauge("subscriptions", "Open subscriptions."),
		listeners:     gauge("listeners", "Listeners to broadcasts."),
		broadcasts:    counter("broadcasts_total", "Broadcasts by this server."),
		healthy:       gauge("bus_healthy", "1 while Redis pub/sub answers."),
		events:        counter("events_total", "Events of this server's topics, each once."),
		delivered:     counter("delivered_total", "Events handed to subscriptions: to each group of viewers once, and to each viewer who is served alone."),
		duplicates:    counter("duplicates_total", "Events from the bus that had been seen."),
		fills:         counter("fills_total", "Reads from Postgres because something was missing."),
		filled:        counter("filled_total", "Events that came by such a read."),
		holes:         counter("holes_total", "Versions that exist nowhere; viewers bridged them by a snapshot."),
		phantoms:      counter("phantoms_total", "Events from the bus that Postgres does not know; dropped."),
		lagging:       counter("lagging_total", "Subscriptions ended because their consumer was too slow."),
		polls:         counter("tail_polls_total", "Statements that compared tails with Postgres."),
		malformed:     counter("bus_malformed_total", "Messages from the bus that could not be read."),
		overflows:     counter("mailbox_overflows_total", "Events that found their topic's mailbox full."),
		published:     counter("published_total", "Events and broadcasts sent to the bus."),
		unpublished:   counter("unpublished_total", "Events and broadcasts not sent to the bus; others read the events from Postgres."),
		snapshots: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "souk", Subsystem: "realtime", Name: "snapshots_total", Help: "Snapshots sent, by reason.",
		}, []string{"reason"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "souk", Subsystem: "realtime", Name: "lag_seconds",
			Help:    "From the event's row to this server's viewers, by the two machines' clocks.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

// register exposes the metrics; a nil registerer exposes none.
func (m *metrics) register(to prometheus.Registerer) error {
	if to == nil {
		return nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.topics, m.subscriptions, m.listeners, m.broadcasts, m.healthy, m.events, m.delivered, m.duplicates, m.fills, m.filled, m.holes, m.phantoms,
		m.lagging, m.polls, m.malformed, m.overflows, m.published, m.unpublished, m.snapshots, m.lag,
	} {
		errs = append(errs, to.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("register the real-time metrics: %w", err)
	}
	return nil
}
