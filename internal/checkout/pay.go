package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/risk"
)

// PayInput pays a reservation from the wallet.
type PayInput struct {
	Reservation    uuid.UUID
	Total          money.Amount // what the buyer has agreed to
	IdempotencyKey string
	risk.From      // no part of what is paid
}

// hash is of everything that has to be the same when a key is used again.
func (in PayInput) hash() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "reservation_payment\n%s\n%d\n%s", in.Reservation, in.Total.Minor, in.Total.Currency))
	return sum[:]
}

// Pay pays a reservation of codes from its buyer's wallet: an order for each listing, which its codes belong to from then on. All of it
// or nothing, in one transaction. The same key with the same input answers the same orders, as they are now.
func (s *Service) Pay(ctx context.Context, buyer uuid.UUID, in PayInput) (_ []order.Order, err error) {
	defer fault.Wrap(&err, "pay reservation %s", in.Reservation)
	if !payment.Printable(in.IdempotencyKey) {
		return nil, payment.ErrKeyInvalid
	}
	keep, err := s.judgeReservation(ctx, buyer, in)
	if err != nil {
		return nil, err
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told, err = s.payTx(ctx, tx, buyer, in, keep)
		return err
	})
	if postgres.Violates(err, "reservation_payment_key") { // used for another reservation meanwhile
		err = ErrKeyReused.At("idempotencyKey")
	}
	if err != nil {
		return nil, err
	}
	s.hub.Publish(ctx, told...)
	return s.ordersOf(ctx, buyer, in.Reservation)
}

func (s *Service) ordersOf(ctx context.Context, buyer, reservation uuid.UUID) ([]order.Order, error) {
	ids, err := s.q.CheckoutOrders(ctx, s.pool, reservation)
	if err != nil {
		return nil, err
	}
	return s.inOrder(ctx, buyer, ids)
}

// inOrder reads orders of a buyer's.
func (s *Service) inOrder(ctx context.Context, buyer uuid.UUID, ids []uuid.UUID) ([]order.Order, error) {
	found, err := s.orders.ByID(ctx, buyer, ids)
	orders := make([]order.Order, 0, len(ids))
	for _, id := range ids {
		orders = append(orders, found[id])
	}
	return orders, err
}

// payTx does it; it tells nothing where it was done before under the same key.
func (s *Service) payTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID, in PayInput, keep kept) ([]realtime.Event, error) {
	if _, err := s.q.CheckoutReservationLock(ctx, tx, in.Reservation, buyer); postgres.NoRows(err) {
		return nil, inventory.ErrReservationNotFound.At("reservationId")
	} else if err != nil {
		return nil, err
	}
	first, err := s.q.CheckoutPaymentByKey(ctx, tx, buyer, in.IdempotencyKey)
	switch {
	case err == nil && !bytes.Equal(first.RequestHash, in.hash()):
		return nil, ErrKeyReused.At("idempotencyKey")
	case err == nil:
		return nil, nil
	case !postgres.NoRows(err):
		return nil, err
	}
	lines, err := s.q.CheckoutLines(ctx, tx, in.Reservation)
	if err != nil {
		return nil, err
	}
	sales, err := s.divide(lines, buyer, in)
	if err != nil {
		return nil, err
	}
	told, err := s.stock.ConsumeTx(ctx, tx, in.Reservation, buyer) // which decides whether it is open
	if err != nil {
		return nil, err
	}
	err = s.q.CheckoutPaymentInsert(ctx, tx, db.CheckoutPaymentInsertParams{
		ReservationID: in.Reservation, UserID: buyer, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(),
		Total: in.Total.Minor, Currency: string(in.Total.Currency),
	})
	if err != nil {
		return nil, err
	}
	if err := keep.keepTx(ctx, tx); err != nil {
		return nil, err
	}
	sold, _, err := s.sellTx(ctx, tx, order.Purchase{Buyer: buyer, Reservation: &in.Reservation, Sales: sales}, func(o order.Order) order.Beginning {
		return order.Beginning{Order: o, Wallet: o.Total, Sent: true}
	}, nil)
	return append(told, sold...), err
}

// divide makes a sale of each listing, at the prices of now, and insists that they come to what the buyer has agreed to.
func (s *Service) divide(lines []db.CheckoutLinesRow, buyer uuid.UUID, in PayInput) (sales []order.Sale, err error) {
	var codes int64
	for _, line := range lines { // in the order of their listings
		switch {
		case catalog.Kind(line.Kind) != catalog.DigitalCode:
			return nil, ErrKind.At("reservationId")
		case line.SellerID == buyer:
			return nil, ErrOwnListing.At("reservationId")
		case line.Price == nil || line.Currency == nil:
			return nil, ErrPriceChanged.At("total")
		case money.Currency(*line.Currency) != in.Total.Currency:
			return nil, money.ErrMismatch.At("total")
		}
		if codes += line.Quantity; codes > maxCodes {
			return nil, ErrTooMany.At("reservationId")
		}
		if n := len(sales); n == 0 || sales[n-1].Lines[0].Listing != line.ListingID {
			sales = append(sales, order.Sale{ID: id.New(), Seller: line.SellerID})
		}
		last := &sales[len(sales)-1]
		last.Lines = append(last.Lines, order.Line{
			Listing: line.ListingID, Variant: &line.VariantID, Options: line.OptionValues, Quantity: int(line.Quantity), UnitPrice: money.New(*line.Price, in.Total.Currency),
		})
	}
	total, err := s.charge(sales)
	if err == nil && total != in.Total {
		err = ErrPriceChanged.At("total").With("total", total)
	}
	return sales, err
}
