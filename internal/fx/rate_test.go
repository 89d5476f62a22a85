package fx

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

func rate(t *testing.T, text string) Rate {
	t.Helper()
	r, err := ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRatesAreReadAndWrittenExactly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1": "1", "1.0844": "1.0844", "168.960": "168.96", "0.000000000001": "0.000000000001", "999999999999.999999999999": "999999999999.999999999999", "007": "7",
	} {
		if got := rate(t, in).String(); got != want {
			t.Errorf("%s is written as %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", "0", "0.000", "-1", "+1", "1,5", "1e3", ".5", "5.", "1.2.3", " 1", "0x1", "1.0000000000001", "1000000000000", "NaN", "Inf", "١"} {
		if got, err := ParseRate(in); err == nil {
			t.Errorf("%q is read as %s", in, got)
		}
	}
}

func TestConvertRoundsDownToTheOtherMinorUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from     money.Amount
		to       money.Currency
		rate     string
		marginBP int64
		want     int64
	}{
		{money.New(100_00, "EUR"), "USD", "1.09", 0, 109_00},
		{money.New(100_00, "EUR"), "USD", "1.09", 50, 108_45}, // 108.455
		{money.New(1, "EUR"), "JPY", "162.5", 0, 1},           // 1.625
		{money.New(1, "JPY"), "EUR", "0.006153846153", 0, 0},  // 0.6 cents
		{money.New(2, "JPY"), "EUR", "0.006153846153", 0, 1},  // 1.2 cents
		{money.New(100, "JPY"), "TND", "0.020676923076", 0, 2_067},
		{money.New(1_234, "TND"), "EUR", "0.297619047619", 0, 36},
		{money.New(0, "EUR"), "USD", "1.09", 0, 0},
		{money.New(5, "EUR"), "USD", "1.09", 10_000, 0},
	} {
		got, err := Convert(c.from, c.to, rate(t, c.rate), c.marginBP)
		if err != nil || got != money.New(c.want, c.to) {
			t.Errorf("%s at %s less %d: %s, %v; want %s", c.from, c.rate, c.marginBP, got, err, money.New(c.want, c.to))
		}
	}
	for name, refused := range map[string]func() (money.Amount, error){
		"below zero": func() (money.Amount, error) { return Convert(money.New(-1, "EUR"), "USD", rate(t, "1"), 0) },
		"too much":   func() (money.Amount, error) { return Convert(money.New(math.MaxInt64, "EUR"), "TND", rate(t, "1"), 0) },
		"no rate":    func() (money.Amount, error) { return Convert(money.New(1, "EUR"), "USD", Rate{}, 0) },
		"a margin of more than all": func() (money.Amount, error) {
			return Convert(money.New(1, "EUR"), "USD", rate(t, "1"), 10_001)
		},
		"a margin below zero": func() (money.Amount, error) { return Convert(money.New(1, "EUR"), "USD", rate(t, "1"), -1) },
	} {
		if got, err := refused(); !errors.Is(err, money.ErrRange) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// rates draws what one unit of a base gives, over many sizes.
func rates(t *rapid.T, name string) Rate {
	n := rapid.Int64Range(1, 1_000_000_000_000_000).Draw(t, name)
	return Rate{new(big.Int).Mul(big.NewInt(n), power(rapid.IntRange(0, 2).Draw(t, name+" by ten to the")))}
}

var someCurrencies = []money.Currency{"EUR", "GBP", "JPY", "MAD", "TND", "USD"}

// What a conversion gives is never more than the exact quotient of the rates, and a round trip gains nothing,
// whatever the rates, the amount and the margin.
func TestNobodyGainsByExchanging(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rates(t, "a"), rates(t, "b")
		from := rapid.SampledFrom(someCurrencies).Draw(t, "from")
		to := rapid.SampledFrom(someCurrencies).Draw(t, "to")
		amount := money.New(rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "amount"), from)
		margin := rapid.Int64Range(0, 2_000).Draw(t, "margin")
		there, ok := cross(a, b)
		back, ok2 := cross(b, a)
		if !ok || !ok2 {
			t.Skip("no rate between these")
		}
		got, err := Convert(amount, to, there, margin)
		if err != nil {
			t.Skip("more than an amount holds")
		}
		// got/10^to <= amount/10^from × b/a × (1 − margin), in fractions.
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(amount.Minor), b.scaled), new(big.Int).Mul(power(from.Digits()), a.scaled))
		exact.Mul(exact, big.NewRat(10_000-margin, 10_000))
		if new(big.Rat).SetFrac(big.NewInt(got.Minor), power(to.Digits())).Cmp(exact) > 0 {
			t.Fatalf("%s gave %s, which is more than %s", amount, got, exact.FloatString(12))
		}
		returned, err := Convert(got, from, back, margin)
		if err != nil || returned.Minor > amount.Minor {
			t.Fatalf("%s came back as %s (%v)", amount, returned, err)
		}
	})
}

// What something costs in another currency gives at least its price, a unit less does not, and nobody who sells it back has gained.
func TestWhatSomethingCostsGivesItsPrice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rates(t, "a"), rates(t, "b")
		from := rapid.SampledFrom(someCurrencies).Draw(t, "from")
		to := rapid.SampledFrom(someCurrencies).Draw(t, "to")
		price := money.New(rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "price"), to)
		margin := rapid.Int64Range(0, 9_999).Draw(t, "margin")
		rate, ok := cross(a, b)
		back, ok2 := cross(b, a)
		if !ok || !ok2 {
			t.Skip("no rate between these")
		}
		cost, err := Cost(price, from, rate, margin)
		if err != nil {
			t.Skip("more than an amount holds")
		}
		gives, err := Convert(cost, to, rate, margin)
		if err != nil {
			t.Skip("more than an amount holds")
		}
		less, err := Convert(money.New(cost.Minor-1, from), to, rate, margin)
		if err != nil || gives.Minor < price.Minor || less.Minor >= price.Minor {
			t.Fatalf("%s costs %s, which gives %s; a unit less gives %s (%v)", price, cost, gives, less, err)
		}
		if returned, err := Convert(gives, from, back, margin); err != nil || returned.Minor > cost.Minor {
			t.Fatalf("%s came back as %s (%v)", cost, returned, err)
		}
	})
}

func TestCostsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]func() (money.Amount, error){
		"nothing":             func() (money.Amount, error) { return Cost(money.New(0, "EUR"), "USD", rate(t, "1"), 0) },
		"too much":            func() (money.Amount, error) { return Cost(money.New(math.MaxInt64, "EUR"), "TND", rate(t, "1"), 0) },
		"no rate":             func() (money.Amount, error) { return Cost(money.New(1, "EUR"), "USD", Rate{}, 0) },
		"a margin of all":     func() (money.Amount, error) { return Cost(money.New(1, "EUR"), "USD", rate(t, "1"), 10_000) },
		"a margin below zero": func() (money.Amount, error) { return Cost(money.New(1, "EUR"), "USD", rate(t, "1"), -1) },
	} {
		if got, err := refused(); !errors.Is(err, money.ErrRange) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, err := Cost(money.New(1000, "JPY"), "EUR", rate(t, "162.5"), 0); err != nil || got != money.New(616, "EUR") { // 6.1538…
		t.Errorf("1000 yen cost %s (%v)", got, err)
	}
}
