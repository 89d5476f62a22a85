package obs

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector reads a pool's own counters at each scrape.
type poolCollector struct {
	stat func() *pgxpool.Stat

	connections, limit, acquires, waits, waited, cancelled *prometheus.Desc
}

// NewPoolCollector reports how busy the database pool is. A growing wait says that SOUK_DB_MAX_CONNS is
// too small or that something holds connections for too long.
func NewPoolCollector(pool *pgxpool.Pool) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("souk_db_pool_"+name, help, labels, nil)
	}
	return &poolCollector{
		stat:        pool.Stat,
		connections: desc("connections", "Connections by state.", "state"),
		limit:       desc("connections_max", "The most connections that the pool opens."),
		acquires:    desc("acquires_total", "Connections handed out."),
		waits:       desc("waits_total", "Connections handed out after waiting for a free one."),
		waited:      desc("acquire_seconds_total", "Time spent on getting connections."),
		cancelled:   desc("acquires_cancelled_total", "Callers that gave up waiting for a connection."),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.connections, c.limit, c.acquires, c.waits, c.waited, c.cancelled} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.stat()
	gauge := func(desc *prometheus.Desc, value int32, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	counter := func(desc *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value)
	}
	gauge(c.connections, stat.AcquiredConns(), "acquired")
	gauge(c.connections, stat.IdleConns(), "idle")
	gauge(c.connections, stat.ConstructingConns(), "opening")
	gauge(c.limit, stat.MaxConns())
	counter(c.acquires, float64(stat.AcquireCount()))
	counter(c.waits, float64(stat.EmptyAcquireCount()))
	counter(c.waited, stat.AcquireDuration().Seconds())
	counter(c.cancelled, float64(stat.CanceledAcquireCount()))
}
