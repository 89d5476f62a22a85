package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/souklive/souk/internal/pgtest"
)

func get(t *testing.T, url string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(text)}
}

func TestProductionServes(t *testing.T) {
	t.Parallel()
	p := start(t, productionOn(t, pgtest.New(t).URL), "serve")
	url := p.url(t)
	if got := post(t, url+"/graphql", `{"query":"{ __typename }"}`); got.code != http.StatusOK || !strings.Contains(got.body, `"Query"`) {
		t.Errorf("{ __typename }: %+v", got)
	}
	if got := get(t, url+"/healthz"); got.code != http.StatusOK || !strings.Contains(got.body, "alive") {
		t.Errorf("/healthz: %+v", got)
	}
	if got := get(t, url+"/readyz"); got.code != http.StatusOK || !strings.Contains(got.body, `"database":{"ok":true`) || !strings.Contains(got.body, `"redis":{"ok":true`) {
		t.Errorf("/readyz: %+v", got)
	}
	metrics := get(t, url+"/metrics")
	for _, want := range []string{
		`souk_http_request_duration_seconds_count{class="2xx",method="POST",route="/graphql"} 1`,
		"souk_build_info{", "souk_db_pool_connections{", "go_goroutines",
	} {
		if !strings.Contains(metrics.body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	p.interrupt()
	if code := p.exit(t); code != 0 || p.out.String() != "" {
		t.Errorf("exit %d; a banner in production: %q", code, p.out.String())
	}
}

func TestMetricsHaveABoundedNumberOfSeries(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	p := start(t, append(environ, "SOUK_LOG_LEVEL=warn", "SOUK_ADDR="+freeAddr(t)), "serve")
	p.awaitBanner(t)
	url := strings.TrimSpace(strings.Fields(strings.SplitAfter(p.out.String(), "Open")[1])[0])
	series := func() int {
		return strings.Count(get(t, url+"/metrics").body, "souk_http_request_duration_seconds_count{")
	}

	client := &http.Client{}
	stray := func(n int) {
		for i := range n {
			method := [...]string{http.MethodGet, http.MethodPost, "BREW", "X" + strings.Repeat("Y", i%50)}[i%4]
			path := "/" + strings.Repeat("a", i%40) + "/" + time.Duration(i).String()
			if i%3 == 0 {
				path = "/photos" + path
			}
			r, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}
	stray(500)
	series() // counts itself from the next one on
	before := series()
	stray(2000)
	if after := series(); after != before || after > 40 {
		t.Errorf("%d series after 500 stray requests, %d after 2000 more", before, after)
	}
}

func TestProductionRefusesALoginThatCouldRewriteTheLedger(t *testing.T) {
	t.Parallel()
	p := start(t, productionOn(t, pgtest.New(t).AdminURL), "serve")
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "souk: DATABASE_URL: the server's database login could rewrite the ledger") {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
}

func TestDevelopmentOnlyWarnsAboutSuchALogin(t *testing.T) {
	t.Parallel()
	environ, database := onServices(t)
	p := start(t, append(environ, "DATABASE_URL="+database.AdminURL), "serve")
	p.url(t)
	if !strings.Contains(p.log.String(), "could rewrite the ledger; production refuses it") {
		t.Errorf("no warning:\n%s", p.log.String())
	}
}

func TestProductionRefusesASchemaThatIsBehind(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	if _, err := database.Admin.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)"); err != nil {
		t.Fatal(err)
	}
	p := start(t, productionOn(t, database.URL), "serve")
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "souk migrate") || !strings.Contains(p.log.String(), "(migrations that it lacks: 1)") {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
}

func TestRolesShareTheWork(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	environ = append(environ, "STRIPE_SECRET_KEY=sk_test_shared", "STRIPE_API_URL=http://127.0.0.1:1") // nobody pays here
	api, worker := start(t, environ, "serve", "api"), start(t, append(environ, "SOUK_STATE_DIR="+t.TempDir()), "serve", "worker")
	if got := post(t, api.url(t)+"/graphql", `{"query":"{ __typename }"}`); got.code != http.StatusOK {
		t.Errorf("the API: %+v", got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := get(t, worker.url(t)+path); got.code != http.StatusOK {
			t.Errorf("the worker's %s: %+v", path, got)
		}
	}
	if got := post(t, worker.url(t)+"/graphql", `{"query":"{ __typename }"}`); got.code != http.StatusNotFound {
		t.Errorf("the worker's API: %+v", got)
	}
	for name, p := range map[string]*program{"api": api, "worker": worker} {
		p.interrupt()
		if code := p.exit(t); code != 0 {
			t.Errorf("%s: exit %d:\n%s", name, code, p.log.String())
		}
		if worked := strings.Contains(p.log.String(), `"part":"background work"`); worked != (name == "worker") {
			t.Errorf("%s: background work is %t", name, worked)
		}
	}
}

func TestMetricsOfTheirOwn(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	addr := freeAddr(t)
	p := start(t, append(environ, "SOUK_METRICS_ADDR="+addr), "serve")
	if got := get(t, p.url(t)+"/metrics"); strings.Contains(got.body, "souk_build_info") {
		t.Error("clients can read the metrics")
	}
	if got := get(t, "http://"+addr+"/metrics"); !strings.Contains(got.body, "souk_build_info") {
		t.Errorf("the metrics' own address: %+v", got)
	}

	// Where that address is taken, the start ends and lets go of the other one.
	api := freeAddr(t)
	second := start(t, append(environ, "SOUK_METRICS_ADDR="+addr, "SOUK_ADDR="+api, "SOUK_STATE_DIR="+t.TempDir()), "serve")
	if code := second.exit(t); code != exitFailure || !strings.Contains(second.log.String(), "SOUK_METRICS_ADDR="+addr) {
		t.Errorf("exit %d:\n%s", code, second.log.String())
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", api)
	if err != nil {
		t.Fatalf("the address was not given back: %v", err)
	}
	_ = listener.Close()
}

// TestTwoServersOfOneStateDirectory: each would be a Stripe that does not know what the other took.
func TestTwoServersOfOneStateDirectory(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	start(t, environ, "serve").url(t)
	second := start(t, environ, "serve")
	code, log := second.exit(t), second.log.String()
	if code != exitFailure || !strings.Contains(log, "STRIPE_SECRET_KEY") || !strings.Contains(log, "SOUK_STATE_DIR") {
		t.Errorf("exit %d:\n%s", code, log)
	}
	third := start(t, append(environ, "STRIPE_SECRET_KEY=sk_test_nobody_is_called"), "serve")
	third.url(t)
}

func TestAWorkerThatDiesTakesTheProgramDown(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	broken := errors.New("the queue is on fire")
	p := startSeeded(t, environ, func(_ context.Context, a *app) (demoResult, error) {
		a.workers = append(a.workers, func(context.Context) error { return broken })
		return demoResult{}, nil
	})
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "souk: a worker failed: "+broken.Error()) {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
	assertOrder(t, p.log.String(), `"part":"HTTP"`, `"part":"background work"`, `"part":"database connections"`)
}

func TestAFailedStopIsReported(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	p := startSeeded(t, environ, func(_ context.Context, a *app) (demoResult, error) {
		a.workers = append(a.workers, func(ctx context.Context) error { <-ctx.Done(); return errors.New("half a job is left") })
		return demoResult{}, nil
	})
	p.url(t)
	p.interrupt()
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "stop background work: half a job is left") {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
	if strings.Contains(p.log.String(), "Everything is stopped.") {
		t.Error("it claims that all went well")
	}
}

func TestStoppingTellsSocketsToComeBack(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	p := start(t, environ, "serve")
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(p.url(t), "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if err := conn.WriteJSON(map[string]string{"type": "connection_init"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); err != nil { // the ack
		t.Fatal(err)
	}
	p.interrupt()
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
	if !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the socket ended with %v, want 1012", err)
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
}

// TestARequestThatDoesNotEndIsCut holds one open by announcing a body that never comes.
func TestARequestThatDoesNotEndIsCut(t *testing.T) {
	t.Parallel()
	environ, _ := onServices(t)
	p := start(t, append(environ, "SOUK_SHUTDOWN_TIMEOUT=1s"), "serve")
	url := p.url(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	const both = "souk_http_requests_in_flight 2" // it and the scrape
	for deadline := time.Now().Add(patience); !strings.Contains(get(t, url+"/metrics").body, both); {
		if time.Now().After(deadline) {
			t.Fatal("the request has not arrived")
		}
	}
	p.interrupt()
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "souk: stop HTTP: context deadline exceeded") {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			t.Error("the request was answered as if it had been whole")
		}
	}
	if !strings.Contains(p.log.String(), `"part":"database connections"`) {
		t.Errorf("what comes after was not closed:\n%s", p.log.String())
	}
}
