package moneytest

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

// drawAmount is a sum that a card may be charged; mostly euros, which lots are sold for.
func (m *machine) drawAmount() money.Amount {
	currency := draw(m, rapid.SampledFrom([]money.Currency{"EUR", "EUR", "EUR", "JPY", "TND"}), "currency")
	switch currency {
	case "JPY":
		return money.New(draw(m, rapid.Int64Range(150, 30_000), "yen"), currency)
	case "TND":
		return money.New(10*draw(m, rapid.Int64Range(300, 30_000), "hundredths of a dinar"), currency)
	default:
		return money.New(draw(m, rapid.Int64Range(1_00, 200_00), "cents"), currency)
	}
}

// each fits everything.
func each[T any](T) bool { return true }

// some says, when it is asked, whether there is one that fits.
func some[T any](all *[]T, fits func(T) bool) func() bool {
	return func() bool { return slices.ContainsFunc(*all, fits) }
}

// will is what a scene has decided, by the names under which it would be drawn otherwise.
type will map[string]any

// with is a will of more.
func (w will) with(more will) will {
	all := maps.Clone(w)
	maps.Copy(all, more)
	return all
}

// do has something done, by a will: all of what is willed has to be asked for, or the scene is not the one that it is meant to be.
func (m *machine) do(w will, what func()) {
	before := m.will
	m.will, m.asked = w, make(map[string]bool)
	what()
	for name := range w {
		if !m.asked[name] {
			m.t.Fatalf("nobody asked for %q: %v", name, w)
		}
	}
	m.will = before
	m.agree(m.t)
}

// draw draws what nobody has decided.
func draw[T any](m *machine, from *rapid.Generator[T], name string) T {
	decided, is := m.will[name]
	if !is {
		return from.Draw(m.t, name)
	}
	m.asked[name] = true
	value, right := decided.(T)
	if !right {
		m.t.Fatalf("%q is willed as %v", name, decided)
	}
	return value
}

// pick draws one of those that fit, by its number; there has to be one. It may be willed by itself, or by what is true of it.
func pick[T any](m *machine, all []T, name string, fits func(T) bool) T {
	decided, is := m.will[name]
	var fitting []T
	for _, each := range all {
		if fits(each) && (!is || isWilled(each, decided)) {
			fitting = append(fitting, each)
		}
	}
	if is {
		if m.asked[name] = true; len(fitting) == 0 {
			m.t.Fatalf("%q is willed as %v, which does not fit", name, decided)
		}
		return fitting[0]
	}
	return fitting[rapid.IntRange(0, len(fitting)-1).Draw(m.t, name)]
}

func isWilled[T any](one T, decided any) bool {
	if which, ok := decided.(func(T) bool); ok {
		return which(one)
	}
	return any(one) == decided
}

// anyOf draws one of all, by its number.
func anyOf[T any](m *machine, all []T, name string) T { return pick(m, all, name, each[T]) }
