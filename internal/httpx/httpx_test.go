package httpx_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/obs"
)

// bundle is a handler behind everything, as the server puts it together.
type bundle struct {
	server  *httptest.Server
	log     *syncBuffer
	metrics *obs.HTTPMetrics
	scrape  http.Handler
}

func setup(t *testing.T, mux *http.ServeMux) *bundle {
	t.Helper()
	registry := prometheus.NewRegistry()
	b := &bundle{log: &syncBuffer{}, metrics: obs.NewHTTPMetrics(registry), scrape: obs.MetricsHandler(registry)}
	log := obs.NewLogger(b.log, slog.LevelDebug, obs.JSON)
	b.server = httptest.NewServer(httpx.Chain(mux,
		httpx.ClientAddr(nil),
		httpx.RequestID(func() string { return "req_new" }),
		httpx.AccessLog(log, b.metrics),
		httpx.Recover(log, b.metrics),
		httpx.SecurityHeaders(true),
		httpx.CORS(httpx.Origins{"https://shop.example"}),
	))
	t.Cleanup(b.server.Close)
	return b
}

func (b *bundle) do(t *testing.T, method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// line is the access line; the server is closed first, so that it has been written.
func (b *bundle) line(t *testing.T) map[string]any {
	t.Helper()
	b.server.Close()
	for text := range strings.Lines(b.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] == "request" {
			return line
		}
	}
	t.Fatalf("no access line in %s", b.log.String())
	return nil
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestRequestIDIsTakenOverOrReplaced(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, obs.RequestID(r.Context())) })
	b := setup(t, mux)
	for sent, want := range map[string]string{
		"client-7":               "client-7",
		"":                       "req_new",
		"a b":                    "req_new",
		"x\tlevel=ERROR":         "req_new",
		strings.Repeat("x", 65):  "req_new",
		"<script>":               "req_new",
		strings.Repeat("é", 10):  "req_new",
		strings.Repeat("ok", 32): strings.Repeat("ok", 32),
	} {
		response, body := b.do(t, http.MethodGet, "/", http.Header{"X-Request-Id": {sent}}, nil)
		if body != want || response.Header.Get("X-Request-Id") != want {
			t.Errorf("%q became %q and header %q, want %q", sent, body, response.Header.Get("X-Request-Id"), want)
		}
	}
}

func TestAccessLine(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /photos/{id}", func(w http.ResponseWriter, r *http.Request) {
		obs.Note(r.Context(), "user", "usr_1")
		hello(w, r)
	})
	b := setup(t, mux)
	b.do(t, http.MethodGet, "/photos/7?signature=secret", nil, nil)
	line := b.line(t)
	for key, want := range map[string]any{
		"level": "INFO", "method": "GET", "path": "/photos/7", "status": 200.0, "bytes": 5.0, "user": "usr_1",
		"request": "req_new", "client": "127.0.0.1",
	} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
	if strings.Contains(b.log.String(), "secret") {
		t.Errorf("the query string is in the log: %s", b.log.String())
	}
	w := httptest.NewRecorder()
	b.scrape.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if want := `route="/photos/{id}"`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("the measures lack %s", want)
	}
}

func TestAccessLevels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"/graphql", 200, "INFO"},
		{"/graphql", 413, "INFO"},
		{"/graphql", 500, "ERROR"},
		{"/healthz", 200, "DEBUG"},
		{"/readyz", 503, "WARN"},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc(test.path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) })
		b := setup(t, mux)
		b.do(t, http.MethodGet, test.path, nil, nil)
		if got := b.line(t)["level"]; got != test.want {
			t.Errorf("%s %d is logged at %v, want %s", test.path, test.status, got, test.want)
		}
	}
}

func TestPathInTheLogIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, http.NewServeMux())
	b.do(t, http.MethodGet, "/"+strings.Repeat("x", 5000), nil, nil)
	if path, _ := b.line(t)["path"].(string); len(path) > 210 {
		t.Errorf("%d bytes of path in the log", len(path))
	}
}

func TestPanicBecomesATypedAnswer(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { panic("hot wallet key 123") })
	b := setup(t, mux)
	response, body := b.do(t, http.MethodGet, "/", nil, nil)
	if response.StatusCode != http.StatusInternalServerError || errorCode(t, body) != "INTERNAL" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if strings.Contains(body, "123") {
		t.Errorf("the client reads the panic: %s", body)
	}
	if line := b.line(t); line["level"] != "ERROR" || line["status"] != 500.0 {
		t.Errorf("access line: %v", line)
	}
	if !strings.Contains(b.log.String(), "hot wallet key 123") || !strings.Contains(b.log.String(), "httpx_test.go") {
		t.Error("the log lacks the panic or where it came from")
	}
}

func TestPanicInTheMiddleCutsTheConnection(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":`)
		_ = http.NewResponseController(w).Flush()
		panic("late")
	})
	b := setup(t, mux)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("half an answer passes for a whole one: %q", body)
	}
	b.line(t) // and it has its line
}

func TestRecorderHijacksAndFlushes(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/socket", func(w http.ResponseWriter, _ *http.Request) {
		hijacker, ok := w.(http.Hijacker) // as WebSocket libraries ask
		if !ok {
			t.Error("no http.Hijacker")
			return
		}
		conn, _, err := hijacker.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi")
		_ = conn.Close()
	})
	b := setup(t, mux)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil || !bytes.HasSuffix(answer, []byte("hi")) {
		t.Fatalf("%v: %q", err, answer)
	}
	if line := b.line(t); line["status"] != 101.0 {
		t.Errorf("status of a socket: %v", line["status"])
	}
	w := httptest.NewRecorder()
	b.scrape.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if strings.Contains(w.Body.String(), `route="/socket"`) {
		t.Error("how long a socket lived is measured as latency")
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", hello)
	response, _ := setup(t, mux).do(t, http.MethodGet, "/", nil, nil)
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Strict-Transport-Security": "max-age=31536000",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", hello)
	b := setup(t, mux)
	preflight := func(origin string) http.Header {
		return http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}}
	}
	response, _ := b.do(t, http.MethodOptions, "/graphql", preflight("https://shop.example"), nil)
	if response.StatusCode != http.StatusNoContent || response.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("an allowed origin: %d %v", response.StatusCode, response.Header)
	}
	if got := response.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Authorization") {
		t.Errorf("allowed headers: %q", got)
	}
	response, _ = b.do(t, http.MethodOptions, "/graphql", preflight("https://evil.example"), nil)
	if got := response.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("a strange origin is allowed: %q", got)
	}
	if response.Header.Get("Vary") != "Origin" {
		t.Error("a cache may mix origins up: no Vary")
	}
}

func TestOriginsAllows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allowed httpx.Origins
		origin  string
		want    bool
	}{
		{nil, "", true},
		{nil, "http://api.example", true},
		{nil, "http://api.example:81", false},
		{nil, "null", false},
		{nil, "http://api.example.evil.example", false},
		{httpx.Origins{"https://shop.example"}, "https://SHOP.example", true},
		{httpx.Origins{"https://shop.example"}, "http://shop.example", false},
		{httpx.Origins{"https://shop.example"}, "https://a.shop.example", false},
		{httpx.Origins{"*"}, "https://any.example", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.example/", nil)
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		if got := test.allowed.Allows(r); got != test.want {
			t.Errorf("%v allows %q: %v, want %v", test.allowed, test.origin, got, test.want)
		}
	}
}

func TestClientAddr(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		name, peer string
		forwarded  []string
		trusted    []netip.Prefix
		want       string
	}{
		{"no proxy is trusted", "203.0.113.9:1", []string{"198.51.100.1"}, nil, "203.0.113.9"},
		{"a stranger claims", "203.0.113.9:1", []string{"198.51.100.1"}, proxies, "203.0.113.9"},
		{"one proxy", "10.0.0.1:1", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"a forged beginning", "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, proxies, "198.51.100.1"},
		{"two proxies", "10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, proxies, "198.51.100.1"},
		{"two headers", "10.0.0.1:1", []string{"1.1.1.1", "198.51.100.1"}, proxies, "198.51.100.1"},
		{"only proxies", "10.0.0.1:1", []string{"10.0.0.3"}, proxies, "10.0.0.3"},
		{"rubbish", "10.0.0.1:1", []string{"198.51.100.1, <script>"}, proxies, "10.0.0.1"},
		{"nothing", "10.0.0.1:1", nil, proxies, "10.0.0.1"},
		{"version 6", "[fd00::1]:1", []string{"2001:db8::5"}, proxies, "2001:db8::5"},
		{"mapped", "[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, proxies, "198.51.100.1"},
	} {
		var got netip.Addr
		h := httpx.ClientAddr(test.trusted)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = httpx.Client(r.Context()) }))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = test.peer
		r.Header["X-Forwarded-For"] = test.forwarded
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.String() != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestEndStreams(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	begun := make(chan struct{})
	server := httptest.NewServer(httpx.EndStreams(draining)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-r.Context().Done()
		_, _ = io.WriteString(w, "event: complete\n\n")
	})))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	<-begun
	close(draining)
	if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "complete") {
		t.Errorf("the stream ended with %v: %q", err, body)
	}
}

func errorCode(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Errors) != 1 {
		t.Fatalf("not one GraphQL error: %v: %s", err, body)
	}
	if answer.Errors[0].Message == "" || answer.Errors[0].Extensions.RequestID == "" {
		t.Errorf("the error lacks a message or its request: %s", body)
	}
	return answer.Errors[0].Extensions.Code
}
