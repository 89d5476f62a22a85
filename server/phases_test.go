package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestCtrlCInEachPhase interrupts the start of a demo on one fresh state directory again and again, further on
// each time. Each must end well and leave no PostgreSQL behind, and the last start must find nothing amiss.
func TestCtrlCInEachPhase(t *testing.T) {
	t.Parallel()
	state := openDir(t)
	environ := []string{"SOUK_STATE_DIR=" + state, "SOUK_ADDR=127.0.0.1:0"}
	stopped := func(phase string, p *program) {
		t.Helper()
		if code := p.exit(t); code != 0 {
			t.Fatalf("%s: exit %d:\n%s", phase, code, p.log.String())
		}
		if log := p.log.String(); strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "Everything is stopped.") {
			t.Errorf("%s: it does not look like a clean stop:\n%s", phase, log)
		}
		if postgresRuns(t, state) {
			t.Errorf("%s: PostgreSQL is left behind", phase)
		}
	}

	initialising := startSeeded(t, environ, seedDemo)
	awaitFile(t, filepath.Join(state, "postgres"), initialising)
	initialising.interrupt()
	stopped("while the cluster is made", initialising)

	migrating := startSeeded(t, environ, seedDemo)
	migrating.await(t, `"msg":"migrated"`)
	migrating.interrupt()
	stopped("while migrating", migrating)

	var seeding *program
	ready := make(chan struct{})
	seeding = startSeeded(t, environ, func(ctx context.Context, a *app) (demoResult, error) {
		<-ready
		go func() { awaitUser(ctx, a); seeding.interrupt() }()
		return seedDemo(ctx, a)
	})
	close(ready)
	stopped("while seeding", seeding)

	whole := startSeeded(t, environ, seedDemo)
	if got := post(t, whole.url(t)+"/graphql", `{"query":"{ __typename }"}`); got.code != http.StatusOK {
		t.Errorf("after all that: %+v", got)
	}
	whole.interrupt()
	stopped("when all is up", whole)

	code, stdout, stderr := call(t, environ, "ledger", "check")
	if code != 0 {
		t.Errorf("souk ledger check: exit %d\n%s%s", code, stdout, stderr)
	}
}

func awaitFile(t *testing.T, path string, p *program) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("it ended with %d:\n%s", p.code, p.log.String())
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

// awaitUser returns when the first of the demo's people exists.
func awaitUser(ctx context.Context, a *app) {
	for ctx.Err() == nil {
		if _, known, err := a.demo.Identity.UserByEmail(ctx, "hana@souk.example"); err == nil && known {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAFailedStartClosesWhatWasOpened fails after PostgreSQL is up.
func TestAFailedStartClosesWhatWasOpened(t *testing.T) {
	t.Parallel()
	state, addr, nobody := openDir(t), freeAddr(t), freeAddr(t)
	p := start(t, []string{"SOUK_STATE_DIR=" + state, "SOUK_ADDR=" + addr, "REDIS_URL=redis://" + nobody}, "serve")
	if code := p.exit(t); code != exitFailure || !strings.Contains(p.log.String(), "souk: REDIS_URL: ") {
		t.Errorf("exit %d:\n%s", code, p.log.String())
	}
	assertOrder(t, p.log.String(), `"part":"database connections"`, `"part":"PostgreSQL"`)
	if postgresRuns(t, state) {
		t.Error("PostgreSQL is left behind")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatalf("the address was not given back: %v", err)
	}
	_ = listener.Close()
}

// TestTwoDemosSideBySide starts both without an address, as two clones would.
func TestTwoDemosSideBySide(t *testing.T) {
	t.Parallel()
	demos := make([]*program, 2)
	for i := range demos {
		demos[i] = start(t, []string{"SOUK_STATE_DIR=" + openDir(t), "SOUK_LOG_LEVEL=info"}, "demo")
	}
	first, second := demos[0].url(t), demos[1].url(t)
	if first == second {
		t.Fatalf("both at %s", first)
	}
	for i, p := range demos {
		if got := post(t, []string{first, second}[i]+"/graphql", `{"query":"{ __typename }"}`); got.code != http.StatusOK {
			t.Errorf("%+v", got)
		}
		p.awaitBanner(t)
		checkScreen(t, p.out.String())
		p.interrupt()
	}
	for _, p := range demos {
		if code := p.exit(t); code != 0 || !strings.Contains(p.log.String(), "Everything is stopped.") {
			t.Errorf("exit %d:\n%s", code, p.log.String())
		}
	}
}

func checkScreen(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("more than 80 columns: %s", line)
		}
	}
	for _, want := range []string{"hana@souk.example", "open-sesame", "support", "admin", "3. "} {
		if !strings.Contains(text, want) {
			t.Errorf("the banner lacks %q:\n%s", want, text)
		}
	}
}
