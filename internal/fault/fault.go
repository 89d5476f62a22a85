// Package fault is the vocabulary in which every part of Souk refuses.
//
// An expected refusal is an *Error with a kind, a stable machine-readable code and a sentence for a
// person. The GraphQL layer turns it into a payload's userErrors or into a top-level error; anything
// that is no *Error is unknown, is logged once by the presenter, and leaves as INTERNAL.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Kind says who has to act on a refusal, and how.
type Kind uint8

// The kinds. A client can fix Invalid by changing its input, Unauthenticated by signing in,
// Precondition by changing the state of the world (paying in, waiting), Conflict by reading again;
// RateLimited and Unavailable by trying later. Forbidden and NotFound are final.
const (
	Internal Kind = iota
	Invalid
	Unauthenticated
	Forbidden
	NotFound
	Conflict
	Precondition
	RateLimited
	Unavailable
)

var kindNames = [...]string{
	"INTERNAL", "INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND",
	"CONFLICT", "PRECONDITION_FAILED", "RATE_LIMITED", "UNAVAILABLE",
}

// String is the kind's name as clients see it in extensions.kind.
func (k Kind) String() string { return kindNames[k] }

// Retryable reports whether the same request may succeed later without any change.
func (k Kind) Retryable() bool { return k == RateLimited || k == Unavailable }

// Error is one expected refusal.
type Error struct {
	Kind    Kind
	Code    string         // stable, upper snake case: BID_TOO_LOW
	Message string         // one sentence for a person; never a secret, never another user's data
	Field   []string       // path into the mutation's input, where one field is to blame
	Data    map[string]any // what a client needs next, for typed errors: minimum, balance
	RetryIn time.Duration  // for RateLimited and Unavailable, where known
	Err     error          // the cause, for the log only
}

// New makes a refusal; the message may be formatted.
func New(kind Kind, code, message string, args ...any) *Error {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	return &Error{Kind: kind, Code: code, Message: message}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Message + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is match by code, so that a refusal with data equals its bare sentinel.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// At returns a copy that blames one field of the input.
func (e *Error) At(field ...string) *Error {
	c := *e
	c.Field = field
	return &c
}

// With returns a copy that carries one more datum.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Data = make(map[string]any, len(e.Data)+1)
	maps.Copy(c.Data, e.Data)
	c.Data[key] = value
	return &c
}

// Because returns a copy that carries its cause for the log.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// As finds the refusal in a chain of errors.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// KindOf is the kind of the refusal in the chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// Wrap adds the operation to *errp if it is set; to be deferred as the first line of an operation.
func Wrap(errp *error, op string, args ...any) {
	if *errp != nil {
		*errp = fmt.Errorf("%s: %w", fmt.Sprintf(op, args...), *errp)
	}
}
