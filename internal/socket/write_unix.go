//go:build unix

package socket

import (
	"errors"
	"net"
	"syscall"
)

// descriptor is a connection's number in the kernel; -1 where it has none any more.
func descriptor(conn *net.TCPConn) int {
	number := -1
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}

// writeNow writes what the kernel takes without waiting.
func writeNow(fd int, b []byte) (int, error) {
	for {
		n, err := write(fd, b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		}
		return 0, err
	}
}
