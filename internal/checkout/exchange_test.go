package checkout_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
)

// wallet is what a buyer has in a currency.
func (s *shop) wallet(user uuid.UUID, c money.Currency) int64 {
	s.T.Helper()
	return s.Int(`SELECT coalesce(sum(b.balance), 0) FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id WHERE a.kind = 'wallet' AND a.owner = $1 AND a.currency = $2`, user, string(c))
}

// position is what the platform has taken in of a currency, less what it has given out.
func (s *shop) position(c money.Currency) int64 {
	s.T.Helper()
	return s.Int(`SELECT coalesce(sum(p.amount), 0) FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'fx' AND a.currency = $1`, string(c))
}

// quotedIn is a quote of a buyer's cart, told in another currency too.
func (s *shop) quotedIn(buyer uuid.UUID, c money.Currency) checkout.Quote {
	s.T.Helper()
	q, err := s.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: s.home(buyer), PayCurrency: c, IdempotencyKey: uuid.NewString()})
	s.Must(err)
	return q
}

// exchanged confirms a quote from the wallet in its other currency.
func exchanged(t *testing.T, q checkout.Quote) checkout.ConfirmInput {
	t.Helper()
	in := agreed(q)
	var err error
	if in.Exchange, err = q.ExchangeTotal(); err != nil || in.Exchange == nil {
		t.Fatalf("nothing is exchanged: %v", err)
	}
	return in
}

// Goods in euros are paid from a wallet of yen: what each order costs in them was told by the quote, and is taken at its rate, whatever the rate is by then.
func TestPaidInAnotherCurrency(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	other, buyer := s.User(identity.Seller), s.User(identity.Buyer)
	s.Fund(buyer, money.New(20_000, "JPY"))
	mine, theirs, game := s.shirts(s.seller, 1, 9)[0], s.shirts(other, 1, 9)[0], s.stocked(1, 9)[0]
	s.put(buyer, 3, mine)
	s.put(buyer, 1, theirs, game)
	q := s.quotedIn(buyer, "JPY")
	if q.Total != domaintest.EUR(50_00) || len(q.Groups) != 3 {
		t.Fatalf("%+v", q)
	}
	// One yen is 1 / 162.5 euros, cut to 12 places, of which the platform keeps 50 basis points: 3000 cents cost 4899.5 yen, 1000 cost 1633.2.
	var sum, gives int64
	for i, want := range []money.Amount{money.New(4900, "JPY"), money.New(1634, "JPY"), money.New(1634, "JPY")} {
		x := q.Groups[i].Exchange
		if x == nil || x.From != want || x.To.Currency != "EUR" || x.To.Minor < q.Groups[i].Total.Minor || x.Rate != "0.006153846153" || x.MarginBP != 50 || x.Source != "fixed" || x.Paid {
			t.Fatalf("group %d: %+v", i, x)
		}
		sum, gives = sum+x.From.Minor, gives+x.To.Minor
	}
	s.Exec(`UPDATE fx_rate SET rate = (rate::numeric / 3)::numeric(20, 12)::text WHERE currency = 'JPY'`)
	in := exchanged(t, q)
	if in.Exchange.Minor != sum {
		t.Errorf("all of it costs %s, and its parts %d", in.Exchange, sum)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if s.Must(err); len(orders) != 3 {
		t.Fatalf("%d orders", len(orders))
	}
	again, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if s.Must(err); len(again) != 3 || again[2].ID != orders[2].ID {
		t.Errorf("again: %+v", again)
	}
	if yen, cents := s.wallet(buyer, "JPY"), s.wallet(buyer, "EUR"); yen != 20_000-sum || cents != gives-50_00 {
		t.Errorf("the buyer has %d yen and %d cents", yen, cents)
	}
	if yen, cents := s.position("JPY"), s.position("EUR"); yen != sum || cents != -gives {
		t.Errorf("the platform has %d yen and %d cents", yen, cents)
	}
	var ids []uuid.UUID
	for _, o := range orders {
		if ids = append(ids, o.ID); o.Payment != order.Paid || s.Balance(ledger.Escrow, o.ID) != o.Total.Minor {
			t.Errorf("%+v", o)
		}
	}
	told, err := s.Checkout.Exchanges(t.Context(), ids)
	s.Must(err)
	for i, o := range orders {
		if want := *q.Groups[i].Exchange; told[o.ID].From != want.From || told[o.ID].Rate != want.Rate || !told[o.ID].Paid {
			t.Errorf("the order keeps %+v", told[o.ID])
		}
	}

	// What goes back goes back in euros, and the platform's position stays.
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: other}, orders[1].ID, "Too dear"))
	if yen, cents := s.wallet(buyer, "JPY"), s.wallet(buyer, "EUR"); yen != 20_000-sum || cents != gives-40_00 {
		t.Errorf("after a cancellation the buyer has %d yen and %d cents", yen, cents)
	}
	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, "LX 1"))
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: orders[0].ID, Amount: new(domaintest.EUR(7_00)), IdempotencyKey: "k"}))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if cents := s.wallet(buyer, "EUR"); cents != gives-33_00 || s.position("JPY") != sum {
		t.Errorf("after a refund the buyer has %d cents", cents)
	}
}

// Told in another currency and paid in its own, an order keeps what it was told.
func TestToldInAnotherCurrency(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.Buyer(100_00)
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	if q := s.quotedIn(buyer, "EUR"); q.Groups[0].Exchange != nil {
		t.Errorf("euros in euros: %+v", q.Groups[0].Exchange)
	}
	q := s.quotedIn(buyer, "TND")
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	told, err := s.Checkout.Exchanges(t.Context(), []uuid.UUID{orders[0].ID})
	if s.Must(err); told[orders[0].ID].From != q.Groups[0].Exchange.From || told[orders[0].ID].Paid || s.position("EUR") != 0 {
		t.Errorf("%+v", told)
	}
	s.WantWallet(buyer, 70_00, 0)
}

// What can't be paid in another currency is refused, and leaves all as it was.
func TestExchangesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.Buyer(100_00)
	s.Fund(buyer, money.New(32_56, "USD"))
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	ask := func(c money.Currency) error {
		_, err := s.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: s.home(buyer), PayCurrency: c, IdempotencyKey: uuid.NewString()})
		return err
	}
	if got := domaintest.Code(ask("CHF")); got != "FX_CURRENCY_UNSUPPORTED" {
		t.Errorf("francs: %s", got)
	}
	plain := s.quoted(buyer)
	in := agreed(plain)
	in.Exchange = new(money.New(32_70, "USD"))
	refuse := func(in checkout.ConfirmInput, code string) {
		t.Helper()
		if _, err := s.Checkout.Confirm(t.Context(), buyer, in); domaintest.Code(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	refuse(in, "QUOTE_NOT_EXCHANGED")
	q := s.quotedIn(buyer, "USD")
	for name, change := range map[string]func(*checkout.ConfirmInput){
		"EXCHANGE_PAYS_ALL":  func(in *checkout.ConfirmInput) { in.Wallet = new(q.Total) },
		"PRICE_CHANGED":      func(in *checkout.ConfirmInput) { in.Exchange = new(money.New(in.Exchange.Minor-1, "USD")) },
		"INSUFFICIENT_FUNDS": func(*checkout.ConfirmInput) {}, // a cent less than it costs
	} {
		in := exchanged(t, q)
		change(&in)
		refuse(in, name)
	}
	in = exchanged(t, q)
	in.Exchange = new(money.New(in.Exchange.Minor, "GBP"))
	refuse(in, "PRICE_CHANGED")
	if usd, eur := s.wallet(buyer, "USD"), s.wallet(buyer, "EUR"); usd != 32_56 || eur != 100_00 || s.Int(`SELECT count(*) FROM exchange`)+s.Int(`SELECT count(*) FROM checkout`) != 0 {
		t.Errorf("the buyer has %d and %d", usd, eur)
	}

	s.Exec(`UPDATE fx_rate SET fetched_at = fetched_at - interval '37 hours'`)
	if got := domaintest.Code(ask("USD")); got != "FX_RATE_UNAVAILABLE" {
		t.Errorf("at rates that are too old: %s", got)
	}
	if err := ask(""); err != nil {
		t.Errorf("without: %v", err)
	}
	if _, err := s.Checkout.Confirm(t.Context(), buyer, exchanged(t, q)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("a quote that another took the place of: %v", err)
	}
}

// A quote that was told at a rate is paid at it while the source is down.
func TestTheRateBindsAsLongAsTheQuote(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.User(identity.Buyer)
	s.Fund(buyer, money.New(100_00, "USD"))
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	q := s.quotedIn(buyer, "USD")
	s.Exec(`DELETE FROM fx_rate`)
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, exchanged(t, q)))
	if got := s.wallet(buyer, "USD"); got != 100_00-q.Groups[0].Exchange.From.Minor {
		t.Errorf("%d cents are left", got)
	}
}

// Confirmed from everywhere at once, it is exchanged once; two quotes of one wallet that has money for one are one order.
func TestExchangedAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.User(identity.Buyer)
	s.Fund(buyer, money.New(40_00, "USD"))
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	q := s.quotedIn(buyer, "USD")
	in := exchanged(t, q)
	codes := make(chan string)
	other := s.Another(t)
	for i := range 8 {
		mine := in
		if i%4 == 3 {
			mine.IdempotencyKey = uuid.NewString()
		}
		at := s.Checkout
		if i%2 == 0 {
			at = other.Checkout
		}
		go func() {
			_, err := at.Confirm(s.Ctx(), buyer, mine)
			codes <- domaintest.Code(err)
		}()
	}
	done := 0
	for range 8 {
		switch code := <-codes; code {
		case "":
			done++
		case "QUOTE_CONFIRMED", "IDEMPOTENCY_KEY_REUSED":
		default:
			t.Errorf("answered %s", code)
		}
	}
	if done == 0 || s.Int(`SELECT count(*) FROM exchange`) != 1 || s.wallet(buyer, "USD") != 40_00-in.Exchange.Minor || s.wallet(buyer, "EUR") != q.Groups[0].Exchange.To.Minor-30_00 {
		t.Errorf("%d were answered, %d cents are left", done, s.wallet(buyer, "USD"))
	}
}
