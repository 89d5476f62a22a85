package checkout

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/risk"
)

// kept keeps how something was judged, in the transaction that does it.
type kept func(context.Context, pgx.Tx) error

// keepTx does so, where anything was judged.
func (k kept) keepTx(ctx context.Context, tx pgx.Tx) error {
	if k == nil {
		return nil
	}
	return k(ctx, tx)
}

// judge looks at a confirmation before anything of it is done, and says how that is kept beside it, nil for nothing. What was done before under the same key was judged then.
func (s *Service) judge(ctx context.Context, buyer uuid.UUID, in ConfirmInput) (kept, error) {
	if s.risk == nil && s.confirms == nil {
		return nil, nil
	}
	row, err := s.q.CheckoutToJudge(ctx, s.pool, db.CheckoutToJudgeParams{ID: in.Quote, UserID: buyer, CardID: in.Card, IdempotencyKey: in.IdempotencyKey})
	if postgres.NoRows(err) {
		return nil, ErrQuoteNotFound.At("quoteId")
	}
	if err != nil || row.Known {
		return nil, err
	}
	if err := paced(s.confirms, buyer); err != nil {
		return nil, err
	}
	attempt := risk.Attempt{User: buyer, Quote: &in.Quote, Card: in.Card, From: in.From}
	if row.Sent {
		attempt.Place = row.Place
	}
	return s.judged(ctx, attempt, row.CardKnown)
}

// judgePayment is judge for the payment of an order. What can't be paid is refused in its place.
func (s *Service) judgePayment(ctx context.Context, buyer uuid.UUID, in order.PayInput, from risk.From) (kept, error) {
	if s.risk == nil {
		return nil, nil
	}
	row, err := s.q.CheckoutOrderToJudge(ctx, s.pool, db.CheckoutOrderToJudgeParams{ID: in.Order, UserID: buyer, CardID: in.Card, IdempotencyKey: in.IdempotencyKey})
	if postgres.NoRows(err) || err == nil && row.Known {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	attempt := risk.Attempt{User: buyer, Order: &in.Order, Card: in.Card, From: from}
	if row.Sent {
		attempt.Place = row.Place
	}
	return s.judged(ctx, attempt, row.CardKnown)
}

// judgeReservation is judge for the payment of a reservation.
func (s *Service) judgeReservation(ctx context.Context, buyer uuid.UUID, in PayInput) (kept, error) {
	if s.risk == nil {
		return nil, nil
	}
	known, err := s.q.CheckoutReservationToJudge(ctx, s.pool, in.IdempotencyKey, in.Reservation, buyer)
	if postgres.NoRows(err) || err == nil && known {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.judged(ctx, risk.Attempt{User: buyer, Reservation: &in.Reservation, From: in.From}, false)
}

// judged asks for a judgement. A card that is not their own is refused in its place.
func (s *Service) judged(ctx context.Context, attempt risk.Attempt, ownCard bool) (kept, error) {
	if s.risk == nil {
		return nil, nil
	}
	if !ownCard {
		attempt.Card = nil
	}
	judged, err := s.risk.Check(ctx, attempt)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx pgx.Tx) error { return s.risk.KeepTx(ctx, tx, attempt, judged) }, nil
}

// PayOrder pays an order as order.Service.Pay does, once that was judged.
func (s *Service) PayOrder(ctx context.Context, buyer uuid.UUID, in order.PayInput, from risk.From) (_ order.Order, _ payment.OrderPayment, err error) {
	defer fault.Wrap(&err, "pay order %s at the checkout", in.Order)
	keep, err := s.judgePayment(ctx, buyer, in, from)
	if err != nil {
		return order.Order{}, payment.OrderPayment{}, err
	}
	in.Keep = keep
	return s.orders.Pay(ctx, buyer, in)
}
