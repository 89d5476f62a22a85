package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// exactEnums refuses an enum's value in the variables that is written in another case. The validator lets it
// through, and below it would be taken for another value.
type exactEnums struct{ schema *ast.Schema }

// ExtensionName names the extension for gqlgen.
func (*exactEnums) ExtensionName() string { return "SoukExactEnums" }

// Validate is called once, when the server is made.
func (e *exactEnums) Validate(schema graphql.ExecutableSchema) error {
	e.schema = schema.Schema()
	return nil
}

// MutateOperationContext looks at the variables, which the validator found to be of their types otherwise.
func (e *exactEnums) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		if bad := e.find(v.Type, op.Variables[v.Variable]); bad != "" {
			err := gqlerror.ErrorPathf(ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}, "%s", bad)
			errcode.Set(err, errcode.ValidationFailed)
			return err
		}
	}
	return nil
}

// find says what is wrong with a value, or nothing.
func (e *exactEnums) find(t *ast.Type, value any) string {
	if items, ok := value.([]any); ok && t.Elem != nil {
		for _, item := range items {
			if bad := e.find(t.Elem, item); bad != "" {
				return bad
			}
		}
		return ""
	}
	def := e.schema.Types[t.Name()]
	switch value := value.(type) {
	case string:
		if def.Kind == ast.Enum && def.EnumValues.ForName(value) == nil {
			return value + " is not a valid " + def.Name
		}
	case map[string]any:
		for name, item := range value {
			if field := def.Fields.ForName(name); field != nil {
				if bad := e.find(field.Type, item); bad != "" {
					return bad
				}
			}
		}
	}
	return ""
}
