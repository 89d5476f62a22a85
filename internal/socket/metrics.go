package socket

import "github.com/prometheus/client_golang/prometheus"

// metrics counts by connection's work, not by connection.
type metrics struct {
	open     prometheus.Gauge
	refused  *prometheus.CounterVec
	messages prometheus.Counter
	writes   prometheus.Counter
	bytes    prometheus.Counter
	evicted  prometheus.Counter
	dropped  prometheus.Counter
	queued   []prometheus.Collector
}

// newMetrics makes the metrics; depth tells what waits for peers at this moment.
func newMetrics(depth func() (bytes, conns int)) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "souk", Subsystem: "websocket", Name: name, Help: help})
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		opts := prometheus.GaugeOpts{Namespace: "souk", Subsystem: "websocket", Name: name, Help: help}
		return prometheus.NewGaugeFunc(opts, func() float64 { return float64(value()) })
	}
	return &metrics{
		queued: []prometheus.Collector{
			gauge("queued_bytes", "Bytes that wait for peers to read.", func() int { bytes, _ := depth(); return bytes }),
			gauge("queued_connections", "Connections whose peer lets something wait.", func() int { _, conns := depth(); return conns }),
		},
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "connections", Help: "Open WebSocket connections.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "refused_total", Help: "Upgrades refused, by reason.",
		}, []string{"reason"}),
		messages: counter("messages_sent_total", "Messages written to WebSocket connections, a frame each."),
		writes:   counter("writes_total", "Writes that carried them: messages of a backlog leave together."),
		bytes:    counter("bytes_sent_total", "Bytes written to WebSocket connections, frame headers included."),
		evicted:  counter("evicted_total", "Connections closed with 1013, because their peer did not keep up."),
		dropped:  counter("dropped_total", "Droppable messages that a newer one overtook, or that found no room."),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range append([]prometheus.Collector{m.open, m.refused, m.messages, m.writes, m.bytes, m.evicted, m.dropped}, m.queued...) {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) wrote(bytes, messages int) {
	m.bytes.Add(float64(bytes))
	m.messages.Add(float64(messages))
	m.writes.Inc()
}
