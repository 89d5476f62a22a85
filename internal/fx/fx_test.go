package fx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pgtest"
)

// bundle is a service over the bank's source, on a database of its own.
type bundle struct {
	*Service
	t    *testing.T
	data *pgtest.Database
	bank *bank
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, data: pgtest.New(t), bank: newBank(t)}
	b.Service = New(b.data.Pool, NewECB(b.bank.URL), 36*time.Hour)
	return b
}

// day is a day by the database's calendar.
func (b *bundle) day(offset int) (day string) {
	b.t.Helper()
	err := b.data.Admin.QueryRow(b.t.Context(), `SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date + $1::int || ''`, offset).Scan(&day)
	if err != nil {
		b.t.Fatal(err)
	}
	return day
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.data.Admin.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

// reads lets the bank publish a day's rates, and reads them.
func (b *bundle) reads(offset int, rows ...string) error {
	b.t.Helper()
	b.bank.says(document(b.day(offset), rows...))
	return b.Refresh(b.t.Context())
}

func (b *bundle) mustRead(offset int, rows ...string) {
	b.t.Helper()
	if err := b.reads(offset, rows...); err != nil {
		b.t.Fatal(err)
	}
}

// is the rate between two currencies, or the code of the refusal.
func (b *bundle) is(from, to money.Currency) string {
	b.t.Helper()
	quote, err := b.Between(b.t.Context(), b.data.Pool, from, to)
	if refusal, ok := fault.As(err); ok {
		return refusal.Code
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return quote.Rate.String()
}

func (b *bundle) want(from, to money.Currency, want string) {
	b.t.Helper()
	if got := b.is(from, to); got != want {
		b.t.Errorf("%s in %s is %s, want %s", from, to, got, want)
	}
}

func TestRatesGoThroughTheBase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want("EUR", "USD", ErrUnavailable.Code) // nothing was ever read
	b.mustRead(0, "USD 1.25", "JPY 160", "GBP 0.8")
	b.want("EUR", "USD", "1.25")
	b.want("USD", "EUR", "0.8")
	b.want("GBP", "USD", "1.5625")
	b.want("JPY", "GBP", "0.005")
	b.want("USD", "JPY", "128")
	b.mustRead(0, "USD 1.5", "JPY 160", "GBP 0.8") // corrected on the same day
	b.want("USD", "EUR", "0.666666666666")         // cut, not rounded

	_, err := b.Between(t.Context(), b.data.Pool, "EUR", "MAD")
	refusal, ok := fault.As(err)
	if !ok || refusal.Code != ErrUnsupported.Code || refusal.Kind.Retryable() ||
		!slices.Equal(refusal.Data["supported"].([]money.Currency), []money.Currency{"EUR", "GBP", "JPY", "USD"}) || refusal.Field[0] != "to" {
		t.Errorf("a currency that the bank does not have: %+v", err)
	}
	b.want("TND", "EUR", ErrUnsupported.Code)
}

// A currency that a day leaves out is missing; its rate of another day is not mixed in.
func TestAMissingCurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRead(-1, "USD 1.25", "JPY 160")
	b.mustRead(0, "JPY 161")
	b.want("EUR", "JPY", "161")
	b.want("EUR", "USD", ErrUnavailable.Code)
	b.mustRead(0, "JPY 161", "USD 1.26")
	b.want("EUR", "USD", "1.26")
	b.mustRead(0, "JPY 161") // the day is corrected, and has no dollar any more
	b.want("EUR", "USD", ErrUnavailable.Code)
}

// While the bank is down, its last rates are good until they are too old.
func TestAnOutageIsBridgedForAWhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRead(0, "USD 1.25")
	for _, answer := range []string{"", "<oops>", document("2024", "USD 9")} {
		b.bank.says(answer)
		if err := b.Refresh(t.Context()); err == nil {
			t.Errorf("%q was taken", answer)
		}
		b.want("EUR", "USD", "1.25")
	}
	quote, err := b.Between(t.Context(), b.data.Pool, "EUR", "USD")
	if err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE fx_rate SET fetched_at = fetched_at - interval '35 hours 59 minutes'`)
	if aged, err := b.Between(t.Context(), b.data.Pool, "EUR", "USD"); err != nil || quote.ExpiresAt.Sub(aged.ExpiresAt) != 36*time.Hour-time.Minute {
		t.Errorf("%v: expires at %s, when it was read later %s", err, aged.ExpiresAt, quote.ExpiresAt)
	}
	b.exec(`UPDATE fx_rate SET fetched_at = fetched_at - interval '1 minute'`)
	b.want("EUR", "USD", ErrUnavailable.Code)
	if !ErrUnavailable.Kind.Retryable() {
		t.Error("nobody is asked to come again")
	}
	b.mustRead(0, "USD 1.26")
	b.want("EUR", "USD", "1.26")
}

// A source that answers and stands still is dead as well; a long weekend is none of that.
func TestASourceThatStandsStill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRead(-6, "USD 1.25")
	b.want("EUR", "USD", "1.25")
	b.exec(`UPDATE fx_rate SET as_of = as_of - 1`)
	b.want("EUR", "USD", ErrUnavailable.Code)
}

func TestRatesThatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRead(-1, "USD 1.25", "JPY 160")
	for name, refresh := range map[string]func() error{
		"an older day":         func() error { return b.reads(-2, "USD 1.26", "JPY 160") },
		"a day to come":        func() error { return b.reads(2, "USD 1.26", "JPY 160") },
		"a point that slipped": func() error { return b.reads(0, "USD 12.5", "JPY 160") },
		"the other way":        func() error { return b.reads(0, "USD 0.125", "JPY 160") },
		"a day without rates":  func() error { return b.reads(0) },
		"a euro in euros":      func() error { return b.reads(0, "EUR 2", "USD 1.25") },
	} {
		if err := refresh(); err == nil {
			t.Errorf("%s was taken", name)
		}
		b.want("EUR", "USD", "1.25")
	}
	b.mustRead(0, "USD 2.5", "JPY 80") // just double, just half
	b.want("EUR", "USD", "2.5")
	b.exec(`UPDATE fx_rate SET as_of = as_of - 8`) // what is so old refuses nothing
	b.mustRead(0, "USD 12.5", "JPY 160")
	b.want("EUR", "USD", "12.5")
}

func TestManyReadersAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bank.says(document(b.day(0), "USD 1.25", "JPY 160", "GBP 0.8"))
	errs := make(chan error)
	for range 8 {
		go func() { errs <- b.Refresh(t.Context()) }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	b.want("JPY", "GBP", "0.005")
	var rows int
	if err := b.data.Admin.QueryRow(t.Context(), `SELECT count(*) FROM fx_rate`).Scan(&rows); err != nil || rows != 4 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestPlayRates(t *testing.T) {
	t.Parallel()
	data := pgtest.New(t)
	s := New(data.Pool, Fixed{clock.System{}}, time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, from := range someCurrencies {
		for _, to := range someCurrencies {
			quote, err := s.Between(t.Context(), data.Pool, from, to)
			if err != nil || quote.Source != "fixed" || (from == to) != (fmt.Sprint(quote.Rate) == "1") {
				t.Errorf("%s in %s: %+v, %v", from, to, quote, err)
			}
		}
	}
}
