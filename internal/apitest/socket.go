package apitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Protocol is how a subscription is spoken on a WebSocket.
type Protocol struct {
	Name      string // the subprotocol that is offered
	subscribe string // what the client begins with
	next      string // what an event comes as
	stop      string // what the client ends with
}

// The two protocols; the second is what older clients speak.
var (
	TransportWS = Protocol{Name: "graphql-transport-ws", subscribe: "subscribe", next: "next", stop: "complete"}
	LegacyWS    = Protocol{Name: "graphql-ws", subscribe: "start", next: "data", stop: "stop"}
)

// Stream is one subscription over a WebSocket of its own.
type Stream struct {
	t        testing.TB
	conn     *websocket.Conn
	protocol Protocol
	reached  *Reached
	asked    map[string]asked // by the operation's id
}

type asked struct {
	query string
	vars  Vars
}

type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// ErrComplete says that the server ended the subscription as done.
var ErrComplete = errors.New("the subscription is complete")

// Subscribe opens a subscription that has to be taken.
func (c Client) Subscribe(t testing.TB, query string, vars Vars) *Stream {
	t.Helper()
	return c.SubscribeBy(t, TransportWS, query, vars)
}

// SubscribeBy is Subscribe in either protocol.
func (c Client) SubscribeBy(t testing.TB, p Protocol, query string, vars Vars) *Stream {
	t.Helper()
	s, err := c.TrySubscribeBy(t, p, query, vars)
	if err != nil {
		t.Fatalf("subscribe %s: %v", head(query), err)
	}
	return s
}

// TrySubscribe opens a subscription; a refusal of the connection is an error.
func (c Client) TrySubscribe(t testing.TB, query string, vars Vars) (*Stream, error) {
	t.Helper()
	return c.TrySubscribeBy(t, TransportWS, query, vars)
}

// TrySubscribeBy is TrySubscribe in either protocol.
func (c Client) TrySubscribeBy(t testing.TB, p Protocol, query string, vars Vars) (*Stream, error) {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{p.Name}}
	conn, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(c.URL, "http")+"/graphql", nil)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	s := &Stream{t: t, conn: conn, protocol: p, reached: c.Reached, asked: map[string]asked{}}
	t.Cleanup(s.Cut)
	if got := conn.Subprotocol(); got != p.Name {
		return nil, fmt.Errorf("the server speaks %q, not %q", got, p.Name)
	}
	init := map[string]string{}
	if c.Token != "" {
		init["authorization"] = "Bearer " + c.Token
	}
	if c.Language != "" {
		init["accept-language"] = c.Language
	}
	if c.Device != "" {
		init["souk-device"] = c.Device
	}
	if err := s.write("connection_init", "", init); err != nil {
		return nil, err
	}
	ack, err := s.read()
	if err != nil {
		return nil, err
	}
	if ack.Type != "connection_ack" {
		return nil, fmt.Errorf("got %s %s in place of an ack", ack.Type, ack.Payload)
	}
	if err := s.ask("1", query, vars); err != nil {
		return nil, err
	}
	return s, nil
}

// Ask begins another operation on the connection; what it answers comes with Receive.
func (s *Stream) Ask(query string, vars Vars) error {
	return s.ask("2", query, vars)
}

func (s *Stream) ask(id, query string, vars Vars) error {
	s.asked[id] = asked{query, vars}
	return s.write(s.protocol.subscribe, id, map[string]any{"query": query, "variables": vars})
}

func (s *Stream) write(kind, id string, payload any) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return s.conn.WriteJSON(frame{ID: id, Type: kind, Payload: raw})
}

// read gives the next frame that is no sign of life; a ping it answers.
func (s *Stream) read() (frame, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(patience)) // for an answer; pings alone are none
	for {
		var f frame
		if err := s.conn.ReadJSON(&f); err != nil {
			return frame{}, err
		}
		switch f.Type {
		case "ping":
			if err := s.conn.WriteJSON(frame{Type: "pong"}); err != nil {
				return frame{}, err
			}
		case "pong", "ka":
		default:
			return f, nil
		}
	}
}

// Receive gives the next event's data, or why there is none.
func (s *Stream) Receive() (json.RawMessage, error) {
	f, err := s.read()
	if err != nil {
		return nil, err
	}
	switch f.Type {
	case s.protocol.next:
		data, err := eventData(f.Payload)
		if err == nil {
			s.reached.answered(s.asked[f.ID].query, s.asked[f.ID].vars, data)
		}
		return data, err
	case "complete":
		return nil, ErrComplete
	case "error":
		return nil, refusal(f.Payload)
	default:
		return nil, fmt.Errorf("%s: %s", f.Type, f.Payload)
	}
}

// refusal is what an operation that ends with an error says: a list of errors, and in the older protocol one.
func refusal(raw json.RawMessage) error {
	var all []Error
	if json.Unmarshal(raw, &all) != nil || len(all) == 0 {
		var one Error
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("an error that is none: %s", raw)
		}
		all = []Error{one}
	}
	return fmt.Errorf("%s: %s", all[0].Extensions.Code, all[0].Message)
}

// eventData takes the data out of an event's result.
func eventData(raw json.RawMessage) (json.RawMessage, error) {
	var answer Answer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s", answer.Errors[0].Extensions.Code, answer.Errors[0].Message)
	}
	return answer.Data, nil
}

// Next gives the next event, which has to come.
func (s *Stream) Next() JSON {
	s.t.Helper()
	data, err := s.Receive()
	if err != nil {
		s.t.Fatalf("the next event: %v", err)
	}
	return JSON{t: s.t, raw: data}
}

// Stop ends the subscription by the protocol; the connection stays.
func (s *Stream) Stop() error { return s.conn.WriteJSON(frame{ID: "1", Type: s.protocol.stop}) }

// Cut closes the connection as a lost network does: without a word.
func (s *Stream) Cut() { _ = s.conn.NetConn().Close() }

// CloseCode is the code of the close frame that an error of Receive stands for; 0 where there was none.
func CloseCode(err error) int {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closed.Code
	}
	return 0
}
