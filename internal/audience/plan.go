package audience

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// The arguments of a shared subscription that say where a viewer begins.
const (
	argAfter = "afterVersion"
	argEpoch = "epoch"
)

// plan is what a subscription asks for: key is the same for all that get the same bytes.
type plan struct {
	key   string
	after *int64
	epoch string
}

// read makes a plan of a subscription; ok is false where it selects anything that is not shared.
func read(op *graphql.OperationContext) (_ plan, ok bool) {
	set := op.Operation.SelectionSet
	if len(set) != 1 {
		return plan{}, false
	}
	root, ok := set[0].(*ast.Field)
	if !ok || len(op.Operation.Directives) > 0 || len(root.Directives) > 0 {
		return plan{}, false
	}
	p, ok := cursorOf(root, op.Variables)
	if !ok {
		return plan{}, false
	}
	w := writer{variables: op.Variables}
	if !w.field(root, true) {
		return plan{}, false
	}
	p.key = w.String()
	return p, true
}

// cursorOf reads where the viewer begins. What the resolver would refuse is left to it.
func cursorOf(root *ast.Field, variables map[string]any) (p plan, ok bool) {
	for _, argument := range root.Arguments {
		value, err := argument.Value.Value(variables)
		if err != nil {
			return plan{}, false
		}
		if value == nil {
			continue
		}
		switch argument.Name {
		case argAfter:
			after, err := json.Number(fmt.Sprint(value)).Int64()
			if err != nil || after < 0 || after > math.MaxInt32 {
				return plan{}, false
			}
			p.after = &after
		case argEpoch:
			if p.epoch, ok = value.(string); !ok {
				return plan{}, false
			}
		}
	}
	return p, true
}

// writer writes a selection in one form, with the variables' values in place; its methods answer false at the first
// thing that is not shared.
type writer struct {
	strings.Builder
	variables map[string]any
}

func (w *writer) set(set ast.SelectionSet) bool {
	w.WriteByte('{')
	for _, selection := range set {
		ok := false
		switch s := selection.(type) {
		case *ast.Field:
			ok = w.field(s, false)
		case *ast.InlineFragment:
			ok = w.fragment(s.TypeCondition, s.Directives, s.SelectionSet)
		case *ast.FragmentSpread:
			ok = w.fragment(s.Definition.TypeCondition, s.Directives, s.Definition.SelectionSet)
		}
		if !ok {
			return false
		}
		w.WriteByte(' ')
	}
	w.WriteByte('}')
	return true
}

func (w *writer) field(f *ast.Field, root bool) bool {
	if f.Name != "__typename" && (f.Definition == nil || f.Definition.Directives.ForName("shared") == nil) {
		return false
	}
	w.WriteString(f.Alias)
	w.WriteByte(':')
	w.WriteString(f.Name)
	for _, argument := range f.Arguments {
		if root && (argument.Name == argAfter || argument.Name == argEpoch) {
			continue
		}
		if !w.argument(argument) {
			return false
		}
	}
	return w.directives(f.Directives) && (len(f.SelectionSet) == 0 || w.set(f.SelectionSet))
}

func (w *writer) fragment(on string, directives ast.DirectiveList, set ast.SelectionSet) bool {
	w.WriteString("...")
	w.WriteString(on)
	return w.directives(directives) && w.set(set)
}

// directives are @skip and @include, which say what the answer holds; any other is not known here.
func (w *writer) directives(list ast.DirectiveList) bool {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			return false
		}
		w.WriteByte('@')
		w.WriteString(d.Name)
		for _, argument := range d.Arguments {
			if !w.argument(argument) {
				return false
			}
		}
	}
	return true
}

func (w *writer) argument(argument *ast.Argument) bool {
	value, err := argument.Value.Value(w.variables)
	if err != nil {
		return false
	}
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	fmt.Fprintf(w, "(%s=%s)", argument.Name, text)
	return true
}
