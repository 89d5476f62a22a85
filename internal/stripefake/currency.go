package stripefake

import (
	"strconv"
	"strings"
)

// terms are what one currency is charged under. Amounts are in the smallest unit. The minimums of
// EUR, USD, GBP and JPY and the rule for currencies of three decimals are the documented ones; fees
// are those of the published European and American standard cards.
type terms struct {
	minimum  int64
	step     int64 // amounts are multiples of this: three-decimal currencies end in 0
	feeBasis int64 // hundredths of a percent
	feeFixed int64
}

// maximum is the documented eight digits.
const maximum = 99_999_999

func currencyTerms(code string) (terms, bool) {
	switch code {
	case "eur":
		return terms{minimum: 50, step: 1, feeBasis: 150, feeFixed: 25}, true
	case "usd":
		return terms{minimum: 50, step: 1, feeBasis: 290, feeFixed: 30}, true
	case "gbp":
		return terms{minimum: 30, step: 1, feeBasis: 150, feeFixed: 20}, true
	case "mad":
		return terms{minimum: 500, step: 1, feeBasis: 290, feeFixed: 300}, true
	case "tnd":
		return terms{minimum: 1_600, step: 10, feeBasis: 290, feeFixed: 900}, true
	case "jpy":
		return terms{minimum: 50, step: 1, feeBasis: 360, feeFixed: 0}, true
	}
	return terms{}, false
}

// feeOf is the processing fee, rounded half up.
func feeOf(amount int64, currency string) int64 {
	t, _ := currencyTerms(currency)
	return min(amount, (amount*t.feeBasis+5_000)/10_000+t.feeFixed)
}

func checkAmount(amount int64, currency string) *apiError {
	t, ok := currencyTerms(currency)
	switch {
	case !ok:
		return invalid("currency", "", "Invalid currency: "+currency+". This fake knows eur, usd, gbp, mad, tnd and jpy.")
	case amount < 1:
		return invalid("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1.")
	case amount < t.minimum:
		return invalid("amount", "amount_too_small", "Amount must be at least "+strconv.FormatInt(t.minimum, 10)+" "+currency+" in the smallest unit.")
	case amount > maximum:
		return invalid("amount", "amount_too_large", "Amount must be no more than "+strconv.Itoa(maximum)+" "+currency+" in the smallest unit.")
	case amount%t.step != 0:
		return invalid("amount", "parameter_invalid_integer", "Amounts in "+currency+" must be a multiple of "+strconv.FormatInt(t.step, 10)+".")
	}
	return nil
}

// inUnits writes an amount for people: 12.50 EUR.
func inUnits(minor int64, currency string) string {
	digits := 2
	switch currency {
	case "jpy":
		digits = 0
	case "tnd":
		digits = 3
	}
	text := strconv.FormatInt(minor, 10)
	if digits > 0 {
		text = strings.Repeat("0", max(0, digits+1-len(text))) + text
		text = text[:len(text)-digits] + "." + text[len(text)-digits:]
	}
	return text + " " + strings.ToUpper(currency)
}

// disputeFee is what a chargeback costs: the published ones, and made up for the others.
func disputeFee(currency string) int64 {
	switch currency {
	case "usd":
		return 15_00
	case "gbp":
		return 20_00
	case "mad":
		return 200_00
	case "tnd":
		return 60_000
	case "jpy":
		return 1_300
	}
	return 20_00
}
