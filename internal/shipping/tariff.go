package shipping

import (
	_ "embed" // the table
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/money"
)

// The tables of carriers that do not say themselves what a parcel costs: carrier, product, country (* for all others that it serves), grams up to, cents, currency.
// Rows of one product are in the order of their weights.
//
//go:embed tariffs.csv
var tariffs string

// Cost is what a carrier takes for a parcel by its table; false where it has none for it.
func Cost(carrier, product, country string, grams int) (money.Amount, bool) {
	for _, zone := range []string{country, "*"} {
		for line := range strings.Lines(tariffs) {
			f := strings.Split(strings.TrimSpace(line), ",")
			if len(f) != 6 || f[0] != carrier || f[1] != product || f[2] != zone {
				continue
			}
			upTo, _ := strconv.Atoi(f[3]) // a test reads every line
			cents, _ := strconv.ParseInt(f[4], 10, 64)
			if grams <= upTo {
				return money.New(cents, money.Currency(f[5])), true
			}
		}
	}
	return money.Amount{}, false
}
