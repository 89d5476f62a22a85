package obs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/pgtest"
)

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	obs.MetricsHandler(registry).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("scrape: %d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

func TestRegistryTellsTheBuild(t *testing.T) {
	t.Parallel()
	text := scrape(t, obs.NewRegistry(obs.Build{Version: "v1", Commit: "abc", Go: "go1.26"}))
	for _, want := range []string{`souk_build_info{commit="abc",go="go1.26",version="v1"} 1`, "go_goroutines", "process_"} {
		if !strings.Contains(text, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := obs.NewHTTPMetrics(registry)
	for i := range 100 {
		m.Observe("/graphql", fmt.Sprintf("METHOD%d", i), 200, time.Millisecond)
		m.Observe("/graphql", http.MethodPost, 200+i%4, time.Millisecond)
		m.Observe("/graphql", http.MethodPost, 10_000+i, time.Millisecond)
	}
	text := scrape(t, registry)
	if got := strings.Count(text, "souk_http_request_duration_seconds_count{"); got != 3 {
		t.Errorf("%d series, want 3:\n%s", got, text)
	}
	if want := `souk_http_request_duration_seconds_count{class="2xx",method="other",route="/graphql"} 100`; !strings.Contains(text, want) {
		t.Errorf("the scrape lacks %s", want)
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := obs.NewHTTPMetrics(registry)
	end := m.Begin()
	if !strings.Contains(scrape(t, registry), "souk_http_requests_in_flight 1") {
		t.Error("the open request is not counted")
	}
	end()
	if !strings.Contains(scrape(t, registry), "souk_http_requests_in_flight 0") {
		t.Error("the ended request is still counted")
	}
}

func TestPoolCollector(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(obs.NewPoolCollector(pool))
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	text := scrape(t, registry)
	for _, want := range []string{`souk_db_pool_connections{state="acquired"} 1`, "souk_db_pool_connections_max 12", "souk_db_pool_acquires_total"} {
		if !strings.Contains(text, want) {
			t.Errorf("the scrape lacks %s:\n%s", want, text)
		}
	}
}
