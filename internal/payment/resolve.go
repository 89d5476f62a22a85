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

// Resolve brings an open top-up forward by asking the provider, and answers it as it is then. Any
// number of resolvers may run at once, beside the request that made the top-up: one posts.
func (s *Service) Resolve(ctx context.Context, topUp uuid.UUID) (TopUp, error) {
	top, err := s.resolve(ctx, topUp)
	return top, unlessUnheard(err)
}

// resolve is Resolve, and tells by errUnheard where the provider could not be asked.
func (s *Service) resolve(ctx context.Context, topUp uuid.UUID) (_ TopUp, err error) {
	defer fault.Wrap(&err, "resolve top-up %s", topUp)
	found, err := s.q.TopUpWithAge(ctx, s.pool, topUp)
	if errors.Is(err, pgx.ErrNoRows) {
		return TopUp{}, ErrTopUpNotFound
	}
	if err != nil {
		return TopUp{}, err
	}
	row, err := s.advance(ctx, found.TopUp, time.Duration(found.AgeSeconds)*time.Second)
	return topUpFrom(row), err
}

// advance takes a top-up as far as it goes now: register, confirm, record. Each step is safe to repeat
// and to run twice at once. After a failed call to the provider the row stays open, and errUnheard stands beside it.
func (s *Service) advance(ctx context.Context, row db.TopUp, age time.Duration) (db.TopUp, error) {
	if isFinal(row) {
		return row, nil
	}
	p := s.topUpPayment(row, age)
	intent, err := s.bring(ctx, p)
	row.ProviderID = p.providerID
	if err != nil {
		declined, err := s.afterFailedCall(ctx, p, err)
		if err != nil {
			return row, err
		}
		return s.fail(ctx, row, *declined)
	}
	return s.record(ctx, row, intent)
}

// topUpPayment is a top-up as what its intent needs.
func (s *Service) topUpPayment(row db.TopUp, age time.Duration) *cardPayment {
	return &cardPayment{
		name: "topup:" + row.ID.String(), reference: "top_up:" + row.ID.String(), age: age,
		user: row.UserID, amount: amountOf(row), card: row.CardID, method: row.PaymentMethod,
		attempt: row.Attempt, providerID: row.ProviderID,
		register: func(ctx context.Context, intentID string) (*string, error) {
			set, err := s.q.TopUpSetProvider(ctx, s.pool, &intentID, row.ID)
			if err != nil || set > 0 {
				return &intentID, err
			}
			now, err := s.q.TopUpOfUser(ctx, s.pool, row.ID, row.UserID)
			return now.ProviderID, err
		},
		nextAttempt: func(ctx context.Context) error {
			_, err := s.q.TopUpNextAttempt(ctx, s.pool, row.ID, row.Attempt)
			return err
		},
	}
}

// record writes down what the provider says.
func (s *Service) record(ctx context.Context, row db.TopUp, intent Intent) (db.TopUp, error) {
	switch intent.State {
	case Succeeded:
		return s.succeed(ctx, row, intent)
	case Declined:
		return s.fail(ctx, row, decline{intent.FailureCode, intent.DeclineCode})
	case Canceled:
		return s.fail(ctx, row, decline{code: failedAbandoned})
	case AwaitingHolder:
		return s.resolved(ctx, row, func(tx pgx.Tx) (db.TopUp, error) {
			return s.q.TopUpAwaitAction(ctx, tx, optional(intent.NextActionURL), row.ID)
		}, nil)
	case Unconfirmed, InProgress, AwaitingMethod, Authorised:
	}
	return row, nil
}

// succeed credits the wallet and books the provider's fee, once.
func (s *Service) succeed(ctx context.Context, row db.TopUp, intent Intent) (db.TopUp, error) {
	charge, err := chargeOf(intent, amountOf(row))
	if err != nil || charge.BalanceTxnID == "" { // not on the provider's books yet: its fee is unknown
		return row, err
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

func (s *Service) fail(ctx context.Context, row db.TopUp, why decline) (db.TopUp, error) {
	return s.resolved(ctx, row, func(tx pgx.Tx) (db.TopUp, error) {
		return s.q.TopUpFail(ctx, tx, why.reason(), optional(why.declineCode), row.ID)
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
