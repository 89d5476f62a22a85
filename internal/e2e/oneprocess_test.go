package e2e

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// serviceRestart is the close code that asks a client to come back.
const serviceRestart = 1012

// What a newcomer has: one process, with a PostgreSQL of its own. It is killed, comes back with everything, and
// ends in order at last.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	site := privateSite(t)
	first := site.start()
	hana, bilal := first.signUp("Hana", "SELLER"), first.signUp("Bilal", "BUYER")
	bilal.topUp(t, 100)
	lot := hana.openLot(t, 600, 0)
	viewer, watching := first.opens(lot)
	placed, err := bilal.place(lot, 1000, "one")
	if err != nil || placed.Code != "" {
		t.Fatalf("a bid: %+v, %v", placed, err)
	}
	if err := viewer.read(watching, viewer.reached(2)); err != nil {
		t.Fatal(err)
	}
	first.kill()

	second := site.start() // at once: the dead server's PostgreSQL may still be on its way out
	bilal = bilal.at(second)
	if available, held := bilal.wallet(t); available != 9000 || held != 1000 {
		t.Errorf("after the kill %d are free and %d held", available, held)
	}
	if again, err := bilal.place(lot, 1000, "one"); err != nil || again != placed {
		t.Errorf("the retried bid is %+v, %v; it was %+v", again, err, placed)
	}
	chloe := second.signUp("Chloé", "BUYER")
	chloe.topUp(t, 100) // the Stripe fake came back, too
	watching = chloe.Subscribe(t, watch, viewer.resume())
	if placed, err := chloe.place(lot, 1100, "two"); err != nil || placed.Number != 2 {
		t.Errorf("the second bid: %+v, %v", placed, err)
	}
	if err := viewer.read(watching, viewer.reached(3)); err != nil {
		t.Errorf("the viewer who came back: %v", err)
	}
	site.checkLedger() // beside the running server
	events := chloe.Listen(t, watch, apitest.Vars{"auction": lot})
	if _, err := events.Receive(); err != nil {
		t.Fatal(err)
	}
	drains(t, second, watching, events)
	if left := postgresOf(t, site.stateDir); len(left) > 0 {
		t.Errorf("PostgreSQL goes on: %v", left)
	}
	site.checkLedger() // by itself
}

// drains stops a server in order: viewers are told to come back, and the program ends well.
func drains(t *testing.T, srv *server, socket *apitest.Stream, events *apitest.EventStream) {
	t.Helper()
	told := make(chan error, 1)
	go func() {
		_, err := socket.Receive()
		told <- err
	}()
	if code := srv.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("the server ended with code %d", code)
	}
	if err := <-told; apitest.CloseCode(err) != serviceRestart {
		t.Errorf("the socket ended with %v, want close code %d", err, serviceRestart)
	}
	var err error
	for err == nil { // events from before may be on their way
		_, err = events.Receive()
	}
	if !errors.Is(err, apitest.ErrComplete) && !errors.Is(err, io.EOF) {
		t.Errorf("the event stream ended with %v", err)
	}
}

// postgresOf gives the commands of the PostgreSQL processes that work below a directory.
func postgresOf(t *testing.T, dir string) (commands []string) {
	t.Helper()
	pids, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pids {
		raw, err := os.ReadFile(filepath.Join(path, "cmdline"))
		if err != nil {
			continue // it has ended since
		}
		command := strings.ReplaceAll(string(raw), "\x00", " ")
		if strings.Contains(command, dir) && strings.Contains(command, "postgres") {
			commands = append(commands, command)
		}
	}
	return commands
}

// A Ctrl-C while the server is making its database leaves nothing running, and nothing half made.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	site := privateSite(t)
	srv := site.launch()
	eventually(t, "PostgreSQL's directory", func() bool {
		_, err := os.Stat(filepath.Join(site.stateDir, "postgres"))
		return err == nil
	})
	if code := srv.signal(syscall.SIGINT); code != 0 {
		t.Errorf("the server that was stopped while starting ended with code %d", code)
	}
	if left := postgresOf(t, site.stateDir); len(left) > 0 {
		t.Errorf("PostgreSQL goes on: %v", left)
	}
	again := site.start()
	again.stop()
}
