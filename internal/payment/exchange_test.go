package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// has is what a wallet of a user holds, in minor units.
func has(w *domaintest.World, user uuid.UUID, c money.Currency) int64 {
	w.T.Helper()
	minor, err := ledger.Balance(w.Ctx(), w.Pool, ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: c})
	w.Must(err)
	return minor
}

// platform is what the platform's fx account of a currency stands at.
func platform(w *domaintest.World, c money.Currency) int64 {
	w.T.Helper()
	minor, err := ledger.Balance(w.Ctx(), w.Pool, ledger.Account{Kind: ledger.FX, Currency: c})
	w.Must(err)
	return minor
}

func exchange(from money.Amount, to money.Currency) payment.ExchangeInput {
	return payment.ExchangeInput{From: from, To: to, IdempotencyKey: uuid.NewString()}
}

func TestAnExchangeIsOneBalancedEntry(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.Buyer(100_00)
	quote, err := w.Payment.QuoteExchange(t.Context(), domaintest.EUR(10_01), "TND")
	w.Must(err)
	// 10.01 × 3.36 × 0.995 = 33.465432
	if quote.To != money.New(33_465, "TND") || quote.Rate() != "3.36" || quote.MarginBP != 50 || !quote.ExpiresAt.After(time.Now()) {
		t.Errorf("quote %+v at %s", quote, quote.Rate())
	}
	in := exchange(domaintest.EUR(10_01), "TND")
	in.Minimum = &quote.To
	got, err := w.Payment.Exchange(t.Context(), user, in)
	w.Must(err)
	if got.To != quote.To || got.From != in.From || got.Rate != "3.36" || got.Source != "fixed" || !got.AsOf.Equal(quote.AsOf) {
		t.Errorf("exchange %+v", got)
	}
	if eur, tnd := has(w, user, "EUR"), has(w, user, "TND"); eur != 89_99 || tnd != 33_465 {
		t.Errorf("the wallets have %d and %d", eur, tnd)
	}
	if eur, tnd := platform(w, "EUR"), platform(w, "TND"); eur != 10_01 || tnd != -33_465 {
		t.Errorf("the platform has %d and %d", eur, tnd)
	}
	if legs := w.Int(`SELECT count(*) FROM ledger.posting p JOIN ledger.entry e ON e.id = p.entry_id WHERE e.key = 'exchange:' || $1::uuid`, got.ID); legs != 4 {
		t.Errorf("%d legs", legs)
	}
	if found, err := w.Payment.ExchangeOf(t.Context(), user, got.ID); err != nil || found != got {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err := w.Payment.ExchangeOf(t.Context(), w.User(identity.Buyer), got.ID); !errors.Is(err, payment.ErrExchangeNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	w.Audited()
}

func TestExchangesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.Buyer(100_00)
	w.Fund(user, money.New(50, "JPY"))
	eur := domaintest.EUR
	with := func(in payment.ExchangeInput, change func(*payment.ExchangeInput)) payment.ExchangeInput {
		change(&in)
		return in
	}
	least := func(a money.Amount) func(*payment.ExchangeInput) {
		return func(in *payment.ExchangeInput) { in.Minimum = &a }
	}
	before := w.Digest()
	for name, c := range map[string]struct {
		in   payment.ExchangeInput
		want string
	}{
		"of nothing":                      {exchange(eur(0), "USD"), "AMOUNT_NOT_POSITIVE"},
		"of less":                         {exchange(eur(-1), "USD"), "AMOUNT_NOT_POSITIVE"},
		"into itself":                     {exchange(eur(1), "EUR"), "EXCHANGE_SAME_CURRENCY"},
		"above the limit":                 {exchange(eur(10_000_01), "USD"), "EXCHANGE_TOO_LARGE"},
		"far above it":                    {exchange(eur(1<<62), "TND"), "EXCHANGE_TOO_LARGE"},
		"more than there is":              {exchange(eur(100_01), "USD"), "INSUFFICIENT_FUNDS"},
		"out of an empty wallet":          {exchange(money.New(1_00, "USD"), "EUR"), "INSUFFICIENT_FUNDS"},
		"that gives nothing":              {exchange(money.New(1, "JPY"), "EUR"), "EXCHANGE_TOO_SMALL"},
		"from what no wallet holds":       {exchange(money.New(1_00, "CHF"), "EUR"), "FX_CURRENCY_UNSUPPORTED"},
		"into what no wallet holds":       {exchange(eur(1_00), "XAU"), "FX_CURRENCY_UNSUPPORTED"},
		"without a key":                   {with(exchange(eur(1_00), "USD"), func(in *payment.ExchangeInput) { in.IdempotencyKey = "" }), "IDEMPOTENCY_KEY_INVALID"},
		"for at least so much":            {with(exchange(eur(100_00), "USD"), least(money.New(108_46, "USD"))), "EXCHANGE_RATE_MOVED"},
		"for at least so much of another": {with(exchange(eur(100_00), "USD"), least(eur(1))), "CURRENCY_MISMATCH"},
	} {
		_, err := w.Payment.Exchange(t.Context(), user, c.in)
		if got := domaintest.Code(err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if refusal, ok := fault.As(err); ok && c.want == "EXCHANGE_RATE_MOVED" && refusal.Data["offer"] != money.New(108_45, "USD") {
			t.Errorf("%s: offers %v", name, refusal.Data)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal has left a trace")
	}
	// The key of a refused exchange is free, and the offer is taken at its word.
	in := exchange(eur(100_00), "USD")
	in.Minimum = new(money.New(108_46, "USD"))
	_, err := w.Payment.Exchange(t.Context(), user, in)
	refusal, _ := fault.As(err)
	in.Minimum = new(refusal.Data["offer"].(money.Amount))
	if got, err := w.Payment.Exchange(t.Context(), user, in); err != nil || got.To != *in.Minimum {
		t.Errorf("the offer: %+v, %v", got, err)
	}
	w.Audited()
}

func TestAnExchangeWithoutRates(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.Buyer(100_00)
	off := payment.New(payment.Config{Pool: w.Pool})
	if _, err := off.Exchange(t.Context(), user, exchange(domaintest.EUR(1_00), "USD")); domaintest.Code(err) != "EXCHANGE_OFF" {
		t.Errorf("off: %v", err)
	}
	if _, err := off.QuoteExchange(t.Context(), domaintest.EUR(1_00), "USD"); domaintest.Code(err) != "EXCHANGE_OFF" {
		t.Errorf("off: %v", err)
	}
	done := exchange(domaintest.EUR(1_00), "USD")
	first, err := w.Payment.Exchange(t.Context(), user, done)
	w.Must(err)
	w.Exec(`UPDATE fx_rate SET fetched_at = fetched_at - interval '37 hours'`)
	before := w.Digest()
	_, err = w.Payment.Exchange(t.Context(), user, exchange(domaintest.EUR(1_00), "USD"))
	if refusal, ok := fault.As(err); !ok || refusal.Code != fx.ErrUnavailable.Code || !refusal.Kind.Retryable() {
		t.Errorf("stale: %v", err)
	}
	if again, err := w.Payment.Exchange(t.Context(), user, done); err != nil || again != first {
		t.Errorf("what was exchanged before: %+v, %v", again, err)
	}
	if w.Digest() != before {
		t.Error("a refusal has left a trace")
	}
}

// Nothing is exchanged out of a frozen wallet, and what was exchanged before is still answered.
func TestAFrozenWalletExchangesNothing(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user, admin := w.Buyer(100_00), w.User(identity.Admin)
	done := exchange(domaintest.EUR(1_00), "USD")
	first, err := w.Payment.Exchange(t.Context(), user, done)
	w.Must(err)
	_, err = w.Payment.FreezeWallet(t.Context(), admin, user, "A look at where this money comes from")
	w.Must(err)
	before := w.Digest()
	if _, err := w.Payment.Exchange(t.Context(), user, exchange(domaintest.EUR(1_00), "USD")); domaintest.Code(err) != "WALLET_FROZEN" {
		t.Errorf("frozen: %v", err)
	}
	if again, err := w.Payment.Exchange(t.Context(), user, done); err != nil || again != first {
		t.Errorf("what was exchanged before: %+v, %v", again, err)
	}
	if w.Digest() != before {
		t.Error("a refusal has left a trace")
	}
	w.Audited()
}

// One key is one exchange, at the rate of the first, however many ask and whatever the rate is by then.
func TestAnExchangeOfOneKey(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.Buyer(100_00)
	in := exchange(domaintest.EUR(60_00), "USD")
	got := make([]payment.Exchange, 8)
	for _, err := range domaintest.AtOnce(len(got), func(i int) (err error) {
		got[i], err = w.Payment.Exchange(w.Ctx(), user, in)
		return err
	}) {
		w.Must(err)
	}
	w.Exec(`UPDATE fx_rate SET rate = '1.2' WHERE currency = 'USD'`)
	again, err := w.Payment.Exchange(t.Context(), user, in)
	w.Must(err)
	for _, other := range append(got[1:], again) {
		if other != got[0] {
			t.Errorf("%+v, and %+v", got[0], other)
		}
	}
	if eur, usd := has(w, user, "EUR"), has(w, user, "USD"); eur != 40_00 || usd != 65_07 {
		t.Errorf("the wallets have %d and %d", eur, usd)
	}
	for name, change := range map[string]func(*payment.ExchangeInput){
		"another amount":   func(in *payment.ExchangeInput) { in.From.Minor-- },
		"another currency": func(in *payment.ExchangeInput) { in.To = "GBP" },
		"with a minimum":   func(in *payment.ExchangeInput) { in.Minimum = new(money.New(1, "USD")) },
	} {
		other := in
		change(&other)
		if _, err := w.Payment.Exchange(t.Context(), user, other); !errors.Is(err, payment.ErrKeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Payment.Exchange(t.Context(), w.Buyer(100_00), in); err != nil {
		t.Errorf("another user's key: %v", err)
	}
	w.Audited()
}

// Two who exchange there and back at once hold the same two wallets, and neither waits for ever; what a wallet has
// is spent once.
func TestExchangesCrossing(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.Buyer(100_00)
	w.Fund(user, money.New(100_00, "USD"))
	errs := domaintest.AtOnce(16, func(i int) error {
		in := exchange(domaintest.EUR(30_00), "USD")
		if i%2 == 1 {
			in = exchange(money.New(30_00, "USD"), "EUR")
		}
		_, err := w.Payment.Exchange(w.Ctx(), user, in)
		return err
	})
	for code, n := range domaintest.Codes(errs) {
		if code != "" && code != "INSUFFICIENT_FUNDS" {
			t.Errorf("%d times %s", n, code)
		}
	}
	w.Audited()
	poor := w.Buyer(100_00)
	codes := domaintest.Codes(domaintest.AtOnce(8, func(int) error {
		_, err := w.Payment.Exchange(w.Ctx(), poor, exchange(domaintest.EUR(30_00), "USD"))
		return err
	}))
	if codes[""] != 3 || codes["INSUFFICIENT_FUNDS"] != 5 {
		t.Errorf("%v, want three exchanges", codes)
	}
	w.Audited()
}

// Whatever is exchanged at whatever rates, each currency's money stays what it was, wallets are what a model says, and
// no one is richer after a round trip.
func TestExchangesConserveMoney(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	currencies := payment.Currencies()
	rapid.Check(t, func(t *rapid.T) {
		user := w.User(identity.Buyer)
		wallet := map[money.Currency]int64{}
		for _, c := range currencies {
			wallet[c] = rapid.Int64Range(1, 1_000_00).Draw(t, "fund "+string(c))
			w.Fund(user, money.New(wallet[c], c))
		}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "the rates move") {
				w.Exec(`UPDATE fx_rate SET rate = $1 WHERE currency = 'USD'`, rapid.StringMatching(`[1-9]\.[0-9]{1,11}[1-9]`).Draw(t, "rate"))
			}
			from, to := rapid.SampledFrom(currencies).Draw(t, "from"), rapid.SampledFrom(currencies).Draw(t, "to")
			amount := money.New(rapid.Int64Range(1, 1_100_00).Draw(t, "amount"), from)
			got, err := w.Payment.Exchange(w.Ctx(), user, exchange(amount, to))
			switch code := domaintest.Code(err); {
			case code == "":
				wallet[from], wallet[to] = wallet[from]-amount.Minor, wallet[to]+got.To.Minor
				back, err := w.Payment.QuoteExchange(w.Ctx(), got.To, from)
				if err == nil && back.To.Minor > amount.Minor {
					t.Fatalf("%s is %s, and that is %s", amount, got.To, back.To)
				}
			case code == "INSUFFICIENT_FUNDS" && amount.Minor > wallet[from]:
			case code == "EXCHANGE_SAME_CURRENCY" && from == to:
			case code == "EXCHANGE_TOO_SMALL":
			default:
				t.Fatalf("%s into %s with %d: %v", amount, to, wallet[from], err)
			}
		}
		for _, c := range currencies {
			if got := has(w, user, c); got != wallet[c] {
				t.Fatalf("the wallet has %d %s, want %d", got, c, wallet[c])
			}
		}
	})
	for _, c := range currencies {
		all := w.Int(`SELECT coalesce(sum(p.amount), 0) FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.currency = $1 AND a.kind <> 'bank'`, string(c))
		if bank, err := ledger.Balance(t.Context(), w.Pool, ledger.Account{Kind: ledger.Bank, Currency: c}); err != nil || all != -bank {
			t.Errorf("%s: %d came in, %d is there (%v)", c, -bank, all, err)
		}
	}
	w.Audited()
}
