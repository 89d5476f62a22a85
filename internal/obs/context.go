package obs

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// maxRequestID bounds what a client may make us write into each of its log lines.
const maxRequestID = 64

type (
	requestIDKey struct{}
	attrsKey     struct{}
	notesKey     struct{}
)

// With returns a context whose log lines carry one more attribute: a user's, order's or job's id.
// The value given last for a key wins.
func With(ctx context.Context, key string, value any) context.Context {
	attrs := slices.Clone(contextAttrs(ctx))
	attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Key == key })
	return context.WithValue(ctx, attrsKey{}, append(attrs, slog.Any(key, value)))
}

func contextAttrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return attrs
}

// WithRequestID returns a context that belongs to the request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of the request that the context belongs to, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// NewRequestID makes an id that cannot be guessed from another one.
func NewRequestID() string { return "req_" + strings.ToLower(rand.Text()) }

// ValidRequestID reports whether an id that a client sent may be taken over: 1 to 64 characters out of
// letters, digits and "._-", so that it can forge neither a log line nor a header.
func ValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// Notes collects what the layers below learn about a request, for the one line that its outermost
// layer writes at the end. It is safe for concurrent use.
type Notes struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

// WithNotes returns a context that Note writes to, and the notes.
func WithNotes(ctx context.Context) (context.Context, *Notes) {
	notes := &Notes{}
	return context.WithValue(ctx, notesKey{}, notes), notes
}

// Note adds an attribute to the access line of the request that ctx belongs to: the user, the name of
// the operation. Outside a request it does nothing.
func Note(ctx context.Context, key string, value any) {
	notes, ok := ctx.Value(notesKey{}).(*Notes)
	if !ok {
		return
	}
	notes.mu.Lock()
	defer notes.mu.Unlock()
	notes.attrs = append(notes.attrs, slog.Any(key, value))
}

// Attrs is what has been noted so far.
func (n *Notes) Attrs() []slog.Attr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.attrs)
}
