package obs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Check is one part that the server cannot work without.
type Check struct {
	Name  string
	Probe func(ctx context.Context) error
}

// Health answers whether the process lives and whether it can do its work.
type Health struct {
	log      *slog.Logger
	bound    time.Duration
	checks   []Check
	draining atomic.Bool
}

// NewHealth probes the checks side by side; one that does not answer within bound has failed.
func NewHealth(log *slog.Logger, bound time.Duration, checks ...Check) *Health {
	return &Health{log: log, bound: bound, checks: checks}
}

// Drain makes the server unready for good, so that no new work is sent to it.
func (h *Health) Drain() { h.draining.Store(true) }

// Live answers 200 for as long as the process can answer at all.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, Report{Status: "alive"})
}

// Ready answers 200 when every part does, else 503 and which one fails.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	report := h.Probe(r.Context())
	status := http.StatusOK
	if report.Status != "ready" {
		status = http.StatusServiceUnavailable
	}
	writeHealth(w, status, report)
}

// Report is the state of each part. Its reasons are general: the log has what the part said, which may
// name hosts and users.
type Report struct {
	Status string          `json:"status"` // alive, ready, failing, draining
	Parts  map[string]Part `json:"parts,omitempty"`
}

// Part is the state of one part.
type Part struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
	Millis int64  `json:"ms"`
}

// Probe asks every part.
func (h *Health) Probe(ctx context.Context) Report {
	report := Report{Status: "ready", Parts: make(map[string]Part, len(h.checks))}
	parts := make([]Part, len(h.checks))
	var wait sync.WaitGroup
	for i, check := range h.checks {
		wait.Go(func() { parts[i] = h.probe(ctx, check) })
	}
	wait.Wait()
	for i, check := range h.checks {
		report.Parts[check.Name] = parts[i]
		if !parts[i].OK {
			report.Status = "failing"
		}
	}
	if h.draining.Load() {
		report.Status = "draining"
	}
	return report
}

// probe bounds one check, also one that does not heed its context.
func (h *Health) probe(ctx context.Context, check Check) Part {
	ctx, cancel := context.WithTimeout(ctx, h.bound)
	defer cancel()
	start := time.Now()
	answer := make(chan error, 1)
	go func() { answer <- check.Probe(ctx) }()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	part := Part{OK: err == nil, Millis: time.Since(start).Milliseconds()}
	switch {
	case err == nil:
		return part
	case errors.Is(err, context.DeadlineExceeded):
		part.Reason = "no answer within " + h.bound.String()
	default:
		part.Reason = "refused"
	}
	h.log.WarnContext(ctx, "not ready", "part", check.Name, "error", err)
	return part
}

func writeHealth(w http.ResponseWriter, status int, report Report) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report) // a prober that has gone away is no fault of ours
}
