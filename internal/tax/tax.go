package tax

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/money"
)

// Provider knows rates. It is asked outside of transactions, once a region in a while.
type Provider interface {
	Rates(ctx context.Context, region Region) (Rates, error)
}

const (
	timeout = 2 * time.Second
	// young is how long a provider's answer is believed, and an estimate in its place.
	young, estimated = 6 * time.Hour, time.Minute
	// maxRate is above every rate that there is; what a provider says beyond it is no rate.
	maxRate Rate = 50_000
	// maxRegions bounds the cache.
	maxRegions = 1000
)

// Service holds the use cases of this package.
type Service struct {
	pool     *pgxpool.Pool
	q        *db.Queries
	provider Provider // nil: the table alone
	table    Table
	clock    clock.Clock
	log      *slog.Logger

	mu    sync.Mutex
	known map[Region]cached
}

type cached struct {
	rates Rates
	until time.Time
}

// New makes a Service. Without a provider the table says what the rates are.
func New(pool *pgxpool.Pool, provider Provider, c clock.Clock, log *slog.Logger) *Service {
	return &Service{pool: pool, q: db.New(), provider: provider, table: NewTable(), clock: c, log: log, known: map[Region]cached{}}
}

// Rates are a region's rates now: the provider's of the last hours, or, where it does not answer in time or answers what can't be, the table's as an estimate. It calls the
// provider, and so is not for use inside of a transaction.
func (s *Service) Rates(ctx context.Context, region Region) Rates {
	now := s.clock.Now()
	if s.provider == nil {
		return s.table.At(region, now)
	}
	s.mu.Lock()
	c, ok := s.known[region]
	s.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.rates
	}
	rates, err := s.ask(ctx, region)
	age := young
	if err != nil {
		s.log.WarnContext(ctx, "a tax provider's rates are estimated", "country", region.Country, "state", region.State, "error", err)
		rates, age = s.table.At(region, now), estimated
		rates.Estimated = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxRegions {
		clear(s.known)
	}
	s.known[region] = cached{rates, now.Add(age)}
	return rates
}

// ask asks the provider, for as long as a buyer may wait, and insists that its answer may be true.
func (s *Service) ask(ctx context.Context, region Region) (Rates, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type answer struct {
		rates Rates
		err   error
	}
	answers := make(chan answer, 1)
	go func() { // one that does not mind its context is left behind
		rates, err := s.provider.Rates(ctx, region)
		answers <- answer{rates, err}
	}()
	select {
	case <-ctx.Done():
		return Rates{}, ctx.Err()
	case a := <-answers:
		if a.err == nil {
			a.err = check(a.rates)
		}
		return a.rates, a.err
	}
}

var errAbsurd = errors.New("the provider's rates can't be")

func check(r Rates) error {
	if _, ok := r.Of[Standard]; !ok {
		return fmt.Errorf("%w: there is no standard rate", errAbsurd)
	}
	for class, rate := range r.Of {
		if rate < 0 || rate > maxRate {
			return fmt.Errorf("%w: %s is %s", errAbsurd, class, rate)
		}
	}
	return nil
}

// Item is something that is sold: its price, less what its seller's promotions take off.
type Item struct {
	Class  Class
	Amount int64
}

// Due is the tax on some items at one rate.
type Due struct {
	Rate      Rate
	Label     string
	Inclusive bool
	Estimated bool
	Base      money.Amount // what it is of, without it
	Amount    money.Amount
}

// Charge is the tax on what one order is of. It is rounded once for each rate, half up, over all that bears it.
func (r Rates) Charge(items []Item, c money.Currency) (due []Due) {
	base := map[Rate]int64{}
	for _, item := range items {
		base[r.of(item.Class)] += item.Amount
	}
	for _, rate := range slices.Sorted(maps.Keys(base)) {
		whole := int64(100_000)
		if r.Inclusive {
			whole += int64(rate)
		}
		if amount := share(base[rate], int64(rate), whole); amount > 0 {
			of := base[rate]
			if r.Inclusive {
				of -= amount
			}
			due = append(due, Due{
				Rate: rate, Label: r.Name + " " + rate.String(), Inclusive: r.Inclusive, Estimated: r.Estimated, Base: money.New(of, c), Amount: money.New(amount, c),
			})
		}
	}
	return due
}

// share is part of whole of an amount, rounded half up. None is negative.
func share(amount, part, whole int64) int64 {
	high, low := bits.Mul64(uint64(amount), uint64(part))
	low, carry := bits.Add64(low, uint64(whole/2), 0)
	q, _ := bits.Div64(high+carry, low, uint64(whole))
	return int64(q)
}

// union are the countries of which the tax areas are one: the European Union's, of those that things are sent to.
func union() []string {
	return []string{"AT", "BE", "DE", "ES", "FR", "IE", "IT", "LU", "NL", "PL", "PT"}
}

// charges says whether somebody who is registered in one country charges tax on what they send to another.
func charges(from, to string) bool {
	return from == to || slices.Contains(union(), from) && slices.Contains(union(), to)
}

// Registered are those of some sellers who charge tax on what they send to a country.
func (s *Service) Registered(ctx context.Context, conn db.DBTX, sellers []uuid.UUID, country string) (map[uuid.UUID]bool, error) {
	rows, err := s.q.TaxRegistrationsOf(ctx, conn, sellers)
	all := make(map[uuid.UUID]bool, len(rows))
	for _, r := range rows {
		all[r.UserID] = charges(r.Country, country)
	}
	return all, err
}

// Classes are what listings are to the tax office, by their categories, as far as rates tell them apart; those that are not named are Standard.
func (s *Service) Classes(ctx context.Context, conn db.DBTX, rates Rates, listings []uuid.UUID) (map[uuid.UUID]Class, error) {
	if _, ok := rates.Of[Books]; !ok {
		return map[uuid.UUID]Class{}, nil
	}
	books, err := s.q.TaxListingsOfCategory(ctx, conn, listings, "books")
	all := make(map[uuid.UUID]Class, len(books))
	for _, listing := range books {
		all[listing] = Books
	}
	return all, err
}
