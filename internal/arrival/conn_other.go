//go:build !linux

package arrival

import (
	"net"
	"time"
)

type reader struct{}

func newConn(tcp *net.TCPConn) *Conn { return &Conn{TCPConn: tcp} }

// Read reads, and notes the time.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.note(time.Time{})
	return n, err
}
