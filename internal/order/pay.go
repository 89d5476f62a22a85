package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Won describes the order of a lot's winner: paid by their hold, or to be paid, with the card that their bid named.
type Won struct {
	Auction, Listing, Buyer, Seller uuid.UUID
	Hold                            *uuid.UUID
	Card                            *uuid.UUID
	Price                           money.Amount
}

// CreateWonTx makes the winner's order, in the transaction that closes the lot; where there is a hold, it pays it into
// escrow. The events are to be published after the commit.
func (s *Service) CreateWonTx(ctx context.Context, tx pgx.Tx, won Won) (_ Order, told []realtime.Event, err error) {
	defer fault.Wrap(&err, "create the order of auction %s", won.Auction)
	sale := Sale{ // what is sold by auction has one variant, under its own id
		ID: id.New(), Seller: won.Seller, Lines: []Line{{Listing: won.Listing, Variant: &won.Listing, Quantity: 1, UnitPrice: won.Price}},
	}
	if sale.Charges, err = s.Charges(sale); err != nil {
		return Order{}, nil, err
	}
	orders, created, err := s.CreateTx(ctx, tx, Purchase{Buyer: won.Buyer, Auction: &won.Auction, Card: won.Card, Sales: []Sale{sale}})
	if err != nil {
		return Order{}, nil, err
	}
	o := orders[0]
	if won.Hold == nil {
		return o, created, nil
	}
	done, err := s.stepTx(ctx, tx, &o, paid, EventPaid)
	if err != nil {
		return Order{}, nil, err
	}
	return o, append(created, done...), s.payment.PayByHoldTx(ctx, tx, o.ID, o.BuyerID, *won.Hold, o.Total)
}

// PayWonTx pays an order that was made in this transaction from its buyer's wallet, all of it, unless it has to be checked out first. It posts, and so comes last.
func (s *Service) PayWonTx(ctx context.Context, tx pgx.Tx, o Order, idempotencyKey string) ([]realtime.Event, error) {
	if later, err := s.toCheckOutTx(ctx, tx, o); err != nil || later {
		return nil, err
	}
	ask := PayInput{Order: o.ID, IdempotencyKey: idempotencyKey}.of(o)
	_, told, err := s.payTx(ctx, tx, o, nil, ask)
	return told, err
}

// PayInput is how a buyer wants to pay: the wallet's part, and a saved card for the rest.
type PayInput struct {
	Order          uuid.UUID
	Card           *uuid.UUID
	Wallet         *money.Amount // nil: nothing beside a card, all without one
	IdempotencyKey string

	Keep func(context.Context, pgx.Tx) error // what is to be kept in the transaction that begins to pay; nil for nothing
}

// Pay pays an order. From the wallet alone it is PAID at once. With a card it is AUTHORISED, and captured when the seller
// ships; where the card's holder is asked, or the provider's answer is lost, it stays PENDING for now. A card that
// is refused leaves the refusal beside the payment. The same key with the same input answers the same payment, as it
// is now. The call goes on when ctx is cancelled: a client that hangs up leaves nothing in doubt.
func (s *Service) Pay(ctx context.Context, buyer uuid.UUID, in PayInput) (_ Order, p payment.OrderPayment, err error) {
	defer fault.Wrap(&err, "pay order %s", in.Order)
	var told []realtime.Event
	fresh := false
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		fresh, told = false, nil
		party, o, err := s.lockTx(ctx, tx, Actor{User: buyer}, in.Order)
		if err != nil {
			return err
		}
		if party != AsBuyer {
			return ErrMove
		}
		ask := in.of(o)
		first, err := s.payment.OrderPaymentByKeyTx(ctx, tx, ask)
		if err == nil && first != nil {
			p = *first
			return nil
		}
		if err == nil {
			err = ask.Check()
		}
		if err != nil {
			return err
		}
		if later, err := s.toCheckOutTx(ctx, tx, o); err != nil {
			return err
		} else if later {
			return ErrCheckOut.At("orderId")
		}
		if in.Keep != nil {
			if err := in.Keep(ctx, tx); err != nil {
				return err
			}
		}
		fresh = true
		p, told, err = s.payTx(ctx, tx, o, nil, ask)
		return err
	})
	if err != nil {
		return Order{}, payment.OrderPayment{}, err
	}
	s.publish(ctx, told)
	ctx = context.WithoutCancel(ctx)
	if fresh && in.Card != nil {
		if p, err = s.payment.AdvanceOrderPayment(ctx, p.ID); err != nil {
			return Order{}, payment.OrderPayment{}, err
		}
	}
	o, err := s.Get(ctx, buyer, in.Order)
	if err != nil {
		return Order{}, payment.OrderPayment{}, err
	}
	return o, p, p.Refusal()
}

// of fills in what the order says.
func (in PayInput) of(o Order) payment.OrderPaymentInput {
	wallet := o.Total
	switch {
	case in.Wallet != nil:
		wallet = *in.Wallet
	case in.Card != nil:
		wallet = money.New(0, o.Total.Currency)
	}
	return payment.OrderPaymentInput{
		Order: o.ID, Buyer: o.BuyerID, Total: o.Total, Wallet: wallet, Card: in.Card, IdempotencyKey: in.IdempotencyKey,
	}
}

// payTx begins a payment, and moves the order where that is all there is to it. What is exchanged for it fills the wallet first.
func (s *Service) payTx(ctx context.Context, tx pgx.Tx, o Order, x *payment.FixedExchange, ask payment.OrderPaymentInput) (payment.OrderPayment, []realtime.Event, error) {
	if !o.may(ActionPay, AsBuyer) {
		return payment.OrderPayment{}, nil, ErrMove
	}
	var done []realtime.Event
	if ask.Card == nil {
		var err error
		if done, err = s.stepTx(ctx, tx, &o, paid, EventPaid); err != nil {
			return payment.OrderPayment{}, nil, err
		}
	}
	if x != nil {
		if err := s.payment.ExchangeForOrderTx(ctx, tx, o.BuyerID, o.ID, *x); err != nil {
			return payment.OrderPayment{}, nil, err
		}
	}
	p, told, err := s.payment.OpenOrderPaymentTx(ctx, tx, ask)
	return p, append(done, told...), err
}

// LockTx implements payment.Orders.
func (s *Service) LockTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) error {
	_, err := s.q.OrderLock(ctx, tx, order)
	return err
}

// AuthorisedTx implements payment.Orders.
func (s *Service) AuthorisedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		return s.stepTx(ctx, tx, o, authorised, EventAuthorised)
	})
}

// CapturedTx implements payment.Orders.
func (s *Service) CapturedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, shipment *payment.Shipment) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		told, err := s.stepTx(ctx, tx, o, paid, EventPaid)
		if err != nil || shipment == nil {
			return told, err
		}
		gone, err := s.sendTx(ctx, tx, o, shipment.Tracking)
		return append(told, gone...), err
	})
}

// UnpaidTx implements payment.Orders.
func (s *Service) UnpaidTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		return s.stepTx(ctx, tx, o, unpaid, EventUnpaid)
	})
}

// VoidedTx implements payment.Orders: the money of a cancelled order is settled with it.
func (s *Service) VoidedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error) {
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		if o.Fulfilment != Cancelled || !allowed(o.state(), state{Voided, Cancelled}) {
			return nil, nil
		}
		return s.stepTx(ctx, tx, o, state{Voided, Cancelled}, EventVoided)
	})
}

// toldTx does what payment tells of an order.
func (s *Service) toldTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, do func(*Order) ([]realtime.Event, error)) ([]realtime.Event, error) {
	row, err := s.q.OrderLock(ctx, tx, order)
	if err != nil {
		return nil, err
	}
	o := orderOf(row)
	return do(&o)
}
