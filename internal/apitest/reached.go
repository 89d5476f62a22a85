package apitest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Reached is what of a schema clients have reached: the fields that were answered with something (neither null nor an empty list), the arguments, fields of
// inputs and enum values that were sent with what succeeded, and the enum values that were answered. A mutation that was refused reaches nothing.
type Reached struct {
	schema *ast.Schema

	mu        sync.Mutex
	documents map[string]*ast.QueryDocument // by their text; nil where it is not of the schema
	names     map[string]bool               // Type.field, Type.field(argument), Input.field, Enum.VALUE
}

// NewReached is nothing yet.
func NewReached(schema *ast.Schema) *Reached {
	return &Reached{schema: schema, documents: map[string]*ast.QueryDocument{}, names: map[string]bool{}}
}

// Names are those that were reached, in order.
func (r *Reached) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.names))
}

// answered takes in an operation and the data it was answered with. Without a Reached it does nothing.
func (r *Reached) answered(query string, vars Vars, data json.RawMessage) {
	var answer map[string]any
	if r == nil || !decode(data, &answer) {
		return
	}
	raw, err := json.Marshal(vars)
	var sent map[string]any
	if err != nil || !decode(raw, &sent) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	doc := r.document(query)
	if doc == nil || len(doc.Operations) != 1 {
		return
	}
	op := doc.Operations[0]
	for _, f := range collect(op.SelectionSet) {
		value := answer[f.Alias]
		if !r.succeeded(op.Operation, f, value) {
			r.refusals(f, value)
			continue
		}
		r.field(f, value)
		r.arguments(f, sent)
	}
}

func decode(raw []byte, into *map[string]any) bool {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(into) == nil
}

func (r *Reached) document(query string) *ast.QueryDocument {
	doc, known := r.documents[query]
	if !known {
		if loaded, errs := gqlparser.LoadQueryWithRules(r.schema, query, nil); errs == nil {
			doc = loaded
		}
		r.documents[query] = doc
	}
	return doc
}

// succeeded tells whether a root field did what it is for: a mutation that has refused says so, or answers nothing but nulls.
func (r *Reached) succeeded(kind ast.Operation, f *ast.Field, value any) bool {
	payload, isObject := value.(map[string]any)
	if kind != ast.Mutation || !isObject {
		return value != nil
	}
	for _, field := range collect(f.SelectionSet) {
		if field.Name == "userErrors" {
			refused, _ := payload[field.Alias].([]any)
			return len(refused) == 0
		}
	}
	for _, answered := range payload {
		if answered != nil {
			return true
		}
	}
	return false
}

// refusals takes in why a mutation refused.
func (r *Reached) refusals(f *ast.Field, value any) {
	payload, _ := value.(map[string]any)
	for _, field := range collect(f.SelectionSet) {
		if field.Name == "userErrors" {
			r.value(field, payload[field.Alias])
		}
	}
}

// collect are the fields of a selection, those of fragments too.
func collect(set ast.SelectionSet) []*ast.Field {
	var fields []*ast.Field
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			fields = append(fields, s)
		case *ast.InlineFragment:
			fields = append(fields, collect(s.SelectionSet)...)
		case *ast.FragmentSpread:
			fields = append(fields, collect(s.Definition.SelectionSet)...)
		}
	}
	return fields
}

// field takes in a field's answer.
func (r *Reached) field(f *ast.Field, value any) {
	if f.Definition == nil || strings.HasPrefix(f.Name, "__") {
		return
	}
	if r.something(f, value) {
		r.names[f.ObjectDefinition.Name+"."+f.Name] = true
	}
	r.value(f, value)
}

// something tells whether a value is more than nothing: an empty page is nothing.
func (r *Reached) something(f *ast.Field, value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case []any:
		return len(v) > 0
	case map[string]any:
		if !strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
			return true
		}
		for _, field := range collect(f.SelectionSet) {
			if list, isList := v[field.Alias].([]any); isList && len(list) > 0 {
				return true
			}
		}
		return false
	default:
		return true
	}
}

func (r *Reached) value(f *ast.Field, value any) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			r.value(f, one)
		}
	case map[string]any:
		r.object(f, v)
	case string:
		if def := r.schema.Types[f.Definition.Type.Name()]; def != nil && def.Kind == ast.Enum {
			r.names[def.Name+"."+v] = true
		}
	}
}

// object takes in an object's fields, by the type that it is of: of an interface or a union, the one type that would have been answered in this way.
func (r *Reached) object(f *ast.Field, object map[string]any) {
	var found map[string][]*ast.Field
	def := r.schema.Types[f.Definition.Type.Name()]
	for _, possible := range r.schema.GetPossibleTypes(def) {
		keys := map[string][]*ast.Field{}
		r.collectFor(possible, f.SelectionSet, keys)
		if !fits(possible, keys, object) {
			continue
		}
		if found != nil {
			return // it could be either
		}
		found = keys
		r.is(possible, keys)
	}
	for key, fields := range found {
		for _, field := range fields {
			r.field(field, object[key])
		}
	}
}

// is writes the type that an object is of on its fields, where they were asked of an interface.
func (r *Reached) is(def *ast.Definition, keys map[string][]*ast.Field) {
	for key, fields := range keys {
		for i, field := range fields {
			if field.ObjectDefinition != def && field.Definition != nil {
				own := *field
				own.ObjectDefinition = def
				keys[key][i] = &own
			}
		}
	}
}

// collectFor are the fields that a selection asks of an object of a type, by their keys.
func (r *Reached) collectFor(def *ast.Definition, set ast.SelectionSet, keys map[string][]*ast.Field) {
	applies := func(condition string) bool {
		return condition == "" || condition == def.Name || slices.Contains(def.Interfaces, condition) ||
			slices.Contains(r.schema.GetPossibleTypes(r.schema.Types[condition]), def)
	}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			keys[s.Alias] = append(keys[s.Alias], s)
		case *ast.InlineFragment:
			if applies(s.TypeCondition) {
				r.collectFor(def, s.SelectionSet, keys)
			}
		case *ast.FragmentSpread:
			if applies(s.Definition.TypeCondition) {
				r.collectFor(def, s.Definition.SelectionSet, keys)
			}
		}
	}
}

// fits tells whether an object of this type would have these keys.
func fits(def *ast.Definition, keys map[string][]*ast.Field, object map[string]any) bool {
	if len(keys) != len(object) {
		return false
	}
	for key, fields := range keys {
		value, there := object[key]
		if !there || fields[0].Name == "__typename" && value != def.Name {
			return false
		}
	}
	return true
}

// arguments takes in what was sent with a root field, and with the fields below it.
func (r *Reached) arguments(f *ast.Field, sent map[string]any) {
	if f.Definition == nil || f.ObjectDefinition == nil {
		return
	}
	for _, argument := range f.Arguments {
		def := f.Definition.Arguments.ForName(argument.Name)
		value, err := argument.Value.Value(sent)
		if def == nil || err != nil || value == nil {
			continue
		}
		r.names[f.ObjectDefinition.Name+"."+f.Name+"("+argument.Name+")"] = true
		r.sent(def.Type, value)
	}
	for _, field := range collect(f.SelectionSet) {
		r.arguments(field, sent)
	}
}

// sent takes in a value of an input's type.
func (r *Reached) sent(typ *ast.Type, value any) {
	if list, isList := value.([]any); isList && typ.Elem != nil {
		for _, one := range list {
			r.sent(typ.Elem, one)
		}
		return
	}
	def := r.schema.Types[typ.Name()]
	switch {
	case def == nil:
	case def.Kind == ast.Enum:
		if name, isText := value.(string); isText {
			r.names[def.Name+"."+name] = true
		}
	case def.Kind == ast.InputObject:
		fields, _ := value.(map[string]any)
		for name, v := range fields {
			if field := def.Fields.ForName(name); field != nil && v != nil {
				r.names[def.Name+"."+name] = true
				r.sent(field.Type, v)
			}
		}
	}
}
