package moneytest

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

// drawAmount is a sum that a card may be charged; mostly euros, which lots are sold for.
func drawAmount(t *rapid.T) money.Amount {
	currency := rapid.SampledFrom([]money.Currency{"EUR", "EUR", "EUR", "JPY", "TND"}).Draw(t, "currency")
	switch currency {
	case "JPY":
		return money.New(rapid.Int64Range(150, 30_000).Draw(t, "yen"), currency)
	case "TND":
		return money.New(10*rapid.Int64Range(300, 30_000).Draw(t, "hundredths of a dinar"), currency)
	default:
		return money.New(rapid.Int64Range(1_00, 200_00).Draw(t, "cents"), currency)
	}
}

// each fits everything.
func each[T any](T) bool { return true }

// some says, when it is asked, whether there is one that fits.
func some[T any](all *[]T, fits func(T) bool) func() bool {
	return func() bool { return slices.ContainsFunc(*all, fits) }
}

// pick draws one of those that fit, by its number; there has to be one.
func pick[T any](t *rapid.T, all []T, name string, fits func(T) bool) T {
	var fitting []T
	for _, each := range all {
		if fits(each) {
			fitting = append(fitting, each)
		}
	}
	return fitting[rapid.IntRange(0, len(fitting)-1).Draw(t, name)]
}

// anyOf draws one of all, by its number.
func anyOf[T any](t *rapid.T, all []T, name string) T { return pick(t, all, name, each[T]) }
