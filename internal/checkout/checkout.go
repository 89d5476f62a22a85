package checkout

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/risk"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/tax"
)

const (
	// maxCodes is how many codes are bought at once.
	maxCodes = 100
	// maxChoices is how many parcels' ways somebody may choose at once.
	maxChoices = 100
	// pointPatience is how long a confirmation waits for carriers to say whether their points are open.
	pointPatience = 4 * time.Second
	// maxQuotes is how many quotes of an hour somebody may have that they did not confirm.
	maxQuotes = 60
	// payWithin is how long the goods of a confirmed quote wait for their payment: for a card's holder, and for another card.
	payWithin = time.Hour
	// paceEvery and paceBurst are how often somebody may quote, and confirm: so often on the average, and so many at once.
	paceEvery, paceBurst = time.Second, 30
)

// Service holds the use cases of this package.
type Service struct {
	pool      *pgxpool.Pool
	q         *db.Queries
	addresses *address.Service
	carts     *cart.Service
	stock     *inventory.Service
	codes     *code.Service
	orders    *order.Service
	offers    *offer.Service
	promotion *promotion.Service
	tax       *tax.Service
	shipping  *shipping.Service
	payment   *payment.Service
	hub       realtime.Publisher
	risk      *risk.Service            // nil where nobody judges
	quotes    *pace.Limiter[uuid.UUID] // each nil where there is no limit
	confirms  *pace.Limiter[uuid.UUID]
}

// Config is what a Service is made of; all of it is required, but for Risk and Pace.
type Config struct {
	Pool      *pgxpool.Pool
	Addresses *address.Service
	Carts     *cart.Service
	Inventory *inventory.Service
	Codes     *code.Service
	Orders    *order.Service
	Offers    *offer.Service
	Promotion *promotion.Service
	Tax       *tax.Service
	Shipping  *shipping.Service
	Payment   *payment.Service
	Hub       realtime.Publisher
	Risk      *risk.Service // judges each confirmation; nil: nobody does
	Pace      bool          // somebody quotes and confirms so often in a time, at each server, and no more
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{
		pool: c.Pool, q: db.New(), addresses: c.Addresses, carts: c.Carts, stock: c.Inventory, codes: c.Codes, orders: c.Orders, offers: c.Offers, promotion: c.Promotion, tax: c.Tax, shipping: c.Shipping, payment: c.Payment, hub: c.Hub, risk: c.Risk,
	}
	if c.Pace {
		s.quotes, s.confirms = pace.New[uuid.UUID](paceEvery, paceBurst, clock.System{}), pace.New[uuid.UUID](paceEvery, paceBurst, clock.System{})
	}
	return s
}

// paced refuses what somebody does too often.
func paced(limit *pace.Limiter[uuid.UUID], user uuid.UUID) error {
	if limit == nil {
		return nil
	}
	wait, ok := limit.Take(user)
	if ok {
		return nil
	}
	slow := *ErrTooFast
	slow.RetryIn = wait
	return &slow
}

// sellTx makes the orders of a purchase, hands the codes of those over that are sent, and begins their payments, as how says of each. Money moves last; tell tells what
// else is to be told before that, nil of nothing.
func (s *Service) sellTx(ctx context.Context, tx pgx.Tx, p order.Purchase, how func(order.Order) order.Beginning, tell func() ([]realtime.Event, error)) (told []realtime.Event, payments []payment.OrderPayment, err error) {
	orders, told, err := s.orders.CreateTx(ctx, tx, p)
	if err != nil {
		return nil, nil, err
	}
	begun := make([]order.Beginning, len(orders))
	for i, o := range orders {
		begun[i] = how(o)
		marked, err := s.orders.MarkTx(ctx, tx, &begun[i])
		if err != nil {
			return nil, nil, err
		}
		told = append(told, marked...)
		if !begun[i].Sent {
			continue
		}
		for _, line := range p.Sales[i].Lines {
			if err := s.codes.SellTx(ctx, tx, o.ID, *line.Variant, line.Quantity); err != nil {
				return nil, nil, err
			}
		}
	}
	if tell != nil {
		news, err := tell()
		if err != nil {
			return nil, nil, err
		}
		told = append(told, news...)
	}
	payments = make([]payment.OrderPayment, len(begun))
	for i, b := range begun {
		if payments[i], err = s.orders.BeginTx(ctx, tx, b); err != nil {
			return nil, nil, err
		}
	}
	return told, payments, nil
}

// charge adds its charges to each sale, and gives what their buyer pays for all of them.
func (s *Service) charge(sales []order.Sale) (sum money.Amount, err error) {
	for i := range sales {
		if sales[i].Charges, err = s.orders.Charges(sales[i]); err != nil {
			return sum, err
		}
		terms, err := sales[i].Terms()
		if err == nil {
			if sum.Currency == "" {
				sum.Currency = terms.Total.Currency
			}
			sum, err = sum.Add(terms.Total)
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
