package graph

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

const (
	idempotentDirective = "idempotent"
	mutationTime        = 45 * time.Second
	keepTime            = 10 * time.Second
)

// ErrDeferred refuses to answer a mutation that moves money in parts: a retry could get the first part only.
var ErrDeferred = fault.New(fault.Invalid, errcode.ValidationFailed, "A mutation with an idempotency key is answered at once: leave out @defer.")

// attempt is one run of a mutation under @idempotent. The directive takes the key, behind @auth and with the
// arguments read; keepAnswer, around the whole field, keeps what it was answered.
type attempt struct {
	selection *selection
	claim     *idempotency.Claim // nil: there is nothing to keep
	release   func()             // of the claim
	refusals  json.RawMessage
}

type attemptKey struct{}

// keepAnswer runs a field under @idempotent to its end even where the client hangs up, and keeps its answer. One
// that has errors is no answer: its key is given up, and a retry runs again.
func (r *Resolver) keepAnswer(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	field := graphql.GetRootFieldContext(ctx).Field
	if field.Definition == nil || field.Definition.Directives.ForName(idempotentDirective) == nil {
		return next(ctx)
	}
	ctx = context.WithoutCancel(ctx)
	running, cancel := context.WithTimeout(ctx, mutationTime)
	defer cancel()
	a := &attempt{selection: newSelection(field.Selections, graphql.GetOperationContext(ctx).Variables)}
	result := next(context.WithValue(running, attemptKey{}, a))
	if a.claim == nil {
		return result
	}
	defer a.release()
	keeping, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	if failed(ctx, field.Alias) {
		r.noted(ctx, a.claim.GiveUp(keeping))
		return result
	}
	var answer bytes.Buffer
	result.MarshalGQL(&answer)
	kept, err := a.claim.Keep(keeping, idempotency.Answer{JSON: answer.Bytes(), Refusals: a.refusals})
	r.noted(ctx, err)
	if err != nil { // what was done is done, and the client should know
		r.noted(ctx, a.claim.GiveUp(keeping))
		kept = answer.Bytes()
	}
	return written(kept)
}

// failed tells whether there are errors in a root field or below it.
func failed(ctx context.Context, alias string) bool {
	for _, err := range graphql.GetErrors(ctx) {
		if len(err.Path) > 0 && err.Path[0] == ast.PathName(alias) {
			return true
		}
	}
	return false
}

func (r *Resolver) noted(ctx context.Context, err error) {
	if err != nil {
		r.Log.ErrorContext(ctx, "the answer to an idempotency key was not kept", "error", err)
	}
}

// written is an answer that is JSON already.
func written(answer []byte) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(answer) })
}

// idempotent holds the directive @idempotent: a key that was answered gets its answer, one that is new runs. Input that is secret is
// hashed under a key, so that nobody who has the hash tells by trying what was sent.
func (r *Resolver) idempotent(ctx context.Context, _ any, next graphql.Resolver, secret bool) (any, error) {
	field := graphql.GetFieldContext(ctx)
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return nil, fmt.Errorf("%s is no root field", field.Field.Name)
	}
	if a.selection.deferred {
		return nil, ErrDeferred
	}
	digest := sha256.Sum256
	if secret {
		digest = r.Codes.Digest
	}
	request, err := requestOf(ctx, field, a, digest)
	if err == nil {
		var found idempotency.Found
		if found, err = r.Answers.Claim(ctx, request); err == nil && found.Answer != nil {
			return again(field.Field.Name, *found.Answer)
		}
		if a.claim = found.Claim; a.claim != nil {
			a.release = a.claim.Hold(ctx)
		}
	}
	if err != nil {
		errs, err := refused(err)
		if err != nil {
			return nil, err
		}
		return refusedPayload(field.Field.Name, errs)
	}
	payload, err := next(ctx)
	if err == nil {
		a.refusals, err = writeRefusals(refusalsOf(payload))
	}
	return payload, err
}

// requestOf reads the key and what has to be the same when it is used again: the arguments as they were read,
// defaults filled in, without the key.
func requestOf(ctx context.Context, field *graphql.FieldContext, a *attempt, digest func([]byte) [32]byte) (idempotency.Request, error) {
	raw, err := json.Marshal(field.Args)
	if err != nil {
		return idempotency.Request{}, err
	}
	var args map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &args); err != nil {
		return idempotency.Request{}, err
	}
	var key string
	if err := json.Unmarshal(args["input"]["idempotencyKey"], &key); err != nil {
		return idempotency.Request{}, fmt.Errorf("read the key of %s: %w", field.Field.Name, err)
	}
	if err := idempotency.CheckKey(key); err != nil {
		return idempotency.Request{}, err
	}
	delete(args["input"], "idempotencyKey")
	if raw, err = json.Marshal(args); err != nil {
		return idempotency.Request{}, err
	}
	return idempotency.Request{
		User: actorID(ctx), Operation: field.Field.Name, Key: key, Input: digest(raw), Selection: a.selection.hash(),
	}, nil
}

// again answers as the first time. A refusal is one for every selection: a key that was refused never runs again.
func again(field string, answer idempotency.Answer) (any, error) {
	if answer.JSON != nil {
		return written(answer.JSON), nil // gqlgen takes a marshaler in the place of a payload
	}
	errs, err := readRefusals(answer.Refusals)
	if err != nil {
		return nil, err
	}
	return refusedPayload(field, errs)
}
