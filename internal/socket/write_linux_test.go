package socket

import (
	"net"
	"syscall"
	"testing"
)

// The kernel keeps for a connection what it was told to and no more: Linux doubles the number, for its own bookkeeping, and
// from then on does not let it grow by itself.
func TestTheKernelsShareIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ asked, want int }{
		"by default": {0, 128 << 10},
		"as asked":   {32 << 10, 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, conn := setup(t, Config{SendBuffer: c.asked}).dial()
			raw, err := conn.net.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			var got int
			var failed error
			if err := raw.Control(func(fd uintptr) {
				got, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
			}); err != nil || failed != nil {
				t.Fatal(err, failed)
			}
			if got != c.want {
				t.Errorf("SO_SNDBUF is %d, want %d", got, c.want)
			}
		})
	}
}
