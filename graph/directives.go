package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/internal/identity"
)

// auth holds the directive @auth: somebody is signed in, and has one of the roles where any are given.
func auth(ctx context.Context, _ any, next graphql.Resolver, roles []identity.Role) (any, error) {
	session, ok := actor(ctx)
	if !ok {
		return nil, identity.ErrUnauthenticated
	}
	if len(roles) > 0 && !session.User.Role.May(roles) {
		return nil, identity.ErrForbidden
	}
	return next(ctx)
}
