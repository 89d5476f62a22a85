package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	starts := []start{{answer: 30 * time.Millisecond}, {answer: 10 * time.Millisecond}, {answer: 20 * time.Millisecond}}
	low, mid, high := spread(starts, start.toAnswer)
	if low != 10 || mid != 20 || high != 30 {
		t.Errorf("spread = %d, %d, %d; want 10, 20, 30", low, mid, high)
	}
}

func TestReportEndsWithResults(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	one := []start{{answer: 1500 * time.Millisecond, banner: 2 * time.Second, stop: time.Second}}
	report(&out, one, one)
	for _, want := range []string{"RESULT start_cold_ms 1500\n", "RESULT start_warm_ms 1500\n", "RESULT start_warm_banner_ms 2000\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestWatcherSeesAMarkerInPieces(t *testing.T) {
	t.Parallel()
	w := &watcher{marker: []byte("marker"), seen: make(chan struct{})}
	for _, piece := range []string{"a mar", "ker, an", "other marker"} {
		if n, err := io.WriteString(w, piece); n != len(piece) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	select {
	case <-w.seen:
	default:
		t.Error("the marker was not seen")
	}
}

func TestAwaitAnswerWantsData(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			_, _ = io.WriteString(w, `{"errors":[{"message":"not yet"}]}`)
		default:
			_, _ = io.WriteString(w, `{"data":{"__typename":"Query"}}`)
		}
	}))
	defer server.Close()
	if err := awaitAnswer(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	if got := asked.Load(); got != 3 {
		t.Errorf("asked %d times, want 3: an error is no answer", got)
	}
}

func TestAwaitAnswerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awaitAnswer(ctx, "http://127.0.0.1:1"); err == nil {
		t.Error("no error from a cancelled wait")
	}
}

func TestEnvironmentIsTheNewcomers(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres:///mine")
	t.Setenv("SOUK_ENV", "production")
	t.Setenv("PGHOST", "elsewhere")
	env := environment("127.0.0.1:1", "/state")
	for _, pair := range env {
		if strings.HasPrefix(pair, "DATABASE_URL=") || strings.HasPrefix(pair, "SOUK_ENV=") || strings.HasPrefix(pair, "PGHOST=") {
			t.Errorf("%s reaches the program", pair)
		}
	}
	if !slices.Contains(env, "SOUK_ADDR=127.0.0.1:1") || !slices.Contains(env, "SOUK_STATE_DIR=/state") {
		t.Error("the address or the state directory is missing")
	}
}

func TestRunRefusesTooMuch(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-runs", "0"}, {"-runs", "1000"}, {"-souk", "/nowhere/souk", "-runs", "1"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q) gave no error", args)
		}
	}
}
