package chat

import (
	"time"

	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package.
var (
	ErrBodyLength      = fault.New(fault.Invalid, "MESSAGE_LENGTH", "A message has between 1 and 2000 characters.")
	ErrBodyText        = fault.New(fault.Invalid, "TEXT_CONTROL_CHARACTERS", "The text has characters that can't be shown: control characters, or those that turn the direction of writing.")
	ErrNotFound        = fault.New(fault.NotFound, "CONVERSATION_NOT_FOUND", "There is no such conversation, or you are not part of it.")
	ErrMessageNotFound = fault.New(fault.NotFound, "MESSAGE_NOT_FOUND", "There is no such message, or its conversation is not yours.")
	ErrOwnListing      = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
)

// ErrTypingTooOften refuses to tell again what was told just now.
var ErrTypingTooOften = fault.New(fault.RateLimited, "TYPING_TOO_OFTEN", "That you are writing was told just now.")

func tooOften(wait time.Duration) error {
	err := *ErrTypingTooOften
	err.RetryIn = wait
	return &err
}
