package fx

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/souklive/souk/internal/money"
)

// ratePlaces is how many decimals a rate may have before and after its point.
const ratePlaces = 12

// marginWhole is all of an amount, in basis points.
const marginWhole = 10_000

// Rate is what one unit of a currency gives in another: an exact decimal above zero. The zero Rate is none.
type Rate struct{ scaled *big.Int } // in units of 10^-ratePlaces

// ParseRate reads a plain decimal above zero, of at most 12 digits before the point and 12 after it.
func ParseRate(text string) (Rate, error) {
	whole, fraction, hasPoint := strings.Cut(text, ".")
	if !isDigits(whole) || len(whole) > ratePlaces || (hasPoint && !isDigits(fraction)) || len(fraction) > ratePlaces {
		return Rate{}, fmt.Errorf("%.40q is no rate", text)
	}
	scaled, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", ratePlaces-len(fraction)), 10)
	if !ok || scaled.Sign() == 0 {
		return Rate{}, fmt.Errorf("%.40q is no rate", text)
	}
	return Rate{scaled}, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String is the decimal, without zeros that say nothing.
func (r Rate) String() string {
	if r.scaled == nil {
		return "0"
	}
	digits := fmt.Sprintf("%0*s", ratePlaces+1, r.scaled)
	point := len(digits) - ratePlaces
	return strings.TrimSuffix(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
}

// cross is what one unit of a currency gives in another, from what one unit of the base gives in each, rounded down.
// ok is false where it is less, or more, than a Rate can hold.
func cross(from, to Rate) (_ Rate, ok bool) {
	scaled := new(big.Int).Mul(to.scaled, power(ratePlaces))
	scaled.Quo(scaled, from.scaled)
	return Rate{scaled}, scaled.Sign() > 0 && scaled.Cmp(power(2*ratePlaces)) < 0
}

// wild reports whether a rate is less than half or more than double of what it was.
func wild(was, is Rate) bool {
	return new(big.Int).Lsh(is.scaled, 1).Cmp(was.scaled) < 0 || new(big.Int).Lsh(was.scaled, 1).Cmp(is.scaled) < 0
}

// Convert is what an amount that is not below zero gives in another currency at a rate, less the margin in basis
// points: rounded down to that currency's minor unit, once, at the end. It refuses what does not fit an amount.
func Convert(from money.Amount, to money.Currency, rate Rate, marginBP int64) (money.Amount, error) {
	if from.Minor < 0 || marginBP < 0 || marginBP > marginWhole || rate.scaled == nil {
		return money.Amount{}, money.ErrRange
	}
	gives := big.NewInt(from.Minor)
	gives.Mul(gives, rate.scaled)
	gives.Mul(gives, big.NewInt(marginWhole-marginBP))
	gives.Mul(gives, power(to.Digits()))
	of := new(big.Int).Mul(power(ratePlaces), big.NewInt(marginWhole))
	of.Mul(of, power(from.Currency.Digits()))
	if gives.Quo(gives, of); !gives.IsInt64() {
		return money.Amount{}, money.ErrRange
	}
	return money.New(gives.Int64(), to), nil
}

// Cost is the least of a currency that gives an amount above zero, or more, in that amount's currency, as Convert converts: rounded up to the currency's
// minor unit, once, at the end. It refuses what does not fit an amount, and a margin that leaves nothing.
func Cost(to money.Amount, from money.Currency, rate Rate, marginBP int64) (money.Amount, error) {
	if to.Minor <= 0 || marginBP < 0 || marginBP >= marginWhole || rate.scaled == nil {
		return money.Amount{}, money.ErrRange
	}
	takes := big.NewInt(to.Minor)
	takes.Mul(takes, power(ratePlaces))
	takes.Mul(takes, big.NewInt(marginWhole))
	takes.Mul(takes, power(from.Digits()))
	of := new(big.Int).Mul(rate.scaled, big.NewInt(marginWhole-marginBP))
	of.Mul(of, power(to.Currency.Digits()))
	rest := new(big.Int)
	if takes.QuoRem(takes, of, rest); rest.Sign() > 0 {
		takes.Add(takes, big.NewInt(1))
	}
	if !takes.IsInt64() {
		return money.Amount{}, money.ErrRange
	}
	return money.New(takes.Int64(), from), nil
}

// power is ten to the power of n.
func power(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
