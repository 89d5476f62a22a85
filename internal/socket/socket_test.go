package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a server whose connections the test holds.
type bundle struct {
	t       *testing.T
	sockets *Sockets
	url     string
	conns   chan *Conn
	errs    chan error // what Read ended with
	got     chan string
	answer  string // to each message, where it is set
}

func setup(t *testing.T, config Config) *bundle {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	sockets, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, sockets: sockets, conns: make(chan *Conn, 100), errs: make(chan error, 100), got: make(chan string, 1000)}
	server := httptest.NewServer(sockets.Guard(http.HandlerFunc(b.serve)))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		sockets.Drain(ctx)
	})
	b.url = server.URL
	return b
}

func (b *bundle) serve(w http.ResponseWriter, r *http.Request) {
	c, err := b.sockets.Accept(w, r, "one", "two")
	if err != nil {
		b.errs <- err
		return
	}
	b.conns <- c
	go func() {
		defer c.Cut()
		for {
			m, err := c.Read(nil)
			if err != nil {
				b.errs <- err
				return
			}
			if b.answer != "" {
				c.Send(text(b.answer))
				continue
			}
			b.got <- string(m)
		}
	}()
}

// dial opens a connection and gives both its ends.
func (b *bundle) dial() (*websocket.Conn, *Conn) {
	b.t.Helper()
	return b.dialBy(net.Dial)
}

func (b *bundle) dialBy(dial func(network, addr string) (net.Conn, error)) (*websocket.Conn, *Conn) {
	b.t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: 20 * time.Second, Subprotocols: []string{"two"}, NetDial: dial}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(b.url, "http"), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(30 * time.Second))
	b.t.Cleanup(func() { _ = ws.Close() })
	return ws, <-b.conns
}

// narrow dials with little room for what was not read yet, so that a queue fills soon.
func narrow(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	}
	return conn, err
}

func text(s string) Message { return Message{Body: []byte(s)} }

func receive(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	_, m, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(m)
}

func wantClose(t *testing.T, ws *websocket.Conn, code int) {
	t.Helper()
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			if e, ok := errors.AsType[*websocket.CloseError](err); !ok || e.Code != code {
				t.Errorf("the connection ended with %v, want %d", err, code)
			}
			return
		}
	}
}

// Messages of every size of header arrive whole and in order, from many senders at once.
func TestMessagesArrive(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 20})
	ws, c := b.dial()
	if c.Subprotocol() != "two" {
		t.Errorf("speaks %q", c.Subprotocol())
	}
	sizes := []int{0, 1, 125, 126, 127, 65_535, 65_536, 200_000}
	const senders, rounds = 4, 20
	var wait sync.WaitGroup
	for s := range senders {
		wait.Go(func() {
			for r := range rounds {
				for _, size := range sizes {
					c.Send(Message{fmt.Appendf(nil, "%d %d %d ", s, r, size), bytes.Repeat([]byte{'x'}, size), []byte("!")})
				}
			}
		})
	}
	next := make([]int, senders)
	for range senders * rounds * len(sizes) {
		m := receive(t, ws)
		var s, r, size int
		if _, err := fmt.Sscanf(m, "%d %d %d ", &s, &r, &size); err != nil {
			t.Fatalf("%.40s: %v", m, err)
		}
		if want := next[s]; r*len(sizes)+slices.Index(sizes, size) != want {
			t.Fatalf("sender %d: round %d, size %d is not number %d", s, r, size, want)
		}
		next[s]++
		if want := fmt.Sprintf("%d %d %d %s!", s, r, size, strings.Repeat("x", size)); m != want {
			t.Fatalf("message of %d bytes is broken", size)
		}
	}
	wait.Wait()
}

// What waits while the peer does not read leaves in few writes once it does.
func TestABacklogLeavesTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 20, SendBuffer: 4 << 10})
	ws, c := b.dial()
	const messages = 20_000
	for i := range messages {
		c.Send(text(fmt.Sprintf("%0100d", i)))
	}
	for i := range messages {
		if got := receive(t, ws); got != fmt.Sprintf("%0100d", i) {
			t.Fatalf("number %d is %s", i, got)
		}
	}
}

// A peer that does not read is closed with 1013 when its queue is full, and the kernel and the queue hold no more than
// they may; a large answer to one that reads is no reason.
func TestWhoCannotKeepUpIsClosed(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 10, SendBuffer: 4 << 10})
	ws, c := b.dialBy(narrow)
	c.Send(Message{Body: bytes.Repeat([]byte{'x'}, 100<<10)})
	if got := receive(t, ws); len(got) != 100<<10 {
		t.Errorf("got %d bytes", len(got))
	}
	most := 0
	for range 100_000 {
		c.Send(Message{Body: bytes.Repeat([]byte{'x'}, 1<<10)})
		c.mu.Lock()
		most = max(most, c.queue.bytes)
		ended := c.last
		c.mu.Unlock()
		if ended != 0 {
			break
		}
	}
	if most > 64<<10 {
		t.Errorf("%d bytes waited", most)
	}
	wantClose(t, ws, websocket.CloseTryAgainLater)
	<-c.Done()
	var counted dto.Metric
	if err := b.sockets.metrics.evicted.Write(&counted); err != nil || counted.Counter.GetValue() != 1 {
		t.Errorf("evictions counted: %v, %v", counted.Counter, err)
	}
}

// A peer that neither reads nor leaves is cut, though its last write is stuck.
func TestAStalledPeerIsCut(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 10, SendBuffer: 4 << 10})
	_, c := b.dialBy(narrow)
	for range 100_000 {
		c.Send(Message{Body: bytes.Repeat([]byte{'x'}, 1<<10)})
		if c.ending() {
			break
		}
	}
	<-c.Done()
}

// Of a droppable key the newest message is what arrives, after everything critical.
func TestTheNewestWins(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 20, SendBuffer: 4 << 10})
	ws, c := b.dial()
	for range 5_000 { // more than the kernel takes
		c.Send(text(strings.Repeat("x", 1000)))
	}
	for i := range 100 {
		c.Offer("viewers", text(fmt.Sprintf("viewers %d", i)))
		c.Offer("likes", text(fmt.Sprintf("likes %d", i)))
	}
	c.Send(text("critical"))
	var got []string
	for len(got) < 3 {
		if m := receive(t, ws); len(m) < 1000 {
			got = append(got, m)
		}
	}
	if want := []string{"critical", "viewers 99", "likes 99"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Who can wait waits for room, and is told when the connection ends instead.
func TestRoom(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 10, SendBuffer: 4 << 10})
	ws, c := b.dialBy(narrow)
	const messages = 200
	go func() {
		for i := range messages {
			if !c.Room(nil) {
				return
			}
			c.Send(text(fmt.Sprintf("%01000d", i)))
		}
	}()
	for i := range messages {
		if got := receive(t, ws); got != fmt.Sprintf("%01000d", i) {
			t.Fatalf("number %d is %s", i, got)
		}
	}
	full := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.queue.bytes > 60<<10
	}
	for !full() {
		c.Send(text(strings.Repeat("x", 1000)))
	}
	stop := make(chan struct{})
	close(stop)
	if c.Room(stop) {
		t.Error("there is room in a full queue")
	}
	time.AfterFunc(10*time.Millisecond, c.Cut)
	if c.Room(nil) {
		t.Error("there is room on a connection that was cut")
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*websocket.Conn, *Conn)
		code int
		err  error // of Read; nil: any other
	}{
		"by us":      {func(_ *websocket.Conn, c *Conn) { c.End(4400, "no") }, 4400, ErrEnded},
		"twice":      {func(_ *websocket.Conn, c *Conn) { c.End(4401, "no"); c.End(4400, "no") }, 4401, ErrEnded},
		"long words": {func(_ *websocket.Conn, c *Conn) { c.End(4400, strings.Repeat("é", 200)) }, 4400, ErrEnded},
		"by the peer": {func(ws *websocket.Conn, _ *Conn) {
			_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Minute))
		}, 1000, ErrEnded},
		"a binary message": {func(ws *websocket.Conn, c *Conn) {
			_ = ws.WriteMessage(websocket.BinaryMessage, []byte("x"))
			<-c.Done()
		}, 1006, ErrBinary},
		"too long": {func(ws *websocket.Conn, _ *Conn) { _ = ws.WriteMessage(websocket.TextMessage, make([]byte, 2000)) }, 1009, nil},
		"no frame": {func(ws *websocket.Conn, _ *Conn) { _, _ = ws.NetConn().Write([]byte{0xff, 0xff, 0, 0, 0, 0}) }, 1002, nil},
		"unmasked": {func(ws *websocket.Conn, _ *Conn) { _, _ = ws.NetConn().Write([]byte{0x81, 1, 'x'}) }, 1002, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{MaxMessage: 1000})
			ws, conn := b.dial()
			c.do(ws, conn)
			wantClose(t, ws, c.code)
			err := <-b.errs
			if c.err != nil && !errors.Is(err, c.err) || c.err == nil && errors.Is(err, ErrEnded) {
				t.Errorf("Read ended with %v", err)
			}
			conn.Send(text("late")) // goes nowhere, harms nobody
		})
	}
}

// Pings are answered with their payload, messages in parts are put together, and pings among the parts do not matter.
func TestPingsAndParts(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	ws, _ := b.dial()
	pong := make(chan string, 8)
	ws.SetPongHandler(func(data string) error { pong <- data; return nil })
	w, err := ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"one ", strings.Repeat("two ", 2000), "three"} { // more than one frame
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if err := ws.WriteControl(websocket.PingMessage, []byte("hello"), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-b.got; got != "one "+strings.Repeat("two ", 2000)+"three" {
		t.Errorf("got %.40s…", got)
	}
	go func() { _, _, _ = ws.ReadMessage() }()
	if got := <-pong; got != "hello" {
		t.Errorf("the pong says %q", got)
	}
}

// A peer that answers no ping is cut.
func TestAHalfOpenPeerIsCut(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{PingEvery: 20 * time.Millisecond})
	_, c := b.dial() // gorilla's client answers pings only while it reads
	<-c.Done()
}

func TestDrainAsksToComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{DrainSpread: 10 * time.Millisecond})
	var clients []*websocket.Conn
	for range 5 {
		ws, _ := b.dial()
		clients = append(clients, ws)
	}
	drained := make(chan struct{})
	go func() { defer close(drained); b.sockets.Drain(t.Context()) }()
	for _, ws := range clients {
		wantClose(t, ws, websocket.CloseServiceRestart)
	}
	<-drained
	resp, err := http.Get(b.url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, resp, err = websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.url, "http"), nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a draining server answers %v, %v", resp, err)
	}
}

// Slots come back when a connection ends, and not before.
func TestAnAddressHasItsShare(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxConnsPerAddr: 2})
	b.dial()
	_, second := b.dial()
	dial := func() int {
		ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.url, "http"), nil)
		if err == nil {
			_ = ws.Close()
			<-b.conns
			return http.StatusSwitchingProtocols
		}
		if resp == nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	if got := dial(); got != http.StatusTooManyRequests {
		t.Errorf("the third gets %d", got)
	}
	second.Cut()
	if got := dial(); got != http.StatusSwitchingProtocols {
		t.Errorf("after one has left: %d", got)
	}
}

// A connection that is no plain socket is written to by a goroutine.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	server := httptest.NewTLSServer(b.sockets.Guard(http.HandlerFunc(b.serve)))
	t.Cleanup(server.Close)
	dialer := websocket.Dialer{TLSClientConfig: server.Client().Transport.(*http.Transport).TLSClientConfig}
	ws, _, err := dialer.Dial("wss"+strings.TrimPrefix(server.URL, "https"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	c := <-b.conns
	for i := range 100 {
		c.Send(text(strconv.Itoa(i)))
	}
	for i := range 100 {
		if got := receive(t, ws); got != strconv.Itoa(i) {
			t.Fatalf("number %d is %s", i, got)
		}
	}
	c.End(1000, "")
	wantClose(t, ws, 1000)
}

var _ net.Conn = (*muted)(nil)

// Who sends faster than it may is closed, with messages and with pings, and hears why although it goes on sending.
func TestAFlood(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]int{"messages": websocket.TextMessage, "pings": websocket.PingMessage} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws, _ := setup(t, Config{MaxRate: 1, MaxBurst: 20}).dial()
			go func() {
				for ws.WriteMessage(kind, []byte("x")) == nil {
				}
			}()
			for {
				_, _, err := ws.ReadMessage()
				if err == nil {
					continue
				}
				if closed, ok := errors.AsType[*websocket.CloseError](err); !ok || closed.Code != websocket.ClosePolicyViolation {
					t.Errorf("got %v, want a close with 1008", err)
				}
				return
			}
		})
	}
}

// Who asks faster than it reads the answers waits for itself, and is not closed for it.
func TestWhoAsksFasterThanItReads(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxQueue: 64 << 10})
	b.answer = strings.Repeat("a", 8<<10)
	ws, _ := b.dialBy(func(network, addr string) (net.Conn, error) {
		conn, err := net.Dial(network, addr)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	})
	const questions = 200 // whose answers are many times what the queue and the kernel hold
	asked := make(chan error, 1)
	go func() {
		for range questions {
			if err := ws.WriteMessage(websocket.TextMessage, []byte("question")); err != nil {
				asked <- err
				return
			}
		}
		asked <- nil
	}()
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	for range questions {
		if got := receive(t, ws); got != b.answer {
			t.Fatalf("got %d bytes", len(got))
		}
	}
}
