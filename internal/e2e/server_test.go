package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/process"
	"github.com/souklive/souk/internal/redistest"
)

// patience bounds whatever is waited for; a test that needs it all has failed.
const patience = 45 * time.Second

// site is where servers are started: what they share, and their settings.
type site struct {
	t        *testing.T
	program  string           // of its servers
	db       *pgtest.Database // nil where the server starts a PostgreSQL of its own
	stateDir string
	settings map[string]string
	tolerant bool // servers may log errors: what they need is taken from them
}

// newSite has a database of its own and the Redis of all tests.
func newSite(t *testing.T) *site {
	t.Helper()
	s := privateSite(t)
	s.db = pgtest.New(t)
	t.Cleanup(func() {
		if !t.Failed() {
			s.checkBidsReplay()
		}
	})
	s.settings["DATABASE_URL"], s.settings["DATABASE_ADMIN_URL"] = s.db.URL, s.db.AdminURL
	s.settings["REDIS_URL"] = redistest.URL(t)
	s.settings["SOUK_DB_MAX_CONNS"] = "12"
	return s
}

// privateSite has nothing but a state directory, as on a newcomer's machine.
func privateSite(t *testing.T) *site {
	t.Helper()
	readSources(t)
	dir := stateDir(t)
	return &site{t: t, program: program, stateDir: dir, settings: map[string]string{
		"SOUK_STATE_DIR": dir, "SOUK_ADDR": "127.0.0.1:0", "SOUK_LOG_FORMAT": "json",
	}}
}

// stateDir is a directory that PostgreSQL's user may pass through, which t.TempDir's is not.
func stateDir(t *testing.T) string {
	t.Helper()
	base := os.TempDir()
	if os.Geteuid() == 0 {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "souk-e2e-state-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// another is the same site with a state directory of its own: another machine beside the first.
func (s *site) another() *site {
	s.t.Helper()
	other := *s
	other.stateDir = stateDir(s.t)
	other.settings = maps.Clone(s.settings)
	other.settings["SOUK_STATE_DIR"] = other.stateDir
	return &other
}

// command is a call of the program with the site's settings and nothing else of ours.
func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, args...)
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		cmd.Env = append(cmd.Env, name+"="+s.settings[name])
	}
	// A process that the program leaves behind must not keep us waiting for the end of its output.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// checkLedger runs `souk ledger check`, which has to find that every balance holds.
func (s *site) checkLedger() {
	s.t.Helper()
	out, err := s.command("ledger", "check").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Every balance holds.")) {
		s.t.Errorf("souk ledger check: %v\n%s", err, out)
	}
}

// checkOrders runs `souk order check`: orders, goods, codes, labels, providers and money agree.
func (s *site) checkOrders() {
	s.t.Helper()
	out, err := s.command("order", "check").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Orders, goods, codes and money agree.")) {
		s.t.Errorf("souk order check: %v\n%s", err, out)
	}
}

// checkBidsReplay runs `souk auction replay`, which has to find that the rules say of each lot what is stored. Every test ends with it.
func (s *site) checkBidsReplay() {
	s.t.Helper()
	if out, err := s.command("auction", "replay", "--all").CombinedOutput(); err != nil {
		s.t.Errorf("souk auction replay: %v\n%s", err, out)
	}
}

// server is a running process of the program.
type server struct {
	t     *testing.T
	child *process.Child
	log   *serverLog
	url   string
	ended bool // and looked at

	tolerant bool
}

// start starts `souk serve` and returns when it serves.
func (s *site) start(args ...string) *server {
	s.t.Helper()
	srv := s.launch(args...)
	select {
	case srv.url = <-srv.log.serving:
	case <-srv.child.Done():
		s.t.Fatalf("souk serve ended: %v", srv.child.Err())
	case <-time.After(patience):
		s.t.Fatalf("souk serve does not serve after %s", patience)
	}
	return srv
}

// launch starts `souk serve` and does not wait.
func (s *site) launch(args ...string) *server {
	s.t.Helper()
	cmd := s.command(append([]string{"serve"}, args...)...)
	log := newServerLog()
	cmd.Stderr = log
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		s.t.Fatal(err)
	}
	srv := &server{t: s.t, child: child, log: log, tolerant: s.tolerant}
	s.t.Cleanup(srv.cleanUp)
	return srv
}

// client is nobody in particular.
func (s *server) client() apitest.Client { return apitest.Client{URL: s.url} }

// signal sends a signal, waits for the end and gives the exit code; -1 is a death by signal.
func (s *server) signal(sig syscall.Signal) int {
	s.t.Helper()
	if err := s.child.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.child.Done():
	case <-time.After(patience):
		s.t.Fatalf("the server goes on %s after %v", patience, sig)
	}
	s.ended = true
	var exit *exec.ExitError
	if err := s.child.Err(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	return 0
}

// kill ends the server as a crash would.
func (s *server) kill() {
	s.t.Helper()
	if code := s.signal(syscall.SIGKILL); code != -1 {
		s.t.Errorf("the killed server ended by itself, with code %d", code)
	}
}

// stop ends the server in order, as Ctrl-C does.
func (s *server) stop() {
	s.t.Helper()
	if code := s.signal(syscall.SIGINT); code != 0 {
		s.t.Errorf("the server ended with code %d", code)
	}
}

// cleanUp ends a server that still runs and looks at what every server must not have said.
func (s *server) cleanUp() {
	if !s.ended {
		_ = s.child.Stop(context.Background(), process.Step{Signal: syscall.SIGTERM, Wait: 25 * time.Second})
		if err := s.child.Err(); err != nil && !s.t.Failed() {
			s.t.Errorf("the server ended with %v", err)
		}
	}
	never := []string{"DATA RACE", "panic"}
	if !s.tolerant {
		never = append(never, `"level":"ERROR"`)
	}
	for _, bad := range never {
		if line := s.log.find(bad); line != "" {
			s.t.Errorf("the server's log: %s", line)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the end of the server's log:\n%s", s.log.tail(40))
	}
}

// serverLog keeps what a server writes, and tells its address.
type serverLog struct {
	serving chan string

	mu    sync.Mutex
	lines []string
	part  []byte // of a line that has not ended
}

func newServerLog() *serverLog { return &serverLog{serving: make(chan string, 1)} }

func (l *serverLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, data...)
	for {
		line, rest, found := bytes.Cut(l.part, []byte("\n"))
		if !found {
			return len(data), nil
		}
		l.lines = append(l.lines, string(line))
		l.part = rest
		var record struct{ Msg, URL string }
		if json.Unmarshal(line, &record) == nil && record.Msg == "serving" {
			l.serving <- record.URL
		}
	}
}

// find gives the first line that contains the text, with what follows it.
func (l *serverLog) find(text string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, line := range l.lines {
		if strings.Contains(line, text) {
			return strings.Join(l.lines[i:min(i+30, len(l.lines))], "\n")
		}
	}
	return ""
}

func (l *serverLog) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-n):], "\n")
}

// eventually waits for a condition that no event announces; it is asked again soon.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s", what, patience)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
