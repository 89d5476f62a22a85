package payment

import "github.com/souklive/souk/internal/money"

// limit is what one top-up may be, in minor units.
type limit struct {
	currency money.Currency
	min, max int64
	step     int64 // card networks take currencies of three decimals only in steps of ten
	least    int64 // the provider's, for one charge of a card
}

// mostOfCard is the most that the provider charges a card at once, in minor units of any currency.
const mostOfCard = 99_999_999

// limits is every currency that a wallet can be topped up in, in the order of their codes: about 1.00
// to 10 000.00 euros of each.
func limits() []limit {
	return []limit{
		{"EUR", 1_00, 10_000_00, 1, 50},
		{"GBP", 1_00, 10_000_00, 1, 30},
		{"JPY", 150, 1_500_000, 1, 50},
		{"MAD", 10_00, 100_000_00, 1, 5_00},
		{"TND", 3_000, 30_000_000, 10, 1_600},
		{"USD", 1_00, 10_000_00, 1, 50},
	}
}

// Currencies are those that a wallet can be held in, in the order of their codes.
func Currencies() []money.Currency {
	var codes []money.Currency
	for _, l := range limits() {
		codes = append(codes, l.currency)
	}
	return codes
}

// checkAmount refuses what cannot be topped up.
func checkAmount(a money.Amount) error {
	for _, l := range limits() {
		if l.currency != a.Currency {
			continue
		}
		switch {
		case a.Minor < l.min:
			return ErrTopUpTooSmall.With("minimum", money.New(l.min, l.currency))
		case a.Minor > l.max:
			return ErrTopUpTooLarge.With("maximum", money.New(l.max, l.currency))
		case a.Minor%l.step != 0:
			return ErrAmountStep.With("step", money.New(l.step, l.currency))
		}
		return nil
	}
	return ErrCurrencyUnsupported.With("supported", Currencies())
}

// checkCardAmount refuses what a card cannot be charged for a part of an order.
func checkCardAmount(a money.Amount) error {
	for _, l := range limits() {
		if l.currency != a.Currency {
			continue
		}
		switch {
		case a.Minor < l.least:
			return ErrCardPartTooSmall.With("limit", money.New(l.least, l.currency))
		case a.Minor > mostOfCard:
			return ErrCardPartTooLarge.With("limit", money.New(mostOfCard, l.currency))
		case a.Minor%l.step != 0:
			return ErrAmountStep.At("walletAmount").With("step", money.New(l.step, l.currency))
		}
		return nil
	}
	return ErrCurrencyUnsupported.At("walletAmount").With("supported", Currencies())
}

// cardStep is the step in which cards are charged and refunded in a currency.
func cardStep(c money.Currency) int64 {
	for _, l := range limits() {
		if l.currency == c {
			return l.step
		}
	}
	return 1
}
