package arrival

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// reader reads by recvmsg, which gives the time beside the bytes; nil where the socket would not have it.
type reader syscall.RawConn

func newConn(tcp *net.TCPConn) *Conn {
	c := &Conn{TCPConn: tcp}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if errors.Join(err, refused) == nil {
		c.raw = raw
	}
	return c
}

// Read reads, and notes when the last of what it read had come.
func (c *Conn) Read(p []byte) (int, error) {
	if c.raw == nil || len(p) == 0 {
		n, err := c.TCPConn.Read(p)
		c.note(time.Time{})
		return n, err
	}
	var (
		n   int
		at  time.Time
		got error
	)
	err := c.raw.Read(func(fd uintptr) bool {
		n, at, got = receive(int(fd), p)
		return !errors.Is(got, syscall.EAGAIN)
	})
	switch {
	case err != nil: // the deadline, or the connection was closed
		return 0, err
	case got != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("recvmsg", got)}
	case n == 0:
		return 0, io.EOF
	}
	c.note(at)
	return n, nil
}

// receive is one recvmsg, and the time of receipt that came with it.
func receive(fd int, p []byte) (int, time.Time, error) {
	var room [64]byte // for one control message of 32 bytes
	for {
		n, control, _, _, err := syscall.Recvmsg(fd, p, room[:], 0)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, time.Time{}, err
		}
		return n, received(room[:control]), nil
	}
}

// received is the time in a read's control messages; zero if they have none.
func received(control []byte) time.Time {
	if len(control) == 0 {
		return time.Time{}
	}
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}
	}
	for _, m := range messages {
		// A timespec; of 32 bits each it is on machines that we do not build for.
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			seconds, nanoseconds := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return time.Unix(int64(seconds), int64(nanoseconds))
		}
	}
	return time.Time{}
}
