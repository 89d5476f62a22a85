package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// Why an order ends that its buyer's bank has taken back before it was sent, and why its buyer is paid where the bank gives it
// back after all.
const (
	chargedBackReason = "The card's bank has taken the payment back."
	givenBackReason   = "The card's bank has given the payment back."
)

// ChargedBackTx implements payment.Orders. While the bank decides, nothing is done with the order's money. What it takes out of
// escrow counts as refunded does; where nothing is left the order is CHARGED_BACK, and not to be sent any more. What it
// takes after the release the platform bears: the order stays SETTLED, and can't be refunded a second time.
func (s *Service) ChargedBackTx(
	ctx context.Context, tx pgx.Tx, order uuid.UUID, c payment.OrderChargeback,
) (told []realtime.Event, settle payment.Settlement, err error) {
	told, err = s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		disputed := c.Open || (o.Payment == Settled && c.BorneAt.After(*o.SettledAt)) // of one lost before the release, nothing follows after it
		if disputed == o.Disputed && c.Taken.Minor == 0 {
			return nil, nil
		}
		before := *o
		o.Disputed, o.ChargedBack.Minor = disputed, o.ChargedBack.Minor+c.Taken.Minor
		if c.Taken.Minor < 0 {
			told, settle, err = s.givenBackTx(ctx, tx, o, before, c)
			return told, err
		}
		to := o.state()
		if o.Payment == Paid && o.Left().Minor == 0 {
			if to.payment = ChargedBack; to.fulfilment == FulfilmentPending {
				to.fulfilment, o.Reason = Cancelled, chargedBackReason
			}
		}
		settle = s.shiftSubsidy(*o, before, c)
		return s.stepTx(ctx, tx, o, to, EventChargeback)
	})
	return told, settle, err
}

// shiftSubsidy keeps the subsidy in escrow in step with what is left of the order.
func (s *Service) shiftSubsidy(o, before Order, c payment.OrderChargeback) payment.Settlement {
	moved, step := money.New(o.Parts().Subsidy.Minor-before.Parts().Subsidy.Minor, o.Total.Currency), "lost"
	if moved.Minor > 0 {
		step = "back"
	}
	return func(ctx context.Context, tx pgx.Tx) error {
		return s.payment.ShiftSubsidyTx(ctx, tx, o.ID, moved, "order:"+o.ID.String()+":promotion:"+c.ID.String()+":"+step)
	}
}

// givenBackTx is for an order whose escrow has money again that a lost chargeback had taken out of it. Where the order waits for its buyer
// it goes on as if nothing had been; where the rest was released so is this; and where all of it was given back, or was not
// sent and may be sold again, it is the buyer's, in their wallet.
func (s *Service) givenBackTx(ctx context.Context, tx pgx.Tx, o *Order, before Order, c payment.OrderChargeback) (told []realtime.Event, settle payment.Settlement, err error) {
	back := money.New(before.ChargedBack.Minor-o.ChargedBack.Minor, o.Total.Currency)
	to := o.state()
	settle = s.shiftSubsidy(*o, before, c)
	switch {
	case o.Payment == Refunded || (o.Payment == ChargedBack && o.Fulfilment == Cancelled):
		return s.givenToBuyerTx(ctx, tx, o, back)
	case o.Payment == ChargedBack:
		to.payment = Paid
	case o.Payment == Settled:
		o.earns = releases
		shift, parts := settle, o.Parts().Less(before.Parts())
		settle = func(ctx context.Context, tx pgx.Tx) error {
			if err := shift(ctx, tx); err != nil {
				return err
			}
			return s.payment.ReleaseEscrowTx(ctx, tx, payment.Release{Order: o.ID, Seller: o.SellerID, Parts: parts, Key: c.Key})
		}
	}
	told, err = s.stepTx(ctx, tx, o, to, EventChargeback)
	return told, settle, err
}

// givenToBuyerTx refunds what came back to the buyer's wallet: a card that was charged back takes nothing, and the platform's promotion had its part
// back when it was lost.
func (s *Service) givenToBuyerTx(ctx context.Context, tx pgx.Tx, o *Order, back money.Amount) (told []realtime.Event, settle payment.Settlement, err error) {
	parts, err := s.payment.DivideRefundTx(ctx, tx, payment.OrderRefund{
		ID: id.New(), Order: o.ID, Seller: o.SellerID, Terms: payment.Terms{Total: o.Total}, Left: back, Amount: back,
	})
	if err == nil {
		err = s.keepRefundTx(ctx, tx, parts, refundAsk{by: o.BuyerID, reason: givenBackReason})
	}
	if err != nil {
		return nil, nil, err
	}
	o.Refunded.Minor += back.Minor
	told, err = s.stepTx(ctx, tx, o, state{Refunded, o.Fulfilment}, EventChargeback)
	return told, func(ctx context.Context, tx pgx.Tx) error { return s.payment.RefundOrderTx(ctx, tx, parts) }, err
}
