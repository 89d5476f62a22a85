package checkout

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// ExchangeTotal is what all of it costs in the currency that was asked for; nil where none was.
func (q Quote) ExchangeTotal() (*money.Amount, error) {
	var sum *money.Amount
	for _, g := range q.Groups {
		switch {
		case g.Exchange == nil:
			continue
		case sum == nil:
			sum = new(g.Exchange.From)
			continue
		}
		more, err := sum.Add(g.Exchange.From)
		if err != nil {
			return nil, err
		}
		sum = &more
	}
	return sum, nil
}

// checkPayCurrency refuses a currency in which nothing can be told, before anything is set aside.
func (s *Service) checkPayCurrency(c money.Currency) error {
	if c == "" {
		return nil
	}
	return at(s.payment.CheckPayCurrency(c), "payCurrency")
}

// toldIn is the other currency that groups are told in; nil where there is none.
func toldIn(groups []QuoteGroup) *string {
	for _, g := range groups {
		if g.Exchange != nil {
			return new(string(g.Exchange.From.Currency))
		}
	}
	return nil
}

// exchangeTx fixes what groups cost in another currency, at the rate of now. What is in that currency anyway is not exchanged.
func (s *Service) exchangeTx(ctx context.Context, tx pgx.Tx, groups []QuoteGroup, from money.Currency) error {
	if from == "" || len(groups) == 0 || groups[0].Total.Currency == from {
		return nil
	}
	prices := make([]money.Amount, len(groups))
	for i, g := range groups {
		prices[i] = g.Total
	}
	fixed, err := s.payment.FixExchange(ctx, tx, from, prices)
	if err != nil {
		return at(err, "payCurrency")
	}
	for i := range groups {
		if fixed[i].From.Minor > 0 {
			groups[i].Exchange = &fixed[i]
		}
	}
	_, err = Quote{Groups: groups}.ExchangeTotal() // which has to be money
	return at(err, "payCurrency")
}

// keepExchangesTx writes down what groups cost in another currency.
func (s *Service) keepExchangesTx(ctx context.Context, tx pgx.Tx, quote uuid.UUID, groups []QuoteGroup) error {
	var put db.QuoteExchangesInsertParams
	for i, g := range groups {
		x := g.Exchange
		if x == nil {
			continue
		}
		put.QuoteID, put.Rate, put.MarginBp, put.Source, put.AsOf = quote, x.Rate, int32(x.MarginBP), x.Source, x.AsOf
		put.FromCurrency, put.FromDigits = string(x.From.Currency), int16(x.From.Currency.Digits())
		put.ToCurrency, put.ToDigits = string(x.To.Currency), int16(x.To.Currency.Digits())
		put.GroupNumbers = append(put.GroupNumbers, int32(i+1))
		put.FromAmounts, put.ToAmounts = append(put.FromAmounts, x.From.Minor), append(put.ToAmounts, x.To.Minor)
	}
	if len(put.GroupNumbers) == 0 {
		return nil
	}
	return s.q.QuoteExchangesInsert(ctx, tx, put)
}

func (s *Service) readExchanges(ctx context.Context, conn db.DBTX, quote uuid.UUID, groups []QuoteGroup) error {
	rows, err := s.q.QuoteExchanges(ctx, conn, quote)
	for _, row := range rows {
		groups[row.QuoteExchange.GroupNumber-1].Exchange = new(fixedFrom(row.QuoteExchange, row.Paid))
	}
	return err
}

func fixedFrom(row db.QuoteExchange, paid bool) payment.FixedExchange {
	return payment.FixedExchange{
		From: money.New(row.FromAmount, money.Currency(row.FromCurrency)), To: money.New(row.ToAmount, money.Currency(row.ToCurrency)),
		Rate: row.Rate, MarginBP: int64(row.MarginBp), Source: row.Source, AsOf: row.AsOf, Paid: paid,
	}
}

// checkExchange insists that who pays in another currency has agreed to what the quote has told, and pays in no other way.
func (in ConfirmInput) checkExchange(q Quote) error {
	if in.Exchange == nil {
		return nil
	}
	if in.Card != nil || in.Wallet != nil {
		return ErrExchangeAlone.At("exchangeTotal")
	}
	total, err := q.ExchangeTotal()
	switch {
	case err != nil:
		return err
	case total == nil:
		return ErrNotExchanged.At("exchangeTotal")
	case *total != *in.Exchange:
		return ErrPriceChanged.At("exchangeTotal").With("total", *total)
	}
	return nil
}

// Exchanges reads, for a loader, what orders were told to cost in another currency; others have nothing.
func (s *Service) Exchanges(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID]payment.FixedExchange, error) {
	rows, err := s.q.ExchangesOfOrders(ctx, s.pool, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID]payment.FixedExchange, len(rows))
	for _, row := range rows {
		all[row.OrderID] = fixedFrom(row.QuoteExchange, row.Paid)
	}
	return all, nil
}
