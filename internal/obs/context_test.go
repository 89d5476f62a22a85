package obs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/souklive/souk/internal/obs"
)

func TestValidRequestID(t *testing.T) {
	t.Parallel()
	valid := []string{"a", "req_0af", "0190f6b2-7c1e-7d4a", "A.b-C_9", strings.Repeat("x", 64)}
	invalid := []string{
		"", strings.Repeat("x", 65), "a b", "a\nlevel=ERROR", "a\r\nSet-Cookie: x", "a\x00", "a\x1b[31m", "é", "a\"b", "a=b", "a/b",
	}
	for _, id := range valid {
		if !obs.ValidRequestID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range invalid {
		if obs.ValidRequestID(id) {
			t.Errorf("%q is accepted", id)
		}
	}
}

func TestNewRequestIDsAreValidAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := obs.NewRequestID()
		if !obs.ValidRequestID(id) || seen[id] {
			t.Fatalf("%q is invalid or was given before", id)
		}
		seen[id] = true
	}
}

func TestLinesCarryTheContext(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo, obs.JSON).With("part", "orders")

	ctx := obs.WithRequestID(t.Context(), "req_1")
	ctx = obs.With(ctx, "user", "usr_1")
	ctx = obs.With(ctx, "order", "ord_1")
	inner := obs.With(ctx, "order", "ord_2")
	log.InfoContext(inner, "paid")

	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("the line is no JSON: %v: %s", err, out.String())
	}
	for key, want := range map[string]string{"request": "req_1", "user": "usr_1", "order": "ord_2", "part": "orders"} {
		if line[key] != want {
			t.Errorf("%s = %v, want %s", key, line[key], want)
		}
	}
	if strings.Count(out.String(), `"order"`) != 1 {
		t.Errorf("the outer order is still in the line: %s", out.String())
	}
}

func TestWithLeavesTheOuterContextAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo, obs.Text)
	base := obs.With(t.Context(), "user", "usr_1")
	_ = obs.With(base, "order", "ord_left")
	_ = obs.With(base, "order", "ord_right")
	log.InfoContext(base, "hello")
	if strings.Contains(out.String(), "ord_") {
		t.Errorf("a sibling's attribute is in the line: %s", out.String())
	}
}

func TestLinesWithoutAContextAreBare(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	obs.NewLogger(&out, slog.LevelInfo, obs.JSON).Info("hello")
	if strings.Contains(out.String(), "request") {
		t.Errorf("a request where there is none: %s", out.String())
	}
}

func TestTextLineCannotBeForged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo, obs.Text)
	log.Info("request", "path", "/a\nlevel=ERROR msg=forged")
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Errorf("%d lines from one: %s", lines, out.String())
	}
}

func TestLevelHolds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelWarn, obs.Text)
	log.Info("quiet")
	log.Warn("loud")
	if strings.Contains(out.String(), "quiet") || !strings.Contains(out.String(), "loud") {
		t.Errorf("the level does not hold: %s", out.String())
	}
}

func TestNotesReachTheOutermostLayer(t *testing.T) {
	t.Parallel()
	ctx, notes := obs.WithNotes(t.Context())
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { obs.Note(obs.With(ctx, "deeper", 1), "field", "bid") })
	}
	wait.Wait()
	if got := len(notes.Attrs()); got != 50 {
		t.Errorf("%d notes, want 50", got)
	}
	obs.Note(t.Context(), "nobody", "reads this") // must not panic
}

func TestFormat(t *testing.T) {
	t.Parallel()
	var f obs.Format
	if err := f.UnmarshalText([]byte("json")); err != nil || f != obs.JSON {
		t.Errorf("json = %q, %v", f, err)
	}
	if err := f.UnmarshalText([]byte("xml")); err == nil || !strings.Contains(err.Error(), "text or json") {
		t.Errorf("xml gave %v, want the formats that there are", err)
	}
}
