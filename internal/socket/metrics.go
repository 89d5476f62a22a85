package socket

import "github.com/prometheus/client_golang/prometheus"

// metrics counts by connection's work, not by connection.
type metrics struct {
	open     prometheus.Gauge
	refused  *prometheus.CounterVec
	messages prometheus.Counter
	bytes    prometheus.Counter
	evicted  prometheus.Counter
	dropped  prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "souk", Subsystem: "websocket", Name: name, Help: help})
	}
	return &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "connections", Help: "Open WebSocket connections.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "souk", Subsystem: "websocket", Name: "refused_total", Help: "Upgrades refused, by reason.",
		}, []string{"reason"}),
		messages: counter("messages_sent_total", "Messages written to WebSocket connections."),
		bytes:    counter("bytes_sent_total", "Bytes written to WebSocket connections, frame headers included."),
		evicted:  counter("evicted_total", "Connections closed with 1013, because their peer did not keep up."),
		dropped:  counter("dropped_total", "Droppable messages that found no room."),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.open, m.refused, m.messages, m.bytes, m.evicted, m.dropped} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) wrote(bytes, messages int) {
	m.bytes.Add(float64(bytes))
	m.messages.Add(float64(messages))
}
