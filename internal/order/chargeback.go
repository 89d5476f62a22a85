package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// chargedBackReason is why an order ends that its buyer's bank has taken back before it was sent.
const chargedBackReason = "The card's bank has taken the payment back."

// ChargedBackTx implements payment.Orders. While the bank decides, nothing is done with the order's money. What it takes out of
// escrow counts as refunded does; where nothing is left the order is CHARGED_BACK, and not to be sent any more. What it
// takes after the release the platform bears: the order stays SETTLED, and can't be refunded a second time.
func (s *Service) ChargedBackTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, c payment.OrderChargeback) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		disputed := c.Open || (c.Borne && o.Payment == Settled)
		if disputed == o.Disputed && c.Taken.Minor == 0 {
			return nil, nil
		}
		o.Disputed, o.ChargedBack.Minor = disputed, o.ChargedBack.Minor+c.Taken.Minor
		to := o.state()
		if o.Payment == Paid && o.Left().Minor == 0 {
			if to.payment = ChargedBack; to.fulfilment == FulfilmentPending {
				to.fulfilment, o.Reason = Cancelled, chargedBackReason
			}
		}
		return s.stepTx(ctx, tx, o, to, EventChargeback)
	})
}
