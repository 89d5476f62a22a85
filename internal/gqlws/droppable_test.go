package gqlws

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	startTicks = `{"type":"subscribe","id":"ticks","payload":{"query":"subscription { ticks }"}}`
	startState = `{"type":"subscribe","id":"state","payload":{"query":"subscription { ...S } fragment S on Subscription { ... { state } }"}}`
	tickSize   = 1000
	backlog    = 2000 // ticks; more than the kernel keeps, less than half of a queue
	states     = 20_000
)

// stalled is a connection with both subscriptions whose client has not read what was sent: many critical answers, and behind them
// many more droppable ones.
func stalled(t *testing.T) (*bundle, *websocket.Conn, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	b := setup(t, func(b *bundle) {
		b.socket.MaxQueue, b.socket.WriteTimeout = 8<<20, time.Minute
		b.socket.Registerer = registry
	})
	ws := b.dialBy(modern, narrow)
	send(t, ws, `{"type":"connection_init"}`)
	want(t, ws, `{"type":"connection_ack"}`)
	send(t, ws, startTicks)
	send(t, ws, startState)
	for i := range backlog {
		b.ticks <- fmt.Sprintf("%0*d", tickSize, i)
	}
	for i := range states {
		b.states <- strconv.Itoa(i)
	}
	b.states <- "newest" // taken when the one before it was offered
	return b, ws, registry
}

// narrow dials with little room for what was not read yet, so that a queue fills soon.
func narrow(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	}
	return conn, err
}

// gathered reads one of the socket's metrics.
func gathered(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "souk_websocket_"+name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// readAll reads until a message satisfies last, insists that the ticks are all there in order, and gives everything else
// with how many ticks came before it.
func readAll(t *testing.T, ws *websocket.Conn, last func(message string) bool) (others []string) {
	t.Helper()
	ticks := 0
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			t.Fatalf("%v after %d ticks and %v", err, ticks, others)
		}
		if strings.Contains(string(raw), `"id":"ticks"`) {
			if want := fmt.Sprintf(`%0*d"}`, tickSize, ticks); !strings.Contains(string(raw), want) {
				t.Fatalf("tick %d is %s", ticks, raw)
			}
			ticks++
			continue
		}
		var m struct {
			ID, Type string
			Payload  struct{ Data struct{ State string } }
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		others = append(others, fmt.Sprint(m.Type, " ", m.ID, " ", m.Payload.Data.State, " behind ", ticks))
		if last(string(raw)) {
			return others
		}
	}
}

// Whoever does not read finds, once it reads again, everything critical in order and of the droppable subscription the newest
// answer; what waited meanwhile is the critical answers and one droppable one.
func TestAStalledClientGetsTheNewest(t *testing.T) {
	t.Parallel()
	b, ws, registry := stalled(t)
	b.states <- "newest"
	if waits := gathered(t, registry, "queued_bytes"); waits == 0 || waits > backlog*(tickSize+100)+100 {
		t.Errorf("%.0f bytes wait for the client", waits)
	}
	if dropped := gathered(t, registry, "dropped_total"); dropped < states/2 {
		t.Errorf("%.0f answers were dropped of %d", dropped, states)
	}
	others := readAll(t, ws, func(m string) bool { return strings.Contains(m, "newest") })
	if want := fmt.Sprint("next state newest behind ", backlog); !slices.Equal(others, []string{want}) {
		t.Errorf("got %v, want [%s]", others, want)
	}
	b.states <- "live again"
	want(t, ws, `{"type":"next","id":"state","payload":{"data":{"state":"live again"}}}`)
}

// The last answer of a droppable subscription that its server ends is delivered, and before its end is told.
func TestTheNewestComesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	b, ws, _ := stalled(t)
	close(b.states)
	others := readAll(t, ws, func(m string) bool { return strings.Contains(m, "complete") })
	want := []string{fmt.Sprint("next state newest behind ", backlog), fmt.Sprint("complete state  behind ", backlog)}
	if !slices.Equal(others, want) {
		t.Errorf("got %v, want %v", others, want)
	}
}

// What waits for a droppable subscription that its client has completed is not sent any more.
func TestACompletedSubscriptionDropsWhatWaits(t *testing.T) {
	t.Parallel()
	b, ws, _ := stalled(t)
	send(t, ws, `{"type":"complete","id":"state"}`)
	for b.running.Load() > 1 {
		time.Sleep(time.Millisecond)
	}
	send(t, ws, `{"type":"ping","payload":{"x":"over"}}`)
	if others := readAll(t, ws, func(m string) bool { return strings.Contains(m, "over") }); len(others) > 1 {
		t.Errorf("got %v", others)
	}
}

// Of a subscription that has both, who does not read misses of what is beside its events all but the newest, and no event.
func TestAStalledClientMissesAsidesAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.socket.MaxQueue, b.socket.WriteTimeout = 8<<20, time.Minute
		b.config.Alone = func(ctx context.Context) (context.Context, func() bool) { return ctx, b.aside.Load }
	})
	ws := b.dialBy(modern, narrow)
	send(t, ws, `{"type":"connection_init"}`)
	want(t, ws, `{"type":"connection_ack"}`)
	send(t, ws, `{"type":"subscribe","id":"both","payload":{"query":"subscription { both }"}}`)
	for n := range backlog {
		b.ticks <- fmt.Sprintf("%0*d", tickSize, n)
		b.states <- fmt.Sprint("state ", n)
	}
	b.states <- "newest"
	b.ticks <- "taken" // when the one before it was offered
	ticks, asides := 0, 0
	for newest := false; !newest || ticks <= backlog; {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			t.Fatalf("%v after %d ticks and %d states", err, ticks, asides)
		}
		switch m := string(raw); {
		case strings.Contains(m, "newest"):
			newest = true
		case strings.Contains(m, "state "):
			asides++
		case ticks < backlog && !strings.Contains(m, fmt.Sprintf(`%0*d"`, tickSize, ticks)):
			t.Fatalf("tick %d is %s", ticks, raw)
		default:
			ticks++
		}
	}
	if asides > backlog/2 {
		t.Errorf("%d states of %d came to a client that did not read", asides, backlog)
	}
}
