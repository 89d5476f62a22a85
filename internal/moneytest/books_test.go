package moneytest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// books is what each account holds; who is not in it has nothing.
type books map[ledger.Account]int64

// move books one event. The model itself must not lose a cent.
func (b books) move(legs ...ledger.Leg) {
	sums := make(map[money.Currency]int64)
	for _, leg := range legs {
		b[leg.Account] += leg.Amount
		sums[leg.Account.Currency] += leg.Amount
		if b[leg.Account] == 0 {
			delete(b, leg.Account)
		}
	}
	for currency, sum := range sums {
		if sum != 0 {
			panic(fmt.Sprintf("the model books %d %s out of nothing: %v", sum, currency, legs))
		}
	}
}

// leg is one account's share.
func leg(kind ledger.Kind, owner uuid.UUID, amount money.Amount) ledger.Leg {
	return ledger.Leg{Account: account(kind, owner, amount.Currency), Amount: amount.Minor}
}

// account names an account; Stripe is the one provider.
func account(kind ledger.Kind, owner uuid.UUID, currency money.Currency) ledger.Account {
	a := ledger.Account{Kind: kind, Owner: owner, Currency: currency}
	if kind == ledger.PSPClearing || kind == ledger.PSPFees {
		a.Ref = "stripe"
	}
	return a
}

// free is what a user can spend.
func (b books) free(user uuid.UUID, currency money.Currency) int64 {
	return b[account(ledger.Wallet, user, currency)]
}

// differ says where two books are not the same.
func differ(got, want books) (lines []string) {
	both := maps.Clone(got)
	maps.Copy(both, want)
	for a := range both {
		if got[a] != want[a] {
			lines = append(lines, fmt.Sprintf("%s %s of %s is %d, the model has %d", a.Currency, a.Kind, a.Owner, got[a], want[a]))
		}
	}
	slices.Sort(lines)
	return lines
}

// minus is the amount the other way round.
func minus(a money.Amount) money.Amount { return money.New(-a.Minor, a.Currency) }

// less is a − b.
func less(a, b money.Amount) money.Amount { return money.New(a.Minor-b.Minor, a.Currency) }

// share is a part of an amount in basis points, half a cent and more rounded up.
func share(a money.Amount, basisPoints int64) money.Amount {
	return money.New((a.Minor*basisPoints+5_000)/10_000, a.Currency)
}

// stripeFee is what Stripe takes of a charge, by its published rates.
func stripeFee(a money.Amount) money.Amount {
	fixed := map[money.Currency]int64{"EUR": 25, "JPY": 0, "TND": 900, "USD": 30}
	rate := map[money.Currency]int64{"EUR": 150, "JPY": 360, "TND": 290, "USD": 290}
	return money.New(share(a, rate[a.Currency]).Minor+fixed[a.Currency], a.Currency)
}
