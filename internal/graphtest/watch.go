package graphtest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
)

// Line is one line of the log.
type Line struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string
}

// Log keeps what is logged.
type Log struct {
	mu    sync.Mutex
	lines []Line
}

var _ slog.Handler = (*Log)(nil)

// Enabled is true from Info on.
func (l *Log) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle keeps a record.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	line := Line{Level: r.Level, Message: r.Message, Attrs: map[string]string{}}
	r.Attrs(func(attr slog.Attr) bool {
		line.Attrs[attr.Key] = attr.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// WithAttrs and WithGroup are not used by what is tested here.
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup is the same handler.
func (l *Log) WithGroup(string) slog.Handler { return l }

// Drain gives the lines from a level on that came since it was last called, and forgets all.
func (l *Log) Drain(from slog.Level) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []Line
	for _, line := range l.lines {
		if line.Level >= from {
			lines = append(lines, line)
		}
	}
	l.lines = nil
	return lines
}

// Forget drops the lines with a message.
func (l *Log) Forget(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = slices.DeleteFunc(l.lines, func(line Line) bool { return line.Message == message })
}

// Statements keeps the SQL that is sent: BEGIN and COMMIT are round trips as well.
type Statements struct {
	mu      sync.Mutex
	sent    []string
	keyless []string // mutations that have posted to the ledger and are not @idempotent
}

var (
	_ pgx.QueryTracer = (*Statements)(nil)
	_ pgx.BatchTracer = (*Statements)(nil)
)

// TraceQueryStart keeps a statement.
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.keep(ctx, data.SQL)
	return ctx
}

func (s *Statements) keep(ctx context.Context, sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(sql)
	s.sent = append(s.sent, name)
	if name == "LedgerPost" || name == "LedgerReverse" {
		s.posted(ctx)
	}
}

// looks are the mutations that do nothing themselves: they ask the provider what has become of a mutation that took a key.
var looks = []string{"walletTopUpRefresh", "orderPaymentRefresh"}

// posted notes the mutation that posts, where it takes no key. A query never posts, and is noted too.
func (s *Statements) posted(ctx context.Context) {
	root := graphql.GetRootFieldContext(ctx)
	if root == nil || root.Field.Definition == nil { // a job, a test, or bids that are committed together
		return
	}
	if field := root.Field.Definition; field.Directives.ForName("idempotent") == nil && !slices.Contains(looks, field.Name) {
		s.keyless = append(s.keyless, field.Name)
	}
}

// Keyless are the root fields that have moved money and can't be retried: there should be none.
func (s *Statements) Keyless() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keyless)
}

// TraceBatchStart has nothing to do.
func (s *Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery keeps a statement that was sent together with others.
func (s *Statements) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.keep(ctx, data.SQL)
}

// TraceBatchEnd has nothing to do.
func (s *Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceQueryEnd has nothing to do.
func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Drain gives what was sent since it was last called.
func (s *Statements) Drain() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = nil
	return sent
}

// nameOf is the name that the query has in queries/, or its first words.
func nameOf(sql string) string {
	if rest, ok := strings.CutPrefix(strings.TrimSpace(sql), "-- name: "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	words := strings.Fields(sql)
	return strings.Join(words[:min(3, len(words))], " ")
}
