package graph

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// panicked is a resolver's panic as an error, with the stack for the log.
type panicked struct {
	cause any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// recovered turns a panic into an error; the presenter logs it, as it does any other.
func recovered(_ context.Context, cause any) error {
	return &panicked{cause: cause, stack: debug.Stack()}
}

var _ graphql.RecoverFunc = recovered

type failuresKey struct{}

// failures are the causes that a response has logged already: one query that fails for a loader fails twenty fields.
type failures struct {
	mu     sync.Mutex
	logged map[string]bool
}

func withFailures(ctx context.Context) context.Context {
	return context.WithValue(ctx, failuresKey{}, &failures{})
}

// firstOf reports whether the response meets this cause for the first time.
func firstOf(ctx context.Context, err error) bool {
	f, ok := ctx.Value(failuresKey{}).(*failures)
	if !ok {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	cause := causeOf(err)
	first := !f.logged[cause]
	if f.logged == nil {
		f.logged = map[string]bool{}
	}
	f.logged[cause] = true
	return first
}

// causeOf is what an error says below the place in the response where it came up.
func causeOf(err error) string {
	var located *gqlerror.Error
	if errors.As(err, &located) && located.Err != nil {
		err = located.Err
	}
	return err.Error()
}

// stackOf is the stack of a panic for the log.
func stackOf(err error) []any {
	if p, ok := errors.AsType[*panicked](err); ok {
		return []any{"stack", string(p.stack)}
	}
	return nil
}
