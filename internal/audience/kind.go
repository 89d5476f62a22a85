package audience

import (
	"context"

	"github.com/souklive/souk/internal/locale"
)

// Class is how much of a stranger a viewer is.
type Class string

// The classes of viewers.
const (
	Anonymous Class = "anonymous"
	SignedIn  Class = "signed-in"
	Staff     Class = "staff"
)

// Kind is all of a viewer that an answer for many may depend on. Viewers of two kinds are never in one group, so that there are
// at most nine where the operation is one; and each is executed as for a viewer of its kind.
type Kind struct {
	Class  Class
	Locale locale.Locale
}

// everyone is who nothing is known of.
var everyone = Kind{Anonymous, locale.English}

type kindKey struct{}

// WithKind says of what kind a viewer is.
func WithKind(ctx context.Context, k Kind) context.Context {
	return context.WithValue(ctx, kindKey{}, k)
}

// KindOf is of what kind the viewer is that a resolver works for, or the group.
func KindOf(ctx context.Context) Kind {
	if k, ok := ctx.Value(kindKey{}).(Kind); ok {
		return k
	}
	return everyone
}

// key sets a kind's groups apart.
func (k Kind) key() string { return string(k.Class) + " " + string(k.Locale) + " " }
