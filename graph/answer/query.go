package answer

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Root makes of a root field of a query what writes its value; it reports whether the value is of its type.
type Root func(c *compiler, selected graphql.CollectedField) (func(w *writer, v any) bool, error)

// RootOf is a root field whose values are Ts; known is called with a value before it is written.
func RootOf[T any](of *Type[T], known func(context.Context, *T)) Root {
	return func(c *compiler, f graphql.CollectedField) (func(*writer, any) bool, error) {
		object, err := of.object(c, f.Selections)
		return func(w *writer, v any) bool {
			value, ok := v.(T)
			if ok {
				known(w.ctx, &value)
				object(w, &value)
			}
			return ok
		}, err
	}
}

var errNoTable = errors.New("not all of the query is in the tables")

// query is how the root fields of a query are written, by their keys.
type query struct {
	roots      map[string]*root
	operation  *ast.OperationDefinition // as it was asked
	fields     graphql.FieldMiddleware
	rootFields graphql.RootFieldMiddleware
	failed     atomic.Bool
}

type root struct {
	selections ast.SelectionSet
	write      func(w *writer, v any) bool
}

// Query has an operation's root fields written here and not by gqlgen's executor, by the tables of their names. It changes nothing
// where it answers an error, which says what of the operation can't be written here; else it answers how to undo what it did: where an
// answer failed, it is thrown away and the operation is executed by gqlgen from the beginning.
//
// gqlgen still reads the arguments, asks the directives and calls the root fields' resolvers: of each it is left to select the type's
// name alone, in place of which stands what is written here.
func Query(schema *ast.Schema, op *graphql.OperationContext, tables map[string]Root) (failed func() bool, undo func(), err error) {
	q := &query{roots: map[string]*root{}, operation: op.Operation, fields: op.ResolverMiddleware, rootFields: op.RootResolverMiddleware}
	c := &compiler{schema, op}
	var reduced ast.SelectionSet
	collected := graphql.CollectFields(op, op.Operation.SelectionSet, []string{queryType})
	for i, selection := range op.Operation.SelectionSet {
		field, ok := selection.(*ast.Field)
		if !ok || len(field.Directives) > 0 || len(collected) != len(op.Operation.SelectionSet) {
			return nil, nil, errNoTable
		}
		table, ok := tables[field.Name]
		if !ok {
			return nil, nil, errNoTable
		}
		write, err := table(c, collected[i])
		if err != nil {
			return nil, nil, err
		}
		q.roots[field.Alias] = &root{collected[i].Selections, write}
		alone := *field
		alone.SelectionSet = ast.SelectionSet{&ast.Field{Alias: typeName, Name: typeName, ObjectDefinition: schema.Types[field.Definition.Type.Name()]}}
		reduced = append(reduced, &alone)
	}
	operation := *op.Operation
	operation.SelectionSet = reduced
	op.Operation, op.ResolverMiddleware, op.RootResolverMiddleware = &operation, q.field, q.rootField
	return q.failed.Load, func() {
		op.Operation, op.ResolverMiddleware, op.RootResolverMiddleware = q.operation, q.fields, q.rootFields
	}, nil
}

const (
	queryType = "Query"
	typeName  = "__typename"
)

// slot is where a root field's value is kept until it is written.
type slot struct {
	value any
	full  bool
}

type slotKey struct{}

// rootField writes what the root field's resolver answers.
func (q *query) rootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	s := &slot{}
	named := q.rootFields(context.WithValue(ctx, slotKey{}, s), next)
	if !s.full { // it failed, or it is null
		return named
	}
	w := &writer{event: &event{ctx: ctx}, text: make([]byte, 0, 4*usualSize)}
	func() {
		defer w.failOnPanic()
		if !q.roots[graphql.GetRootFieldContext(ctx).Field.Alias].write(w, s.value) {
			w.fail()
		}
	}()
	w.asking.Wait()
	if w.failed.Load() {
		q.failed.Store(true)
		return named
	}
	return graphql.WriterFunc(w.all)
}

// field lets a root field's resolver see what was selected, and keeps what it answers.
func (q *query) field(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if fc.Object != queryType {
		return q.fields(ctx, next)
	}
	fc.Field.Selections = q.roots[fc.Field.Alias].selections
	resolved, err := q.fields(ctx, next)
	if s, ok := ctx.Value(slotKey{}).(*slot); ok && err == nil && resolved != nil {
		s.value, s.full = resolved, true
	}
	return resolved, err
}
