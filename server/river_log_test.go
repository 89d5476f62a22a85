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
	log.Error("notifier.Notifier: Error unlistening on topic", "err", errors.New(`error unlistening on topic "river_control": conn closed`), "topic", "river_control")
	if out.String() != "" {
		t.Errorf("noise:\n%s", out.String())
	}
	log.Warn("slow")
	log.Error("maintenance", "error", errors.New("no such table"))
	log.Error("notifier.Notifier: Error unlistening on topic", "err", errors.New("permission denied"))
	log.Error("maintenance", "error", "conn closed")
	if text := out.String(); !strings.Contains(text, "slow") || !strings.Contains(text, "no such table") || strings.Count(text, "part=river") != 4 {
		t.Errorf("what matters is lost:\n%s", text)
	}
}
