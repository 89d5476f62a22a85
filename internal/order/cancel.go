package order

import (
	"context"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const reasonMax = 500

// Cancel ends an order before its goods are sent. What is under way or authorised is voided: the wallet has its part
// back at once, and the order is VOIDED when the provider has let the card go, at once or by the job. What is paid is
// refunded, all that is left of it.
func (s *Service) Cancel(ctx context.Context, who Actor, order uuid.UUID, reason string) (Order, error) {
	reason, err := checkReason(reason)
	if err != nil {
		return Order{}, err
	}
	var after func(context.Context) error // the provider's part
	o, err := s.act(ctx, who, order, ActionCancel, func(tx pgx.Tx, o *Order) (told []realtime.Event, err error) {
		if err := s.recordTx(ctx, tx, who, *o, adminlog.OrderCancelled, reason); err != nil {
			return nil, err
		}
		if o.Payment == Paid {
			told, after, err = s.refundTx(ctx, tx, o, refundAsk{by: who.User, amount: o.Left(), reason: reason, kind: EventCancelled})
			return told, err
		}
		o.Reason = reason
		told, after, err = s.cancelUnpaidTx(ctx, tx, o)
		return told, err
	})
	if err != nil || after == nil {
		return o, err
	}
	return s.afterwards(ctx, order, after)
}

// afterwards does the provider's part of what was committed, and answers the order as it is then. A failure there is for the
// jobs to mend.
func (s *Service) afterwards(ctx context.Context, order uuid.UUID, do func(context.Context) error) (Order, error) {
	ctx = context.WithoutCancel(ctx)
	if err := do(ctx); err != nil {
		return Order{}, err
	}
	row, err := s.q.OrderByID(ctx, s.pool, order)
	return orderOf(row), err
}

// cancelUnpaidTx gives the payment up. The order is VOIDED with it unless a card has to be let go first.
func (s *Service) cancelUnpaidTx(ctx context.Context, tx pgx.Tx, o *Order) (told []realtime.Event, after func(context.Context) error, err error) {
	voided, told, err := s.voidTx(ctx, tx, o)
	if err != nil {
		return nil, nil, err
	}
	news, err := voided.TellTx(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	return append(told, news...), s.letGo(voided), s.releaseVoidedTx(ctx, tx, *o, voided)
}

// releaseVoidedTx gives what was set aside for an order that is cancelled unpaid back: the wallet's part, and the platform's promotion. It comes last.
func (s *Service) releaseVoidedTx(ctx context.Context, tx pgx.Tx, o Order, voided payment.Voided) error {
	if err := voided.ReleaseTx(ctx, tx); err != nil || o.Subsidy.Minor == 0 {
		return err
	}
	return s.payment.WithdrawSubsidyTx(ctx, tx, o.subsidy())
}

// voidTx cancels an order that is not paid. Its buyer is still to be told of the payment, by what it answers, and what was set aside is still to be given back, by releaseVoidedTx.
func (s *Service) voidTx(ctx context.Context, tx pgx.Tx, o *Order) (voided payment.Voided, told []realtime.Event, err error) {
	if voided, err = s.payment.VoidOrderPaymentTx(ctx, tx, o.ID); err != nil {
		return voided, nil, err
	}
	to := state{Voided, Cancelled}
	if voided.Open != nil {
		to.payment = o.Payment
	}
	told, err = s.stepTx(ctx, tx, o, to, EventCancelled)
	return voided, told, err
}

// letGo is the provider's part of a payment that was given up, nil where it has none.
func (s *Service) letGo(voided payment.Voided) func(context.Context) error {
	if voided.Open == nil {
		return nil
	}
	return func(ctx context.Context) error {
		_, err := s.payment.AdvanceOrderPayment(ctx, *voided.Open)
		return err
	}
}

// recordTx keeps what an admin does to an order of others, who has to say why.
func (s *Service) recordTx(ctx context.Context, tx pgx.Tx, who Actor, o Order, kind adminlog.Kind, reason string) error {
	if _, party := o.PartyOf(who.User); party {
		return nil
	}
	_, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: who.User, Kind: kind, Subject: o.NodeID().String(), Reason: reason})
	return err
}

// checkReason cleans a reason, which the parties need not give.
func checkReason(reason string) (string, error) {
	reason = text.Clean(reason)
	if utf8.RuneCountInString(reason) > reasonMax || !text.IsProse(reason) {
		return "", ErrReasonLength.At("reason")
	}
	return reason, nil
}
