package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/souklive/souk/internal/money"
)

// Provider is a payment provider. Every error that its calls return is a *ProviderError.
type Provider interface {
	Intents
	Refunds
	Disputes
	Vault
	Teller
}

// Intents are a provider's card payments.
type Intents interface {
	// CreateIntent registers a payment that takes no money yet.
	CreateIntent(ctx context.Context, r IntentRequest) (Intent, error)
	// ConfirmIntent asks the card for the money. A holder who has to authenticate is sent to the
	// provider's page and then back to returnURL.
	ConfirmIntent(ctx context.Context, id, returnURL, key string) (Intent, error)
	// Intent fetches the payment as it is now.
	Intent(ctx context.Context, id string) (Intent, error)
	// CaptureIntent takes the whole of what was authorised.
	CaptureIntent(ctx context.Context, id, key string) (Intent, error)
	// CancelIntent makes sure that the payment never takes money.
	CancelIntent(ctx context.Context, id, key string) (Intent, error)
}

// Refunds are money that a provider gives back to cards.
type Refunds interface {
	// CreateRefund gives back a part of what an intent took.
	CreateRefund(ctx context.Context, r RefundRequest) (SentRefund, error)
	// Refund fetches a refund as it is now.
	Refund(ctx context.Context, id string) (SentRefund, error)
	// RefundsOfIntent lists every refund of a payment, whoever made it.
	RefundsOfIntent(ctx context.Context, intent string) ([]SentRefund, error)
}

// RefundRequest is money to give back.
type RefundRequest struct {
	Key       string // the provider's idempotency key
	Intent    string // the payment that took it
	Amount    money.Amount
	Reference string // what the refund is for, kept by the provider beside it
}

// SentRefund is a refund as the provider has it.
type SentRefund struct {
	ID          string
	State       RefundState
	Amount      money.Amount
	Reference   string
	FailureCode string      // where State is RefundStateFailed
	Left        ProviderTxn // the provider's record of the money leaving our balance; zero while it has none
	Returned    ProviderTxn // and of its coming back
}

// RefundState is how far a refund has come at the provider.
type RefundState uint8

// The states of a refund. One that succeeded may still fail.
const (
	RefundStatePending RefundState = iota + 1
	RefundStateSucceeded
	RefundStateFailed
)

// Disputes are payments that a card's bank asks about or takes back.
type Disputes interface {
	// Dispute fetches a dispute as it is now.
	Dispute(ctx context.Context, id string) (Dispute, error)
}

// Dispute is a chargeback as the provider has it.
type Dispute struct {
	ID         string
	Charge     string // that is disputed
	Intent     string // whose charge it is
	Amount     money.Amount
	Reason     string // the card network's
	State      ChargebackStatus
	RespondBy  *time.Time  // until when evidence may be submitted
	Withdrawn  ProviderTxn // the provider's record of the money leaving our balance; zero while it has none
	Reinstated ProviderTxn // and of its coming back
}

// Vault is where a provider keeps cards for later payments.
type Vault interface {
	// CreateCustomer registers somebody whom cards are kept for.
	CreateCustomer(ctx context.Context, reference, key string) (id string, err error)
	// CreateSetup registers the wish to save a card.
	CreateSetup(ctx context.Context, r SetupRequest) (Setup, error)
	// ConfirmSetup has the card checked and saved; returnURL is as in ConfirmIntent.
	ConfirmSetup(ctx context.Context, id, returnURL, key string) (Setup, error)
	// Setup fetches the setup as it is now.
	Setup(ctx context.Context, id string) (Setup, error)
	// CancelSetup makes sure that the setup never saves a card.
	CancelSetup(ctx context.Context, id, key string) (Setup, error)
	// Method fetches a payment method.
	Method(ctx context.Context, id string) (Method, error)
	// DetachMethod takes a payment method off its customer, for good.
	DetachMethod(ctx context.Context, id, key string) error
}

// Teller is how a provider tells what happened there.
type Teller interface {
	// ReadEvent reads a webhook that the secret has signed just now; its errors are refusals.
	ReadEvent(body []byte, signature, secret string) (Event, error)
	// Events lists one page of events since a time, the newest first, below the one with the id after.
	Events(ctx context.Context, since time.Time, after string, kinds []string) (page []Event, more bool, err error)
}

// SetupRequest is the wish to save a card.
type SetupRequest struct {
	Key           string
	Customer      string
	PaymentMethod string // empty where the client gives it to the provider itself
	Reference     string
}

// Setup is the saving of a card as the provider has it.
type Setup struct {
	ID            string
	State         IntentState
	ClientSecret  string // with which the card's holder speaks to the provider; never stored
	NextActionURL string // as in Intent
	Method        Method // where State is Succeeded
	FailureCode   string // where State is Declined
	DeclineCode   string
}

// Method is a card as the provider keeps it.
type Method struct {
	ID       string
	Customer string // empty once it was detached
	Brand    string
	Last4    string
	ExpMonth int
	ExpYear  int

	Fingerprint string // the same for the same card, whoever saves it; empty where it is not told
}

// Event says that something happened to an object at the provider. What became of the object is not
// read off the event, which may be old, but asked for.
type Event struct {
	ID        string
	Kind      string
	ObjectID  string
	CreatedAt time.Time
}

// IntentRequest is a payment to register.
type IntentRequest struct {
	Key           string // the provider's idempotency key
	Amount        money.Amount
	PaymentMethod string
	Customer      string // whose the payment method is, where it is saved
	Reference     string // what the payment is for, kept by the provider beside it
	Manual        bool   // confirming authorises alone; the money is taken by CaptureIntent
}

// Intent is a payment as the provider has it.
type Intent struct {
	ID     string
	State  IntentState
	Amount money.Amount
	Charge Charge // where State is Succeeded

	NextActionURL string // where State is AwaitingHolder: where they authenticate

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
	AwaitingMethod // a setup whose client has not given a card yet
	Authorised     // the money is set aside on the card, and waits for its capture
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
