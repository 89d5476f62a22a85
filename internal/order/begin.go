package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// Beginning is how an order that was made in this transaction is paid at first.
type Beginning struct {
	Order  Order
	Wallet money.Amount // of its total
	Card   *uuid.UUID   // for the rest
	Sent   bool         // it is handed over in this transaction

	Exchange *payment.FixedExchange // what fills the wallet for it, out of the wallet in another currency; nil for nothing
}

// ByWallet says that the wallet pays all of it.
func (b Beginning) ByWallet() bool { return b.Card == nil }

// MarkTx moves an order on which its wallet pays in this transaction: PAID and, where it is handed over, SENT. BeginTx pays it, at the
// transaction's end. The events are to be published after the commit.
func (s *Service) MarkTx(ctx context.Context, tx pgx.Tx, b *Beginning) (told []realtime.Event, err error) {
	if !b.ByWallet() {
		return nil, nil
	}
	if told, err = s.stepTx(ctx, tx, &b.Order, paid, EventPaid); err != nil || !b.Sent {
		return told, err
	}
	b.Order.handedOver = true
	gone, err := s.stepTx(ctx, tx, &b.Order, sent, EventSent)
	return append(told, gone...), err
}

// BeginTx begins the payment of an order that was made in this transaction, with what the platform's promotion pays of it. It posts, and so comes last. An order over
// nothing has no payment.
func (s *Service) BeginTx(ctx context.Context, tx pgx.Tx, b Beginning) (payment.OrderPayment, error) {
	if b.Order.Free() {
		return payment.OrderPayment{}, nil
	}
	if b.Exchange != nil {
		if err := s.payment.ExchangeForOrderTx(ctx, tx, b.Order.BuyerID, b.Order.ID, *b.Exchange); err != nil {
			return payment.OrderPayment{}, err
		}
	}
	p, _, err := s.payment.OpenOrderPaymentTx(ctx, tx, payment.OrderPaymentInput{
		Order: b.Order.ID, Buyer: b.Order.BuyerID, Total: b.Order.Total, Wallet: b.Wallet, Card: b.Card,
		IdempotencyKey: "order:" + b.Order.ID.String(), // an order that is new has no other payment, of which something could be told
	})
	if err == nil && b.Order.Subsidy.Minor > 0 {
		err = s.payment.SubsidiseTx(ctx, tx, b.Order.subsidy())
	}
	return p, err
}
