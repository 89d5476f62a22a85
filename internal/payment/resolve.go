package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// keyLife is how old a top-up may be and still send a provider a key of its: providers keep keys for 24
// hours, and a key that was forgotten would be a second request.
const keyLife = 23 * time.Hour

// Resolve brings an open top-up forward by asking the provider, and answers it as it is then. Any
// number of resolvers may run at once, beside the request that made the top-up: one posts.
func (s *Service) Resolve(ctx context.Context, topUp uuid.UUID) (top TopUp, err error) {
	defer fault.Wrap(&err, "resolve top-up %s", topUp)
	found, err := s.q.TopUpWithAge(ctx, s.pool, topUp)
	if errors.Is(err, pgx.ErrNoRows) {
		return TopUp{}, ErrTopUpNotFound
	}
	if err != nil {
		return TopUp{}, err
	}
	row, err := s.advance(ctx, found.TopUp, time.Duration(found.AgeSeconds)*time.Second)
	if err != nil {
		return TopUp{}, err
	}
	return topUpFrom(row), nil
}

// advance takes a top-up as far as it goes now: register, confirm, record. Each step is safe to repeat
// and to run twice at once. A failed call to the provider is no error here: the row stays open.
func (s *Service) advance(ctx context.Context, row db.TopUp, age time.Duration) (db.TopUp, error) {
	if isFinal(row) {
		return row, nil
	}
	row, intent, err := s.findIntent(ctx, row, age)
	if err == nil && intent.State == Unconfirmed {
		intent, err = s.confirm(ctx, row, intent, age)
	}
	if err == nil && intent.State == AwaitingHolder && age >= keyLife {
		intent, err = s.cancel(ctx, row, intent)
	}
	if err != nil {
		return s.afterFailedCall(ctx, row, err)
	}
	return s.record(ctx, row, intent)
}

// errAbandoned ends a top-up that never reached the provider within the life of its keys. The card
// cannot have been charged: it is asked for money only once the provider's id is in the row.
var errAbandoned = errors.New("never registered with the provider")

// findIntent fetches the provider's intent, and registers one where the row has none yet.
func (s *Service) findIntent(ctx context.Context, row db.TopUp, age time.Duration) (db.TopUp, Intent, error) {
	if row.ProviderID != nil {
		intent, err := s.look(ctx, *row.ProviderID)
		return row, intent, err
	}
	if age >= keyLife {
		return row, Intent{}, errAbandoned
	}
	request := IntentRequest{
		Key: providerKey(row, "create"), Amount: amountOf(row), PaymentMethod: row.PaymentMethod, Reference: "top_up:" + row.ID.String(),
	}
	if row.CardID != nil {
		customer, err := s.q.CustomerOfUser(ctx, s.pool, row.UserID, providerRef)
		if err != nil {
			return row, Intent{}, &storeError{err}
		}
		request.Customer = deref(customer.CustomerID)
	}
	intent, err := s.provider.CreateIntent(ctx, request)
	if err != nil {
		return row, Intent{}, err
	}
	set, err := s.q.TopUpSetProvider(ctx, s.pool, &intent.ID, row.ID)
	if err != nil {
		return row, Intent{}, &storeError{err}
	}
	if set == 0 { // a rival registered another one, or has finished already: theirs counts
		if row, err = s.q.TopUpOfUser(ctx, s.pool, row.ID, row.UserID); err != nil {
			return row, Intent{}, &storeError{err}
		}
		if row.ProviderID == nil {
			return row, Intent{}, errAbandoned
		}
		intent, err = s.look(ctx, *row.ProviderID)
		return row, intent, err
	}
	row.ProviderID = &intent.ID
	return row, intent, nil
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
func (s *Service) confirm(ctx context.Context, row db.TopUp, intent Intent, age time.Duration) (Intent, error) {
	if age >= keyLife {
		return s.cancel(ctx, row, intent)
	}
	confirmed, err := s.provider.ConfirmIntent(ctx, intent.ID, s.returnURL(), providerKey(row, "confirm"))
	return s.unlessMoved(ctx, intent, confirmed, err)
}

// cancel makes sure that an abandoned intent never takes money. Its key may be sent again after the
// provider forgot it: to cancel twice changes nothing.
func (s *Service) cancel(ctx context.Context, row db.TopUp, intent Intent) (Intent, error) {
	gone, err := s.provider.CancelIntent(ctx, intent.ID, providerKey(row, "cancel"))
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

// afterFailedCall fails the top-up where the answer is definite, and leaves it open otherwise.
func (s *Service) afterFailedCall(ctx context.Context, row db.TopUp, err error) (db.TopUp, error) {
	var store *storeError
	switch {
	case errors.As(err, &store):
		return row, store.err
	case errors.Is(err, errAbandoned):
		return s.fail(ctx, row, failedAbandoned, "")
	}
	e := asProviderError(err)
	s.log.Log(ctx, e.Outcome.level(), "the provider did not complete a top-up", "topUp", row.ID, "outcome", e.Outcome.String(), "error", err)
	switch e.Outcome {
	case Refused:
		return s.fail(ctx, row, e.Code, e.DeclineCode)
	case Rejected:
		if e.Code == failedNoMethod {
			return s.fail(ctx, row, failedNoMethod, "")
		}
		return s.fail(ctx, row, failedRejected, "")
	case Poisoned:
		// This key answers 500 for a day. The next one is safe: what matters is confirmed by the
		// intent's id, and an intent takes money once.
		_, err := s.q.TopUpNextAttempt(ctx, s.pool, row.ID, row.Attempt)
		return row, err
	case Unknown, Busy, Locked:
	}
	return row, nil
}

// record writes down what the provider says.
func (s *Service) record(ctx context.Context, row db.TopUp, intent Intent) (db.TopUp, error) {
	switch intent.State {
	case Succeeded:
		return s.succeed(ctx, row, intent)
	case Declined:
		return s.fail(ctx, row, intent.FailureCode, intent.DeclineCode)
	case Canceled:
		return s.fail(ctx, row, failedAbandoned, "")
	case AwaitingHolder:
		return s.resolved(ctx, row, func(tx pgx.Tx) (db.TopUp, error) {
			return s.q.TopUpAwaitAction(ctx, tx, optional(intent.NextActionURL), row.ID)
		}, nil)
	case Unconfirmed, InProgress, AwaitingMethod:
	}
	return row, nil
}

// succeed credits the wallet and books the provider's fee, once.
func (s *Service) succeed(ctx context.Context, row db.TopUp, intent Intent) (db.TopUp, error) {
	charge := intent.Charge
	if charge.Amount != amountOf(row) {
		return row, fmt.Errorf("provider charged %s, not %s (intent %s)", charge.Amount, amountOf(row), intent.ID)
	}
	if charge.BalanceTxnID == "" { // not on the provider's books yet: its fee is unknown
		return row, nil
	}
	if charge.Fee.Currency != charge.Amount.Currency || charge.Fee.Minor < 0 || charge.Fee.Minor > charge.Amount.Minor {
		return row, fmt.Errorf("provider's fee %s on %s makes no sense (charge %s)", charge.Fee, charge.Amount, charge.ID)
	}
	return s.resolved(ctx, row, func(tx pgx.Tx) (db.TopUp, error) {
		return s.q.TopUpSucceed(ctx, tx, db.TopUpSucceedParams{
			ID: row.ID, ChargeID: charge.ID, BalanceTxnID: charge.BalanceTxnID, Fee: charge.Fee.Minor,
		})
	}, func(tx pgx.Tx) error {
		return s.postClearedTx(ctx, tx, ledger.Entry{
			Key: "topup:" + row.ID.String() + ":credit", Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "top_up", ID: row.ID},
			Legs: []ledger.Leg{of(ledger.Wallet, row.UserID, charge.Amount.Currency, charge.Amount.Minor)},
		}, txnCharge, ProviderTxn{ID: charge.BalanceTxnID, Gross: charge.Amount, Fee: charge.Fee})
	})
}

func (s *Service) fail(ctx context.Context, row db.TopUp, code, declineCode string) (db.TopUp, error) {
	if code == "" {
		code = "card_declined"
	}
	return s.resolved(ctx, row, func(tx pgx.Tx) (db.TopUp, error) {
		return s.q.TopUpFail(ctx, tx, code, optional(declineCode), row.ID)
	}, nil)
}

// resolved runs a change under the row's lock, unless a rival has resolved the top-up already, or has
// registered an intent that this change does not know of. It tells the user of another status, and
// posts last, where there is something to post.
func (s *Service) resolved(
	ctx context.Context, row db.TopUp, change func(pgx.Tx) (db.TopUp, error), post func(pgx.Tx) error,
) (db.TopUp, error) {
	var (
		now  db.TopUp
		told []realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		before, err := s.q.TopUpLock(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if now = before; isFinal(before) || deref(before.ProviderID) != deref(row.ProviderID) {
			return nil
		}
		if now, err = change(tx); err != nil {
			return err
		}
		if now.Status != before.Status {
			event, err := feed.AppendTx(ctx, tx, now.UserID, feed.TopUpChanged, id.TopUp.ID(now.ID))
			if err != nil {
				return err
			}
			told = append(told, event)
		}
		if post != nil {
			return post(tx)
		}
		return nil
	})
	if err != nil {
		return row, fmt.Errorf("record the provider's answer: %w", err)
	}
	s.publish(ctx, told)
	return now, nil
}

// publish wakes up whoever listens to what was committed.
func (s *Service) publish(ctx context.Context, told []realtime.Event) {
	if s.hub != nil && len(told) > 0 {
		s.hub.Publish(ctx, told...)
	}
}

// optional is NULL for text that is empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func isFinal(row db.TopUp) bool {
	return row.Status == string(TopUpSucceeded) || row.Status == string(TopUpFailed)
}

// providerKey follows from the business identity and the attempt alone.
func providerKey(row db.TopUp, step string) string {
	return fmt.Sprintf("topup:%s:%d:%s", row.ID, row.Attempt, step)
}

// storeError is a failure of our own database between two calls to the provider.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
