package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// OrderRefund is money of an order that goes back to where it came from.
type OrderRefund struct {
	ID       uuid.UUID // also of the Refund of the card's part, where there is one
	Order    uuid.UUID
	Seller   uuid.UUID
	Terms    Terms        // without the card's part, which the payment knows
	Campaign *uuid.UUID   // whose subsidy it has
	Left     money.Amount // of the total, before this refund
	Amount   money.Amount // of what is left
	Named    bool         // somebody has said how much: what cards don't take is refused. What follows from lines is rounded down to what they take
	Released bool         // the seller and the platform have theirs already
}

// RefundInParts is a refund and how it is divided.
type RefundInParts struct {
	OrderRefund

	Parts   Parts
	payment db.OrderPayment
}

// DivideRefundTx divides a refund of an order whose row the caller has locked: what each source and each side has of what
// is left before it, less what it has of what is left after it. So refunds in any steps end at what each source paid. What is refunded is the answer's
// amount, which may be nothing.
func (s *Service) DivideRefundTx(ctx context.Context, tx pgx.Tx, r OrderRefund) (parts RefundInParts, err error) {
	defer fault.Wrap(&err, "divide a refund of order %s", r.Order)
	paid, err := s.q.OrderPaymentLive(ctx, tx, r.Order)
	if err == nil {
		paid, err = s.q.OrderPaymentLock(ctx, tx, paid.ID) // as the charge's owner, for OpenRefundTx
	}
	if err != nil {
		return parts, err
	}
	if paid.Status != string(OrderCaptured) {
		return parts, fmt.Errorf("payment %s is %s, and nothing of it can be refunded", paid.ID, paid.Status)
	}
	back, err := s.q.ChargebacksOfOrderPayment(ctx, tx, paid.ID)
	if err != nil {
		return parts, err
	}
	c, terms := r.Terms.Total.Currency, r.Terms
	terms.Card = money.New(paid.CardAmount, c)
	if back.Lost { // the card takes nothing any more: what is left is the wallet's
		terms.Card.Minor = 0
	}
	if step := cardStep(c); terms.Card.Minor > 0 && r.Amount != r.Left && r.Amount.Minor%step != 0 {
		if r.Named {
			return parts, ErrAmountStep.At("amount").With("step", money.New(step, c))
		}
		r.Amount.Minor -= r.Amount.Minor % step
	}
	after := money.New(r.Left.Minor-r.Amount.Minor, c)
	return RefundInParts{OrderRefund: r, Parts: terms.Of(r.Left).Less(terms.Of(after)), payment: paid}, nil
}

// RefundOrderTx gives an order's money back: first out of the hands of seller and platform, where it was released, then from
// escrow to its sources. The card's part is on its way with the commit; PushRefund sends it at once. It comes last
// in its transaction.
func (s *Service) RefundOrderTx(ctx context.Context, tx pgx.Tx, r RefundInParts) (err error) {
	defer fault.Wrap(&err, "refund order %s", r.Order)
	return atomically(ctx, tx, func(tx pgx.Tx) error {
		if r.Parts.Card.Minor > 0 {
			err := s.OpenRefundTx(ctx, tx, NewRefund{
				ID: r.ID, User: r.payment.UserID, Cause: RefundOfOrder, CauseID: r.Order,
				Charge: OrderCharge, ChargeID: r.payment.ID, ProviderID: deref(r.payment.ProviderID), Amount: r.Parts.Card,
			})
			if err != nil {
				return err
			}
		}
		if r.Released {
			if err := s.returnTx(ctx, tx, r); err != nil {
				return err
			}
		}
		c := r.Amount.Currency
		back := legs(
			of(ledger.Escrow, r.Order, c, -r.Parts.All()),
			of(ledger.Wallet, r.payment.UserID, c, r.Parts.Wallet.Minor),
			RefundLeg(r.ID, r.Parts.Card),
		)
		if r.Parts.Subsidy.Minor > 0 {
			back = append(back, of(ledger.PromoBudget, *r.Campaign, c, r.Parts.Subsidy.Minor))
		}
		return post(ctx, tx, r.entry("refund", ledger.FlowRefund, back))
	})
}

// returnTx takes the legs of the release back, each by its share. What the seller no longer has becomes their debt.
func (s *Service) returnTx(ctx context.Context, tx pgx.Tx, r RefundInParts) error {
	back := append(r.Parts.platformLegs(-1), of(ledger.Escrow, r.Order, r.Amount.Currency, r.Parts.All()))
	return s.postWithSeller(ctx, tx, r.entry("return", ledger.FlowReturn, back), r.Seller, money.New(-r.Parts.Seller.Minor, r.Amount.Currency))
}

func (r RefundInParts) entry(step string, flow ledger.Flow, legs []ledger.Leg) ledger.Entry {
	return ledger.Entry{Key: "order_refund:" + r.ID.String() + ":" + step, Flow: flow, Cause: orderCause(r.Order), Legs: legs}
}

// legs leaves out those of nothing.
func legs(all ...ledger.Leg) []ledger.Leg {
	var some []ledger.Leg
	for _, leg := range all {
		if leg.Amount != 0 {
			some = append(some, leg)
		}
	}
	return some
}
