package graph_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
)

// wire is a client that minds no rule.
type wire struct {
	t  *testing.T
	ws *websocket.Conn
}

const patience = 30 * time.Second

func dialWire(t *testing.T, url, protocol string) *wire {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{protocol}}
	ws, response, err := dialer.Dial("ws"+strings.TrimPrefix(url, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	return &wire{t, ws}
}

func (w *wire) send(messages ...string) {
	w.t.Helper()
	for _, m := range messages {
		if err := w.ws.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// The parts of a frame's first byte.
const (
	fin, rsv             = 0x80, 0x40
	more, text, bin, png = 0x0, 0x1, 0x2, 0x9
)

// raw writes one frame as it is, with a mask of zeroes.
func (w *wire) raw(first byte, payload string) {
	w.t.Helper()
	frame := []byte{first, 0x80 | 127}
	frame = binary.BigEndian.AppendUint64(frame, uint64(len(payload)))
	if len(payload) < 126 {
		frame = []byte{first, 0x80 | byte(len(payload))}
	}
	frame = append(append(frame, 0, 0, 0, 0), payload...)
	if _, err := w.ws.NetConn().Write(frame); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) wantText(part string) {
	w.t.Helper()
	_, got, err := w.ws.ReadMessage()
	if err != nil || !bytes.Contains(got, []byte(part)) {
		w.t.Fatalf("got %s, %v; want %s", got, err, part)
	}
}

// wantClose reads on to the end.
func (w *wire) wantClose(code int) {
	w.t.Helper()
	for {
		_, got, err := w.ws.ReadMessage()
		if err == nil {
			continue
		}
		if apitest.CloseCode(err) != code {
			w.t.Fatalf("after %s: %v, want the close code %d", got, err, code)
		}
		return
	}
}

const (
	initMessage = `{"type":"connection_init"}`
	pingMessage = `{"type":"ping"}`
)

func subscribeMessage(id int, query string, vars apitest.Vars) string {
	payload, _ := json.Marshal(map[string]any{"query": query, "variables": vars})
	return fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":%s}`, id, payload)
}

// watchedLot is a lot with a viewer who must see each of its bids.
type watchedLot struct {
	*graphtest.API
	lot     auction.Auction
	vars    apitest.Vars
	bidders []graphtest.Person
	viewer  *apitest.Stream
	bids    int
}

func newWatchedLot(t *testing.T) *watchedLot {
	t.Helper()
	a := graphtest.New(t)
	l := &watchedLot{API: a, lot: a.Lot(a.Person("SELLER"), nil), bidders: []graphtest.Person{a.Funded(2_000), a.Funded(2_000)}}
	l.vars = apitest.Vars{"id": l.lot.NodeID().String()}
	l.viewer = a.Nobody().Subscribe(t, lotVersions, l.vars)
	l.viewer.Next()
	return l
}

// goesOn makes a bid, which the viewer sees.
func (l *watchedLot) goesOn(t *testing.T) {
	t.Helper()
	l.bids++
	l.Bid(l.bidders[l.bids%2], l.lot, int64(20*l.bids))
	if got := l.viewer.Next().Int("auctionEvents.version"); got != l.bids+1 {
		t.Errorf("the viewer beside them sees version %d, want %d", got, l.bids+1)
	}
}

// Whatever one client does, it gets the code for that, and who watches beside it sees every version meanwhile.
func TestWhatASocketMayNotDo(t *testing.T) {
	t.Parallel()
	l := newWatchedLot(t)
	long := `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`
	for _, c := range []struct {
		name   string
		noInit bool
		does   func(w *wire)
		code   int
	}{
		{"a message over the limit", false, func(w *wire) { w.send(long) }, 1009},
		{"a binary message", false, func(w *wire) { w.raw(fin|bin, pingMessage) }, 4400},
		{"parts over the limit together", false, func(w *wire) {
			w.raw(text, long[:40<<10])
			w.raw(fin|more, long[40<<10:])
		}, 1009},
		{"a part of nothing", false, func(w *wire) { w.raw(fin|more, pingMessage) }, 1002},
		{"a message within another", false, func(w *wire) { w.raw(text, `{"type"`); w.raw(fin|text, pingMessage) }, 1002},
		{"a reserved bit", false, func(w *wire) { w.raw(fin|rsv|text, pingMessage) }, 1002},
		{"a ping in parts", false, func(w *wire) { w.raw(png, "x") }, 1002},
		{"invalid UTF-8", false, func(w *wire) { w.raw(fin|text, "{\"type\":\"ping\",\"payload\":{\"x\":\"\xff\"}}") }, 1007},
		{"half a character in a part", false, func(w *wire) { w.raw(text, "{\"type\":\"\xc3"); w.raw(fin|more, `"}`) }, 1007},
		{"an init payload that is a list", true, func(w *wire) { w.send(`{"type":"connection_init","payload":[]}`) }, 4400},
		{"an init payload that is a text", true, func(w *wire) { w.send(`{"type":"connection_init","payload":"x"}`) }, 4400},
		{"an init payload that is a number", true, func(w *wire) { w.send(`{"type":"connection_init","payload":7}`) }, 4400},
		{"an init payload that is true", true, func(w *wire) { w.send(`{"type":"connection_init","payload":true}`) }, 4400},
		{"an authorization of nothing", true, func(w *wire) {
			w.send(`{"type":"connection_init","payload":{"Authorization":"Bearer souk_x"}}`)
		}, 4403},
		{"ten thousand messages a second", false, func(w *wire) {
			go func() {
				for w.ws.WriteMessage(websocket.TextMessage, []byte(pingMessage)) == nil {
				}
			}()
		}, 1008},
		{"ten thousand pings a second", false, func(w *wire) {
			go func() {
				for w.ws.WriteMessage(websocket.PingMessage, nil) == nil {
				}
			}()
		}, 1008},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := dialWire(t, l.URL, "graphql-transport-ws")
			if !c.noInit {
				w.send(initMessage)
				w.wantText("connection_ack")
			}
			c.does(w)
			l.goesOn(t)
			w.wantClose(c.code)
			l.goesOn(t)
		})
	}
	t.Run("an unknown subprotocol", func(t *testing.T) { dialWire(t, l.URL, "mqtt").wantClose(4406) })
	l.goesOn(t)
}

// What is no offence passes: a message in parts with a ping between them, and an id for ten thousand operations of which
// a hundred run.
func TestWhatASocketMayDo(t *testing.T) {
	t.Parallel()
	l := newWatchedLot(t)
	t.Run("a message in parts", func(t *testing.T) {
		w := dialWire(t, l.URL, "graphql-transport-ws")
		w.raw(text, initMessage[:7])
		w.raw(fin|png, "between")
		w.raw(fin|more, initMessage[7:])
		w.wantText("connection_ack")
	})
	t.Run("ten thousand ids", func(t *testing.T) {
		const running, ids = 100, 9_900 // a socket's burst, the init included
		w := dialWire(t, l.URL, "graphql-transport-ws")
		w.send(initMessage)
		w.wantText("connection_ack")
		go func() {
			for i := range ids {
				_ = w.ws.WriteMessage(websocket.TextMessage, []byte(subscribeMessage(i, `subscription($id: ID!) { auctionEvents(auctionId: $id) { version } }`, l.vars)))
			}
		}()
		l.goesOn(t)
		refused := map[string]bool{}
		for len(refused) < ids-running {
			var m struct{ ID, Type string }
			if err := w.ws.ReadJSON(&m); err != nil {
				t.Fatalf("after %d refusals: %v", len(refused), err)
			}
			if m.Type == "error" {
				refused[m.ID] = true
			}
		}
		if refused["0"] || refused[strconv.Itoa(running-1)] {
			t.Error("one of the first was refused")
		}
		w.send(`{"type":"complete","id":"0"}`, subscribeMessage(ids, "{ serverTime }", nil))
		for {
			var m struct{ ID, Type string }
			if err := w.ws.ReadJSON(&m); err != nil {
				t.Fatal(err)
			}
			if m.ID == strconv.Itoa(ids) {
				if m.Type != "next" {
					t.Errorf("an operation in the first one's place: %s", m.Type)
				}
				return
			}
		}
	})
	l.goesOn(t)
}

// Cursors from elsewhere are answered with the state as it is, told as such; one that cannot be is refused.
func TestCursorsThatAreWrong(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Funded(1_000)
	lot := a.Lot(a.Person("SELLER"), nil)
	a.Bid(buyer, lot, 20)
	const (
		shared = `subscription($id: ID!, $after: Int, $epoch: String) { auctionEvents(auctionId: $id, afterVersion: $after, epoch: $epoch) { version kind } }`
		alone  = `subscription($id: ID!, $after: Int, $epoch: String) { auctionEvents(auctionId: $id, afterVersion: $after, epoch: $epoch) { version kind auction { order { id } } } }`
	)
	for _, c := range []struct {
		name string
		with apitest.Vars
		want string // SNAPSHOT, or a code
	}{
		{"ahead of the top", apitest.Vars{"after": 1_000}, "SNAPSHOT"},
		{"as far ahead as can be", apitest.Vars{"after": 1<<31 - 1}, "SNAPSHOT"},
		{"of another epoch", apitest.Vars{"after": 1, "epoch": "00000000-0000-0000-0000-000000000000"}, "SNAPSHOT"},
		{"of an epoch that is none", apitest.Vars{"after": 1, "epoch": "x"}, "SNAPSHOT"},
		{"negative", apitest.Vars{"after": -1}, "CURSOR_INVALID"},
		{"beyond 32 bits", apitest.Vars{"after": 1 << 31}, "INT_OUT_OF_RANGE"},
		{"a text", apitest.Vars{"after": "one"}, "GRAPHQL_VALIDATION_FAILED"},
	} {
		for name, query := range map[string]string{"shared": shared, "alone": alone} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				vars := apitest.Vars{"id": lot.NodeID().String()}
				maps.Copy(vars, c.with)
				data, err := a.Nobody().Subscribe(t, query, vars).Receive()
				if c.want != "SNAPSHOT" {
					if err == nil || !strings.Contains(err.Error(), c.want) {
						t.Errorf("got %s, %v; want %s", data, err, c.want)
					}
					return
				}
				if got := apitest.Look(t, data).At("auctionEvents"); err != nil || got.Str("kind") != c.want || got.Int("version") != 2 {
					t.Errorf("got %s, %v", data, err)
				}
			})
		}
	}
}
