package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// RefundStatus is how far a refund has come.
type RefundStatus string

// The statuses of a refund. Failed is final; Succeeded may still become Failed, when the card's bank sends the
// money back.
const (
	RefundProcessing RefundStatus = "PROCESSING"
	RefundSucceeded  RefundStatus = "SUCCEEDED"
	RefundFailed     RefundStatus = "FAILED" // the money is in the user's wallet
)

// RefundCause is what a refund is made for.
type RefundCause string

// The causes of a refund.
const (
	RefundOfOrder      RefundCause = "ORDER"
	RefundOfWithdrawal RefundCause = "WITHDRAWAL"
)

// ChargeKind is what a card was charged for.
type ChargeKind string

// The kinds of charges.
const (
	TopUpCharge ChargeKind = "TOP_UP"
	OrderCharge ChargeKind = "ORDER_PAYMENT"
)

// NewRefund is money to be given back to the card that paid it.
type NewRefund struct {
	ID         uuid.UUID
	User       uuid.UUID // whose wallet gets what the card does not take
	Cause      RefundCause
	CauseID    uuid.UUID
	Charge     ChargeKind
	ChargeID   uuid.UUID // the top-up, or the payment of an order
	ProviderID string    // of the PaymentIntent
	Amount     money.Amount
}

// Refund is money on its way back to a card, or arrived there, or come back.
type Refund struct {
	ID        uuid.UUID
	User      uuid.UUID
	Cause     RefundCause
	CauseID   uuid.UUID
	Amount    money.Amount
	Status    RefundStatus
	CreatedAt time.Time
	SettledAt *time.Time // when the provider sent it; it may have come back since

	failureCode string
}

// Refusal is why the refund failed; nil where it did not.
func (r Refund) Refusal() error {
	switch {
	case r.Status != RefundFailed:
		return nil
	case r.failureCode == refundRejected:
		return ErrRefundRejected
	}
	return ErrRefundReturned
}

// RefusalCode is the code of Refusal.
func (r Refund) RefusalCode() *string { return codeOf(r.Refusal()) }

// RefundLeg puts a refund's money where it is while it is on its way: the caller of OpenRefundTx posts it.
func RefundLeg(id uuid.UUID, amount money.Amount) ledger.Leg {
	return of(ledger.RefundInFlight, id, amount.Currency, amount.Minor)
}

// OpenRefundTx writes the intent to refund and enqueues the job that looks after it. In the same transaction the
// caller, who holds the lock of the charge's row and has seen that so much of the charge is left, posts an entry
// with its RefundLeg. After the commit, PushRefund sends it at once.
func (s *Service) OpenRefundTx(ctx context.Context, tx pgx.Tx, r NewRefund) (err error) {
	defer fault.Wrap(&err, "open refund %s", r.ID)
	if r.Amount.Minor <= 0 {
		return ErrAmountNotPositive
	}
	return atomically(ctx, tx, func(tx pgx.Tx) error { return s.openRefund(ctx, tx, r) })
}

// openRefund is OpenRefundTx for a transaction that ends with a refusal.
func (s *Service) openRefund(ctx context.Context, tx pgx.Tx, r NewRefund) error {
	err := s.q.RefundInsert(ctx, tx, db.RefundInsertParams{
		ID: r.ID, UserID: r.User, CauseKind: string(r.Cause), CauseID: r.CauseID,
		SourceKind: string(r.Charge), SourceID: r.ChargeID, IntentID: r.ProviderID,
		Amount: r.Amount.Minor, Currency: string(r.Amount.Currency),
	})
	if err != nil {
		return err
	}
	_, err = s.jobs.InsertTx(ctx, tx, RefundResolve{ID: r.ID}, &river.InsertOpts{ScheduledAt: s.clock.Now().Add(firstLook)})
	return err
}

// PushRefund brings a refund forward by asking the provider, and answers it as it is then. It may be repeated, and
// run beside itself: one sends, one posts. A failed call is no error: the refund stays PROCESSING and a job comes
// back to it. The call goes on when ctx is cancelled.
func (s *Service) PushRefund(ctx context.Context, id uuid.UUID) (_ Refund, err error) {
	defer fault.Wrap(&err, "push refund %s", id)
	ctx = context.WithoutCancel(ctx)
	found, err := s.q.RefundWithAge(ctx, s.pool, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Refund{}, ErrRefundNotFound
	}
	if err != nil {
		return Refund{}, err
	}
	row, err := s.advanceRefund(ctx, found.Refund, time.Duration(found.AgeSeconds)*time.Second)
	if err != nil {
		return Refund{}, err
	}
	return refundFrom(row), nil
}

// RefundOf is one of the user's own refunds.
func (s *Service) RefundOf(ctx context.Context, user, id uuid.UUID) (Refund, error) {
	row, err := s.q.RefundOfUser(ctx, s.pool, id, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return Refund{}, ErrRefundNotFound
	}
	if err != nil {
		return Refund{}, fmt.Errorf("read a refund: %w", err)
	}
	return refundFrom(row), nil
}

// RefundsOf is every refund that was made for a cause, the oldest first.
func (s *Service) RefundsOf(ctx context.Context, cause RefundCause, causeID uuid.UUID) ([]Refund, error) {
	rows, err := s.q.RefundsOfCause(ctx, s.pool, string(cause), causeID)
	if err != nil {
		return nil, fmt.Errorf("read the refunds of a cause: %w", err)
	}
	refunds := make([]Refund, len(rows))
	for i, row := range rows {
		refunds[i] = refundFrom(row)
	}
	return refunds, nil
}

func refundFrom(row db.Refund) Refund {
	return Refund{
		ID: row.ID, User: row.UserID, Cause: RefundCause(row.CauseKind), CauseID: row.CauseID, Amount: refundAmount(row),
		Status: RefundStatus(row.Status), CreatedAt: row.CreatedAt, SettledAt: row.SettledAt, failureCode: deref(row.FailureCode),
	}
}

func refundAmount(row db.Refund) money.Amount {
	return money.New(row.Amount, money.Currency(row.Currency))
}
