package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// orderChange is what one step has changed: the row as it is then, what the order tells, and what is posted last.
type orderChange struct {
	row  db.OrderPayment
	told []realtime.Event
	post func() error
}

// changed runs one step under the locks of the order, the hold and the payment, unless a rival has registered an intent
// that this step does not know of. It tells the buyer of another status, and posts last.
func (s *Service) changed(
	ctx context.Context, row db.OrderPayment, step func(pgx.Tx, db.OrderPayment) (orderChange, error),
) (db.OrderPayment, error) {
	var c orderChange
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now, err := s.lockOrderPaymentTx(ctx, tx, row)
		if err != nil {
			return err
		}
		if c = (orderChange{row: now}); deref(now.ProviderID) != deref(row.ProviderID) {
			return nil
		}
		if c, err = step(tx, now); err != nil {
			return err
		}
		if c.row.Status != now.Status {
			event, err := tellPaymentTx(ctx, tx, c.row)
			if err != nil {
				return err
			}
			c.told = append(c.told, event)
		}
		if c.post != nil {
			return c.post()
		}
		return nil
	})
	if err != nil {
		return row, fmt.Errorf("record the provider's answer: %w", err)
	}
	s.publish(ctx, c.told)
	return c.row, nil
}

// lockOrderPaymentTx takes the locks in their order: the order, the hold, the payment.
func (s *Service) lockOrderPaymentTx(ctx context.Context, tx pgx.Tx, row db.OrderPayment) (db.OrderPayment, error) {
	if err := s.orders.LockTx(ctx, tx, row.OrderID); err != nil {
		return row, err
	}
	if row.HoldID != nil {
		if _, err := s.q.HoldsLock(ctx, tx, []uuid.UUID{*row.HoldID}); err != nil {
			return row, err
		}
	}
	return s.q.OrderPaymentLock(ctx, tx, row.ID)
}

func tellPaymentTx(ctx context.Context, tx pgx.Tx, row db.OrderPayment) (realtime.Event, error) {
	return feed.AppendTx(ctx, tx, row.UserID, feed.OrderPaymentChanged, id.OrderPayment.ID(row.ID))
}

func (s *Service) awaitedTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment, intent Intent) (orderChange, error) {
	row, err := s.q.OrderPaymentAwaitAction(ctx, tx, optional(intent.NextActionURL), now.ID)
	return orderChange{row: row}, err
}

func (s *Service) authorisedTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment) (orderChange, error) {
	told, err := s.orders.AuthorisedTx(ctx, tx, now.OrderID)
	if err != nil {
		return orderChange{}, err
	}
	row, err := s.q.OrderPaymentAuthorise(ctx, tx, now.ID)
	return orderChange{row: row, told: told}, err
}

// capturedTx moves both parts into escrow with one entry.
func (s *Service) capturedTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment, charge Charge) (orderChange, error) {
	var sent *Shipment
	if now.Status == string(OrderCapturing) {
		sent = &Shipment{Tracking: now.Tracking}
	}
	told, err := s.orders.CapturedTx(ctx, tx, now.OrderID, sent)
	if err != nil {
		return orderChange{}, err
	}
	if now.HoldID != nil {
		if _, err := s.resolveHolds(ctx, tx, []uuid.UUID{*now.HoldID}, holdConsumed); err != nil {
			return orderChange{}, err
		}
	}
	row, err := s.q.OrderPaymentCaptured(ctx, tx, db.OrderPaymentCapturedParams{
		ID: now.ID, ChargeID: charge.ID, BalanceTxnID: charge.BalanceTxnID, Fee: charge.Fee.Minor,
	})
	return orderChange{row: row, told: told, post: func() error {
		return s.postClearedTx(ctx, tx, captureEntry(row), txnCharge, ProviderTxn{ID: charge.BalanceTxnID, Gross: charge.Amount, Fee: charge.Fee})
	}}, err
}

// captureEntry is what the card gave and what the wallet held, into escrow; clearing has the legs at the provider.
func captureEntry(row db.OrderPayment) ledger.Entry {
	c := money.Currency(row.Currency)
	legs := []ledger.Leg{of(ledger.Escrow, row.OrderID, c, row.CardAmount+row.WalletAmount)}
	if row.WalletAmount > 0 {
		legs = append(legs, of(ledger.WalletHeld, row.UserID, c, -row.WalletAmount))
	}
	return ledger.Entry{Key: paymentKey(row, "capture"), Flow: ledger.FlowCapture, Cause: orderCause(row.OrderID), Legs: legs}
}

func (s *Service) voidedTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment) (orderChange, error) {
	row, err := s.q.OrderPaymentVoided(ctx, tx, now.ID)
	if err != nil {
		return orderChange{}, err
	}
	return s.letGoTx(ctx, tx, row)
}

// letGoTx tells an order that nothing of this payment is live any more.
func (s *Service) letGoTx(ctx context.Context, tx pgx.Tx, row db.OrderPayment) (orderChange, error) {
	if open, err := s.voidingTx(ctx, tx, row.OrderID); err != nil || open != nil { // the order waits for all of them
		return orderChange{row: row}, err
	}
	told, err := s.orders.VoidedTx(ctx, tx, row.OrderID)
	return orderChange{row: row, told: told}, err
}

// takenTx ends a payment that was to be let go and whose card somebody else has charged: all of it is on its way back, as a
// refund with the payment's own id, whose job sends it.
func (s *Service) takenTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment, charge Charge) (orderChange, error) {
	row, err := s.q.OrderPaymentTaken(ctx, tx, charge.ID, charge.BalanceTxnID, now.ID)
	if err != nil {
		return orderChange{}, err
	}
	c, err := s.letGoTx(ctx, tx, row)
	if err != nil {
		return c, err
	}
	err = s.openRefund(ctx, tx, NewRefund{
		ID: now.ID, User: now.UserID, Cause: RefundOfOrder, CauseID: now.OrderID,
		Charge: OrderCharge, ChargeID: now.ID, ProviderID: deref(now.ProviderID), Amount: charge.Amount,
	})
	c.post = func() error {
		return s.postClearedTx(ctx, tx, ledger.Entry{
			Key: paymentKey(now, "taken"), Flow: ledger.FlowCapture, Cause: orderCause(now.OrderID), Legs: []ledger.Leg{RefundLeg(now.ID, charge.Amount)},
		}, txnCharge, ProviderTxn{ID: charge.BalanceTxnID, Gross: charge.Amount, Fee: charge.Fee})
	}
	return c, err
}

// failedTx ends a payment without money: what the wallet held is free again, and an order that was authorised is not.
func (s *Service) failedTx(ctx context.Context, tx pgx.Tx, now db.OrderPayment, why decline) (c orderChange, err error) {
	if now.Status == string(OrderAuthorised) || now.Status == string(OrderCapturing) {
		if c.told, err = s.orders.UnpaidTx(ctx, tx, now.OrderID); err != nil {
			return c, err
		}
	}
	c.row, err = s.q.OrderPaymentFail(ctx, tx, why.reason(), optional(why.declineCode), now.ID)
	c.post = func() error { return s.releaseHoldTx(ctx, tx, now) }
	return c, err
}

// releaseHoldTx gives the wallet its part back.
func (s *Service) releaseHoldTx(ctx context.Context, tx pgx.Tx, row db.OrderPayment) error {
	if row.HoldID == nil {
		return nil
	}
	return s.ChangeHoldsTx(ctx, tx, HoldChange{Key: paymentKey(row, "release"), Cause: orderCause(row.OrderID), Release: []uuid.UUID{*row.HoldID}})
}

// Voided is what becomes of an order's payment that is given up.
type Voided struct {
	Open *uuid.UUID // the payment whose card is to be let go after the commit, by AdvanceOrderPayment or the job

	row *db.OrderPayment // nil where nothing was live
	s   *Service
}

// TellTx tells the buyer. It comes after whatever the order gives back, as the goods' locks come before a feed's. The events are to be published after the commit.
func (v Voided) TellTx(ctx context.Context, tx pgx.Tx) ([]realtime.Event, error) {
	if v.row == nil {
		return nil, nil
	}
	event, err := tellPaymentTx(ctx, tx, *v.row)
	return []realtime.Event{event}, err
}

// ReleaseTx gives the wallet its part back; it comes last in its transaction.
func (v Voided) ReleaseTx(ctx context.Context, tx pgx.Tx) error {
	if v.row == nil {
		return nil
	}
	return v.s.releaseHoldTx(ctx, tx, *v.row)
}

// VoidOrderPaymentTx gives up what is under way for an order, whose row the caller has locked and which is not paid.
// The caller has Voided.TellTx to call, and Voided.ReleaseTx, last. It refuses while a capture is under way.
func (s *Service) VoidOrderPaymentTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (v Voided, err error) {
	defer fault.Wrap(&err, "void the payment of order %s", order)
	live, err := s.q.OrderPaymentLive(ctx, tx, order)
	if errors.Is(err, pgx.ErrNoRows) {
		v.Open, err = s.voidingTx(ctx, tx, order)
		return v, err
	}
	if err != nil {
		return v, err
	}
	row, err := s.voidTx(ctx, tx, live)
	if err != nil {
		return v, err
	}
	v.row, v.s = &row, s
	v.Open, err = s.voidingTx(ctx, tx, order)
	return v, err
}

// voidingTx is a payment of an order whose card waits to be let go, nil where none does.
func (s *Service) voidingTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (*uuid.UUID, error) {
	payment, err := s.q.OrderPaymentVoiding(ctx, tx, order)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &payment, err
}

// voidTx marks a live payment as given up; the caller tells of it, and releases its hold, last. One that has no intent yet never gets one.
func (s *Service) voidTx(ctx context.Context, tx pgx.Tx, seen db.OrderPayment) (row db.OrderPayment, err error) {
	now, err := s.lockOrderPaymentTx(ctx, tx, seen)
	if err != nil {
		return now, err
	}
	switch OrderPaymentStatus(now.Status) {
	case OrderCapturing:
		return now, ErrCaptureInProgress
	case OrderProcessing, OrderRequiresAction, OrderAuthorised:
	default:
		return now, fmt.Errorf("payment %s is %s and cannot be voided", now.ID, now.Status)
	}
	if now.ProviderID == nil {
		row, err = s.q.OrderPaymentVoided(ctx, tx, now.ID)
	} else if row, err = s.q.OrderPaymentVoid(ctx, tx, now.ID); err == nil {
		err = s.watchTx(ctx, tx, row)
	}
	return row, err
}

// BeginCaptureTx marks the authorised payment of an order, whose row the caller has locked, as being captured for a
// shipment; AdvanceOrderPayment takes the money after the commit, or the job. Asked again, it answers the same payment.
func (s *Service) BeginCaptureTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, sent Shipment) (_ uuid.UUID, told []realtime.Event, err error) {
	defer fault.Wrap(&err, "capture the payment of order %s", order)
	live, err := s.q.OrderPaymentLive(ctx, tx, order)
	if err != nil {
		return uuid.Nil, nil, err
	}
	if live.Status == string(OrderCapturing) {
		return live.ID, nil, nil
	}
	row, err := s.q.OrderPaymentCapture(ctx, tx, sent.Tracking, live.ID)
	if err != nil {
		return uuid.Nil, nil, err
	}
	if err := s.watchTx(ctx, tx, row); err != nil {
		return uuid.Nil, nil, err
	}
	event, err := tellPaymentTx(ctx, tx, row)
	return row.ID, []realtime.Event{event}, err
}
