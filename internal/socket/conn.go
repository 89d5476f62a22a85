package socket

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Conn is one connection. Read is for one goroutine; everything else may be called from any.
type Conn struct {
	sockets *Sockets
	ws      *websocket.Conn // reads; writing is ours
	net     net.Conn
	addr    string

	mu     sync.Mutex
	reason string // of the close frame
	said   bool   // the close frame is on its way
	writer
	alive    time.Time // until when the last sign of life counts
	deadline time.Time // what SetPatience asked for; zero: none
	paid     time.Time // until when what came in is paid for, at MaxRate; of the reader

	pings *time.Timer
	once  sync.Once
	done  chan struct{}
}

func newConn(s *Sockets, ws *websocket.Conn, network net.Conn, addr string) *Conn {
	c := &Conn{sockets: s, ws: ws, net: network, addr: addr, done: make(chan struct{})}
	c.initWriter()
	ws.SetReadLimit(s.config.MaxMessage)
	ws.SetPongHandler(func(string) error { return c.heard() })
	ws.SetPingHandler(func(data string) error {
		if err := c.heard(); err != nil {
			return err
		}
		c.control(websocket.PongMessage, []byte(data))
		return nil
	})
	ws.SetCloseHandler(func(code int, _ string) error { // the peer's goodbye is answered with its own code
		if code == websocket.CloseNoStatusReceived {
			code = websocket.CloseNormalClosure
		}
		c.End(code, "")
		return nil
	})
	c.sign()
	c.mu.Lock() // the first ping may come before this returns
	c.pings = time.AfterFunc(s.config.PingEvery, c.ping)
	c.mu.Unlock()
	return c
}

// Subprotocol is what was agreed on.
func (c *Conn) Subprotocol() string { return c.ws.Subprotocol() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// The errors of Read.
var (
	// ErrEnded says that the connection ended in order, from either side.
	ErrEnded = errors.New("socket: the connection has ended")
	// ErrBinary says that a message is not text.
	ErrBinary = errors.New("socket: a binary message")

	errFlood = errors.New("socket: more messages than a connection may send")
)

// Read waits for a text message and appends it to into. While the peer lets more than half of its queue wait, nothing is
// read from it: who asks faster than it takes the answers waits for itself.
func (c *Conn) Read(into []byte) ([]byte, error) {
	if c.crowded() && c.Room(nil) {
		c.sign() // the silence was ours
	}
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return into, c.readError(err)
	}
	if err := c.heard(); err != nil {
		return into, err
	}
	if kind != websocket.TextMessage {
		return into, ErrBinary
	}
	for {
		if len(into) == cap(into) {
			into = append(into, 0)[:len(into)]
		}
		n, err := r.Read(into[len(into):cap(into)])
		into = into[:len(into)+n]
		if errors.Is(err, io.EOF) {
			return into, nil
		}
		if err != nil {
			return into, c.readError(err)
		}
	}
}

func (c *Conn) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.bytes > c.sockets.config.MaxQueue/2
}

// readError tells an end in order from a fault, and answers a peer that breaks a rule.
func (c *Conn) readError(err error) error {
	closed, byPeer := errors.AsType[*websocket.CloseError](err)
	_, network := errors.AsType[net.Error](err)
	switch {
	case byPeer && closed.Code == websocket.CloseAbnormalClosure:
		return err
	case byPeer, errors.Is(err, net.ErrClosed), c.ending():
		return ErrEnded
	case errors.Is(err, websocket.ErrReadLimit):
		c.reject(websocket.CloseMessageTooBig, "message too big")
	case !network:
		c.reject(websocket.CloseProtocolError, "protocol error")
	}
	return err
}

// reject ends the connection of a peer whose input cannot be read on. What it goes on to send is thrown away for a while:
// a socket that is closed with input unread resets the connection, and the close frame would be lost with it.
func (c *Conn) reject(code int, reason string) {
	c.End(code, reason)
	_, _ = io.CopyN(io.Discard, c.net, maxRejected)
}

// maxRejected is how much of a rejected peer's input is thrown away; End has set a deadline as well.
const maxRejected = 4 << 20

func (c *Conn) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last != 0
}

// SetPatience bounds the wait for the peer's next message; zero lifts that bound. The watch for a half-open peer goes on.
func (c *Conn) SetPatience(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = until
	c.applyDeadline()
}

// sign notes a sign of life.
func (c *Conn) sign() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive = time.Now().Add(c.sockets.config.PingEvery * 5 / 2)
	c.applyDeadline()
}

// heard notes a message, and ends a connection that sends too many: each costs its share of a second, and a credit of
// MaxBurst of them may be used up.
func (c *Conn) heard() error {
	now, config := time.Now(), &c.sockets.config
	each := time.Second / time.Duration(config.MaxRate)
	if credit := now.Add(-each * time.Duration(config.MaxBurst)); c.paid.Before(credit) {
		c.paid = credit
	}
	if c.paid = c.paid.Add(each); c.paid.After(now) {
		c.reject(websocket.ClosePolicyViolation, "too many messages")
		return errFlood
	}
	c.sign()
	return nil
}

// applyDeadline sets the earlier of the two deadlines; mu is held. One that ends has its own.
func (c *Conn) applyDeadline() {
	if c.last != 0 {
		return
	}
	deadline := c.alive
	if !c.deadline.IsZero() && c.deadline.Before(deadline) {
		deadline = c.deadline
	}
	_ = c.net.SetReadDeadline(deadline)
}

func (c *Conn) ping() {
	c.control(websocket.PingMessage, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == 0 {
		c.pings.Reset(c.sockets.config.PingEvery)
	}
}

// leave asks the client to come back to another server.
func (c *Conn) leave() { c.End(websocket.CloseServiceRestart, "service restart") }

// Cut ends the connection without a word. Whoever reads calls it at the end; it may be called again.
func (c *Conn) Cut() {
	c.once.Do(func() {
		c.mu.Lock()
		if c.last == 0 {
			c.last = websocket.CloseAbnormalClosure
			c.said = true
		}
		c.queue.drop()
		c.fd = -1
		c.mu.Unlock()
		c.pings.Stop()
		_ = c.ws.Close()
		close(c.done)
		c.sockets.forget(c)
	})
}
