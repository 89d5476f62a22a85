package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrRoleTooStrong says that a server's login could rewrite the ledger that it keeps.
var ErrRoleTooStrong = errors.New("the server's database login could rewrite the ledger")

// CheckServerRole refuses a login that is a superuser, or that is or may become the ledger's owner: a
// server logged in so could alter its own books. The error wraps ErrRoleTooStrong.
func CheckServerRole(ctx context.Context, pool *pgxpool.Pool) error {
	const query = `
		SELECT current_user, r.rolsuper,
		       EXISTS (SELECT FROM pg_roles l WHERE l.rolname = 'souk_ledger' AND pg_has_role(current_user, l.oid, 'MEMBER')),
		       r.rolcreaterole
		FROM pg_roles r WHERE r.rolname = current_user`
	var name string
	var super, owner, creator bool
	if err := pool.QueryRow(ctx, query).Scan(&name, &super, &owner, &creator); err != nil {
		return fmt.Errorf("check the server's role: %w", err)
	}
	switch {
	case super:
		return fmt.Errorf("%w: %s is a superuser; log in as a member of souk_app", ErrRoleTooStrong, name)
	case owner:
		return fmt.Errorf("%w: %s is a member of souk_ledger; log in as a member of souk_app alone", ErrRoleTooStrong, name)
	case creator:
		return fmt.Errorf("%w: %s may create roles, and so join souk_ledger; log in as a member of souk_app alone", ErrRoleTooStrong, name)
	}
	return nil
}
