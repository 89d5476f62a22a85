package auction

import (
	"sort"

	"github.com/souklive/souk/internal/money"
)

// Increments are the least steps over a price, by currency; data, not code.
type Increments map[money.Currency][]Increment

// Increment applies from a price on, until the next one does.
type Increment struct {
	FromPrice int64
	Step      int64
}

// Step is the least step over a price. Currencies without increments hold no auctions.
func (in Increments) Step(price money.Amount) int64 {
	steps := in[price.Currency]
	i := sort.Search(len(steps), func(i int) bool { return steps[i].FromPrice > price.Minor })
	if i == 0 {
		return 1
	}
	return steps[i-1].Step
}

// over is a price and the step over it, in the same currency's minor unit.
func (in Increments) over(minor int64, c money.Currency) int64 {
	return minor + in.Step(money.New(minor, c))
}
