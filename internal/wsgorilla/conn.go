package wsgorilla

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
)

// maxReason is what fits a close frame beside its code.
const maxReason = 123

// conn is one connection, as gqlgen's transport wants it.
type conn struct {
	sockets *Sockets
	ws      *websocket.Conn

	writing sync.Mutex // gorilla allows one writer of messages; control frames have their own lock

	mu       sync.Mutex
	closing  bool      // a close frame is sent or being sent
	alive    time.Time // until when the last sign of life counts
	deadline time.Time // what the transport asked for; zero: none
	pings    *time.Timer

	once   sync.Once
	closed chan struct{}
}

var (
	_ transport.WebsocketConn          = (*conn)(nil)
	_ transport.WebsocketReadLimiter   = (*conn)(nil)
	_ transport.WebsocketReadDeadliner = (*conn)(nil)
)

func newConn(s *Sockets, ws *websocket.Conn) *conn {
	return &conn{sockets: s, ws: ws, closed: make(chan struct{})}
}

// start begins to watch for a half-open peer, which neither answers pings nor sends anything.
func (c *conn) start() {
	c.ws.SetPongHandler(func(string) error { c.sign(); return nil })
	answer := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error { c.sign(); return answer(data) })
	c.sign()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pings = time.AfterFunc(c.sockets.config.PingEvery, c.ping)
}

func (c *conn) ping() {
	err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.sockets.config.WriteTimeout))
	c.mu.Lock()
	closing := c.closing
	if err == nil && !closing {
		c.pings.Reset(c.sockets.config.PingEvery)
	}
	c.mu.Unlock()
	if err != nil && !closing {
		_ = c.Close()
	}
}

// sign notes a sign of life.
func (c *conn) sign() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive = time.Now().Add(c.sockets.config.PingEvery * 5 / 2)
	c.apply()
}

// apply sets the earlier of the two deadlines, the watch's and the transport's; mu is held. The
// network connection may be told from any goroutine, gorilla's own method only from the reader's.
func (c *conn) apply() {
	if c.closing {
		return
	}
	deadline := c.alive
	if !c.deadline.IsZero() && c.deadline.Before(deadline) {
		deadline = c.deadline
	}
	_ = c.ws.NetConn().SetReadDeadline(deadline)
}

// SetReadDeadline bounds the transport's wait for its client; zero lifts that bound. The watch for a
// half-open peer goes on.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	c.apply()
	return nil
}

// SetReadLimit bounds a message in bytes; a larger one ends the connection with 1009.
func (c *conn) SetReadLimit(limit int64) { c.ws.SetReadLimit(limit) }

// Subprotocol is what was agreed on.
func (c *conn) Subprotocol() string { return c.ws.Subprotocol() }

// NextReader waits for a message. After an end in order it gives transport.ErrWebsocketClosed.
func (c *conn) NextReader() (int, io.Reader, error) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return kind, nil, c.readError(err)
	}
	c.sign()
	return kind, r, nil
}

// readError tells an end in order (the peer's, or one we began) from a fault.
func (c *conn) readError(err error) error {
	switch {
	case c.isClosing(), errors.Is(err, net.ErrClosed):
		return transport.ErrWebsocketClosed
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return transport.ErrWebsocketClosed
	default:
		return err
	}
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// WriteJSON sends one text message. A peer that does not take it in time is cut: the stream is broken
// in the middle of a frame. What is written to a connection that is closing goes nowhere, which is no
// error: a subscription's last words cross the peer's close frame every day.
func (c *conn) WriteJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.isClosing() {
		return nil
	}
	err = c.ws.SetWriteDeadline(time.Now().Add(c.sockets.config.WriteTimeout))
	if err == nil {
		err = c.ws.WriteMessage(websocket.TextMessage, data)
	}
	if err == nil || errors.Is(err, websocket.ErrCloseSent) || c.isClosing() {
		return nil
	}
	_ = c.Close()
	return err
}

// WriteClose sends a close frame, the first one only.
func (c *conn) WriteClose(code int, reason string) error {
	return c.sayClose(code, reason, c.sockets.config.WriteTimeout)
}

func (c *conn) sayClose(code int, reason string, within time.Duration) error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return nil
	}
	c.closing = true
	c.mu.Unlock()
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(within))
}

// Close ends the connection. A close frame that was sent before still arrives.
func (c *conn) Close() error {
	var err error
	c.once.Do(func() {
		c.mu.Lock()
		c.closing = true
		if c.pings != nil {
			c.pings.Stop()
		}
		c.mu.Unlock()
		err = c.ws.Close()
		close(c.closed)
		c.sockets.forget(c)
	})
	return err
}

// leave asks the client to come back to another server, and gives it a while to answer.
func (c *conn) leave() {
	wait := c.sockets.config.LeaveTimeout
	if err := c.sayClose(websocket.CloseServiceRestart, "service restart", wait); err != nil {
		_ = c.Close()
		return
	}
	_ = c.ws.NetConn().SetReadDeadline(time.Now().Add(wait))
}

// finish makes sure that the connection ends with its handler: the transport leaves it open where the
// init payload is no object, and closes it in a goroutine elsewhere.
func (c *conn) finish() {
	if c == nil {
		return
	}
	patience := time.NewTimer(leftOpen)
	defer patience.Stop()
	select {
	case <-c.closed:
	case <-patience.C:
		_ = c.WriteClose(websocket.CloseProtocolError, "not understood")
		_ = c.Close()
	}
}
