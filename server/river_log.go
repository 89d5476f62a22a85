package main

import (
	"context"
	"log/slog"
	"strings"
)

// riverLog leaves out what River says without need: each job and each election below a warning, and, as
// errors, the queries that it cancels itself when it stops, and that a connection which it has closed meanwhile can't be told to listen no more.
type riverLog struct{ slog.Handler }

// Enabled is false below a warning.
func (h riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle drops what is only the stop.
func (h riverLog) Handle(ctx context.Context, record slog.Record) error {
	stop := false
	unlistens := strings.HasSuffix(record.Message, "Error unlistening on topic")
	record.Attrs(func(attr slog.Attr) bool {
		text := attr.Value.String() // River gives some errors as values and some as text
		stop = strings.HasSuffix(text, context.Canceled.Error()) || unlistens && strings.HasSuffix(text, "conn closed")
		return !stop
	})
	if stop {
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
