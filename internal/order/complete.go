package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
)

// Periods are how long things may take after an order is sent.
type Periods struct {
	AfterDelivery time.Duration // until a delivered order is completed without its buyer
	AfterSending  time.Duration // the same, where no carrier says that it was delivered
	Return        time.Duration // from the completion until what it earned is its seller's

	ClaimAnswer time.Duration // until staff are called for a claim that its seller does not answer
	ClaimReturn time.Duration // the same, where the goods are to come back
	ClaimDecide time.Duration // until a claim that staff do not decide is decided by its rule
}

// DefaultPeriods are those that hold where nobody says otherwise.
func DefaultPeriods() Periods {
	const day = 24 * time.Hour
	return Periods{AfterDelivery: 3 * day, AfterSending: 21 * day, Return: 14 * day, ClaimAnswer: 3 * day, ClaimReturn: 14 * day, ClaimDecide: 14 * day}
}

// UsePeriods says how long things may take; to be called before the first order is made.
func (s *Service) UsePeriods(p Periods) { s.periods = p }

// completeIn is how long after a move an order is completed by time; 0 where the move does not change that.
func (s *Service) completeIn(o Order, to state) time.Duration {
	switch {
	case to.fulfilment == o.Fulfilment:
		return 0
	case to.fulfilment == Received || to.fulfilment == Sent && o.handedOver:
		return s.periods.AfterDelivery
	case to.fulfilment == Sent:
		return s.periods.AfterSending
	}
	return 0
}

// completeBy is when an order is completed without its buyer, while that is to come.
func completeBy(row db.Order) *time.Time {
	switch Fulfilment(row.Fulfilment) {
	case Sent, EnRoute, Received:
		if Payment(row.Payment) == Paid {
			return row.CompleteBy
		}
	case FulfilmentPending, Cancelled:
	}
	return nil
}

// ConfirmReceipt records that the buyer has the goods, and releases the escrow to the seller less the fee.
func (s *Service) ConfirmReceipt(ctx context.Context, buyer, order uuid.UUID) (Order, error) {
	return s.act(ctx, Actor{User: buyer}, order, ActionConfirmReceipt, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		return s.completeTx(ctx, tx, o)
	})
}

// completeTx completes an order that is under way. It posts, and so comes last.
func (s *Service) completeTx(ctx context.Context, tx pgx.Tx, o *Order) ([]realtime.Event, error) {
	kind := EventReceived
	if o.Fulfilment == Received {
		kind = EventCompleted
	}
	o.earns = releases
	if err := s.endClaimTx(ctx, tx, o, ClaimResolved); err != nil { // its buyer is content
		return nil, err
	}
	told, err := s.stepTx(ctx, tx, o, settled, kind)
	if err != nil {
		return nil, err
	}
	if err := s.commissionTx(ctx, tx, *o); err != nil {
		return nil, err
	}
	earned, err := s.completedTx(ctx, tx, *o)
	if err != nil {
		return nil, err
	}
	news, err := s.tellTx(ctx, tx, *o, notify.OrderCompleted, "completed:"+o.ID.String(), o.BuyerID, o.SellerID)
	if err != nil {
		return nil, err
	}
	if o.Free() {
		return slices.Concat(told, earned, news), nil
	}
	return slices.Concat(told, earned, news), s.payment.ReleaseEscrowTx(ctx, tx, payment.Release{
		Order: o.ID, Seller: o.SellerID, Parts: o.Parts(), Key: "order:" + o.ID.String() + ":release",
	})
}

// completedTx tells who pays commissions of an order that is completed.
func (s *Service) completedTx(ctx context.Context, tx pgx.Tx, o Order) ([]realtime.Event, error) {
	if s.referrals == nil {
		return nil, nil
	}
	return s.referrals.CompletedTx(ctx, tx, referral.Sale{Order: o.ID, Buyer: o.BuyerID, Total: o.Left(), Fee: o.PlatformFee()})
}

// Complete completes an order whose buyer has let its time go by, as they would have done. It is false where there was nothing to
// complete: whoever has the order's lock first decides.
func (s *Service) Complete(ctx context.Context, order uuid.UUID) (completed bool, err error) {
	defer fault.Wrap(&err, "complete order %s", order)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, err := s.q.OrderLock(ctx, tx, order)
		if err != nil {
			return err
		}
		o := orderOf(row)
		if o.Claim != "" || !o.may(ActionConfirmReceipt, AsBuyer) {
			return nil
		}
		due, err := s.q.OrderIsToComplete(ctx, tx, order)
		if err != nil || !due {
			return err
		}
		told, err = s.completeTx(ctx, tx, &o)
		return err
	})
	if err != nil {
		return false, err
	}
	s.publish(ctx, told)
	return len(told) > 0, nil
}
