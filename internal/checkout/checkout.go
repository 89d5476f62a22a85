package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// maxCodes is how many codes are bought at once.
const maxCodes = 100

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	stock  *inventory.Service
	codes  *code.Service
	orders *order.Service
	hub    realtime.Publisher
}

// New makes a Service.
func New(pool *pgxpool.Pool, stock *inventory.Service, codes *code.Service, orders *order.Service, hub realtime.Publisher) *Service {
	return &Service{pool: pool, q: db.New(), stock: stock, codes: codes, orders: orders, hub: hub}
}

// PayInput pays a reservation from the wallet.
type PayInput struct {
	Reservation    uuid.UUID
	Total          money.Amount // what the buyer has agreed to
	IdempotencyKey string
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
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told, err = s.payTx(ctx, tx, buyer, in)
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
	found, err := s.orders.ByID(ctx, buyer, ids)
	orders := make([]order.Order, 0, len(ids))
	for _, id := range ids {
		orders = append(orders, found[id])
	}
	return orders, err
}

// payTx does it; it tells nothing where it was done before under the same key.
func (s *Service) payTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID, in PayInput) ([]realtime.Event, error) {
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
	sales, err := divide(lines, buyer, in)
	if err != nil {
		return nil, err
	}
	told, err := s.stock.ConsumeTx(ctx, tx, in.Reservation) // which decides whether it is open
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
	sold, err := s.sellTx(ctx, tx, sales)
	return append(told, sold...), err
}

// sellTx makes the orders, hands their codes over, and posts.
func (s *Service) sellTx(ctx context.Context, tx pgx.Tx, sales []sale) (told []realtime.Event, err error) {
	orders := make([]order.Order, len(sales))
	for i, sale := range sales {
		var done []realtime.Event
		if orders[i], done, err = s.orders.CreateDigitalTx(ctx, tx, sale.Digital); err != nil {
			return nil, err
		}
		told = append(told, done...)
		for _, line := range sale.lines {
			if err := s.codes.SellTx(ctx, tx, orders[i].ID, line.VariantID, int(line.Quantity)); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range orders {
		if err := s.orders.PayDigitalTx(ctx, tx, o); err != nil {
			return nil, err
		}
	}
	return told, nil
}

// sale is what becomes one order: all that is bought of a listing.
type sale struct {
	order.Digital
	lines []db.CheckoutLinesRow
}

// divide makes a sale of each listing, at the prices of now, and insists that they come to what the buyer has agreed to.
func divide(lines []db.CheckoutLinesRow, buyer uuid.UUID, in PayInput) (sales []sale, err error) {
	var codes int64
	total := money.New(0, in.Total.Currency)
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
		price := money.New(*line.Price*line.Quantity, in.Total.Currency)
		if n := len(sales); n == 0 || sales[n-1].Listing != line.ListingID {
			sales = append(sales, sale{Digital: order.Digital{
				Reservation: in.Reservation, Listing: line.ListingID, Buyer: buyer, Seller: line.SellerID, Total: money.New(0, in.Total.Currency),
			}})
		}
		last := &sales[len(sales)-1]
		last.lines = append(last.lines, line)
		last.Total.Minor += price.Minor
		total.Minor += price.Minor
	}
	if total != in.Total {
		return nil, ErrPriceChanged.At("total").With("total", total)
	}
	return sales, nil
}
