package arrival

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// Listen has the listener's TCP connections note when their packets came. Connections of other kinds pass as they are.
func Listen(inner net.Listener) net.Listener { return listener{inner} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok && err == nil {
		return newConn(tcp), nil
	}
	return accepted, err
}

// Conn is a TCP connection that knows when what was read last had come.
type Conn struct {
	*net.TCPConn
	raw  reader
	last atomic.Int64 // nanoseconds since 1970; 0: nothing was read yet
}

// TCP is the connection itself, for who writes to it by its descriptor.
func (c *Conn) TCP() *net.TCPConn { return c.TCPConn }

// note keeps a time of receipt; the zero one stands for now.
func (c *Conn) note(at time.Time) {
	if at.IsZero() {
		at = time.Now()
	}
	c.last.Store(at.UnixNano())
}

type (
	connKey struct{}
	markKey struct{}
)

// WithConn is an http.Server's ConnContext: Mark finds the connection again.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// Mark says that what ctx is for has just been read from its connection: it came with the packet that was read last, or with the last
// of its packets where they were several. Without such a connection, it came now.
func Mark(ctx context.Context) context.Context {
	at := time.Now()
	if c, ok := ctx.Value(connKey{}).(*Conn); ok {
		if last := c.last.Load(); last != 0 {
			at = time.Unix(0, last)
		}
	}
	return context.WithValue(ctx, markKey{}, at)
}

// Of is when what ctx is for came, as Mark said; now, where it said nothing.
func Of(ctx context.Context) time.Time {
	if at, ok := ctx.Value(markKey{}).(time.Time); ok {
		return at
	}
	return time.Now()
}
