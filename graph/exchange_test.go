package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

const (
	exchangeQuote = `query($from: MoneyInput!, $to: CurrencyCode!) { exchangeQuote(from: $from, to: $to) {
		from { amount currencyCode } to { amount currencyCode } rate marginBasisPoints asOf expiresAt } }`
	walletExchange = `mutation($input: WalletExchangeInput!) { walletExchange(input: $input) {
		exchange { id from { amount currencyCode } to { amount currencyCode minor } rate marginBasisPoints asOf createdAt }
		userErrors { code field ... on ExchangeRateMoved { offer { amount currencyCode } } } } }`
)

// A quote is taken at its word, answered again by its key, and seen by its owner alone.
func TestAnExchangeOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer, stranger := a.Funded(100), a.Person(identity.Buyer)
	quote := buyer.Must(t, exchangeQuote, apitest.Vars{"from": eur("25"), "to": "JPY"}).At("exchangeQuote")
	// 25 × 162.5 × 0.995 = 4042.1875
	if quote.Str("to.amount") != "4042" || quote.Str("rate") != "162.5" || quote.Int("marginBasisPoints") != 50 || quote.Str("expiresAt") <= quote.Str("asOf") {
		t.Errorf("quote %s", quote.Raw())
	}
	in := apitest.Vars{"from": eur("25"), "to": "JPY", "minimum": apitest.Vars{"amount": "4043", "currencyCode": "JPY"}, "idempotencyKey": "k"}
	moved := buyer.Must(t, walletExchange, input(in)).At("walletExchange")
	if moved.Str("userErrors.0.code") != "EXCHANGE_RATE_MOVED" || moved.Str("userErrors.0.offer.amount") != "4042" ||
		moved.Str("userErrors.0.field.0") != "minimum" || string(moved.At("exchange").Raw()) != "null" {
		t.Errorf("above the rate: %s", moved.Raw())
	}
	in["idempotencyKey"], in["minimum"] = "k2", apitest.Vars{"amount": quote.Str("to.amount"), "currencyCode": "JPY"}
	first := buyer.Must(t, walletExchange, input(in)).At("walletExchange")
	if first.Str("exchange.to.minor") != "4042" || first.Str("exchange.rate") != "162.5" || string(first.At("userErrors").Raw()) != "[]" {
		t.Fatalf("got %s", first.Raw())
	}
	a.Exec(`UPDATE fx_rate SET rate = '150' WHERE currency = 'JPY'`)
	if again := buyer.Must(t, walletExchange, input(in)).At("walletExchange"); string(again.Raw()) != string(first.Raw()) {
		t.Errorf("the same key: %s, then %s", first.Raw(), again.Raw())
	}
	if other := buyer.Must(t, walletExchange, input(with(in, "to", "USD"))); other.Str("walletExchange.userErrors.0.code") != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the same key for dollars: %s", other.Raw())
	}
	if got := buyer.Must(t, `{ viewer { wallets { available { amount currencyCode } } } }`, nil); got.Str("viewer.wallets.0.available.amount") != "75.00" ||
		got.Str("viewer.wallets.1.available.amount") != "4042" {
		t.Errorf("the wallets: %s", got.Raw())
	}
	named := apitest.Vars{"id": first.Str("exchange.id")}
	const byID = `query($id: ID!) { node(id: $id) { id ... on Exchange { rate } } }`
	if got := buyer.Must(t, byID, named); got.Str("node.rate") != "162.5" {
		t.Errorf("by its id: %s", got.Raw())
	}
	if got := stranger.Must(t, byID, named); string(got.At("node").Raw()) != "null" {
		t.Errorf("a stranger sees it: %s", got.Raw())
	}
}

func TestExchangesThatAreRefusedOverTheAPI(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	in := apitest.Vars{"from": eur("10"), "to": "USD", "idempotencyKey": ownKey}
	quote := func(from any, to string) apitest.Vars { return apitest.Vars{"from": from, "to": to} }
	sum := func(amount, currency string) apitest.Vars {
		return apitest.Vars{"amount": amount, "currencyCode": currency}
	}
	exchange := mutation("walletExchange")
	table := []bad{
		{name: "of zero", query: exchange, vars: input(with(in, "from", eur("0"))), code: "AMOUNT_NOT_POSITIVE", field: "from"},
		{name: "below zero", query: exchange, vars: input(with(in, "from", eur("-1"))), code: "AMOUNT_NOT_POSITIVE"},
		{name: "of a fraction", query: exchange, vars: input(with(in, "from", eur("1.001"))), code: "AMOUNT_TOO_PRECISE", field: "from"},
		{name: "of a float", query: exchange, vars: input(with(in, "from", eur(1.5))), code: "DECIMAL_MALFORMED", top: true},
		{name: "of more than is there", query: exchange, vars: input(with(in, "from", eur("9999"))), code: "INSUFFICIENT_FUNDS"},
		{name: "above the limit", query: exchange, vars: input(with(in, "from", eur("10000.01"))), code: "EXCHANGE_TOO_LARGE", field: "from"},
		{name: "of more than numbers hold", query: exchange, vars: input(with(in, "from", eur("99999999999999999999"))), code: "AMOUNT_OUT_OF_RANGE"},
		{name: "into itself", query: exchange, vars: input(with(in, "to", "EUR")), code: "EXCHANGE_SAME_CURRENCY", field: "to"},
		{name: "into gold", query: exchange, vars: input(with(in, "to", "XAU")), code: "FX_CURRENCY_UNSUPPORTED", field: "to"},
		{name: "into nothing", query: exchange, vars: input(with(in, "to", "")), code: "CURRENCY_UNKNOWN", field: "to"},
		{name: "into dollars in lower case", query: exchange, vars: input(with(in, "to", "usd")), code: "CURRENCY_UNKNOWN"},
		{name: "without a key", query: exchange, vars: input(with(in, "idempotencyKey", "")), code: "IDEMPOTENCY_KEY_INVALID"},
		{name: "for a minimum beyond reach", query: exchange, vars: input(with(in, "minimum", sum("1000000", "USD"))), code: "EXCHANGE_RATE_MOVED"},
		{name: "by support", who: b.support.Client, query: exchange, vars: input(in), code: "FORBIDDEN", top: true},
		{name: "by nobody", who: b.Nobody(), query: exchange, vars: input(in), code: "UNAUTHENTICATED", top: true},
		{name: "a quote of nothing", query: exchangeQuote, vars: quote(eur("0"), "USD"), code: "AMOUNT_NOT_POSITIVE", top: true},
		{name: "a quote of a yen in euros", query: exchangeQuote, vars: quote(sum("1", "JPY"), "EUR"), code: "EXCHANGE_TOO_SMALL", top: true},
		{name: "a quote into itself", query: exchangeQuote, vars: quote(eur("1"), "EUR"), code: "EXCHANGE_SAME_CURRENCY", top: true},
		{name: "a quote for nobody", who: b.Nobody(), query: exchangeQuote, vars: quote(eur("1"), "USD"), code: "UNAUTHENTICATED", top: true},
	}
	for i := range table {
		if table[i].who.URL == "" {
			table[i].who = b.buyer.Client
		}
	}
	b.refuse(t, table)
}

// Rates that are too old are nobody's fault but ours: the client is asked to come again.
func TestAnExchangeWhileThereAreNoRates(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Funded(100)
	a.Exec(`UPDATE fx_rate SET fetched_at = fetched_at - interval '37 hours'`)
	for query, vars := range map[string]apitest.Vars{
		exchangeQuote:  {"from": eur("1"), "to": "USD"},
		walletExchange: input(apitest.Vars{"from": eur("1"), "to": "USD", "idempotencyKey": "k"}),
	} {
		answer, err := buyer.Do(query, vars)
		if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "FX_RATE_UNAVAILABLE" || !answer.Errors[0].Extensions.Retryable {
			t.Errorf("%v: %+v", err, answer)
		}
	}
}
