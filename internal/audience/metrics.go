package audience

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	groups     prometheus.Gauge
	viewers    prometheus.Gauge
	executions prometheus.Counter
	snapshots  prometheus.Counter
	reachBacks prometheus.Counter
	catchUps   prometheus.Counter
	together   prometheus.Counter
	lag        prometheus.Histogram
}

func newMetrics() *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "souk", Subsystem: "audience", Name: name, Help: help}
	}
	return &metrics{
		groups:     prometheus.NewGauge(prometheus.GaugeOpts(opts("groups", "Groups of viewers that share executions."))),
		viewers:    prometheus.NewGauge(prometheus.GaugeOpts(opts("viewers", "Viewers in groups."))),
		executions: prometheus.NewCounter(prometheus.CounterOpts(opts("executions_total", "Events executed for groups."))),
		snapshots:  prometheus.NewCounter(prometheus.CounterOpts(opts("snapshots_total", "Snapshots executed for groups, beyond their first."))),
		reachBacks: prometheus.NewCounter(prometheus.CounterOpts(opts("reach_backs_total", "Executions of what lies before a group's log, for all who came back to it."))),
		catchUps:   prometheus.NewCounter(prometheus.CounterOpts(opts("catch_ups_total", "Viewers that came back from further than their group remembers."))),
		together:   prometheus.NewCounter(prometheus.CounterOpts(opts("queries_together_total", "Queries answered by one execution for all who asked at that time."))),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "souk", Subsystem: "audience", Name: "commit_to_write_seconds",
			Help:    "From an event's commit, by the database's clock, to the end of the pass that wrote it to its group.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.groups, m.viewers, m.executions, m.snapshots, m.reachBacks, m.catchUps, m.together, m.lag} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// passed notes how old the newest frame of a pass is.
func (m *metrics) passed(v *view) {
	if n := len(v.frames); n > 0 {
		m.lag.Observe(time.Since(v.frames[n-1].at).Seconds())
	}
}
