package payment

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// CardSetup is a card on its way to being saved. Its statuses are a top-up's.
type CardSetup struct {
	ID           uuid.UUID
	User         uuid.UUID
	Status       TopUpStatus
	ProviderID   string // the provider's SetupIntent; empty while it is not known to have one
	ClientSecret string // for the client to give its card to the provider with; only where it was just fetched
	Card         *Card  // where it succeeded

	nextActionURL, failureCode, declineCode string
}

// NextActionURL is where the card's holder authenticates, while the setup waits for it.
func (c CardSetup) NextActionURL() *string {
	if c.Status != RequiresAction {
		return nil
	}
	return optional(c.nextActionURL)
}

// Refusal is why the card was not saved; nil where that did not fail.
func (c CardSetup) Refusal() error {
	if c.Status != TopUpFailed {
		return nil
	}
	return failure(c.failureCode, c.declineCode)
}

// RefusalCode is the code of Refusal.
func (c CardSetup) RefusalCode() *string { return codeOf(c.Refusal()) }

// Each setup is an object at the provider, and may be a question to a card's bank: what somebody who tries stolen cards wants.
const (
	sameSetup = time.Hour // so long a setup that is open is the answer to whoever begins the same again
	maxSetups = 50        // in a day, by a user
)

// idsSince is below each id that was made since then.
func idsSince(t time.Time) (u uuid.UUID) {
	binary.BigEndian.PutUint64(u[:8], uint64(t.UnixMilli())<<16)
	return u
}

// StartCardSetup begins to save a card, or answers the setup that is open for the same method. With a payment method the card is checked at once, and the answer
// is final unless its holder has to authenticate; without one, the client gives its card to the
// provider with the client secret. The refusal of a card stands beside the setup.
func (s *Service) StartCardSetup(ctx context.Context, user uuid.UUID, paymentMethod string) (_ CardSetup, err error) {
	defer fault.Wrap(&err, "start to save a card")
	if paymentMethod != "" && !printable(paymentMethod) {
		return CardSetup{}, ErrPaymentMethodMissing
	}
	n, err := s.q.CardsOfUserCount(ctx, s.pool, user)
	if err != nil {
		return CardSetup{}, err
	}
	if n >= maxCards {
		return CardSetup{}, ErrTooManyCards.With("maximum", maxCards)
	}
	ctx = context.WithoutCancel(ctx)
	open, err := s.q.SetupOpenSince(ctx, s.pool, idsSince(s.clock.Now().Add(-sameSetup)), user, optional(paymentMethod))
	if err == nil {
		return s.answerSetup(ctx, open.CardSetup, time.Duration(open.AgeSeconds)*time.Second)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return CardSetup{}, err
	}
	if n, err := s.q.SetupsSinceCount(ctx, s.pool, idsSince(s.clock.Now().Add(-24*time.Hour)), user); err != nil || n >= maxSetups {
		return CardSetup{}, cmp.Or(err, error(ErrTooManySetups.With("maximum", maxSetups)))
	}
	if _, err := s.customerOf(ctx, user); err != nil {
		if _, ok := errors.AsType[*ProviderError](err); ok {
			return CardSetup{}, ErrProviderUnavailable.Because(err)
		}
		return CardSetup{}, err
	}
	row, err := s.q.SetupInsert(ctx, s.pool, id.New(), user, optional(paymentMethod))
	if err != nil {
		return CardSetup{}, err
	}
	return s.answerSetup(ctx, row, 0)
}

// FinishCardSetup asks the provider what has become of one of the user's own setups.
func (s *Service) FinishCardSetup(ctx context.Context, user, setup uuid.UUID) (_ CardSetup, err error) {
	defer fault.Wrap(&err, "finish saving a card")
	found, err := s.q.SetupWithAge(ctx, s.pool, setup)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && found.CardSetup.UserID != user) {
		return CardSetup{}, ErrCardSetupNotFound
	}
	if err != nil {
		return CardSetup{}, err
	}
	return s.answerSetup(context.WithoutCancel(ctx), found.CardSetup, time.Duration(found.AgeSeconds)*time.Second)
}

// CardSetupOf is one of the user's own setups, as far as it is known here.
func (s *Service) CardSetupOf(ctx context.Context, user, setup uuid.UUID) (CardSetup, error) {
	row, err := s.q.SetupOfUser(ctx, s.pool, setup, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return CardSetup{}, ErrCardSetupNotFound
	}
	if err != nil {
		return CardSetup{}, fmt.Errorf("read the saving of a card: %w", err)
	}
	return s.setupFrom(ctx, row)
}

func (s *Service) answerSetup(ctx context.Context, row db.CardSetup, age time.Duration) (CardSetup, error) {
	row, clientSecret, err := s.advanceSetup(ctx, row, age)
	if err := unlessUnheard(err); err != nil {
		return CardSetup{}, err
	}
	out, err := s.setupFrom(ctx, row)
	if err != nil {
		return CardSetup{}, err
	}
	if !setupIsFinal(row) {
		out.ClientSecret = clientSecret
	}
	return out, out.Refusal()
}

func (s *Service) setupFrom(ctx context.Context, row db.CardSetup) (CardSetup, error) {
	out := CardSetup{
		ID: row.ID, User: row.UserID, Status: TopUpStatus(row.Status), ProviderID: deref(row.ProviderID),
		nextActionURL: deref(row.NextActionUrl), failureCode: deref(row.FailureCode), declineCode: deref(row.DeclineCode),
	}
	if row.CardID != nil {
		card, err := s.CardOf(ctx, row.UserID, *row.CardID)
		if err != nil {
			return CardSetup{}, err
		}
		out.Card = &card
	}
	return out, nil
}

func setupIsFinal(row db.CardSetup) bool {
	return row.Status == string(TopUpSucceeded) || row.Status == string(TopUpFailed)
}

// advanceSetup takes a setup as far as it goes now, as advance does a top-up, errUnheard included. It is the one way to
// a saved card, for the request, the webhook and the sweep.
func (s *Service) advanceSetup(ctx context.Context, row db.CardSetup, age time.Duration) (_ db.CardSetup, clientSecret string, err error) {
	if setupIsFinal(row) {
		return row, "", nil
	}
	row, setup, err := s.findSetup(ctx, row, age)
	if err == nil {
		setup, err = s.pushSetup(ctx, row, setup, age)
	}
	if err != nil {
		row, err = s.afterFailedSetup(ctx, row, err)
		return row, "", err
	}
	row, err = s.recordSetup(ctx, row, setup)
	return row, setup.ClientSecret, err
}

// findSetup fetches the provider's setup, and registers one where the row has none yet.
func (s *Service) findSetup(ctx context.Context, row db.CardSetup, age time.Duration) (db.CardSetup, Setup, error) {
	if row.ProviderID != nil {
		setup, err := s.provider.Setup(ctx, *row.ProviderID)
		return row, setup, lost(err)
	}
	if age >= keyLife {
		return row, Setup{}, errAbandoned
	}
	customer, err := s.customerOf(ctx, row.UserID)
	if err != nil {
		return row, Setup{}, err
	}
	setup, err := s.provider.CreateSetup(ctx, SetupRequest{
		Key: setupKey(row, "create"), Customer: customer, PaymentMethod: deref(row.PaymentMethod), Reference: "card_setup:" + row.ID.String(),
	})
	if err != nil {
		return row, Setup{}, err
	}
	set, err := s.q.SetupSetProvider(ctx, s.pool, &setup.ID, row.ID)
	if err != nil {
		return row, Setup{}, &storeError{err}
	}
	if set == 0 { // a rival registered another one, or has finished already: theirs counts
		if row, err = s.q.SetupOfUser(ctx, s.pool, row.ID, row.UserID); err != nil {
			return row, Setup{}, &storeError{err}
		}
		if row.ProviderID == nil {
			return row, Setup{}, errAbandoned
		}
		setup, err = s.provider.Setup(ctx, *row.ProviderID)
		return row, setup, lost(err)
	}
	row.ProviderID = &setup.ID
	return row, setup, nil
}

// lost reads "there is no such object" as what it is for one that the provider gave us: nothing is known.
func lost(err error) error {
	if err != nil && asProviderError(err).Outcome == Rejected {
		return &ProviderError{Op: "look up", Outcome: Unknown, Err: err}
	}
	return err
}

// pushSetup confirms a setup that can be, and cancels one that is too old.
func (s *Service) pushSetup(ctx context.Context, row db.CardSetup, setup Setup, age time.Duration) (after Setup, err error) {
	final := setup.State == Succeeded || setup.State == Canceled || setup.State == InProgress
	switch {
	case final:
		return setup, nil
	case age >= keyLife:
		after, err = s.provider.CancelSetup(ctx, setup.ID, setupKey(row, "cancel"))
	case setup.State == Unconfirmed && row.PaymentMethod != nil:
		after, err = s.provider.ConfirmSetup(ctx, setup.ID, s.returnURL(), setupKey(row, "confirm"))
	default:
		return setup, nil
	}
	if err == nil || asProviderError(err).Outcome != Rejected {
		return after, err
	}
	now, lookErr := s.provider.Setup(ctx, setup.ID)
	switch {
	case lookErr != nil:
		return Setup{}, lost(lookErr)
	case now.State != setup.State: // a rival was faster
		return now, nil
	}
	return Setup{}, err
}

// afterFailedSetup fails the setup where the answer is definite, and leaves it open otherwise, with errUnheard.
func (s *Service) afterFailedSetup(ctx context.Context, row db.CardSetup, err error) (db.CardSetup, error) {
	var store *storeError
	switch {
	case errors.As(err, &store):
		return row, store.err
	case errors.Is(err, errAbandoned):
		return s.failSetup(ctx, row, failedAbandoned, "")
	}
	e, ok := errors.AsType[*ProviderError](err)
	if !ok { // our own database, and nothing about the card
		return row, err
	}
	s.log.Log(ctx, e.Outcome.level(), "the provider did not complete the saving of a card", "setup", row.ID, "outcome", e.Outcome.String(), "error", err)
	switch e.Outcome {
	case Refused:
		return s.failSetup(ctx, row, e.Code, e.DeclineCode)
	case Rejected:
		if e.Code == failedNoMethod {
			return s.failSetup(ctx, row, failedNoMethod, "")
		}
		return s.failSetup(ctx, row, failedRejected, "")
	case Poisoned:
		if _, err := s.q.SetupNextAttempt(ctx, s.pool, row.ID, row.Attempt); err != nil {
			return row, err
		}
	case Unknown, Busy, Locked:
	}
	return row, errUnheard
}

// recordSetup writes down what the provider says. A client that gives its card to the provider itself may
// try another card, so that nothing but success and cancellation is the end of it.
func (s *Service) recordSetup(ctx context.Context, row db.CardSetup, setup Setup) (db.CardSetup, error) {
	switch {
	case setup.State == Succeeded:
		return s.resolvedSetup(ctx, row, func(tx pgx.Tx) (db.CardSetup, error) { return s.saveCard(ctx, tx, row, setup.Method) })
	case setup.State == Canceled:
		return s.failSetup(ctx, row, failedAbandoned, "")
	case setup.State == Declined && row.PaymentMethod != nil:
		return s.failSetup(ctx, row, setup.FailureCode, setup.DeclineCode)
	case setup.State == AwaitingHolder && row.PaymentMethod != nil:
		return s.resolvedSetup(ctx, row, func(tx pgx.Tx) (db.CardSetup, error) {
			return s.q.SetupAwaitAction(ctx, tx, optional(setup.NextActionURL), row.ID)
		})
	}
	return row, nil
}

func (s *Service) saveCard(ctx context.Context, tx pgx.Tx, row db.CardSetup, m Method) (db.CardSetup, error) {
	card, err := s.q.CardSave(ctx, tx, db.CardSaveParams{
		ID: id.New(), UserID: row.UserID, Provider: providerRef, MethodID: m.ID,
		Brand: m.Brand, Last4: m.Last4, ExpMonth: int16(m.ExpMonth), ExpYear: int16(m.ExpYear), Fingerprint: optional(m.Fingerprint),
	})
	if err != nil {
		return row, err
	}
	if card.UserID != row.UserID {
		return row, fmt.Errorf("payment method %s is another user's", m.ID)
	}
	return s.q.SetupSucceed(ctx, tx, card.ID, row.ID)
}

func (s *Service) failSetup(ctx context.Context, row db.CardSetup, code, declineCode string) (db.CardSetup, error) {
	if code == "" {
		code = "card_declined"
	}
	return s.resolvedSetup(ctx, row, func(tx pgx.Tx) (db.CardSetup, error) {
		return s.q.SetupFail(ctx, tx, code, optional(declineCode), row.ID)
	})
}

// resolvedSetup runs a change under the row's lock, unless a rival has finished or knows another setup of
// the provider; it tells the user of another status.
func (s *Service) resolvedSetup(ctx context.Context, row db.CardSetup, change func(pgx.Tx) (db.CardSetup, error)) (db.CardSetup, error) {
	var (
		now  db.CardSetup
		told []realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		before, err := s.q.SetupLock(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if now = before; setupIsFinal(before) || deref(before.ProviderID) != deref(row.ProviderID) {
			return nil
		}
		if now, err = change(tx); err != nil || now.Status == before.Status {
			return err
		}
		event, err := feed.AppendTx(ctx, tx, now.UserID, feed.CardSetupChanged, id.CardSetup.ID(now.ID))
		told = append(told, event)
		return err
	})
	if err != nil {
		return row, fmt.Errorf("record the provider's answer: %w", err)
	}
	s.publish(ctx, told)
	return now, nil
}

func setupKey(row db.CardSetup, step string) string {
	return fmt.Sprintf("card_setup:%s:%d:%s", row.ID, row.Attempt, step)
}
