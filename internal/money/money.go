// Package money holds amounts: int64 minor units and an ISO 4217 currency with that currency's own
// number of digits. No float touches money.
package money

import (
	"math"
	"math/bits"
	"strings"

	"golang.org/x/text/currency"

	"github.com/souklive/souk/internal/fault"
)

// Currency is an ISO 4217 code in upper case.
type Currency string

// Amount is a sum of money in the currency's minor unit: {1250, "EUR"} is € 12.50, {1250, "JPY"} is ¥ 1250.
type Amount struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// The refusals of this package.
var (
	ErrCurrency  = fault.New(fault.Invalid, "CURRENCY_UNKNOWN", "This currency is not one that ISO 4217 knows.")
	ErrFormat    = fault.New(fault.Invalid, "AMOUNT_MALFORMED", "An amount is written with digits and at most one decimal point: 12.50.")
	ErrPrecision = fault.New(fault.Invalid, "AMOUNT_TOO_PRECISE", "The amount has more decimals than its currency.")
	ErrRange     = fault.New(fault.Invalid, "AMOUNT_OUT_OF_RANGE", "The amount is larger than can be stored.")
	ErrMismatch  = fault.New(fault.Invalid, "CURRENCY_MISMATCH", "The amounts are in different currencies.")
)

// ParseCurrency checks a code against ISO 4217; codes are case-sensitive, as in the standard.
func ParseCurrency(code string) (Currency, error) {
	unit, err := currency.ParseISO(code)
	if err != nil || unit.String() != code || unit == currency.XXX {
		return "", ErrCurrency
	}
	return Currency(code), nil
}

// Digits is the number of decimals of the currency's minor unit: 2 for EUR, 0 for JPY, 3 for TND.
func (c Currency) Digits() int {
	unit, err := currency.ParseISO(string(c))
	if err != nil {
		return 2
	}
	digits, _ := currency.Standard.Rounding(unit)
	return digits
}

// New makes an amount of minor units.
func New(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// Parse reads a plain decimal ("12.5", "-3") in a currency. It refuses what it cannot hold exactly.
func Parse(decimal string, c Currency) (Amount, error) {
	s, negative := strings.CutPrefix(decimal, "-")
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" || (hasPoint && fraction == "") || !isDigits(whole) || !isDigits(fraction) {
		return Amount{}, ErrFormat
	}
	digits := c.Digits()
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > digits {
		return Amount{}, ErrPrecision
	}
	fraction += strings.Repeat("0", digits-len(fraction))
	var minor uint64
	for _, r := range whole + fraction {
		d := uint64(r - '0')
		if minor > (math.MaxInt64-d)/10 {
			return Amount{}, ErrRange
		}
		minor = minor*10 + d
	}
	if negative {
		return Amount{Minor: -int64(minor), Currency: c}, nil
	}
	return Amount{Minor: int64(minor), Currency: c}, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Decimal writes the amount with exactly its currency's decimals: "12.50".
func (a Amount) Decimal() string {
	digits := a.Currency.Digits()
	var buf [24]byte
	i := len(buf)
	u := uint64(a.Minor)
	if a.Minor < 0 {
		u = -u
	}
	for n := 0; u > 0 || n <= digits; n++ {
		if n == digits && digits > 0 {
			i--
			buf[i] = '.'
		}
		i--
		buf[i] = byte('0' + u%10)
		u /= 10
	}
	if a.Minor < 0 {
		i--
		buf[i] = '-'
	}
	return string(buf[i:])
}

// String is for people and logs: "12.50 EUR".
func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

// Add sums two amounts of one currency.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, ErrMismatch
	}
	sum := a.Minor + b.Minor
	if (b.Minor > 0 && sum < a.Minor) || (b.Minor < 0 && sum > a.Minor) {
		return Amount{}, ErrRange
	}
	return Amount{sum, a.Currency}, nil
}

// Share is the part of the amount that part is of whole, rounded down: 0 ≤ part ≤ whole, and neither the amount nor the
// whole is negative or, for the whole, zero.
func (a Amount) Share(part, whole int64) Amount {
	high, low := bits.Mul64(uint64(a.Minor), uint64(part))
	share, _ := bits.Div64(high, low, uint64(whole))
	return Amount{int64(share), a.Currency}
}

// BasisPoints is the share of an amount in hundredths of a percent, rounded half up; amounts are not negative.
func (a Amount) BasisPoints(bp int64) Amount {
	whole, rest := a.Minor/10_000, a.Minor%10_000
	return Amount{whole*bp + (rest*bp+5_000)/10_000, a.Currency}
}
