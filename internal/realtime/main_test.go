package realtime

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The database and the Redis that all tests share end with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/souklive/souk/internal/process.(*Child).hold"))
}
