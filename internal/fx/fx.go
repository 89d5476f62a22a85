package fx

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// standStill is how old the day of rates may be, however lately they were read: longer than banks are closed at
// Easter, shorter than a source that has died unnoticed.
const standStill = 7 * 24 * time.Hour

// ahead is how far the day of rates may lie in the future: somewhere it is tomorrow already.
const ahead = 24 * time.Hour

// The refusals of this package.
var (
	ErrUnavailable = fault.New(fault.Unavailable, "FX_RATE_UNAVAILABLE", "There is no current exchange rate for this; try again later.")
	ErrUnsupported = fault.New(fault.Invalid, "FX_CURRENCY_UNSUPPORTED", "This currency cannot be exchanged.")
)

// Service keeps a source's rates and answers from them.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	source Source
	maxAge time.Duration
}

// New makes a Service whose rates are used for maxAge after they were read.
func New(pool *pgxpool.Pool, source Source, maxAge time.Duration) *Service {
	return &Service{pool: pool, q: db.New(), source: source, maxAge: maxAge}
}

// Refresh asks the source and keeps what it says. Where it fails, what was known stays as it is.
func (s *Service) Refresh(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "refresh the exchange rates of %s", s.source.Name())
	said, err := s.source.Rates(ctx)
	if err != nil {
		return err
	}
	if err := said.check(); err != nil {
		return err
	}
	one, err := ParseRate("1")
	if err != nil {
		return err
	}
	said.Per[said.Base] = one
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now, err := s.q.FxNow(ctx, tx)
		if err != nil {
			return err
		}
		known, err := s.newest(ctx, tx)
		if err != nil {
			return err
		}
		if err := plausible(said, known.Rates, now); err != nil {
			return err
		}
		put := db.FxRatesPutParams{Source: s.source.Name(), AsOf: said.AsOf, Base: string(said.Base)}
		for _, currency := range slices.Sorted(maps.Keys(said.Per)) {
			put.Currencies = append(put.Currencies, string(currency))
			put.Rates = append(put.Rates, said.Per[currency].String())
		}
		return s.q.FxRatesPut(ctx, tx, put)
	})
}

// plausible refuses what cannot follow what is known. What is older than standStill refuses nothing any more, so
// that a currency may fall to a third over the years, and not over night.
func plausible(said, known Rates, now time.Time) error {
	if said.AsOf.After(now.Add(ahead)) {
		return fmt.Errorf("the rates are of %s, which is to come", said.AsOf.Format(time.DateOnly))
	}
	if said.AsOf.Before(known.AsOf) {
		return fmt.Errorf("the rates are of %s, and those of %s are known", said.AsOf.Format(time.DateOnly), known.AsOf.Format(time.DateOnly))
	}
	if said.Base != known.Base || now.Sub(known.AsOf) > standStill {
		return nil
	}
	for currency, rate := range said.Per {
		if was, ok := known.Per[currency]; ok && wild(was, rate) {
			return fmt.Errorf("%s went from %s to %s", currency, was, rate)
		}
	}
	return nil
}

// kept is what the source said last, when it was read, and the database's time now.
type kept struct {
	Rates

	fetched, now time.Time
}

func (s *Service) newest(ctx context.Context, q db.DBTX) (kept, error) {
	rows, err := s.q.FxRatesNewest(ctx, q, s.source.Name())
	if err != nil {
		return kept{}, fmt.Errorf("read the rates: %w", err)
	}
	var k kept
	k.Per = make(map[money.Currency]Rate, len(rows))
	for _, row := range rows {
		k.Base, k.AsOf, k.fetched, k.now = money.Currency(row.Base), row.AsOf, row.FetchedAt, row.ReadAt
		rate, err := ParseRate(row.Rate)
		if err != nil {
			return kept{}, fmt.Errorf("the rate of %s: %w", row.Currency, err)
		}
		k.Per[money.Currency(row.Currency)] = rate
	}
	return k, nil
}

// Quote is what one unit of a currency gives in another.
type Quote struct {
	Rate      Rate
	Source    string
	AsOf      time.Time // the day of the rates, midnight UTC
	ExpiresAt time.Time // when the rates are too old, unless newer ones come
}

// Between is the rate from one currency to another, through the source's base. It refuses with ErrUnsupported (data:
// supported) what the source does not know, and with ErrUnavailable while there is no rate that is young enough.
func (s *Service) Between(ctx context.Context, q db.DBTX, from, to money.Currency) (_ Quote, err error) {
	defer fault.Wrap(&err, "rate of %s in %s", from, to)
	known, err := s.newest(ctx, q)
	if err != nil {
		return Quote{}, err
	}
	if len(known.Per) == 0 {
		return Quote{}, ErrUnavailable
	}
	one, err := s.rateOf(ctx, q, known, from, "from")
	if err != nil {
		return Quote{}, err
	}
	other, err := s.rateOf(ctx, q, known, to, "to")
	if err != nil {
		return Quote{}, err
	}
	quote := Quote{Source: s.source.Name(), AsOf: known.AsOf, ExpiresAt: known.fetched.Add(s.maxAge)}
	if dies := known.AsOf.Add(standStill); dies.Before(quote.ExpiresAt) {
		quote.ExpiresAt = dies
	}
	rate, ok := cross(one, other)
	if !ok || !known.now.Before(quote.ExpiresAt) {
		return Quote{}, ErrUnavailable
	}
	quote.Rate = rate
	return quote, nil
}

// rateOf finds a currency among the rates. One that the source had on another day is missing today; one that it never
// had is not supported.
func (s *Service) rateOf(ctx context.Context, q db.DBTX, known kept, c money.Currency, field string) (Rate, error) {
	if rate, ok := known.Per[c]; ok {
		return rate, nil
	}
	had, err := s.q.FxRateEverHad(ctx, q, s.source.Name(), string(c))
	if err != nil {
		return Rate{}, fmt.Errorf("look for %s: %w", c, err)
	}
	if had {
		return Rate{}, ErrUnavailable
	}
	return Rate{}, ErrUnsupported.With("supported", slices.Sorted(maps.Keys(known.Per))).At(field)
}
