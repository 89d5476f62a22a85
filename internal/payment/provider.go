package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/souklive/souk/internal/money"
)

// Provider is a payment provider's card payments. Every error it returns is a *ProviderError.
type Provider interface {
	// CreateIntent registers a payment that takes no money yet.
	CreateIntent(ctx context.Context, r IntentRequest) (Intent, error)
	// ConfirmIntent asks the card for the money.
	ConfirmIntent(ctx context.Context, id, key string) (Intent, error)
	// Intent fetches the payment as it is now.
	Intent(ctx context.Context, id string) (Intent, error)
	// CancelIntent makes sure that the payment never takes money.
	CancelIntent(ctx context.Context, id, key string) (Intent, error)
}

// IntentRequest is a payment to register.
type IntentRequest struct {
	Key           string // the provider's idempotency key
	Amount        money.Amount
	PaymentMethod string
	Reference     string // what the payment is for, kept by the provider beside it
}

// Intent is a payment as the provider has it.
type Intent struct {
	ID     string
	State  IntentState
	Amount money.Amount
	Charge Charge // where State is Succeeded

	FailureCode string // where State is Declined
	DeclineCode string
}

// Charge is money that has been taken off a card.
type Charge struct {
	ID           string
	BalanceTxnID string // the provider's own record of the movement; empty while it has none
	Amount       money.Amount
	Fee          money.Amount // the provider's, out of the amount
}

// IntentState is how far a payment has come.
type IntentState uint8

// The states of a payment.
const (
	Unconfirmed IntentState = iota + 1 // the card has not been asked
	Declined
	AwaitingHolder // the card's holder has to authenticate
	InProgress
	Succeeded
	Canceled
)

// Outcome says what is known after a call to the provider failed.
type Outcome uint8

// The outcomes of a failed call.
const (
	Unknown  Outcome = iota // time-out or a lost answer: it may have happened; same key again
	Poisoned                // 5xx: it may have happened, and the same key answers the same from now on
	Busy                    // 429, 409: it did not happen; same key later
	Refused                 // the card declined: it did not and will not happen
	Rejected                // the request itself cannot be served: it did not happen
	Locked                  // our own credentials are refused: it did not happen
)

func (o Outcome) String() string {
	return [...]string{"unknown", "poisoned", "busy", "refused", "rejected", "locked"}[o]
}

// level is how much a failed call matters to whoever reads the log.
func (o Outcome) level() slog.Level {
	switch o {
	case Locked:
		return slog.LevelError // nobody can pay until somebody looks at our credentials
	case Unknown, Poisoned:
		return slog.LevelWarn
	case Busy, Refused, Rejected:
	}
	return slog.LevelInfo
}

// ProviderError is a call that did not succeed.
type ProviderError struct {
	Op          string
	Outcome     Outcome
	Code        string
	DeclineCode string
	Err         error
}

func (e *ProviderError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Op, e.Outcome, e.Err) }

// Unwrap gives the cause.
func (e *ProviderError) Unwrap() error { return e.Err }

// asProviderError reads the outcome of a failed call; an error of any other type is Unknown, which
// is the safe one.
func asProviderError(err error) *ProviderError {
	if e, ok := errors.AsType[*ProviderError](err); ok {
		return e
	}
	return &ProviderError{Outcome: Unknown, Err: err}
}
