package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Format is the shape of a log line.
type Format string

// The formats: text for a person at a terminal, JSON for a collector.
const (
	Text Format = "text"
	JSON Format = "json"
)

// UnmarshalText accepts the known formats.
func (f *Format) UnmarshalText(text []byte) error {
	switch Format(text) {
	case Text, JSON:
		*f = Format(text)
		return nil
	default:
		return fmt.Errorf("%q is no log format; use text or json", text)
	}
}

// NewLogger writes lines of the format, from the level up, each with its context's ids.
func NewLogger(w io.Writer, level slog.Leveler, format Format) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == JSON {
		return slog.New(NewHandler(slog.NewJSONHandler(w, options)))
	}
	return slog.New(NewHandler(slog.NewTextHandler(w, options)))
}

// NewHandler adds the request id and the attributes of the context to each record.
func NewHandler(next slog.Handler) slog.Handler { return contextHandler{next} }

type contextHandler struct{ next slog.Handler }

func (h contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h contextHandler) Handle(ctx context.Context, record slog.Record) error {
	id, attrs := RequestID(ctx), contextAttrs(ctx)
	if id == "" && len(attrs) == 0 {
		return h.next.Handle(ctx, record)
	}
	record = record.Clone() // other handlers may hold the same record
	if id != "" {
		record.AddAttrs(slog.String("request", id))
	}
	record.AddAttrs(attrs...)
	return h.next.Handle(ctx, record)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.next.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.next.WithGroup(name)}
}
