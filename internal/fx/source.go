package fx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/money"
)

// Source is somebody who says what currencies are worth.
type Source interface {
	// Name is of the source's rows, a to z only.
	Name() string
	// Rates is what the source says now. It may be slow and may fail; it is never called inside a transaction.
	Rates(ctx context.Context) (Rates, error)
}

// Rates is what one unit of the base gives in other currencies, on a day.
type Rates struct {
	Base money.Currency
	AsOf time.Time // midnight UTC of the day
	Per  map[money.Currency]Rate
}

// check refuses what no source should say.
func (r Rates) check() error {
	if len(r.Per) == 0 {
		return errors.New("there are no rates")
	}
	if _, ok := r.Per[r.Base]; ok {
		return fmt.Errorf("the base %s has a rate of its own", r.Base)
	}
	return nil
}

// Fixed are rates of play money: they are made up, in the likeness of real ones, and never change.
type Fixed struct{ Clock clock.Clock }

// Name implements Source.
func (Fixed) Name() string { return "fixed" }

// Rates implements Source.
func (f Fixed) Rates(context.Context) (Rates, error) {
	return Rates{Base: "EUR", AsOf: f.Clock.Now().UTC().Truncate(24 * time.Hour), Per: map[money.Currency]Rate{
		"GBP": play("0.85"), "JPY": play("162.5"), "MAD": play("10.8"), "TND": play("3.36"), "USD": play("1.09"),
	}}, nil
}

// play is a rate of the table above.
func play(text string) Rate {
	rate, err := ParseRate(text)
	if err != nil {
		panic(err) //nolint:forbidigo // the table is a constant, and a test reads it
	}
	return rate
}
