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

// Stream is one subscription over a WebSocket of its own, by the protocol graphql-transport-ws.
type Stream struct {
	t    testing.TB
	conn *websocket.Conn
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
	s, err := c.TrySubscribe(t, query, vars)
	if err != nil {
		t.Fatalf("subscribe %s: %v", head(query), err)
	}
	return s
}

// TrySubscribe opens a subscription; a refusal of the connection is an error.
func (c Client) TrySubscribe(t testing.TB, query string, vars Vars) (*Stream, error) {
	dialer := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.Dial("ws"+strings.TrimPrefix(c.URL, "http")+"/graphql", nil)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	s := &Stream{t: t, conn: conn}
	t.Cleanup(s.Cut)
	init := map[string]string{}
	if c.Token != "" {
		init["authorization"] = "Bearer " + c.Token
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
	return s, s.write("subscribe", "1", map[string]any{"query": query, "variables": vars})
}

func (s *Stream) write(kind, id string, payload any) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return s.conn.WriteJSON(frame{ID: id, Type: kind, Payload: raw})
}

// read gives the next frame that is not a ping, which it answers.
func (s *Stream) read() (frame, error) {
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(patience))
		var f frame
		if err := s.conn.ReadJSON(&f); err != nil {
			return frame{}, err
		}
		switch f.Type {
		case "ping":
			if err := s.conn.WriteJSON(frame{Type: "pong"}); err != nil {
				return frame{}, err
			}
		case "pong":
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
	case "next":
		var answer Answer
		if err := json.Unmarshal(f.Payload, &answer); err != nil {
			return nil, err
		}
		if len(answer.Errors) > 0 {
			return nil, fmt.Errorf("%s: %s", answer.Errors[0].Extensions.Code, answer.Errors[0].Message)
		}
		return answer.Data, nil
	case "complete":
		return nil, ErrComplete
	default:
		return nil, fmt.Errorf("%s: %s", f.Type, f.Payload)
	}
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

// Cut closes the connection as a lost network does: without a word.
func (s *Stream) Cut() { _ = s.conn.NetConn().Close() }
