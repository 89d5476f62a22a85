package payment

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

// Whatever refunds, in a card's steps or of all the rest, leave of an order: no part of it is negative or more than was agreed, they sum to it both ways, and as less is left
// nobody has more. Nothing left is nothing for each, and all of it what each had.
func TestTermsDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(Currencies()).Draw(t, "currency")
		step := cardStep(c)
		most := rapid.SampledFrom([]int64{9, 1 << 20, 1 << 40, 1 << 58}).Draw(t, "most") // small ones round the most
		card := step * rapid.Int64Range(0, most/step).Draw(t, "card")
		total := max(1, card+rapid.Int64Range(0, most).Draw(t, "wallet"))
		subsidy := rapid.Int64Range(0, most).Draw(t, "subsidy")
		rest := total + subsidy
		taken := func(name string) money.Amount {
			part := rapid.Int64Range(0, rest).Draw(t, name)
			rest -= part
			return money.New(part, c)
		}
		terms := Terms{
			Total: money.New(total, c), Subsidy: money.New(subsidy, c), Card: money.New(card, c), Fee: taken("fee"), Tax: taken("tax"), Shipping: taken("shipping"),
		}
		all := terms.Of(terms.Total)
		if all != (Parts{
			Card: terms.Card, Wallet: money.New(total-card, c), Subsidy: terms.Subsidy,
			Fee: terms.Fee, Tax: terms.Tax, Shipping: terms.Shipping, Seller: money.New(rest, c),
		}) {
			t.Fatalf("of all of %+v: %+v", terms, all)
		}
		for left, before := total, all; ; left = afterRefund(t, left, step) {
			now := terms.Of(money.New(left, c))
			if now.Card.Minor+now.Wallet.Minor != left || now.All() != left+now.Subsidy.Minor || now.Card.Minor%step != 0 {
				t.Fatalf("%d of %+v: %+v", left, terms, now)
			}
			if least(now) < 0 || least(before.Less(now)) < 0 {
				t.Fatalf("%d of %+v: %+v after %+v", left, terms, now, before)
			}
			if before = now; left == 0 {
				return
			}
		}
	})
}

func least(p Parts) int64 {
	return min(p.Card.Minor, p.Wallet.Minor, p.Subsidy.Minor, p.Fee.Minor, p.Tax.Minor, p.Shipping.Minor, p.Seller.Minor)
}

// afterRefund takes some steps off what is left, or all of it, as refunds may.
func afterRefund(t *rapid.T, left, step int64) int64 {
	if left < step || rapid.Bool().Draw(t, "all") {
		return 0
	}
	return left - step*rapid.Int64Range(1, left/step).Draw(t, "refunded")
}

// The fee of what is left is the same whatever it was paid from, and exact for large sums.
func TestTermsTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ total, fee, card, left, wantFee, wantCard int64 }{
		{100_00, 8_50, 0, 50_00, 4_25, 0},
		{100_00, 8_50, 70_00, 50_00, 4_25, 35_00},
		{100_00, 8_50, 100_00, 50_00, 4_25, 50_00},
		{100_01, 8_50, 33_33, 66_67, 5_66, 22_21},
		{100_00, 8_50, 70_00, 1, 0, 0},
		{100_00, 8_50, 70_00, 99_99, 8_49, 69_99},
		{9_000_000_000_000_000_000, 9_000_000_000_000_000_000, 1, 8_999_999_999_999_999_999, 8_999_999_999_999_999_999, 0},
	} {
		got := Terms{Total: eur(c.total), Fee: eur(c.fee), Card: eur(c.card)}.Of(eur(c.left))
		if got.Fee.Minor != c.wantFee || got.Card.Minor != c.wantCard {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// Each of those who are paid of it has the share of what those before leave; a part that rounds down is the seller's.
func TestTermsOfAllCharges(t *testing.T) {
	t.Parallel()
	if nothing := (Terms{Total: eur(0), Subsidy: eur(0), Card: eur(0), Fee: eur(0), Tax: eur(0), Shipping: eur(0)}).Of(eur(0)); nothing.All() != 0 || least(nothing) != 0 || nothing.Seller.Currency != "EUR" {
		t.Errorf("of nothing: %+v", nothing)
	}
	terms := Terms{Total: eur(100_00), Subsidy: eur(10_00), Card: eur(50_00), Fee: eur(11_00), Tax: eur(20_00), Shipping: eur(5_00)}
	for left, want := range map[int64][7]int64{
		100_00: {50_00, 50_00, 10_00, 11_00, 20_00, 5_00, 74_00}, 50_00: {25_00, 25_00, 5_00, 5_50, 10_00, 2_50, 37_00},
		33_33: {16_66, 16_67, 3_33, 3_66, 6_66, 1_66, 24_68}, 1: {0, 1, 0, 0, 0, 0, 1}, 0: {},
	} {
		p := terms.Of(eur(left))
		if got := [7]int64{p.Card.Minor, p.Wallet.Minor, p.Subsidy.Minor, p.Fee.Minor, p.Tax.Minor, p.Shipping.Minor, p.Seller.Minor}; got != want {
			t.Errorf("%d left: %v, want %v", left, got, want)
		}
	}
}
