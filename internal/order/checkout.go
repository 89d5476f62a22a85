package order

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// CheckOut is what the buyer of an order that was won in a lot has confirmed of a quote of it.
type CheckOut struct {
	Order  uuid.UUID
	Quote  uuid.UUID
	Sale   Sale         // the order's, with its charges as it has them, and then those that are added
	Wallet money.Amount // of what it costs then
	Card   *uuid.UUID   // for the rest
	Pay    bool         // it is not paid yet

	Exchange *payment.FixedExchange // what fills the wallet for it, out of the wallet in another currency; nil for nothing
}

// CheckOutTx adds to an order that the caller has locked what its buyer has confirmed, once, and begins to pay it. It posts, and so comes last. The payment is nil where
// there is none to begin.
func (s *Service) CheckOutTx(ctx context.Context, tx pgx.Tx, out CheckOut) (*payment.OrderPayment, []realtime.Event, error) {
	terms, err := out.Sale.Terms()
	if err != nil {
		return nil, nil, err
	}
	row, err := s.q.OrderCheckOut(ctx, tx, db.OrderCheckOutParams{
		ID: out.Order, QuoteID: &out.Quote, Total: terms.Total.Minor, Tax: terms.Tax.Minor, Shipping: terms.Shipping.Minor,
	})
	if err != nil {
		return nil, nil, err
	}
	had, err := s.q.OrderChargesCount(ctx, tx, out.Order)
	if err == nil {
		err = s.q.OrderChargesInsert(ctx, tx, chargesOf([]Sale{out.Sale}, int(had)))
	}
	if err != nil {
		return nil, nil, err
	}
	o := orderOf(row)
	told, err := s.stepTx(ctx, tx, &o, o.state(), EventCheckedOut)
	if err != nil || !out.Pay {
		return nil, told, err
	}
	p, paid, err := s.payTx(ctx, tx, o, out.Exchange, payment.OrderPaymentInput{
		Order: o.ID, Buyer: o.BuyerID, Total: o.Total, Wallet: out.Wallet, Card: out.Card, IdempotencyKey: "order:" + o.ID.String(), // it is checked out once
	})
	return &p, append(told, paid...), err
}

// Quotable says that it was won in a lot, and that its buyer may still say how it is brought.
func (o Order) Quotable() bool {
	whole := o.Payment == PaymentPending || o.Left() == o.Total
	return o.AuctionID != nil && !o.CheckedOut && o.Fulfilment == FulfilmentPending && whole
}

// ToCheckOut reads, for a loader, which orders have to be checked out before they are paid: they were won in a lot of a seller who charges for sending things, or tax.
func (s *Service) ToCheckOut(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID]bool, error) {
	return s.toCheckOut(ctx, s.pool, orders)
}

func (s *Service) toCheckOut(ctx context.Context, conn db.DBTX, orders []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.q.OrdersToCheckOut(ctx, conn, orders)
	all := make(map[uuid.UUID]bool, len(orders))
	for _, o := range orders {
		all[o] = slices.Contains(rows, o)
	}
	return all, err
}

// toCheckOutTx says whether one has to be.
func (s *Service) toCheckOutTx(ctx context.Context, tx pgx.Tx, o Order) (bool, error) {
	if o.AuctionID == nil || o.CheckedOut {
		return false, nil
	}
	all, err := s.toCheckOut(ctx, tx, []uuid.UUID{o.ID})
	return all[o.ID], err
}
