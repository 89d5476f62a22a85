package gqlws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const modern, legacy = "graphql-transport-ws", "graphql-ws"

// bundle is a server with one query, `a`, and three subscriptions that send what the test says: `ticks`, `state`, which is
// droppable, and `both`, whose answers are ticks and beside them states.
type bundle struct {
	t       *testing.T
	url     string
	config  Config
	socket  socket.Config
	ticks   chan string // closed: the stream is complete
	states  chan string
	failure *gqlerror.Error
	aside   atomic.Bool    // the last answer of both was a state
	came    chan time.Time // of each query, where the test makes it
	running atomic.Int64
}

func setup(t *testing.T, changes ...func(*bundle)) *bundle {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b := &bundle{t: t, ticks: make(chan string), states: make(chan string), config: Config{Log: log}, socket: socket.Config{Log: log}}
	for _, change := range changes {
		change(b)
	}
	sockets, err := socket.New(b.socket)
	if err != nil {
		t.Fatal(err)
	}
	b.config.Sockets = sockets
	server := handler.New(b.schema())
	server.AddTransport(New(b.config))
	listener := httptest.NewUnstartedServer(sockets.Guard(server))
	listener.Listener = arrival.Listen(listener.Listener)
	listener.Config.ConnContext = arrival.WithConn
	listener.Start()
	t.Cleanup(listener.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		sockets.Drain(ctx)
	})
	b.url = listener.URL
	return b
}

func (b *bundle) schema() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @droppable on FIELD_DEFINITION
		type Query { a: String }
		type Subscription { ticks: String  state: String @droppable  both: String }`})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			op := graphql.GetOperationContext(ctx)
			if op.Operation.Operation == ast.Query {
				if b.came != nil {
					b.came <- arrival.Of(ctx)
				}
				return graphql.OneShot(&graphql.Response{Data: json.RawMessage(`{"a":"b"}`)})
			}
			field, source := "ticks", b.ticks
			var beside <-chan string
			switch {
			case Droppable(op):
				field, source = "state", b.states
			case rootField(op.Operation.SelectionSet).Name == "both":
				field, beside = "both", b.states
			}
			b.running.Add(1)
			context.AfterFunc(ctx, func() { b.running.Add(-1) })
			return func(ctx context.Context) *graphql.Response {
				b.aside.Store(false)
				select {
				case state := <-beside:
					b.aside.Store(true)
					return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%q}`, field, state)}
				case tick, ok := <-source:
					if tick == "fail" || tick == "part" {
						kind := map[string]string{"fail": "INTERNAL", "part": "INVALID"}[tick]
						err := &gqlerror.Error{Message: tick, Extensions: map[string]any{"kind": kind}}
						return &graphql.Response{Data: json.RawMessage(`{"ticks":null}`), Errors: gqlerror.List{err}}
					}
					if ok {
						return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%q}`, field, tick)}
					}
					if b.failure != nil {
						EndOf(ctx).Set(b.failure)
					}
				case <-ctx.Done():
				}
				return nil
			}
		},
	}
}

func (b *bundle) dial(protocol string) *websocket.Conn {
	b.t.Helper()
	return b.dialBy(protocol, net.Dial)
}

func (b *bundle) dialBy(protocol string, dial func(network, addr string) (net.Conn, error)) *websocket.Conn {
	b.t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: 20 * time.Second, NetDial: dial}
	if protocol != "" {
		dialer.Subprotocols = []string{protocol}
	}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(b.url, "http"), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(30 * time.Second))
	b.t.Cleanup(func() { _ = ws.Close() })
	return ws
}

// hello is a connection that is let in.
func (b *bundle) hello(protocol string) *websocket.Conn {
	b.t.Helper()
	ws := b.dial(protocol)
	send(b.t, ws, `{"type":"connection_init"}`)
	want(b.t, ws, `{"type":"connection_ack"}`)
	if protocol == legacy {
		want(b.t, ws, `{"type":"ka"}`)
	}
	return ws
}

func send(t *testing.T, ws *websocket.Conn, message string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, ws *websocket.Conn, message string) {
	t.Helper()
	_, got, err := ws.ReadMessage()
	if err != nil || string(got) != message {
		t.Fatalf("got %s, %v; want %s", got, err, message)
	}
}

func wantClose(t *testing.T, ws *websocket.Conn, code int, reason string) {
	t.Helper()
	_, got, err := ws.ReadMessage()
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok || closed.Code != code || (reason != "" && closed.Text != reason) {
		t.Errorf("got %s, %v; want a close with %d %s", got, err, code, reason)
	}
}

// The close codes, by the specification of graphql-transport-ws. Nothing else is said before any of them.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	const subscribe = `{"type":"subscribe","id":"1","payload":{"query":"subscription { ticks }"}}`
	for name, c := range map[string]struct {
		init   bool
		sent   []string
		code   int
		reason string
	}{
		"no JSON":                       {true, []string{`{`}, 4400, "Invalid message received"},
		"no object":                     {true, []string{`[]`}, 4400, ""},
		"a string":                      {true, []string{`"ping"`}, 4400, ""},
		"no type":                       {true, []string{`{}`}, 4400, ""},
		"an unknown type":               {true, []string{`{"type":"start"}`}, 4400, ""},
		"a type that is none":           {true, []string{`{"type":7}`}, 4400, ""},
		"a server's type":               {true, []string{`{"type":"connection_ack"}`}, 4400, ""},
		"no id":                         {true, []string{`{"type":"subscribe","payload":{"query":"{a}"}}`}, 4400, ""},
		"an empty id":                   {true, []string{`{"type":"subscribe","id":"","payload":{"query":"{a}"}}`}, 4400, ""},
		"an id that is a number":        {true, []string{`{"type":"subscribe","id":1,"payload":{"query":"{a}"}}`}, 4400, ""},
		"no payload":                    {true, []string{`{"type":"subscribe","id":"1"}`}, 4400, ""},
		"a payload that is none":        {true, []string{`{"type":"subscribe","id":"1","payload":"{a}"}`}, 4400, ""},
		"no query":                      {true, []string{`{"type":"subscribe","id":"1","payload":{}}`}, 4400, ""},
		"a query that is none":          {true, []string{`{"type":"subscribe","id":"1","payload":{"query":7}}`}, 4400, ""},
		"variables that are none":       {true, []string{`{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":"x"}}`}, 4400, ""},
		"completing nothing":            {true, []string{`{"type":"complete"}`}, 4400, ""},
		"a ping with a wrong payload":   {true, []string{`{"type":"ping","payload":"x"}`}, 4400, ""},
		"an init with a wrong payload":  {false, []string{`{"type":"connection_init","payload":"x"}`}, 4400, ""},
		"invalid UTF-8":                 {true, []string{"{\"type\":\"ping\",\"payload\":{\"x\":\"\xff\"}}"}, 1007, ""},
		"subscribing before the init":   {false, []string{subscribe}, 4401, "Unauthorized"},
		"a second init":                 {true, []string{`{"type":"connection_init"}`}, 4429, "Too many initialisation requests"},
		"an id that is in use":          {true, []string{subscribe, subscribe}, 4409, "Subscriber for 1 already exists"},
		"an init that is refused":       {false, []string{`{"type":"connection_init","payload":{"no":true}}`}, 4403, "Forbidden"},
		"an init that the server fails": {false, []string{`{"type":"connection_init","payload":{"fail":true}}`}, 1011, "Internal server error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(b *bundle) {
				b.config.Init = func(ctx context.Context, payload map[string]any) (context.Context, error) {
					switch {
					case payload["no"] != nil:
						return nil, &RefusedError{Code: 4403, Reason: "Forbidden"}
					case payload["fail"] != nil:
						return nil, errors.New("secret")
					}
					return ctx, nil
				}
			})
			ws := b.dial(modern)
			if c.init {
				ws = b.hello(modern)
			}
			for _, message := range c.sent {
				send(t, ws, message)
			}
			wantClose(t, ws, c.code, c.reason)
		})
	}
}

func TestOtherCloses(t *testing.T) {
	t.Parallel()
	t.Run("no init in time", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(b *bundle) { b.config.InitTimeout = 10 * time.Millisecond })
		wantClose(t, b.dial(modern), 4408, "Connection initialisation timeout")
	})
	t.Run("an init in time", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(b *bundle) { b.config.InitTimeout = 50 * time.Millisecond })
		ws := b.hello(modern)
		time.Sleep(100 * time.Millisecond) // the time-out must be over to be shown to be lifted
		send(t, ws, `{"type":"ping"}`)
		want(t, ws, `{"type":"pong"}`)
	})
	t.Run("no subprotocol", func(t *testing.T) {
		t.Parallel()
		wantClose(t, setup(t).dial(""), 4406, "Subprotocol not acceptable")
	})
	t.Run("another subprotocol", func(t *testing.T) {
		t.Parallel()
		wantClose(t, setup(t).dial("mqtt"), 4406, "")
	})
	t.Run("a binary message", func(t *testing.T) {
		t.Parallel()
		ws := setup(t).hello(modern)
		_ = ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`))
		wantClose(t, ws, 4400, "")
	})
	t.Run("the older goodbye", func(t *testing.T) {
		t.Parallel()
		ws := setup(t).hello(legacy)
		send(t, ws, `{"type":"connection_terminate"}`)
		wantClose(t, ws, 1000, "")
	})
	t.Run("an older client is told why", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(b *bundle) {
			b.config.Init = func(context.Context, map[string]any) (context.Context, error) {
				return nil, &RefusedError{Code: 4403, Reason: "Forbidden"}
			}
		})
		ws := b.dial(legacy)
		send(t, ws, `{"type":"connection_init","payload":null}`)
		want(t, ws, `{"type":"connection_error","payload":{"message":"Forbidden"}}`)
		wantClose(t, ws, 4403, "Forbidden")
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	ws := setup(t).hello(modern)
	send(t, ws, `{"type":"ping","payload":{"x":[1]}}`)
	want(t, ws, `{"type":"pong","payload":{"x":[1]}}`)
	send(t, ws, `{"type":"pong"}`)
	send(t, ws, `{"type":"ping","payload":null}`)
	want(t, ws, `{"type":"pong","payload":null}`)
}

// A subscription's whole life in both protocols: events, an end by the server, the same id again, an end by the client
// with nothing after it.
// Each operation came when its own message did, not when the connection was made, nor when it is looked at.
func TestOperationsCameWithTheirMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.came = make(chan time.Time) })
	ws := b.hello(modern)
	var last time.Time
	for i := range 3 {
		before := time.Now()
		send(t, ws, fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"{a}"}}`, i))
		came := <-b.came
		if came.Before(before) || !came.After(last) || came.After(time.Now()) {
			t.Errorf("operation %d came at %v; it was sent after %v, the one before came at %v", i, came, before, last)
		}
		last = came
		want(t, ws, fmt.Sprintf(`{"type":"next","id":"%d","payload":{"data":{"a":"b"}}}`, i))
		want(t, ws, fmt.Sprintf(`{"id":"%d","type":"complete"}`, i))
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ws := b.hello(p.name)
			start := `{"type":"` + p.start + `","id":"a \"b\" é","payload":{"query":"subscription { ticks }"}}`
			send(t, ws, start)
			for _, tick := range []string{"one", "two"} {
				b.ticks <- tick
				want(t, ws, `{"type":"`+p.next+`","id":"a \"b\" é","payload":{"data":{"ticks":"`+tick+`"}}}`)
			}
			send(t, ws, `{"type":"`+p.stop+`","id":"a \"b\" é"}`)
			send(t, ws, `{"type":"`+p.stop+`","id":"nobody"}`)
			send(t, ws, start)
			send(t, ws, `{"type":"`+p.start+`","id":"q","payload":{"query":"{ a }"}}`)
			want(t, ws, `{"type":"`+p.next+`","id":"q","payload":{"data":{"a":"b"}}}`)
			want(t, ws, `{"id":"q","type":"complete"}`)
			b.ticks <- "three"
			want(t, ws, `{"type":"`+p.next+`","id":"a \"b\" é","payload":{"data":{"ticks":"three"}}}`)
			close(b.ticks)
			want(t, ws, `{"id":"a \"b\" é","type":"complete"}`)
		})
	}
}

// An operation that cannot run, and a stream that its server ends, say so and touch nothing else on the connection.
func TestErrorsEndAnOperationAlone(t *testing.T) {
	t.Parallel()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(b *bundle) { b.failure = gqlerror.Errorf("enough") })
			ws := b.hello(p.name)
			send(t, ws, `{"type":"`+p.start+`","id":"s","payload":{"query":"subscription { ticks }"}}`)
			send(t, ws, `{"type":"`+p.start+`","id":"e","payload":{"query":"{ nothing }"}}`)
			_, got, err := ws.ReadMessage()
			if err != nil || !strings.HasPrefix(string(got), `{"id":"e","type":"error","payload":`) || !strings.Contains(string(got), "nothing") {
				t.Fatalf("got %s, %v", got, err)
			}
			b.ticks <- "still here"
			want(t, ws, `{"type":"`+p.next+`","id":"s","payload":{"data":{"ticks":"still here"}}}`)
			close(b.ticks)
			payload := `[{"message":"enough"}]`
			if p.legacy() {
				payload = `{"message":"enough"}`
			}
			want(t, ws, `{"id":"s","type":"error","payload":`+payload+`}`)
			send(t, ws, `{"type":"`+p.start+`","id":"q","payload":{"query":"{ a }"}}`)
			want(t, ws, `{"type":"`+p.next+`","id":"q","payload":{"data":{"a":"b"}}}`)
		})
	}
}

// An event that could not be executed is not handed on as one. A part of one is, where the rest is the client's to mend.
func TestAFailedEventEndsTheSubscription(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ws := b.hello("graphql-transport-ws")
	send(t, ws, `{"type":"subscribe","id":"s","payload":{"query":"subscription { ticks }"}}`)
	b.ticks <- "part"
	want(t, ws, `{"type":"next","id":"s","payload":{"errors":[{"message":"part","extensions":{"kind":"INVALID"}}],"data":{"ticks":null}}}`)
	b.ticks <- "fail"
	want(t, ws, `{"id":"s","type":"error","payload":[{"message":"`+ErrInterrupted.Message+
		`","extensions":{"code":"STREAM_INTERRUPTED","kind":"UNAVAILABLE","retryable":true}}]}`)
}

func TestTooManyOperations(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.config.MaxOperations = 2 })
	ws := b.hello(modern)
	for i := range 3 {
		send(t, ws, fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"subscription { ticks }"}}`, i))
	}
	_, got, err := ws.ReadMessage()
	if err != nil || !strings.HasPrefix(string(got), `{"id":"2","type":"error","payload":[`) || !strings.Contains(string(got), ErrTooManyOperations.Message) {
		t.Fatalf("got %s, %v", got, err)
	}
	send(t, ws, `{"type":"complete","id":"0"}`)
	send(t, ws, `{"type":"subscribe","id":"3","payload":{"query":"{ a }"}}`)
	want(t, ws, `{"type":"next","id":"3","payload":{"data":{"a":"b"}}}`)
}

// Operations end with their connection, however it ends.
func TestOperationsEndWithTheirConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ws := b.hello(modern)
	for i := range 20 {
		send(t, ws, fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"subscription { ticks }"}}`, i))
	}
	b.ticks <- "x"
	_ = ws.Close()
	for b.running.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// A viewer that somebody else serves gets bytes spliced around its own id, leaves once, and hears nothing after that.
func TestJoined(t *testing.T) {
	t.Parallel()
	var (
		viewers = make(chan Viewer, 10)
		left    = make(chan struct{}, 10)
	)
	b := setup(t, func(b *bundle) {
		b.config.Join = func(_ context.Context, _ graphql.GraphExecutor, op *graphql.OperationContext, v Viewer) (func(), bool) {
			if op.OperationName == "Alone" {
				return nil, false
			}
			viewers <- v
			return func() { left <- struct{}{} }, true
		}
	})
	ws := b.hello(modern)
	send(t, ws, `{"type":"subscribe","id":"1","payload":{"query":"subscription { ticks }"}}`)
	send(t, ws, `{"type":"subscribe","id":"2","payload":{"query":"subscription { ticks }"}}`)
	send(t, ws, `{"type":"subscribe","id":"3","payload":{"query":"subscription Alone { ticks }","operationName":"Alone"}}`)
	b.ticks <- "alone"
	want(t, ws, `{"type":"next","id":"3","payload":{"data":{"ticks":"alone"}}}`)
	first, second := <-viewers, <-viewers
	answers := [][]byte{[]byte(`{"n":1}`), []byte(`{"n":2}`)}
	first.Next(2, answers)
	second.Next(2, answers)
	for _, id := range []string{"1", "2"} {
		want(t, ws, `{"type":"next","id":"`+id+`","payload":{"n":1}}`)
		want(t, ws, `{"type":"next","id":"`+id+`","payload":{"n":2}}`)
	}
	send(t, ws, `{"type":"complete","id":"1"}`)
	<-left
	first.Next(2, answers)
	first.End(nil)
	second.End(gqlerror.List{gqlerror.Errorf("over")})
	want(t, ws, `{"id":"2","type":"error","payload":[{"message":"over"}]}`)
	_ = ws.Close()
	for b.running.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

var _ http.Handler = (*handler.Server)(nil)
