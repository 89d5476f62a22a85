package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/souklive/souk/internal/apitest"
)

// The ways in which the oracle's viewers speak.
const (
	byTransportWS = "graphql-transport-ws"
	byLegacyWS    = "graphql-ws"
	bySSE         = "event streams"
	bySingleSSE   = "single event stream"
)

var manners = []string{byTransportWS, byLegacyWS, bySSE, bySingleSSE}

// heard is something that came over a line: an operation's "next", "error" or "complete", or the line's end, "gone".
type heard struct {
	id, kind string
	payload  json.RawMessage
	eventID  string // of a server-sent event
	err      error  // of "gone"
}

// line is a viewer's connection. Whoever does not take what is heard does not read from the network either.
type line struct {
	heard chan heard
	via   atomic.Pointer[link] // nil until there is one
	ended chan struct{}
	once  sync.Once
	start func(id, query string, vars apitest.Vars, lastID string) error
	stop  func(id string) error // nil where the manner knows only the connection's end
}

// cut ends the line without a word.
func (l *line) cut() {
	l.once.Do(func() { close(l.ended) })
	if via := l.via.Load(); via != nil {
		_ = via.Close()
	}
}

// abandon leaves the line as a lost network does: nothing comes any more and nothing goes, and nobody is told.
func (l *line) abandon() {
	if via := l.via.Load(); via != nil {
		via.swallow.Store(true)
	}
	l.once.Do(func() { close(l.ended) })
}

// say hands on what was heard; false says that nobody listens any more.
func (l *line) say(h heard) bool {
	select {
	case l.heard <- h:
		return true
	case <-l.ended:
		return false
	}
}

// link is a network connection that can be lost in silence.
type link struct {
	net.Conn
	swallow atomic.Bool
}

func (l *link) Read(b []byte) (int, error) {
	for {
		n, err := l.Conn.Read(b)
		if err != nil || !l.swallow.Load() {
			return n, err
		}
	}
}

func (l *link) Write(b []byte) (int, error) {
	if l.swallow.Load() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

// caller is who opens lines: where from, as whom, and how soon they give up.
type caller struct {
	from     string // the address that a proxy in front would name
	token    string
	impolite bool // takes little at a time, so that what is not read waits at the server
}

func (c caller) header() http.Header {
	h := http.Header{"X-Forwarded-For": {c.from}}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	return h
}

func (c caller) dial(ctx context.Context, network, addr string) (*link, error) {
	plain, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := plain.(*net.TCPConn); ok && c.impolite {
		_ = tcp.SetReadBuffer(32 << 10)
	}
	return &link{Conn: plain}, nil
}

// open opens a line in one of the manners.
func (c caller) open(ctx context.Context, manner, server string) (*line, error) {
	switch manner {
	case bySSE:
		return c.openSSE(ctx, server), nil
	case bySingleSSE:
		return c.openSingleSSE(ctx, server)
	}
	return c.openSocket(ctx, manner, server)
}

func newLine() *line { return &line{heard: make(chan heard), ended: make(chan struct{})} }

// openSocket is a WebSocket that was let in.
func (c caller) openSocket(ctx context.Context, protocol, server string) (*line, error) {
	l := newLine()
	dialer := websocket.Dialer{
		HandshakeTimeout: 10 * time.Second, Subprotocols: []string{protocol},
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			made, err := c.dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			l.via.Store(made)
			return made, nil
		},
	}
	conn, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(server, "http")+"/graphql", c.header())
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	begin, end := "subscribe", "complete"
	if protocol == byLegacyWS {
		begin, end = "start", "stop"
	}
	var writing sync.Mutex
	write := func(kind, id string, payload any) error {
		message := map[string]any{"type": kind}
		if id != "" {
			message["id"] = id
		}
		if payload != nil {
			message["payload"] = payload
		}
		writing.Lock()
		defer writing.Unlock()
		return conn.WriteJSON(message)
	}
	l.start = func(id, query string, vars apitest.Vars, _ string) error {
		return write(begin, id, map[string]any{"query": query, "variables": vars})
	}
	l.stop = func(id string) error { return write(end, id, nil) }
	init := map[string]any{}
	if c.token != "" {
		init["authorization"] = "Bearer " + c.token
	}
	if err := write("connection_init", "", init); err != nil {
		l.cut()
		return nil, err
	}
	if err := awaitAck(conn); err != nil {
		l.cut()
		return nil, err
	}
	go l.readSocket(conn)
	return l, nil
}

func awaitAck(conn *websocket.Conn) error {
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	var ack struct {
		Type    string
		Payload json.RawMessage
	}
	if err := conn.ReadJSON(&ack); err != nil {
		return err
	}
	if ack.Type != "connection_ack" {
		return fmt.Errorf("%s %s in place of an ack", ack.Type, ack.Payload)
	}
	return conn.SetReadDeadline(time.Time{})
}

func (l *line) readSocket(conn *websocket.Conn) {
	for {
		var m struct {
			ID, Type string
			Payload  json.RawMessage
		}
		if err := conn.ReadJSON(&m); err != nil {
			l.say(heard{kind: "gone", err: err})
			return
		}
		switch m.Type {
		case "ka", "ping", "pong":
			continue
		case "data":
			m.Type = "next"
		}
		if !l.say(heard{id: m.ID, kind: m.Type, payload: m.Payload}) {
			l.drain(conn.NetConn())
			return
		}
	}
}

// drain reads on after an abandoned line, as a kernel does whose program is gone for good.
func (l *line) drain(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

// client sends a line's requests over links of its own.
func (c caller) client(use func(*link)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, ReadBufferSize: 4 << 10, ResponseHeaderTimeout: 10 * time.Second,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			made, err := c.dial(ctx, network, addr)
			if err == nil {
				use(made)
			}
			return made, err
		},
	}}
}

func (c caller) request(ctx context.Context, method, url string, body any) (*http.Request, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header = c.header()
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// openSSE is a line whose one operation is a request of its own.
func (c caller) openSSE(ctx context.Context, server string) *line {
	l := newLine()
	client := c.client(l.via.Store)
	l.start = func(id, query string, vars apitest.Vars, lastID string) error {
		req, err := c.request(ctx, http.MethodPost, server+"/graphql", map[string]any{"query": query, "variables": vars})
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "text/event-stream")
		if lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		return l.listen(client, req, func(kind, eventID string, data []byte) heard {
			return heard{id: id, kind: kind, payload: data, eventID: eventID}
		})
	}
	return l
}

// listen sends a request whose answer is a stream, and hears its events.
func (l *line) listen(client *http.Client, req *http.Request, read func(kind, eventID string, data []byte) heard) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		return refusedBy(resp)
	}
	go func() {
		defer func() { _ = resp.Body.Close() }()
		lines := bufio.NewReaderSize(resp.Body, 4<<10)
		for {
			kind, eventID, data, err := readEvent(lines)
			if err != nil {
				l.say(heard{kind: "gone", err: err})
				return
			}
			if !l.say(read(kind, eventID, data)) {
				l.drain(resp.Body)
				return
			}
		}
	}()
	return nil
}

// refusedBy is what an answer says that is not the one that was hoped for.
func refusedBy(resp *http.Response) error {
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return fmt.Errorf("status %d: %s", resp.StatusCode, text)
}

// readEvent reads one server-sent event; comments are passed over.
func readEvent(lines *bufio.Reader) (kind, id string, data []byte, err error) {
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return "", "", nil, err
		}
		text = bytes.TrimRight(text, "\r\n")
		field, value, _ := bytes.Cut(text, []byte(": "))
		switch {
		case len(text) == 0 && kind != "":
			return kind, id, data, nil
		case string(field) == "event":
			kind = string(value)
		case string(field) == "id":
			id = string(value)
		case string(field) == "data":
			data = append(data, value...)
		}
	}
}

// openSingleSSE reserves a stream and opens it; its operations are requests beside it.
func (c caller) openSingleSSE(ctx context.Context, server string) (*line, error) {
	l := newLine()
	beside := c.client(func(*link) {})
	req, err := c.request(ctx, http.MethodPut, server+"/graphql", nil)
	if err != nil {
		return nil, err
	}
	token, err := send(beside, req, http.StatusCreated)
	if err != nil {
		return nil, err
	}
	req, err = c.request(ctx, http.MethodGet, server+"/graphql?token="+url.QueryEscape(token), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	err = l.listen(c.client(l.via.Store), req, readWrapped)
	if err != nil {
		return nil, err
	}
	const header = "X-GraphQL-Event-Stream-Token"
	l.start = func(id, query string, vars apitest.Vars, _ string) error {
		req, err := c.request(ctx, http.MethodPost, server+"/graphql", map[string]any{
			"query": query, "variables": vars, "extensions": map[string]string{"operationId": id},
		})
		if err != nil {
			return err
		}
		req.Header.Set(header, token)
		_, err = send(beside, req, http.StatusAccepted)
		return err
	}
	l.stop = func(id string) error {
		req, err := c.request(ctx, http.MethodDelete, server+"/graphql?operationId="+url.QueryEscape(id), nil)
		if err != nil {
			return err
		}
		req.Header.Set(header, token)
		_, err = send(beside, req, http.StatusOK)
		return err
	}
	return l, nil
}

// readWrapped reads an event of a single connection, which names its operation.
func readWrapped(kind, _ string, data []byte) heard {
	var wrapped struct {
		ID      string
		Payload json.RawMessage
	}
	if err := json.Unmarshal(data, &wrapped); err != nil {
		return heard{kind: "gone", err: fmt.Errorf("%s: %w", data, err)}
	}
	return heard{id: wrapped.ID, kind: kind, payload: wrapped.Payload}
}

// send sends a request that is to be answered with a status.
func send(client *http.Client, req *http.Request, status int) (string, error) {
	ctx, cancel := context.WithTimeout(req.Context(), 15*time.Second)
	defer cancel()
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != status {
		return "", refusedBy(resp)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// closeCode is the code of the close frame that ended a line; 0 where there was none.
func closeCode(err error) int {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		return closed.Code
	}
	return 0
}
