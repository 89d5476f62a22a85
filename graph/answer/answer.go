// Package answer writes what an operation selects as JSON, straight from Go values.
//
// gqlgen's executor makes some fifteen allocations for each field of each object: contexts, closures, boxed values. For a
// subscription that thousands watch the same is asked of each event, and for a list of each row, so here it is settled once: Straight
// (for subscriptions) and Query walk the selection by a table of types and make of it a list of functions, which write one event after
// the other, and one row, into a buffer.
//
// Only what goes well is written here. An answer in which anything fails (a resolver's error, a panic, a null that the schema does not
// allow) is thrown away and executed by gqlgen, whose errors and nulls are the ones that are told. And a selection that has
// anything that is not in the tables is left to gqlgen from the beginning.
package answer

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Type is an object type of the schema whose values are Ts.
type Type[T any] struct {
	Name   string
	Fields map[string]Field[T] // as they are without arguments
	Given  map[string]Field[T] // with arguments, by Given
}

// Field makes of a field that was selected what writes it.
type Field[T any] func(c *compiler, selected graphql.CollectedField) (Write[*T], error)

// Form makes of a field that was selected what writes its value.
type Form[V any] func(c *compiler, selected graphql.CollectedField) (Write[V], error)

// Write writes a value.
type Write[V any] func(w *writer, v V)

// compiler knows what a selection means.
type compiler struct {
	schema *ast.Schema
	op     *graphql.OperationContext
}

// object makes of a selection what writes it.
func (t *Type[T]) object(c *compiler, set ast.SelectionSet) (Write[*T], error) {
	type step struct {
		key   string // with the comma before it
		write Write[*T]
	}
	var steps []step
	for _, f := range graphql.CollectFields(c.op, set, c.satisfied(t.Name)) {
		if f.IsDeferred() {
			return nil, fmt.Errorf("%s.%s is deferred", t.Name, f.Name)
		}
		s := step{key: `"` + f.Alias + `":`}
		if len(steps) > 0 {
			s.key = "," + s.key
		}
		if f.Name == "__typename" {
			s.key += `"` + t.Name + `"`
		} else {
			from := t.Fields
			if len(f.Arguments) > 0 {
				from = t.Given
			}
			field, ok := from[f.Name]
			if !ok {
				return nil, fmt.Errorf("%s.%s is in no table", t.Name, f.Name)
			}
			var err error
			if s.write, err = field(c, f); err != nil {
				return nil, err
			}
		}
		steps = append(steps, s)
	}
	return func(w *writer, v *T) {
		w.text = append(w.text, '{')
		for _, s := range steps {
			w.text = append(w.text, s.key...)
			if s.write != nil {
				s.write(w, v)
			}
		}
		w.text = append(w.text, '}')
	}, nil
}

// satisfied are the types whose fragments an object answers: itself, its interfaces and its unions.
func (c *compiler) satisfied(name string) []string {
	names := []string{name}
	for _, t := range c.schema.GetImplements(c.schema.Types[name]) {
		names = append(names, t.Name)
	}
	return names
}

// Get is a field whose value is at hand.
func Get[T, V any](get func(*T) V, as Form[V]) Field[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		value, err := as(c, f)
		return func(w *writer, v *T) { value(w, get(v)) }, err
	}
}

// Given is a field whose value hangs on an optional argument.
func Given[T, V, A any](argument string, read func(any) (A, error), get func(*T, *A) V, as Form[V]) Field[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		value, err := as(c, f)
		if err != nil {
			return nil, err
		}
		var given *A
		if raw := f.ArgumentMap(c.op.Variables)[argument]; raw != nil {
			a, err := read(raw)
			if err != nil {
				return nil, err
			}
			given = &a
		}
		return func(w *writer, v *T) { value(w, get(v, given)) }, nil
	}
}

// Maybe is a field that may have no value.
func Maybe[T, V any](get func(*T) *V, as Form[V]) Field[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		value, err := as(c, f)
		missing := null(f)
		return func(w *writer, v *T) {
			if got := get(v); got != nil {
				value(w, *got)
			} else {
				missing(w)
			}
		}, err
	}
}

// Ask is a field that a resolver answers, while the others are written.
func Ask[T, V any](ask func(context.Context, *T) (V, error), as Form[V]) Field[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		value, err := as(c, f)
		return func(w *writer, v *T) {
			w.later(func(w *writer) {
				got, err := ask(w.ctx, v)
				if err != nil {
					w.fail()
					return
				}
				value(w, got)
			})
		}, err
	}
}

// Had is a field whose value may be at hand; a resolver answers it where it is not.
func Had[T, V any](had func(*T) *V, ask func(context.Context, *T) (V, error), as Form[V]) Field[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		value, err := as(c, f)
		if err != nil {
			return nil, err
		}
		asked, err := Ask(ask, as)(c, f)
		return func(w *writer, v *T) {
			if got := had(v); got != nil {
				value(w, *got)
			} else {
				asked(w, v)
			}
		}, err
	}
}

// Value is an object.
func Value[T any](of *Type[T]) Form[T] {
	return func(c *compiler, f graphql.CollectedField) (Write[T], error) {
		object, err := of.object(c, f.Selections)
		return func(w *writer, v T) { object(w, &v) }, err
	}
}

// Object is an object that may be missing.
func Object[T any](of *Type[T]) Form[*T] {
	return func(c *compiler, f graphql.CollectedField) (Write[*T], error) {
		object, err := of.object(c, f.Selections)
		missing := null(f)
		return func(w *writer, v *T) {
			if v != nil {
				object(w, v)
			} else {
				missing(w)
			}
		}, err
	}
}

// Objects are a list of objects.
func Objects[T any](of *Type[T]) Form[[]T] {
	return func(c *compiler, f graphql.CollectedField) (Write[[]T], error) {
		object, err := of.object(c, f.Selections)
		return list(f, object), err
	}
}

// List is a list of what has no fields.
func List[V any](of Form[V]) Form[[]V] {
	return func(c *compiler, f graphql.CollectedField) (Write[[]V], error) {
		value, err := of(c, f)
		return list(f, func(w *writer, v *V) { value(w, *v) }), err
	}
}

// list writes a list; nil is an empty one where the schema has no null there, as gqlgen has it.
func list[V any](f graphql.CollectedField, one Write[*V]) Write[[]V] {
	nullable := !f.Definition.Type.NonNull
	return func(w *writer, list []V) {
		if list == nil && nullable {
			w.text = append(w.text, "null"...)
			return
		}
		w.text = append(w.text, '[')
		for i := range list {
			if i > 0 {
				w.text = append(w.text, ',')
			}
			one(w, &list[i])
		}
		w.text = append(w.text, ']')
	}
}

// null writes that there is nothing, where the schema allows it.
func null(f graphql.CollectedField) func(*writer) {
	if f.Definition.Type.NonNull {
		return (*writer).fail
	}
	return func(w *writer) { w.text = append(w.text, "null"...) }
}
