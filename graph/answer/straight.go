package answer

import (
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// plan is how a subscription's events are written.
type plan[E any] struct {
	schema graphql.ExecutableSchema
	op     *graphql.OperationContext
	fields graphql.FieldMiddleware // of the operation, as it was
	key    string
	write  Write[*E]
}

// Straight has an operation's events, which are of that type, written here and not by gqlgen's executor. It changes nothing where
// it answers an error, which says what of the operation can't be written here.
//
// gqlgen still calls the subscription's resolver, and all that stands around it; what is replaced is the stream that it makes of the
// resolver's channel.
func Straight[E any](schema graphql.ExecutableSchema, op *graphql.OperationContext, of *Type[E]) error {
	c := &compiler{schema.Schema(), op}
	root := graphql.CollectFields(op, op.Operation.SelectionSet, []string{rootType})[0] // that there is one only was seen before
	object, err := of.object(c, root.Selections)
	if err != nil {
		return err
	}
	p := &plan[E]{schema, op, op.ResolverMiddleware, `{"` + root.Alias + `":`, object}
	op.ResolverMiddleware = p.stream
	return nil
}

const rootType = "Subscription"

// stream answers the root field with a stream of our own.
func (p *plan[E]) stream(ctx context.Context, next graphql.Resolver) (any, error) {
	resolved, err := p.fields(ctx, next)
	events, ok := resolved.(<-chan E)
	if err != nil || !ok {
		return resolved, err
	}
	return func(ctx context.Context) graphql.Marshaler {
		select {
		case e, ok := <-events:
			if !ok {
				return nil
			}
			return graphql.WriterFunc(func(w io.Writer) { p.answer(ctx, e, w) })
		case <-ctx.Done():
			return nil
		}
	}, nil
}

// answer writes an event's answer.
func (p *plan[E]) answer(ctx context.Context, e E, out io.Writer) {
	w := &writer{event: &event{ctx: ctx}, text: make([]byte, 0, usualSize)}
	func() {
		defer w.failOnPanic()
		p.write(w, &e)
	}()
	w.asking.Wait()
	if w.failed.Load() {
		_, _ = out.Write(p.executed(ctx, e)) // into a buffer
		return
	}
	_, _ = io.WriteString(out, p.key)
	w.writeTo(out)
	_, _ = io.WriteString(out, "}")
}

const usualSize = 1 << 10

// executed is the answer by gqlgen; its errors are in the context. What the resolvers have loaded already is loaded.
func (p *plan[E]) executed(ctx context.Context, e E) []byte {
	one := make(chan E, 1)
	one <- e
	close(one)
	op := &graphql.OperationContext{
		RawQuery: p.op.RawQuery, Variables: p.op.Variables, OperationName: p.op.OperationName, Doc: p.op.Doc, Operation: p.op.Operation,
		DisableIntrospection: p.op.DisableIntrospection, RecoverFunc: p.op.RecoverFunc, RootResolverMiddleware: p.op.RootResolverMiddleware,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) {
			if graphql.GetFieldContext(ctx).Object == rootType {
				return (<-chan E)(one), nil
			}
			return p.fields(ctx, next)
		},
	}
	ctx = graphql.WithOperationContext(ctx, op)
	response := p.schema.Exec(ctx)(ctx)
	if response == nil { // the subscription has ended meanwhile: no part of this may be taken for an answer
		graphql.AddError(ctx, context.Cause(ctx))
		return []byte("null")
	}
	return response.Data
}
