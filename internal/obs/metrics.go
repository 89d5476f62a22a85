package obs

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry holds what every process reports: the Go runtime, the process, and the build.
func NewRegistry(build Build) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "souk_build_info",
		Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{
			"version": build.Version, "commit": build.Commit, "go": build.Go,
		},
	})
	info.Set(1)
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		info,
	)
	return registry
}

// MetricsHandler serves the registry in the Prometheus formats.
func MetricsHandler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		Registry: registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// HTTPMetrics measures requests.
type HTTPMetrics struct {
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

// NewHTTPMetrics registers the measures of a server.
func NewHTTPMetrics(registry prometheus.Registerer) *HTTPMetrics {
	m := &HTTPMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "souk_http_request_duration_seconds",
			Help:    "Time to answer a request, by route and class of status. Streams are not in it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "class"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "souk_http_requests_in_flight",
			Help: "Requests, streams and sockets that are open now.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "souk_http_panics_total",
			Help: "Requests whose handler panicked. Each one is a bug.",
		}),
	}
	registry.MustRegister(m.duration, m.inFlight, m.panics)
	return m
}

// Begin counts a request in; the function it returns counts it out.
func (m *HTTPMetrics) Begin() (end func()) {
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// Observe records one answered request. The route must be a pattern, never a path.
func (m *HTTPMetrics) Observe(route, method string, status int, took time.Duration) {
	m.duration.WithLabelValues(route, methodLabel(method), statusClass(status)).Observe(took.Seconds())
}

// Panicked counts a handler's panic.
func (m *HTTPMetrics) Panicked() { m.panics.Inc() }

// methodLabel keeps a client from making a time series for each word that it invents.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}

func statusClass(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return fmt.Sprintf("%dxx", status/100)
}
