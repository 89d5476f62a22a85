package payment

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

// Whatever refunds, in a card's steps or of all the rest, leave of an order: no part of it is negative or more than was paid, they sum to it both ways, and as less is left
// nobody has more. Nothing left is nothing for each, and all of it what each had.
func TestTermsDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(Currencies()).Draw(t, "currency")
		step := cardStep(c)
		card := step * rapid.Int64Range(0, 1<<40).Draw(t, "card")
		total := card + rapid.Int64Range(0, 1<<40).Draw(t, "wallet")
		if total == 0 {
			total = 1
		}
		terms := Terms{
			Total: money.New(total, c), Card: money.New(card, c), Fee: money.New(rapid.Int64Range(0, total).Draw(t, "fee"), c),
		}
		all, before := terms.Of(terms.Total), terms.Of(terms.Total)
		if all.Card != terms.Card || all.Fee != terms.Fee {
			t.Fatalf("of all: %+v", all)
		}
		for left := total; ; left = afterRefund(t, left, step) {
			now := terms.Of(money.New(left, c))
			if now.Card.Minor+now.Wallet.Minor != left || now.Fee.Minor+now.Seller.Minor != left || now.Card.Minor%step != 0 {
				t.Fatalf("%d of %+v: %+v", left, terms, now)
			}
			gone := before.less(now)
			if min(now.Card.Minor, now.Wallet.Minor, now.Fee.Minor, now.Seller.Minor) < 0 ||
				min(gone.Card.Minor, gone.Wallet.Minor, gone.Fee.Minor, gone.Seller.Minor) < 0 {
				t.Fatalf("%d of %+v: %+v after %+v", left, terms, now, before)
			}
			if before = now; left == 0 {
				return
			}
		}
	})
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
