package payment

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// FixedExchange is what a price costs in another currency, at a rate that stays as it is.
type FixedExchange struct {
	From     money.Amount // what it costs
	To       money.Amount // what that gives: the price, or the little more that From's minor unit makes of it
	Rate     string       // of To's currency for one of From's: a decimal, before the margin
	MarginBP int64        // what the platform keeps, in basis points of what the rate gives
	Source   string
	AsOf     time.Time // the day of the rate
	Paid     bool      // it was made, and not told alone
}

// FixExchange tells what prices in one currency cost in another, at one rate, the newest. What is free has the zero FixedExchange.
func (s *Service) FixExchange(ctx context.Context, q db.DBTX, from money.Currency, prices []money.Amount) (_ []FixedExchange, err error) {
	defer fault.Wrap(&err, "fix a rate of %s", from)
	all := make([]FixedExchange, len(prices))
	priced := slices.IndexFunc(prices, func(p money.Amount) bool { return p.Minor > 0 })
	if priced < 0 {
		return all, nil
	}
	if err := s.CheckPayCurrency(from); err != nil {
		return nil, err
	}
	rate, err := s.rates.Between(ctx, q, from, prices[priced].Currency)
	if err != nil {
		return nil, err
	}
	for i, price := range prices {
		if price.Minor <= 0 {
			continue
		}
		x := FixedExchange{Rate: rate.Rate.String(), MarginBP: s.marginBP, Source: rate.Source, AsOf: rate.AsOf}
		if x.From, err = fx.Cost(price, from, rate.Rate, s.marginBP); err == nil {
			x.To, err = fx.Convert(x.From, price.Currency, rate.Rate, s.marginBP)
		}
		if err != nil {
			return nil, err
		}
		all[i] = x
	}
	return all, nil
}

// CheckPayCurrency refuses a currency that no wallet has, and all of them where nothing is exchanged.
func (s *Service) CheckPayCurrency(from money.Currency) error {
	switch {
	case s.rates == nil:
		return ErrExchangeOff
	case !slices.Contains(Currencies(), from):
		return fx.ErrUnsupported.With("supported", Currencies())
	}
	return nil
}

// ExchangeForOrderTx makes the exchange that an order was told, out of its buyer's one wallet into the other, from which the order is paid after that. It
// posts, and is called once for an order.
func (s *Service) ExchangeForOrderTx(ctx context.Context, tx pgx.Tx, user, order uuid.UUID, x FixedExchange) error {
	hash := sha256.Sum256(fmt.Appendf(nil, "exchange\norder\n%s", order))
	row, err := s.q.ExchangeInsert(ctx, tx, db.ExchangeInsertParams{
		ID: id.New(), UserID: user, Rate: x.Rate, MarginBp: int32(x.MarginBP), Source: x.Source, AsOf: x.AsOf,
		FromCurrency: string(x.From.Currency), FromAmount: x.From.Minor, FromDigits: int16(x.From.Currency.Digits()),
		ToCurrency: string(x.To.Currency), ToAmount: x.To.Minor, ToDigits: int16(x.To.Currency.Digits()),
		IdempotencyKey: "order:" + order.String(), RequestHash: hash[:], OrderID: &order,
	})
	if err != nil {
		return fmt.Errorf("keep the exchange of order %s: %w", order, err)
	}
	return postExchange(ctx, tx, exchangeFrom(row))
}

// postExchange moves an exchange's money, through the platform's fx accounts.
func postExchange(ctx context.Context, tx pgx.Tx, x Exchange) error {
	return post(ctx, tx, ledger.Entry{
		Key: "exchange:" + x.ID.String(), Flow: ledger.FlowExchange, Cause: ledger.Cause{Kind: "exchange", ID: x.ID},
		Legs: []ledger.Leg{
			of(ledger.Wallet, x.User, x.From.Currency, -x.From.Minor),
			of(ledger.FX, uuid.Nil, x.From.Currency, x.From.Minor),
			of(ledger.FX, uuid.Nil, x.To.Currency, -x.To.Minor),
			of(ledger.Wallet, x.User, x.To.Currency, x.To.Minor),
		},
	})
}
