package work

import (
	"context"
	"log/slog"
	"time"
)

// Every does something again and again until ctx ends. What fails is logged, with what it is, and done again next time.
func Every(ctx context.Context, d time.Duration, log *slog.Logger, what string, do func(context.Context) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if ctx.Err() != nil { // both have come
				return nil
			}
			if err := do(ctx); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "what is done again and again failed and will be tried again", "doing", what, "error", err)
			}
		}
	}
}
