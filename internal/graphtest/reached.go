package graphtest

import (
	"sync"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/apitest"
)

// Reached is what of the schema the clients of all APIs of this program have reached.
//
//nolint:gochecknoglobals // it is of the program: each test adds to it, and what runs after them all looks at it
var Reached = sync.OnceValue(func() *apitest.Reached {
	return apitest.NewReached(generated.NewExecutableSchema(generated.Config{}).Schema())
})
