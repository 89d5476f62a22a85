package tax

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/address"
)

// Every region that something can be sent to has a standard rate that may be true, and every line of the table is of one.
func TestTable(t *testing.T) {
	t.Parallel()
	table, known := NewTable(), map[Region]bool{}
	for _, c := range address.Countries() {
		regions := []Region{{Country: c.Code}}
		for _, r := range c.Regions {
			regions = append(regions, Region{c.Code, r.Code})
		}
		if c.Code == "US" || c.Code == "CA" {
			regions = regions[1:]
		}
		for _, r := range regions {
			known[r] = true
			rates := table.At(r, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			if err := check(rates); err != nil || rates.Of[Standard] > 27_000 || rates.Of[Standard] < rates.Of[Books] {
				t.Errorf("%v: %+v, %v", r, rates, err)
			}
			if rates.Inclusive == (c.Code == "US" || c.Code == "CA") || rates.Estimated != (c.Code == "US") {
				t.Errorf("%v: %+v", r, rates)
			}
		}
	}
	for _, row := range table.rows {
		if !known[row.region] || row.from.IsZero() || (row.class != Standard && row.class != Books) {
			t.Errorf("%+v is of nothing", row)
		}
	}
}

// tableLine is how a line of the table is written.
var tableLine = regexp.MustCompile(`^[A-Z]{2}(-[A-Z]{2})? (STANDARD|BOOKS) (0|[1-9][0-9]?)(\.[0-9]{1,3})? (19[89][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])-[0-3][0-9]$`)

// The table has its shape: each line is read whole; a region's rates of a class stand together, each of a later day and another rate than the one before; books bear less than other
// things, never without those having a rate; and nothing is said that is not in the law two years from when it was compared.
func TestShapeOfTheTable(t *testing.T) {
	t.Parallel()
	compared := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	type of struct {
		region Region
		class  Class
	}
	rows, last, over := NewTable().rows, map[of]row{}, map[of]bool{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != len(rows) || len(rows) < 120 {
		t.Fatalf("%d lines, %d rows", len(lines), len(rows))
	}
	for i, line := range lines {
		r, f := rows[i], strings.Fields(line)
		if !tableLine.MatchString(line) || r.from.Format(time.DateOnly) != f[3] || strings.TrimSuffix(r.rate.String(), " %") != f[2] {
			t.Errorf("%q is read as %+v", line, r)
		}
		key := of{r.region, r.class}
		before, again := last[key]
		if over[key] || again && (!r.from.After(before.from) || r.rate == before.rate) {
			t.Errorf("%q comes after %+v", line, before)
		}
		if i > 0 {
			if previous := (of{rows[i-1].region, rows[i-1].class}); previous != key {
				over[previous] = true
			}
		}
		if last[key] = r; r.from.After(compared.AddDate(2, 0, 0)) {
			t.Errorf("%q is too far ahead", line)
		}
		if r.class == Books && (r.region.Country == "US" || last[of{r.region, Standard}].rate <= r.rate) {
			t.Errorf("%q: books bear what other things do, or more", line)
		}
	}
}

// Rates are those of their day.
func TestRatesOfADay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		region Region
		class  Class
		day    string
		want   Rate
		text   string
	}{
		{Region{"FR", ""}, Standard, "2026-11-22", 20_000, "20 %"}, {Region{"FR", ""}, Books, "2026-11-22", 5_500, "5.5 %"},
		{Region{"CH", ""}, Standard, "2023-12-31", 7_700, "7.7 %"}, {Region{"CH", ""}, Standard, "2024-01-01", 8_100, "8.1 %"},
		{Region{"CA", "QC"}, Standard, "2026-01-01", 14_975, "14.975 %"}, {Region{"US", "NJ"}, Books, "2026-01-01", 6_625, "6.625 %"},
		{Region{"CA", "NS"}, Standard, "2025-03-31", 15_000, "15 %"}, {Region{"CA", "NS"}, Standard, "2025-04-01", 14_000, "14 %"},
		{Region{"CA", "ON"}, Books, "2026-01-01", 5_000, "5 %"}, {Region{"CA", "NT"}, Books, "2026-01-01", 5_000, "5 %"},
		{Region{"US", "DC"}, Standard, "2026-09-30", 6_000, "6 %"}, {Region{"US", "DC"}, Standard, "2026-10-01", 7_000, "7 %"}, {Region{"US", "SD"}, Standard, "2027-07-01", 4_500, "4.5 %"},
		{Region{"AE", "DU"}, Standard, "2026-01-01", 5_000, "5 %"}, {Region{"ZZ", ""}, Standard, "2026-01-01", 0, "0 %"},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if got := NewTable().At(c.region, day).of(c.class); err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%v, %s on %s: %s, want %s", c.region, c.class, c.day, got, c.text)
		}
	}
	if bp := Rate(14_975).BasisPoints(); bp != nil {
		t.Errorf("%d basis points", *bp)
	}
	if bp := Rate(5_500).BasisPoints(); *bp != 550 {
		t.Errorf("%d basis points", *bp)
	}
}

// Rounded once a rate, half up: added where prices are without it, found in them where they have it.
func TestCharge(t *testing.T) {
	t.Parallel()
	france, jersey := NewTable().At(Region{"FR", ""}, time.Now()), NewTable().At(Region{"US", "NJ"}, time.Now())
	for name, c := range map[string]struct {
		rates Rates
		items []Item
		want  []int64
	}{
		"in the price":     {france, []Item{{Standard, 120_00}}, []int64{20_00}},
		"two of one rate":  {france, []Item{{Standard, 3}, {Standard, 3}}, []int64{1}},
		"two rates":        {france, []Item{{Standard, 60_00}, {Books, 10_55}}, []int64{55, 10_00}},
		"beside the price": {jersey, []Item{{Standard, 100_00}, {Books, 99}}, []int64{6_69}},
		"half a cent":      {Rates{Of: map[Class]Rate{Standard: 5_000}}, []Item{{Standard, 10}}, []int64{1}},
		"too little":       {jersey, []Item{{Standard, 7}}, nil},
		"nothing":          {jersey, nil, nil},
		"very much":        {france, []Item{{Standard, math.MaxInt64}}, []int64{math.MaxInt64 / 6}},
	} {
		var got []int64
		for _, d := range c.rates.Charge(c.items, "EUR") {
			got = append(got, d.Amount.Minor)
			if d.Inclusive != c.rates.Inclusive || d.Label == "" {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rates := Rates{Inclusive: rapid.Bool().Draw(t, "inclusive"), Of: map[Class]Rate{Standard: Rate(rapid.Int64Range(0, int64(maxRate)).Draw(t, "rate"))}}
		price := rapid.Int64Range(0, 1<<62).Draw(t, "price")
		for _, d := range rates.Charge([]Item{{Standard, price}}, "EUR") {
			if d.Amount.Minor < 0 || d.Amount.Minor > price {
				t.Fatalf("%d of %d at %s", d.Amount.Minor, price, d.Rate)
			}
		}
	})
}

// fake is a provider that does as it is told.
type fake struct {
	asked atomic.Int64

	mu sync.Mutex // a call that was given up may begin late
	do func(ctx context.Context) (Rates, error)
}

func (f *fake) will(do func(ctx context.Context) (Rates, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.do = do
}

func (f *fake) Rates(ctx context.Context, _ Region) (Rates, error) {
	f.asked.Add(1)
	f.mu.Lock()
	do := f.do
	f.mu.Unlock()
	return do(ctx)
}

func says(rate Rate) func(context.Context) (Rates, error) {
	return func(context.Context) (Rates, error) {
		return Rates{Name: "VAT", Inclusive: true, Of: map[Class]Rate{Standard: rate}}, nil
	}
}

// hands are a clock's that a test moves.
type hands struct{ at time.Time }

func (h *hands) Now() time.Time { return h.at }

// A provider that is slow, fails or lies is not waited for, nor believed: the table stands in, flagged, for a minute.
func TestProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do        func(ctx context.Context) (Rates, error)
		want      Rate
		estimated bool
	}{
		"answers":  {says(19_000), 19_000, false},
		"says nil": {says(0), 0, false},
		"fails":    {func(context.Context) (Rates, error) { return Rates{}, errors.New("500") }, 20_000, true},
		"is slow":  {func(ctx context.Context) (Rates, error) { <-ctx.Done(); return Rates{}, ctx.Err() }, 20_000, true},
		"hangs":    {func(context.Context) (Rates, error) { time.Sleep(3 * time.Second); return Rates{}, nil }, 20_000, true},
		"negative": {says(-1), 20_000, true},
		"absurd":   {says(50_001), 20_000, true},
		"is empty": {func(context.Context) (Rates, error) { return Rates{}, nil }, 20_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, now := &fake{do: c.do}, &hands{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			s := New(nil, f, now, slog.New(slog.DiscardHandler))
			began := time.Now()
			for range 3 {
				r := s.Rates(t.Context(), Region{Country: "FR"})
				if r.of(Standard) != c.want || r.Estimated != c.estimated || !r.Inclusive {
					t.Errorf("%+v", r)
				}
			}
			if took := time.Since(began); took > timeout+2*time.Second {
				t.Errorf("it took %s", took)
			}
			if n := f.asked.Load(); n != 1 {
				t.Errorf("it was asked %d times", n)
			}
			f.will(says(10_000))
			now.at = now.at.Add(estimated)
			if r := s.Rates(t.Context(), Region{Country: "FR"}); (r.of(Standard) == 10_000) != c.estimated {
				t.Errorf("a minute later: %+v", r)
			}
			now.at = now.at.Add(young)
			if r := s.Rates(t.Context(), Region{Country: "FR"}); r.of(Standard) != 10_000 || r.Estimated {
				t.Errorf("hours later: %+v", r)
			}
		})
	}
}

func TestWhoCharges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{{"FR", "FR", true}, {"FR", "DE", true}, {"FR", "GB", false}, {"US", "US", true}, {"GB", "FR", false}, {"MA", "TN", false}} {
		if got := charges(c.from, c.to); got != c.want {
			t.Errorf("from %s to %s: %t", c.from, c.to, got)
		}
	}
}
