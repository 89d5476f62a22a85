package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/obs"
)

func TestRiverIsQuietAboutItsOwnStop(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(riverLog{obs.NewLogger(&out, slog.LevelInfo, obs.Text).Handler()}).With("part", "river").WithGroup("job")
	stopping := fmt.Errorf("begin: %w", context.Canceled)
	log.Info("elected")
	log.Error("maintenance", "error", stopping)
	log.Error("maintenance", "error", stopping.Error())
	if out.String() != "" {
		t.Errorf("noise:\n%s", out.String())
	}
	log.Warn("slow")
	log.Error("maintenance", "error", errors.New("no such table"))
	if text := out.String(); !strings.Contains(text, "slow") || !strings.Contains(text, "no such table") || strings.Count(text, "part=river") != 2 {
		t.Errorf("what matters is lost:\n%s", text)
	}
}
