// Package redistest gives tests a real redis-server.
//
// URL is the one that a test process shares; Start is one of a test's own, which it may stop, freeze
// and bring back. ClusterURL and StartCluster are the same for a Redis Cluster of three nodes. A test without Redis
// fails; it never skips.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/process"
)

// EnvURL names a server that already runs, as `make test` sets it. Without it the test process starts
// one of its own, which ends with the process.
const EnvURL = "SOUK_TEST_REDIS_URL"

// theURL is global for the reason that pgtest's server is: one for the whole process.
var theURL = sync.OnceValues(func() (string, error) {
	if url := os.Getenv(EnvURL); url != "" {
		return url, nil
	}
	server, err := Launch(context.Background())
	if err != nil {
		return "", err
	}
	return server.URL, nil // its death signal ends it
})

// URL is the address of the shared server. Tests share its keys: prefix yours.
func URL(t testing.TB) string {
	t.Helper()
	url, err := theURL()
	if err != nil {
		t.Fatalf("redistest: a test needs Redis: %v", err)
	}
	return url
}

// Server is a redis-server on a loopback port, which keeps nothing on disk: what a restart loses is
// what a lost Redis loses.
type Server struct {
	Addr string // host:port
	URL  string // redis://host:port

	port   int
	extra  []string // further arguments
	dir    string   // where it runs
	child  *process.Child
	frozen bool
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	server, err := Launch(t.Context())
	if err != nil {
		t.Fatalf("redistest: a test needs Redis: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Errorf("redistest: %v", err)
		}
	})
	return server
}

// Launch starts a server outside a test; the caller stops it, or it ends with the process.
func Launch(ctx context.Context) (*Server, error) {
	return launch(ctx, func(server *Server) error { server.dir = os.TempDir(); return nil })
}

// launch starts a server that prepare has had a look at.
func launch(ctx context.Context, prepare func(*Server) error) (*Server, error) {
	var err error
	// Between finding a free port and using it somebody else may take it.
	for range 5 {
		server := new(Server)
		if server.port, err = freePort(); err != nil {
			return nil, err
		}
		if err := prepare(server); err != nil {
			return nil, err
		}
		server.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(server.port))
		server.URL = "redis://" + server.Addr
		if err = server.launch(ctx); err == nil {
			return server, nil
		}
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("redis-server is not installed (apt-get install redis-server): %w", err)
		}
	}
	return nil, err
}

func (s *Server) launch(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	args := []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port),
		"--save", "", "--appendonly", "no", "--loglevel", "warning", "--databases", "16"}
	cmd := exec.Command(path, append(args, s.extra...)...)
	cmd.Dir = s.dir
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, child); err != nil {
		_ = child.Stop(ctx)
		return err
	}
	s.child, s.frozen = child, false
	return nil
}

func (s *Server) awaitReady(ctx context.Context, child *process.Child) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	for {
		// Its own process id proves that it is this server that answers on the port.
		info, err := client.InfoMap(ctx, "server").Result()
		if err == nil {
			if pid := info["Server"]["process_id"]; pid != strconv.Itoa(child.PID()) {
				return fmt.Errorf("another Redis (process %s) has port %d", pid, s.port)
			}
			return nil
		}
		select {
		case <-child.Done():
			return fmt.Errorf("redis-server ended on port %d: %w", s.port, child.Err())
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop shuts the server down in order; clients see their connections closed.
func (s *Server) Stop() error {
	if err := s.Resume(); err != nil {
		return err
	}
	return s.end(process.Step{Signal: syscall.SIGTERM, Wait: 10 * time.Second})
}

// Kill ends the server as a crash would.
func (s *Server) Kill() error { return s.end() }

func (s *Server) end(steps ...process.Step) error {
	if s.child == nil {
		return nil
	}
	child := s.child
	s.child, s.frozen = nil, false
	return child.Stop(context.Background(), steps...)
}

// Pause freezes the server: connections stay open and nothing answers.
func (s *Server) Pause() error {
	if s.child == nil {
		return errors.New("redis-server is not running")
	}
	s.frozen = true
	return s.child.Signal(syscall.SIGSTOP)
}

// Resume lets a frozen server go on.
func (s *Server) Resume() error {
	if s.child == nil || !s.frozen {
		return nil
	}
	s.frozen = false
	return s.child.Signal(syscall.SIGCONT)
}

// Restart brings the server back, empty, on the same port.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Kill(); err != nil {
		return err
	}
	return s.launch(ctx)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("unexpected address %v", listener.Addr())
	}
	return address.Port, nil
}
