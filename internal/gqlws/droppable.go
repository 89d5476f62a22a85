package gqlws

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Droppable reports whether of an operation's answers only the newest counts: it is a subscription of a field that the
// schema marks @droppable.
func Droppable(op *graphql.OperationContext) bool {
	if op.Operation.Operation != ast.Subscription {
		return false
	}
	root := rootField(op.Operation.SelectionSet)
	return root != nil && root.Definition != nil && root.Definition.Directives.ForName("droppable") != nil
}

// rootField is a subscription's one field; fragments may be around it.
func rootField(set ast.SelectionSet) *ast.Field {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			return s
		case *ast.InlineFragment:
			return rootField(s.SelectionSet)
		case *ast.FragmentSpread:
			return rootField(s.Definition.SelectionSet)
		}
	}
	return nil
}
