package wsgorilla

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const modern, legacy = "graphql-transport-ws", "graphql-ws"

// bundle is a server with gqlgen's transport on our sockets. Its one subscription sends `size` bytes
// `messages` times, then waits for its context.
type bundle struct {
	sockets   *Sockets
	url       string
	transport transport.Websocket
	messages  int
	size      int

	mu     sync.Mutex
	errs   []error // what the transport reports
	closes []int
}

func setup(t *testing.T, config Config, changes ...func(*bundle)) *bundle {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	sockets, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{sockets: sockets, messages: 1, size: 4}
	b.transport = transport.Websocket{
		Implementation: sockets,
		ErrorFunc: func(_ context.Context, err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.errs = append(b.errs, err)
		},
		CloseFunc: func(_ context.Context, code int) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.closes = append(b.closes, code)
		},
	}
	for _, change := range changes {
		change(b)
	}
	server := handler.New(b.schema())
	server.AddTransport(transport.POST{})
	server.AddTransport(b.transport)
	http := httptest.NewServer(sockets.Guard(server))
	t.Cleanup(http.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		sockets.Drain(ctx)
	})
	b.url = http.URL
	return b
}

func (b *bundle) schema() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String } type Subscription { a: String }`})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) {
			return 1, true
		},
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			sent := 0
			return func(context.Context) *graphql.Response {
				if sent++; sent > b.messages {
					<-ctx.Done()
					return nil
				}
				return &graphql.Response{Data: fmt.Appendf(nil, `{"a":%q}`, strings.Repeat("x", b.size))}
			}
		},
	}
}

// dial opens a WebSocket, or returns the answer that refused it.
func (b *bundle) dial(t *testing.T, protocol string, header http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: 20 * time.Second}
	if protocol != "" {
		dialer.Subprotocols = []string{protocol}
	}
	ws, resp, err := dialer.Dial("ws"+strings.TrimPrefix(b.url, "http"), header)
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp
	}
	_ = ws.SetReadDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { _ = ws.Close() })
	return ws, resp
}

// start dials, says hello and subscribes.
func (b *bundle) start(t *testing.T, protocol string) *websocket.Conn {
	t.Helper()
	ws, resp := b.dial(t, protocol, nil)
	if ws == nil {
		t.Fatalf("refused with %s", resp.Status)
	}
	send(t, ws, `{"type":"connection_init"}`)
	if got := receive(t, ws); got.Type != "connection_ack" {
		t.Fatalf("got %s, want connection_ack", got.Type)
	}
	start := "subscribe"
	if protocol == legacy {
		start = "start"
		receive(t, ws) // ka
	}
	send(t, ws, `{"type":"`+start+`","id":"1","payload":{"query":"subscription { a }"}}`)
	return ws
}

type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

func send(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, ws *websocket.Conn) (f frame) {
	t.Helper()
	if err := ws.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

// closeCode reads to the end; -1 means that there was no close frame.
func closeCode(t *testing.T, ws *websocket.Conn) int {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return closed.Code
		case err != nil:
			return -1
		}
	}
}

func (b *bundle) connections(t *testing.T) int {
	t.Helper()
	var m dto.Metric
	if err := b.sockets.open.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetGauge().GetValue())
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 4000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

func TestSubscribesOverBothProtocols(t *testing.T) {
	t.Parallel()
	for protocol, next := range map[string]string{modern: "next", legacy: "data"} {
		b := setup(t, Config{}, func(b *bundle) { b.messages = 100 })
		ws := b.start(t, protocol)
		if ws.Subprotocol() != protocol {
			t.Errorf("agreed on %q", ws.Subprotocol())
		}
		for range 100 {
			if got := receive(t, ws); got.Type != next || got.ID != "1" || string(got.Payload) != `{"data":{"a":"xxxx"}}` {
				t.Fatalf("got %+v", got)
			}
		}
	}
}

func TestOtherRequestsPass(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxConns: 1})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url, strings.NewReader(`{"query":"{ a }"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

func TestRefusedBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config Config
		open   int // connections that are there already
		header http.Header
		status int
	}{
		"no origin":        {status: http.StatusSwitchingProtocols},
		"a foreign origin": {header: http.Header{"Origin": {"https://evil.example"}}, status: http.StatusForbidden},
		"a null origin":    {header: http.Header{"Origin": {"null"}}, status: http.StatusForbidden},
		"an allowed origin": {
			config: Config{AllowOrigin: func(_ *http.Request, o string) bool { return o == "https://souk.example" }},
			header: http.Header{"Origin": {"https://souk.example"}}, status: http.StatusSwitchingProtocols,
		},
		"the server is full":      {config: Config{MaxConns: 2}, open: 2, status: http.StatusServiceUnavailable},
		"the address has its due": {config: Config{MaxConnsPerAddr: 2}, open: 2, status: http.StatusTooManyRequests},
		"another address": {
			config: Config{MaxConnsPerAddr: 2, RemoteAddr: func(r *http.Request) string { return r.Header.Get("X-Test") }},
			open:   2, header: http.Header{"X-Test": {"192.0.2.1"}}, status: http.StatusSwitchingProtocols,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tc.config)
			for range tc.open {
				b.start(t, modern)
			}
			_, resp := b.dial(t, modern, tc.header)
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != tc.status {
				t.Errorf("got %s, want %d", resp.Status, tc.status)
			}
			if again := resp.Header.Get("Retry-After"); (again == "") == (tc.status == 503 || tc.status == 429) {
				t.Errorf("Retry-After: %q", again)
			}
		})
	}
}

// A place is free again once its connection is gone, however it ended.
func TestPlacesComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxConns: 1, MaxConnsPerAddr: 1})
	for range 5 {
		await(t, "a place is free", func() bool {
			b.sockets.mu.Lock()
			defer b.sockets.mu.Unlock()
			return b.sockets.slots == 0 && len(b.sockets.perAddr) == 0 && len(b.sockets.conns) == 0
		})
		_ = b.start(t, modern).NetConn().Close()
	}
}

func TestBrokenHandshakes(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	valid := map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	}
	for name, tc := range map[string]struct {
		method, header, value string
		status                int
	}{
		"another protocol": {"POST", "Upgrade", "h2c", 404},
		"an old version":   {"GET", "Sec-WebSocket-Version", "8", 426},
		"no key":           {"GET", "Sec-WebSocket-Key", "", 400},
		"a POST":           {"POST", "Upgrade", "websocket", 400},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tc.method, "/", nil)
		for k, v := range valid {
			r.Header.Set(k, v)
		}
		r.Header.Set(tc.header, tc.value)
		w := httptest.NewRecorder()
		b.sockets.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if (transport.Websocket{}).Supports(r) {
				t.Errorf("%s: reached the WebSocket transport", name)
			}
			http.NotFound(w, r)
		})).ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%s: %d, want %d", name, w.Code, tc.status)
		}
	}
}

func TestUnguardedIsRefused(t *testing.T) {
	t.Parallel()
	sockets, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if _, err := sockets.Accept(httptest.NewRecorder(), r, transport.WebsocketAcceptOptions{}); !errors.Is(err, errUnguarded) {
		t.Error(err)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	var clients []*websocket.Conn
	for range 20 {
		ws := b.start(t, modern)
		receive(t, ws)
		clients = append(clients, ws)
	}
	if n := b.connections(t); n != 20 {
		t.Errorf("%d connections", n)
	}
	var wg sync.WaitGroup
	for _, ws := range clients {
		wg.Go(func() {
			if code := closeCode(t, ws); code != websocket.CloseServiceRestart {
				t.Errorf("closed with %d", code)
			}
		})
	}
	b.sockets.Drain(t.Context())
	wg.Wait()
	if n := b.connections(t); n != 0 {
		t.Errorf("%d connections after the drain", n)
	}
	if _, resp := b.dial(t, modern, nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new client: %s", resp.Status)
	}
}

// Clients that do not answer the close frame, or read nothing at all, cannot hold up the end.
func TestDrainCutsTheDeaf(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{LeaveTimeout: 50 * time.Millisecond}, func(b *bundle) { b.messages, b.size = 1000, 1<<20 })
	for range 3 {
		b.start(t, modern) // and never reads
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	b.sockets.Drain(ctx)
	if ctx.Err() != nil || b.connections(t) != 0 {
		t.Errorf("%d connections, %v", b.connections(t), ctx.Err())
	}
}

// A reader that is too slow for a write's deadline is cut; the others notice nothing.
func TestSlowReaderIsCut(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{WriteTimeout: 100 * time.Millisecond, PingEvery: time.Hour},
		func(b *bundle) { b.messages, b.size = 100, 1<<20 })
	b.start(t, modern)
	await(t, "the slow reader is cut", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.errs) > 0 && b.connections(t) == 0
	})
}

// A peer that answers no ping is gone, in the protocol that has no ping of its own.
func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{PingEvery: 20 * time.Millisecond})
	silent := b.start(t, legacy)
	silent.SetPingHandler(func(string) error { return nil })
	go func() { // reads, so the pings arrive, and says nothing
		for {
			if _, _, err := silent.ReadMessage(); err != nil {
				return
			}
		}
	}()
	await(t, "the silent peer is cut", func() bool { return b.connections(t) == 0 })
}

// One that does answer stays, far beyond the deadline.
func TestLivingPeerStays(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{PingEvery: 200 * time.Millisecond})
	ws := b.start(t, legacy)
	pings := make(chan struct{}, 100)
	answer := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { pings <- struct{}{}; return answer(data) })
	go func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	for range 6 { // twice the deadline
		<-pings
	}
	if b.connections(t) != 1 {
		t.Error("a living peer was cut")
	}
}

// gqlgen's own ping in graphql-transport-ws ends a peer that sends no pong, through our deadline.
func TestTransportPingPong(t *testing.T) {
	t.Parallel()
	every := 250 * time.Millisecond
	b := setup(t, Config{PingEvery: time.Hour}, func(b *bundle) { b.transport.PingPongInterval = every })
	mute, polite := b.start(t, modern), b.start(t, modern)
	done := make(chan int)
	go func() {
		pongs := 0
		for {
			var f frame
			if polite.ReadJSON(&f) != nil {
				done <- pongs
				return
			}
			if f.Type == "ping" {
				pongs++
				if polite.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`)) != nil || pongs == 4 {
					done <- pongs
					return
				}
			}
		}
	}()
	closeCode(t, mute)
	if pongs := <-done; pongs < 4 {
		t.Errorf("the polite peer was cut after %d pongs", pongs)
	}
}

func TestReadLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}, func(b *bundle) { b.transport.PayloadReadLimit = new(int64(1000)) })
	ws := b.start(t, modern)
	send(t, ws, `{"type":"ping","payload":{"a":"`+strings.Repeat("x", 2000)+`"}}`)
	if code := closeCode(t, ws); code != websocket.CloseMessageTooBig {
		t.Errorf("closed with %d", code)
	}
}

// An end in order is no error for the transport to report.
func TestOrderlyEnds(t *testing.T) {
	t.Parallel()
	for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived} {
		b := setup(t, Config{})
		ws := b.start(t, modern)
		receive(t, ws)
		if err := ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		await(t, "the connection ends", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.closes) == 1
		})
		if len(b.errs) > 0 {
			t.Errorf("%d was reported as %v", code, b.errs)
		}
	}
}

// What the transport leaves open or answers with a close code, and which.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first string
		code  int
	}{
		"init is no object": {`{"type":"connection_init","payload":[1]}`, websocket.CloseProtocolError}, // left open
		"no JSON":           {`{`, websocket.CloseProtocolError},
		"subscribe first":   {`{"type":"subscribe","id":"1","payload":{"query":"{a}"}}`, websocket.CloseProtocolError},
		"an unknown type":   {`{"type":"what"}`, websocket.CloseProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{})
			ws, _ := b.dial(t, modern, nil)
			send(t, ws, tc.first)
			if code := closeCode(t, ws); code != tc.code {
				t.Errorf("closed with %d, want %d", code, tc.code)
			}
			await(t, "the connection is forgotten", func() bool { return b.connections(t) == 0 })
		})
	}
}

// Everything at once: the race detector watches.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{PingEvery: time.Hour}, func(b *bundle) { b.messages = 200 })
	ctx, cancel := context.WithCancel(t.Context())
	var pinger sync.WaitGroup
	defer pinger.Wait()
	defer cancel()
	pinger.Go(func() {
		for ctx.Err() == nil {
			b.sockets.mu.Lock()
			conns := slices.Collect(maps.Keys(b.sockets.conns))
			b.sockets.mu.Unlock()
			for _, c := range conns {
				c.ping()
			}
			runtime.Gosched()
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			ws := b.start(t, modern)
			for id := range 5 {
				send(t, ws, fmt.Sprintf(`{"type":"subscribe","id":"s%d","payload":{"query":"subscription { a }"}}`, id))
			}
			for range 6 * 200 {
				receive(t, ws)
			}
		})
	}
	wg.Wait()
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7:4711":              "192.0.2.7",
		"192.0.2.7":                   "192.0.2.7",
		"[::ffff:192.0.2.7]:1":        "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"2001:db8:1:2::9":             "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":            "fe80::/64",
		"pipe":                        "pipe",
	} {
		if got := addressKey(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestCloseReasonFits(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}, func(b *bundle) {
		b.transport.InitFunc = func(ctx context.Context, _ transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			return transport.AppendCloseReason(ctx, strings.Repeat("é", 100)), nil, errors.New("no")
		}
	})
	ws, _ := b.dial(t, modern, nil)
	send(t, ws, `{"type":"connection_init"}`)
	if code := closeCode(t, ws); code != websocket.CloseNormalClosure {
		t.Errorf("closed with %d", code)
	}
}

func TestMetricsAreRegistered(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	if _, err := New(Config{Registerer: registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Registerer: registry}); err == nil {
		t.Error("a second set on one registry passed")
	}
}
