package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/pgtest"
)

func ready(t *testing.T, h *obs.Health) (int, obs.Report) {
	t.Helper()
	w := httptest.NewRecorder()
	h.Ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	var report obs.Report
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
		t.Fatalf("/readyz is no JSON: %v", err)
	}
	return w.Code, report
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func fine(context.Context) error { return nil }

func TestReadyNamesThePartThatFails(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	h := obs.NewHealth(quiet(), 10*time.Second, obs.Check{Name: "database", Probe: database.Pool.Ping}, obs.Check{Name: "redis", Probe: fine})
	if status, report := ready(t, h); status != http.StatusOK || report.Status != "ready" {
		t.Fatalf("before: %d %+v", status, report)
	}
	database.Pool.Close()
	status, report := ready(t, h)
	if status != http.StatusServiceUnavailable || report.Status != "failing" {
		t.Errorf("with a closed pool: %d %+v", status, report)
	}
	if report.Parts["database"].OK || !report.Parts["redis"].OK {
		t.Errorf("the wrong part is blamed: %+v", report.Parts)
	}
}

func TestReadyDoesNotWaitForADeafProbe(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	deaf := func(context.Context) error { <-release; return nil }
	h := obs.NewHealth(quiet(), 10*time.Millisecond, obs.Check{Name: "database", Probe: deaf})
	status, report := ready(t, h)
	if status != http.StatusServiceUnavailable || !strings.Contains(report.Parts["database"].Reason, "no answer within 10ms") {
		t.Errorf("%d %+v", status, report)
	}
}

// TestProbesRunSideBySide has two that wait for each other.
func TestProbesRunSideBySide(t *testing.T) {
	t.Parallel()
	meet := make(chan struct{})
	send := func(ctx context.Context) error {
		select {
		case meet <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	receive := func(ctx context.Context) error {
		select {
		case <-meet:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h := obs.NewHealth(quiet(), 10*time.Second, obs.Check{Name: "one", Probe: send}, obs.Check{Name: "other", Probe: receive})
	if status, report := ready(t, h); status != http.StatusOK || len(report.Parts) != 2 {
		t.Errorf("%d %+v", status, report)
	}
}

func TestReasonStaysInTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	secret := func(context.Context) error { return errors.New("no route to db-7.internal as souk_server") }
	h := obs.NewHealth(obs.NewLogger(&out, slog.LevelInfo, obs.Text), time.Second, obs.Check{Name: "database", Probe: secret})
	_, report := ready(t, h)
	if strings.Contains(report.Parts["database"].Reason, "db-7") {
		t.Errorf("everyone can read %q", report.Parts["database"].Reason)
	}
	if !strings.Contains(out.String(), "db-7") {
		t.Errorf("the operator cannot read why: %s", out.String())
	}
}

func TestDrainingIsUnreadyAndAlive(t *testing.T) {
	t.Parallel()
	h := obs.NewHealth(quiet(), time.Second, obs.Check{Name: "database", Probe: fine})
	h.Drain()
	if status, report := ready(t, h); status != http.StatusServiceUnavailable || report.Status != "draining" {
		t.Errorf("readyz while draining: %d %+v", status, report)
	}
	w := httptest.NewRecorder()
	h.Live(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK {
		t.Errorf("healthz while draining: %d", w.Code)
	}
}
