package graph

import (
	"context"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/fault"
)

// Limits bound what one operation may ask for. The cost of an operation and its limit are in each answer's
// extensions, so that a client sees how far it may go.
type Limits struct {
	Depth     int // how deeply fields may nest
	Cost      int // how many fields it may touch, lists counted by their size
	Mutations int // how many mutations one request may hold
	Aliases   int // how many fields may be renamed
	Tokens    int // how long the document may be
	Repeats   int // how often the document may name the same field
}

// DefaultLimits suit the pages of a shop, and no more.
var DefaultLimits = Limits{Depth: 12, Cost: 5_000, Mutations: 10, Aliases: 30, Tokens: 5_000, Repeats: 200}

type limiter struct {
	Limits
	schema graphql.ExecutableSchema
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.ResponseInterceptor
} = &limiter{}

// ExtensionName names the extension for gqlgen.
func (*limiter) ExtensionName() string { return "SoukLimits" }

// Validate is called once, when the server is made.
func (l *limiter) Validate(schema graphql.ExecutableSchema) error {
	l.schema = schema
	return nil
}

type operationCost struct {
	Cost  int `json:"cost"`
	Limit int `json:"limit"`
}

// MutateOperationContext refuses an operation before anything of it runs.
func (l *limiter) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	size := measurer{}.measure(op.Operation.SelectionSet)
	switch {
	case size.depth > l.Depth:
		return tooMuch("QUERY_TOO_DEEP", "The operation nests %d levels deep; the limit is %d.", size.depth, l.Depth)
	case size.fields > l.Cost: // before anything else counts, as that writes every fragment out
		return tooMuch("QUERY_TOO_COSTLY", "The operation has more than %d fields.", l.Cost)
	case size.aliases > l.Aliases:
		return tooMuch("TOO_MANY_ALIASES", "The operation renames %d fields; the limit is %d.", size.aliases, l.Aliases)
	case op.Operation.Operation == ast.Mutation && rootFields(op.Operation.SelectionSet) > l.Mutations:
		return tooMuch("TOO_MANY_MUTATIONS", "One request holds at most %d mutations.", l.Mutations)
	}
	if op.Operation.Operation == ast.Subscription && rootFields(op.Operation.SelectionSet) != 1 {
		return tooMuch(errcode.ValidationFailed, "A subscription has exactly one field.")
	}
	cost := complexity.Calculate(ctx, l.schema, op.Operation, op.Variables)
	op.Stats.SetExtension(l.ExtensionName(), operationCost{Cost: cost, Limit: l.Cost})
	if cost > l.Cost {
		return tooMuch("QUERY_TOO_COSTLY", "The operation costs %d; the limit is %d.", cost, l.Cost)
	}
	return nil
}

func tooMuch(code, message string, args ...any) *gqlerror.Error {
	return gqlerror.Wrap(fault.New(fault.Invalid, code, message, args...))
}

// InterceptResponse tells the cost in the answer.
func (l *limiter) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if !graphql.HasOperationContext(ctx) { // the request had no operation that could be read
		return response
	}
	op := graphql.GetOperationContext(ctx)
	if response == nil || op.Operation == nil || op.Operation.Operation == ast.Subscription {
		return response
	}
	if cost, ok := op.Stats.GetExtension(l.ExtensionName()).(operationCost); ok {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["cost"] = cost
	}
	return response
}

// size is how large a selection is once its fragments are written out.
type size struct {
	depth, aliases, fields int
	introspects            bool
}

// measurer walks a validated document, in which fragments form no cycle. Each fragment is measured once: written
// out, they can grow with the power of their number. Introspection nests as deep as its tools please, within
// what the validator allows.
type measurer map[*ast.FragmentDefinition]size

func (m measurer) measure(set ast.SelectionSet) size {
	var total size
	for _, selection := range set {
		var s size
		switch selection := selection.(type) {
		case *ast.Field:
			s = m.field(selection)
		case *ast.InlineFragment:
			s = m.measure(selection.SelectionSet)
		case *ast.FragmentSpread:
			s = m.fragment(selection.Definition)
		}
		total.depth = max(total.depth, s.depth)
		total.aliases, total.fields = addCapped(total.aliases, s.aliases), addCapped(total.fields, s.fields)
		total.introspects = total.introspects || s.introspects
	}
	return total
}

func (m measurer) field(f *ast.Field) size {
	s := m.measure(f.SelectionSet)
	s.depth++
	s.fields = addCapped(s.fields, 1)
	if f.Alias != f.Name {
		s.aliases = addCapped(s.aliases, 1)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		s.depth, s.introspects = 1, true
	}
	return s
}

func (m measurer) fragment(f *ast.FragmentDefinition) size {
	s, known := m[f]
	if !known {
		s = m.measure(f.SelectionSet)
		m[f] = s
	}
	return s
}

// addCapped adds without overflow.
func addCapped(a, b int) int { return min(a+b, 1<<30) }

func rootFields(set ast.SelectionSet) int {
	n := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			n++
		case *ast.InlineFragment:
			n += rootFields(s.SelectionSet)
		case *ast.FragmentSpread:
			n += rootFields(s.Definition.SelectionSet)
		}
	}
	return n
}
