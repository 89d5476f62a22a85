package order

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// Digital describes the order of something that is handed over with its payment.
type Digital struct {
	Reservation, Listing, Buyer, Seller uuid.UUID
	Total                               money.Amount
}

// CreateDigitalTx makes the order of goods that are handed over in this transaction: it is PAID and SENT. PayDigitalTx pays it, at the
// transaction's end. The events are to be published after the commit.
func (s *Service) CreateDigitalTx(ctx context.Context, tx pgx.Tx, sale Digital) (_ Order, told []realtime.Event, err error) {
	defer fault.Wrap(&err, "create the order of reservation %s", sale.Reservation)
	row, err := s.q.OrderInsert(ctx, tx, db.OrderInsertParams{
		ID: id.New(), BuyerID: sale.Buyer, SellerID: sale.Seller, ListingID: sale.Listing, ReservationID: &sale.Reservation,
		Total: sale.Total.Minor, Fee: sale.Total.BasisPoints(s.feeBasisPoints).Minor, Currency: string(sale.Total.Currency),
		PayWithinSeconds: s.payWithin.Seconds(),
	})
	if err != nil {
		return Order{}, nil, err
	}
	o := orderOf(row)
	for _, step := range []struct {
		to   state
		kind string
	}{{unpaid, EventCreated}, {paid, EventPaid}, {sent, EventSent}} {
		done, err := s.stepTx(ctx, tx, &o, step.to, step.kind)
		if err != nil {
			return Order{}, nil, err
		}
		told = append(told, done...)
	}
	return o, told, nil
}

// PayDigitalTx pays an order that CreateDigitalTx made in this transaction from its buyer's wallet. It posts, and so comes last.
func (s *Service) PayDigitalTx(ctx context.Context, tx pgx.Tx, o Order) error {
	_, _, err := s.payment.OpenOrderPaymentTx(ctx, tx, payment.OrderPaymentInput{
		Order: o.ID, Buyer: o.BuyerID, Total: o.Total, Wallet: o.Total, IdempotencyKey: "order:" + o.ID.String(), // one payment is all there is
	})
	return err
}
