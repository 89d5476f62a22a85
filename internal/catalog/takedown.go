package catalog

import (
	"context"
	"log/slog"
	"time"
)

// takedownsEvery is how often a server asks whether something is not for everybody any more.
const takedownsEvery = time.Second

// TakedownLoop calls forget after each second in which a listing was hidden, restricted or deleted, or a seller banned, until ctx ends.
// While the database does not answer nobody takes anything down either; what was taken down before is found when it is back.
func (s *Service) TakedownLoop(ctx context.Context, log *slog.Logger, forget func()) error {
	seen := "1:1:" // a snapshot that knows nothing
	tick := time.NewTicker(takedownsEvery)
	defer tick.Stop()
	for {
		row, err := s.q.TakedownsSince(ctx, s.pool, seen)
		if err == nil {
			if seen = row.Snapshot; row.AnyNew {
				forget()
			}
		} else if ctx.Err() == nil {
			log.ErrorContext(ctx, "what was taken down could not be asked for; what viewers were told before is told on until it can", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
