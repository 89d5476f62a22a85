package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
)

// ErrIntrospection refuses to tell the schema.
var ErrIntrospection = fault.New(fault.Forbidden, "INTROSPECTION_FORBIDDEN", "This server tells its schema to staff only.")

// introspection is open in development, so that tools can read the schema, and for staff in production. It comes
// after the limiter, whose measure bounds the work of looking for it.
type introspection struct{ production bool }

// ExtensionName names the extension for gqlgen.
func (introspection) ExtensionName() string { return "SoukIntrospection" }

// Validate has nothing to check.
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext decides for one operation.
func (i introspection) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	session, _ := actor(ctx)
	op.DisableIntrospection = i.production && !session.User.Role.May([]identity.Role{identity.Support})
	if op.DisableIntrospection && (measurer{}).measure(op.Operation.SelectionSet).introspects {
		return gqlerror.Wrap(ErrIntrospection)
	}
	return nil
}
