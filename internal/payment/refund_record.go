package payment

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// The failure codes that a refund's row keeps, beside the provider's own.
const (
	refundRejected = "rejected" // the provider did not take it
	refundUnnamed  = "unknown"  // it came back, and the provider does not say why
)

// recordRefund writes down what the provider says.
func (s *Service) recordRefund(ctx context.Context, row db.Refund, sent SentRefund) (db.Refund, error) {
	if err := sent.check(refundAmount(row)); err != nil {
		return row, err
	}
	return s.refunded(ctx, row, func(tx pgx.Tx, now db.Refund) (db.Refund, []posting, error) {
		var err error
		if now.ProviderID == nil {
			now, err = s.q.RefundSetProvider(ctx, tx, sent.ID, now.ID)
		} else if *now.ProviderID != sent.ID {
			err = fmt.Errorf("the provider has it as %s and as %s", *now.ProviderID, sent.ID)
		}
		if err != nil {
			return now, nil, err
		}
		return s.refundMoves(ctx, tx, now, sent)
	})
}

// check insists that the provider moved what we asked it to.
func (r SentRefund) check(amount money.Amount) error {
	if r.Amount != amount {
		return fmt.Errorf("the provider refunded %s, not %s (%s)", r.Amount, amount, r.ID)
	}
	if r.Left.ID != "" && r.Left.Gross != money.New(-amount.Minor, amount.Currency) {
		return fmt.Errorf("the provider's record %s of a refund of %s is %s", r.Left.ID, amount, r.Left.Gross)
	}
	if r.Returned.ID != "" && r.Returned.Gross != amount {
		return fmt.Errorf("the provider's record %s of a refund of %s that failed is %s", r.Returned.ID, amount, r.Returned.Gross)
	}
	return nil
}

// refundMoves takes the row to where the provider has the refund. What left our balance and came back is booked as
// both, so that each of the provider's records has its entry.
func (s *Service) refundMoves(ctx context.Context, tx pgx.Tx, now db.Refund, sent SentRefund) (_ db.Refund, posts []posting, err error) {
	failed := sent.State == RefundStateFailed
	switch {
	case sent.State == RefundStatePending,
		!failed && sent.Left.ID == "",                              // not on the provider's books yet
		failed && (sent.Left.ID == "") != (sent.Returned.ID == ""): // nor is the way back
		return now, nil, nil
	}
	if now.SettledAt == nil && sent.Left.ID != "" {
		if now, err = s.q.RefundSettle(ctx, tx, sent.Left.ID, now.ID); err != nil {
			return now, nil, err
		}
		posts = append(posts, s.postSettled(now, sent.Left))
	}
	if !failed {
		return now, posts, nil
	}
	if now.SettledAt == nil {
		posts = append(posts, postUnsent(now))
	} else {
		posts = append(posts, s.postReturned(now, sent.Returned))
	}
	code := sent.FailureCode
	if code == "" {
		code = refundUnnamed
	}
	now, err = s.q.RefundFail(ctx, tx, code, optional(sent.Returned.ID), now.ID)
	return now, posts, err
}

// rejectRefund gives the money to the wallet where the provider has refused to refund it.
func (s *Service) rejectRefund(ctx context.Context, row db.Refund) (db.Refund, error) {
	return s.refunded(ctx, row, func(tx pgx.Tx, now db.Refund) (db.Refund, []posting, error) {
		if now.ProviderID != nil || now.Attempt != row.Attempt { // a rival was heard, or asks again
			return now, nil, nil
		}
		now, err := s.q.RefundFail(ctx, tx, refundRejected, nil, now.ID)
		return now, []posting{postUnsent(now)}, err
	})
}

// posting posts one entry.
type posting func(ctx context.Context, tx pgx.Tx) error

// postSettled books that the money has left.
func (s *Service) postSettled(r db.Refund, left ProviderTxn) posting {
	return func(ctx context.Context, tx pgx.Tx) error {
		return s.postClearedTx(ctx, tx, refundEntry(r, "settled", ledger.FlowRefundSettled,
			of(ledger.RefundInFlight, r.ID, money.Currency(r.Currency), -r.Amount)), txnRefund, left)
	}
}

// postReturned books that money which had left is back: the card did not take it, and it is its user's.
func (s *Service) postReturned(r db.Refund, returned ProviderTxn) posting {
	return func(ctx context.Context, tx pgx.Tx) error {
		return s.postClearedTx(ctx, tx, refundEntry(r, "returned", ledger.FlowRefundFailed,
			of(ledger.Wallet, r.UserID, money.Currency(r.Currency), r.Amount)), txnRefundFailure, returned)
	}
}

// postUnsent books that the money never left.
func postUnsent(r db.Refund) posting {
	return func(ctx context.Context, tx pgx.Tx) error {
		c := money.Currency(r.Currency)
		return post(ctx, tx, refundEntry(r, "failed", ledger.FlowRefundFailed,
			of(ledger.RefundInFlight, r.ID, c, -r.Amount), of(ledger.Wallet, r.UserID, c, r.Amount)))
	}
}

func refundEntry(r db.Refund, step string, flow ledger.Flow, legs ...ledger.Leg) ledger.Entry {
	return ledger.Entry{
		Key: "refund:" + r.ID.String() + ":" + step, Flow: flow, Cause: ledger.Cause{Kind: "refund", ID: r.ID}, Legs: legs,
	}
}

// refunded runs a change under the row's lock, unless the refund is final or is another one at the provider. It
// tells the user of another status, and posts last.
func (s *Service) refunded(
	ctx context.Context, row db.Refund, change func(pgx.Tx, db.Refund) (db.Refund, []posting, error),
) (db.Refund, error) {
	var (
		now  db.Refund
		told []realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		before, err := s.q.RefundLock(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if now = before; before.Status == string(RefundFailed) {
			return nil
		}
		var posts []posting
		if now, posts, err = change(tx, before); err != nil {
			return err
		}
		if now.Status != before.Status {
			if told, err = tellOfRefund(ctx, tx, now); err != nil {
				return err
			}
		}
		for _, post := range posts {
			if err := post(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return row, fmt.Errorf("record the provider's answer: %w", err)
	}
	s.publish(ctx, told)
	return now, nil
}

// tellOfRefund tells the user of a refund's new status, and of the withdrawal that it is a part of.
func tellOfRefund(ctx context.Context, tx pgx.Tx, r db.Refund) ([]realtime.Event, error) {
	event, err := feed.AppendTx(ctx, tx, r.UserID, feed.RefundChanged, id.Refund.ID(r.ID))
	if err != nil || r.CauseKind != string(RefundOfWithdrawal) {
		return []realtime.Event{event}, err
	}
	whole, err := feed.AppendTx(ctx, tx, r.UserID, feed.WithdrawalChanged, id.Withdrawal.ID(r.CauseID))
	return []realtime.Event{event, whole}, err
}
