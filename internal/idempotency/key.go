package idempotency

import (
	"time"

	"github.com/souklive/souk/internal/fault"
)

// The refusals of a key.
var (
	ErrKeyInvalid = fault.New(fault.Invalid, "IDEMPOTENCY_KEY_INVALID", "An idempotency key has 1 to 255 printable ASCII characters.").At("idempotencyKey")
	ErrKeyReused  = fault.New(fault.Conflict, "IDEMPOTENCY_KEY_REUSED", "This idempotency key was used with other input.").At("idempotencyKey")
	ErrInFlight   = inFlight()
)

// askAgain is when a client whose first request still runs may ask again.
const askAgain = time.Second

func inFlight() *fault.Error {
	err := fault.New(fault.Unavailable, "IDEMPOTENCY_IN_FLIGHT", "The first request with this idempotency key has not been answered yet.")
	err.RetryIn = askAgain
	return err
}

const maxKey = 255

// CheckKey tells whether a client's key can be kept: 1 to 255 printable characters of ASCII, the space among them.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return ErrKeyInvalid
	}
	for _, r := range key {
		if r < ' ' || r > '~' {
			return ErrKeyInvalid
		}
	}
	return nil
}
