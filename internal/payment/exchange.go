package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// ExchangeQuote is what an amount gives in another currency now. It promises nothing.
type ExchangeQuote struct {
	From, To  money.Amount
	MarginBP  int64 // what the platform keeps, in basis points of what the rate gives
	Source    string
	AsOf      time.Time // the day of the rate
	ExpiresAt time.Time // when the rate is too old, unless a newer one comes

	rate fx.Rate
}

// Rate is what one unit of the one currency gives in the other, before the margin.
func (q ExchangeQuote) Rate() string { return q.rate.String() }

// Exchange is money that was exchanged between two wallets of one user.
type Exchange struct {
	ID        uuid.UUID
	User      uuid.UUID
	From, To  money.Amount
	Rate      string // a decimal, before the margin
	MarginBP  int64
	Source    string
	AsOf      time.Time // the day of the rate
	CreatedAt time.Time
}

// ExchangeInput asks for an exchange.
type ExchangeInput struct {
	From           money.Amount
	To             money.Currency
	Minimum        *money.Amount // the least that is accepted for it; nil accepts what it gives
	IdempotencyKey string
}

// QuoteExchange tells what an amount gives in another currency now.
func (s *Service) QuoteExchange(ctx context.Context, from money.Amount, to money.Currency) (_ ExchangeQuote, err error) {
	defer fault.Wrap(&err, "quote an exchange")
	if err := s.checkExchange(from, to); err != nil {
		return ExchangeQuote{}, err
	}
	return s.quote(ctx, s.pool, from, to)
}

// Exchange moves money from a user's wallet in one currency to the one in another, at the rate of the moment less the
// margin, rounded down: one entry, through the platform's fx accounts.
//
// It refuses with EXCHANGE_RATE_MOVED (data: offer) where that is less than the minimum, and with INSUFFICIENT_FUNDS. A
// refusal leaves nothing, so that its key is free. The same key with the same input answers the exchange as it was made,
// at its own rate; with other input it is IDEMPOTENCY_KEY_REUSED.
func (s *Service) Exchange(ctx context.Context, user uuid.UUID, in ExchangeInput) (_ Exchange, err error) {
	defer fault.Wrap(&err, "exchange")
	if err := s.checkExchangeInput(in); err != nil {
		return Exchange{}, err
	}
	var row db.Exchange
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err = s.q.ExchangeByKey(ctx, tx, user, in.IdempotencyKey)
		if errors.Is(err, pgx.ErrNoRows) {
			row, err = s.exchangeTx(ctx, tx, user, in)
		}
		return err
	})
	if err != nil {
		return Exchange{}, err
	}
	if !bytes.Equal(row.RequestHash, in.hash()) {
		return Exchange{}, ErrKeyReused
	}
	return exchangeFrom(row), nil
}

// exchangeTx makes the exchange at the rate of the moment. Who comes second with one key waits for the first's row, and
// answers with it.
func (s *Service) exchangeTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, in ExchangeInput) (db.Exchange, error) {
	q, err := s.quote(ctx, tx, in.From, in.To)
	if err != nil {
		return db.Exchange{}, err
	}
	if in.Minimum != nil && q.To.Minor < in.Minimum.Minor {
		return db.Exchange{}, ErrExchangeRateMoved.With("offer", q.To)
	}
	row, err := s.q.ExchangeInsert(ctx, tx, db.ExchangeInsertParams{
		ID: id.New(), UserID: user, Rate: q.Rate(), MarginBp: int32(q.MarginBP), Source: q.Source, AsOf: q.AsOf,
		FromCurrency: string(in.From.Currency), FromAmount: in.From.Minor, FromDigits: int16(in.From.Currency.Digits()),
		ToCurrency: string(in.To), ToAmount: q.To.Minor, ToDigits: int16(in.To.Digits()),
		IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return s.q.ExchangeByKey(ctx, tx, user, in.IdempotencyKey)
	}
	if err != nil {
		return db.Exchange{}, fmt.Errorf("keep the exchange: %w", err)
	}
	return row, postExchange(ctx, tx, exchangeFrom(row))
}

// quote is what an amount gives at the newest rate, in the snapshot that q reads.
func (s *Service) quote(ctx context.Context, q db.DBTX, from money.Amount, to money.Currency) (ExchangeQuote, error) {
	rate, err := s.rates.Between(ctx, q, from.Currency, to)
	if err != nil {
		return ExchangeQuote{}, err
	}
	gives, err := fx.Convert(from, to, rate.Rate, s.marginBP)
	switch {
	case err != nil:
		return ExchangeQuote{}, err
	case gives.Minor == 0:
		return ExchangeQuote{}, ErrExchangeTooSmall
	}
	return ExchangeQuote{
		From: from, To: gives, MarginBP: s.marginBP, Source: rate.Source, AsOf: rate.AsOf, ExpiresAt: rate.ExpiresAt, rate: rate.Rate,
	}, nil
}

// ExchangeOf is one of the user's own exchanges.
func (s *Service) ExchangeOf(ctx context.Context, user, id uuid.UUID) (Exchange, error) {
	row, err := s.q.ExchangeOfUser(ctx, s.pool, id, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return Exchange{}, ErrExchangeNotFound
	}
	if err != nil {
		return Exchange{}, fmt.Errorf("read an exchange: %w", err)
	}
	return exchangeFrom(row), nil
}

func (s *Service) checkExchangeInput(in ExchangeInput) error {
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return err
	}
	if err := s.checkExchange(in.From, in.To); err != nil {
		return err
	}
	if in.Minimum != nil && in.Minimum.Currency != in.To {
		return ErrExchangeMinimum
	}
	return nil
}

// checkExchange refuses what no rate would allow: an exchange is between two currencies that wallets have, and at most
// what a wallet can be topped up with at once.
func (s *Service) checkExchange(from money.Amount, to money.Currency) error {
	if s.rates == nil {
		return ErrExchangeOff
	}
	if from.Minor <= 0 {
		return ErrAmountNotPositive.At("from")
	}
	if from.Currency == to {
		return ErrExchangeSame
	}
	if !slices.Contains(Currencies(), to) {
		return fx.ErrUnsupported.With("supported", Currencies()).At("to")
	}
	for _, l := range limits() {
		if l.currency != from.Currency {
			continue
		}
		if from.Minor > l.max {
			return ErrExchangeTooLarge.With("maximum", money.New(l.max, l.currency))
		}
		return nil
	}
	return fx.ErrUnsupported.With("supported", Currencies()).At("from")
}

// hash is of everything that has to be the same when a key is used again.
func (in ExchangeInput) hash() []byte {
	minimum := "none"
	if in.Minimum != nil {
		minimum = in.Minimum.String()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "exchange\n%s\n%s\n%s", in.From, in.To, minimum))
	return sum[:]
}

func exchangeFrom(row db.Exchange) Exchange {
	return Exchange{
		ID: row.ID, User: row.UserID, Rate: row.Rate, MarginBP: int64(row.MarginBp), Source: row.Source, AsOf: row.AsOf, CreatedAt: row.CreatedAt,
		From: money.New(row.FromAmount, money.Currency(row.FromCurrency)),
		To:   money.New(row.ToAmount, money.Currency(row.ToCurrency)),
	}
}
