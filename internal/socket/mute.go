package socket

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
)

// muting keeps gorilla from writing once the handshake is over: it answers some broken frames by itself, in the middle
// of what our writer writes.
type muting struct {
	http.ResponseWriter
	conn *muted
}

var errNoHijack = errors.New("socket: the server's connection cannot be taken over")

// Hijack gives the connection in a wrapper that can be muted.
func (m *muting) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(m.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, errors.Join(errNoHijack, err)
	}
	m.conn = &muted{Conn: conn}
	return m.conn, rw, nil
}

type muted struct {
	net.Conn
	mute atomic.Bool
}

// Write swallows everything once muted.
func (m *muted) Write(b []byte) (int, error) {
	if m.mute.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}
