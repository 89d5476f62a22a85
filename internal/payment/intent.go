package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
)

// keyLife is how old a payment may be and still send a provider a key of its: providers keep keys for 24
// hours, and a key that was forgotten would be a second request.
const keyLife = 23 * time.Hour

// cardPayment is what a top-up and an order's payment have in common: an intent at the provider, and a row of
// ours that leads to it.
type cardPayment struct {
	name      string // what its keys at the provider begin with; follows from the business identity
	reference string // what the provider keeps beside it
	age       time.Duration

	user   uuid.UUID
	amount money.Amount
	card   *uuid.UUID // where it is saved
	method string
	manual bool // the money is taken by a capture, later

	attempt    int32
	providerID *string

	// register commits the intent's id to the row, and answers the id that is there then: nil where the row
	// has ended without one.
	register func(ctx context.Context, intentID string) (*string, error)
	// nextAttempt makes the keys new.
	nextAttempt func(ctx context.Context) error
}

// key follows from the business identity and the attempt alone.
func (p *cardPayment) key(step string) string {
	return fmt.Sprintf("%s:%d:%s", p.name, p.attempt, step)
}

// decline is why a card payment failed, in the provider's words or ours.
type decline struct{ code, declineCode string }

// reason is the code, which providers leave out of some declines.
func (d decline) reason() string {
	if d.code == "" {
		return "card_declined"
	}
	return d.code
}

// bring takes an intent as far as it goes without its holder: register, confirm, or give it up where it is too old.
func (s *Service) bring(ctx context.Context, p *cardPayment) (Intent, error) {
	intent, err := s.findIntent(ctx, p)
	if err == nil && intent.State == Unconfirmed {
		intent, err = s.confirm(ctx, p, intent)
	}
	if err == nil && intent.State == AwaitingHolder && p.age >= keyLife {
		intent, err = s.cancel(ctx, p, intent)
	}
	return intent, err
}

// errAbandoned ends a payment that never reached the provider within the life of its keys. The card
// cannot have been charged: it is asked for money only once the provider's id is in the row.
var errAbandoned = errors.New("never registered with the provider")

// findIntent fetches the provider's intent, and registers one where the row has none yet.
func (s *Service) findIntent(ctx context.Context, p *cardPayment) (Intent, error) {
	if p.providerID != nil {
		return s.look(ctx, *p.providerID)
	}
	if p.age >= keyLife {
		return Intent{}, errAbandoned
	}
	request := IntentRequest{Key: p.key("create"), Amount: p.amount, PaymentMethod: p.method, Reference: p.reference, Manual: p.manual}
	if p.card != nil {
		customer, err := s.q.CustomerOfUser(ctx, s.pool, p.user, providerRef)
		if err != nil {
			return Intent{}, &storeError{err}
		}
		request.Customer = deref(customer.CustomerID)
	}
	intent, err := s.provider.CreateIntent(ctx, request)
	if err != nil {
		return Intent{}, err
	}
	if p.providerID, err = p.register(ctx, intent.ID); err != nil {
		return Intent{}, &storeError{err}
	}
	switch {
	case p.providerID == nil: // a rival has ended it already
		return Intent{}, errAbandoned
	case *p.providerID != intent.ID: // a rival registered another one: theirs counts
		return s.look(ctx, *p.providerID)
	}
	return intent, nil
}

// look fetches an intent that we know to exist. That the provider does not know it can only mean that
// we ask the wrong one, which says nothing about the money: the outcome stays unknown.
func (s *Service) look(ctx context.Context, intentID string) (Intent, error) {
	intent, err := s.provider.Intent(ctx, intentID)
	if err != nil && asProviderError(err).Outcome == Rejected {
		s.log.ErrorContext(ctx, "the provider does not know a payment that it gave us", "intent", intentID, "error", err)
		err = &ProviderError{Op: "look up", Outcome: Unknown, Err: err}
	}
	return intent, err
}

// confirm asks for the money, or gives it up where the intent is too old to ask.
func (s *Service) confirm(ctx context.Context, p *cardPayment, intent Intent) (Intent, error) {
	if p.age >= keyLife {
		return s.cancel(ctx, p, intent)
	}
	confirmed, err := s.provider.ConfirmIntent(ctx, intent.ID, s.returnURL(), p.key("confirm"))
	return s.unlessMoved(ctx, intent, confirmed, err)
}

// cancel makes sure that an intent never takes money. Its key may be sent again after the
// provider forgot it: to cancel twice changes nothing.
func (s *Service) cancel(ctx context.Context, p *cardPayment, intent Intent) (Intent, error) {
	gone, err := s.provider.CancelIntent(ctx, intent.ID, p.key("cancel"))
	return s.unlessMoved(ctx, intent, gone, err)
}

// unlessMoved reads a rejected request in the light of the provider's own state: it may only mean that
// a rival was faster.
func (s *Service) unlessMoved(ctx context.Context, before, after Intent, err error) (Intent, error) {
	if err == nil || asProviderError(err).Outcome != Rejected {
		return after, err
	}
	now, lookErr := s.look(ctx, before.ID)
	switch {
	case lookErr != nil:
		return Intent{}, lookErr
	case now.State != before.State:
		return now, nil
	}
	return Intent{}, err
}

// errUnheard says that the provider could not be asked, so that nothing new is known. It is no failure of a
// resolver's, but who acts on an event has to come back.
var errUnheard = errors.New("the provider could not be asked")

// unlessUnheard is the error of who need not come back.
func unlessUnheard(err error) error {
	if errors.Is(err, errUnheard) {
		return nil
	}
	return err
}

// afterFailedCall answers why the payment failed where the provider's answer is definite, and errUnheard where it
// stays open.
func (s *Service) afterFailedCall(ctx context.Context, p *cardPayment, err error) (*decline, error) {
	var store *storeError
	switch {
	case errors.As(err, &store):
		return nil, store.err
	case errors.Is(err, errAbandoned):
		return &decline{code: failedAbandoned}, nil
	}
	e := asProviderError(err)
	s.log.Log(ctx, e.Outcome.level(), "the provider did not complete a payment", "payment", p.reference, "outcome", e.Outcome.String(), "error", err)
	switch e.Outcome {
	case Refused:
		return &decline{e.Code, e.DeclineCode}, nil
	case Rejected:
		if e.Code == failedNoMethod {
			return &decline{code: failedNoMethod}, nil
		}
		return &decline{code: failedRejected}, nil
	case Poisoned:
		// This key answers 500 for a day. The next one is safe: what matters is done by the
		// intent's id, and an intent takes money once.
		if err := p.nextAttempt(ctx); err != nil {
			return nil, err
		}
	case Unknown, Busy, Locked:
	}
	return nil, errUnheard
}

// chargeOf is the charge of an intent that succeeded, if it makes sense for what we asked.
func chargeOf(intent Intent, asked money.Amount) (Charge, error) {
	charge := intent.Charge
	switch {
	case charge.Amount != asked:
		return charge, fmt.Errorf("provider charged %s, not %s (intent %s)", charge.Amount, asked, intent.ID)
	case charge.BalanceTxnID == "": // not on the provider's books yet
		return charge, nil
	case charge.Fee.Currency != charge.Amount.Currency || charge.Fee.Minor < 0 || charge.Fee.Minor > charge.Amount.Minor:
		return charge, fmt.Errorf("provider's fee %s on %s makes no sense (charge %s)", charge.Fee, charge.Amount, charge.ID)
	}
	return charge, nil
}

// storeError is a failure of our own database between two calls to the provider.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
