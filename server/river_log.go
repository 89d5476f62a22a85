package main

import (
	"context"
	"log/slog"
	"strings"
)

// riverLog leaves out what River says without need: each job and each election below a warning, and, as
// errors, the queries that it cancels itself when it stops.
type riverLog struct{ slog.Handler }

// Enabled is false below a warning.
func (h riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle drops what is only the stop.
func (h riverLog) Handle(ctx context.Context, record slog.Record) error {
	cancelled := false
	record.Attrs(func(attr slog.Attr) bool {
		// River gives some errors as values and some as text.
		cancelled = strings.HasSuffix(attr.Value.String(), context.Canceled.Error())
		return !cancelled
	})
	if cancelled {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps the filter.
func (h riverLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return riverLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the filter.
func (h riverLog) WithGroup(name string) slog.Handler { return riverLog{h.Handler.WithGroup(name)} }
