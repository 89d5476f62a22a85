package money

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		decimal  string
		currency Currency
		minor    int64
		err      error
	}{
		{"12.50", "EUR", 1250, nil},
		{"12.5", "EUR", 1250, nil},
		{"12.500", "EUR", 1250, nil}, // more digits, but nothing is lost
		{"12.501", "EUR", 0, ErrPrecision},
		{"0", "EUR", 0, nil},
		{"-3", "EUR", -300, nil},
		{"1250", "JPY", 1250, nil},
		{"1250.5", "JPY", 0, ErrPrecision},
		{"1.234", "TND", 1234, nil},
		{"92233720368547758.07", "EUR", math.MaxInt64, nil},
		{"92233720368547758.08", "EUR", 0, ErrRange},
		{"99999999999999999999999999", "EUR", 0, ErrRange},
		{"", "EUR", 0, ErrFormat},
		{"-", "EUR", 0, ErrFormat},
		{".5", "EUR", 0, ErrFormat},
		{"5.", "EUR", 0, ErrFormat},
		{"1e3", "EUR", 0, ErrFormat},
		{"1,5", "EUR", 0, ErrFormat},
		{" 1", "EUR", 0, ErrFormat},
		{"+1", "EUR", 0, ErrFormat},
		{"--1", "EUR", 0, ErrFormat},
		{"NaN", "EUR", 0, ErrFormat},
		{"١٢", "EUR", 0, ErrFormat},
	} {
		got, err := Parse(c.decimal, c.currency)
		if !errors.Is(err, c.err) || (err == nil && got != New(c.minor, c.currency)) {
			t.Errorf("Parse(%q, %s) = %v, %v; want %d, %v", c.decimal, c.currency, got, err, c.minor, c.err)
		}
	}
}

func TestDecimalIsParsedBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := New(rapid.Int64Min(-math.MaxInt64).Draw(t, "minor"), rapid.SampledFrom([]Currency{"EUR", "JPY", "TND"}).Draw(t, "currency"))
		back, err := Parse(amount.Decimal(), amount.Currency)
		if err != nil || back != amount {
			t.Fatalf("%d %s is written %q and read back as %v, %v", amount.Minor, amount.Currency, amount.Decimal(), back, err)
		}
	})
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for want, amount := range map[string]Amount{
		"12.50": New(1250, "EUR"), "0.05": New(5, "EUR"), "0.00": New(0, "EUR"), "-0.05": New(-5, "EUR"),
		"1250": New(1250, "JPY"), "0": New(0, "JPY"), "0.001": New(1, "TND"),
		"-92233720368547758.08": New(math.MinInt64, "EUR"),
	} {
		if got := amount.Decimal(); got != want {
			t.Errorf("%d %s is written %q, want %q", amount.Minor, amount.Currency, got, want)
		}
	}
}

func TestParseCurrency(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"EUR", "JPY", "MAD", "TND"} {
		if c, err := ParseCurrency(code); err != nil || string(c) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range []string{"", "eur", "EURO", "ZZZ", "XXX", "E R", "€"} {
		if _, err := ParseCurrency(code); !errors.Is(err, ErrCurrency) {
			t.Errorf("%q was taken: %v", code, err)
		}
	}
}

func TestAddRefusesOverflowAndMixing(t *testing.T) {
	t.Parallel()
	if _, err := New(math.MaxInt64, "EUR").Add(New(1, "EUR")); !errors.Is(err, ErrRange) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := New(math.MinInt64, "EUR").Add(New(-1, "EUR")); !errors.Is(err, ErrRange) {
		t.Errorf("underflow: %v", err)
	}
	if _, err := New(1, "EUR").Add(New(1, "USD")); !errors.Is(err, ErrMismatch) {
		t.Errorf("mixing: %v", err)
	}
}

func TestBasisPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ minor, bp, want int64 }{
		{10_000, 500, 500}, {2_500, 500, 125}, {1, 500, 0}, {10, 500, 1}, {30, 500, 2}, {0, 500, 0},
		{math.MaxInt64, 10_000, math.MaxInt64},
	} {
		if got := New(c.minor, "EUR").BasisPoints(c.bp).Minor; got != c.want {
			t.Errorf("%d at %d bp is %d, want %d", c.minor, c.bp, got, c.want)
		}
	}
}
