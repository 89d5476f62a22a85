package order

import (
	"context"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const reasonMax = 500

// Cancel ends an order before its goods are sent. What is under way or authorised is voided: the wallet has its part
// back at once, and the order is VOIDED when the provider has let the card go, at once or by the job.
func (s *Service) Cancel(ctx context.Context, who Actor, order uuid.UUID, reason string) (Order, error) {
	reason, err := checkReason(reason)
	if err != nil {
		return Order{}, err
	}
	var open *uuid.UUID
	o, err := s.act(ctx, who, order, ActionCancel, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		o.Reason = reason
		voided, told, err := s.cancelUnpaidTx(ctx, tx, o)
		if open = voided.Open; err != nil {
			return nil, err
		}
		return told, voided.ReleaseTx(ctx, tx)
	})
	if err != nil || open == nil {
		return o, err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.payment.AdvanceOrderPayment(ctx, *open); err != nil {
		return Order{}, err
	}
	row, err := s.q.OrderByID(ctx, s.pool, order)
	return orderOf(row), err
}

// cancelUnpaidTx gives the payment up. The order is VOIDED with it unless a card has to be let go first.
func (s *Service) cancelUnpaidTx(ctx context.Context, tx pgx.Tx, o *Order) (payment.Voided, []realtime.Event, error) {
	voided, err := s.payment.VoidOrderPaymentTx(ctx, tx, o.ID)
	if err != nil {
		return voided, nil, err
	}
	to := state{Voided, Cancelled}
	if voided.Open != nil {
		to.payment = o.Payment
	}
	told, err := s.stepTx(ctx, tx, o, to, EventCancelled)
	return voided, append(told, voided.Told...), err
}

func checkReason(reason string) (string, error) {
	reason = text.Clean(reason)
	if utf8.RuneCountInString(reason) > reasonMax || !text.IsProse(reason) {
		return "", ErrReasonLength.At("reason")
	}
	return reason, nil
}
