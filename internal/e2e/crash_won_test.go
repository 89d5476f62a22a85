package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

const quoteOrder = `mutation($input: OrderQuoteInput!) { orderQuote(input: $input) { quote { id status total { amount } } userErrors { code } } }`

// What was won is quoted, confirmed and paid by card while its server is killed around each step: the retry finds the quote and the order as they are or makes them, what
// bringing it costs is added once, and the card is charged once.
func TestKilledWhileCheckingOutWhatWasWon(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ quoting, confirming []trap }{
		"before the commits":               {[]trap{commit("INSERT", "quote", "", lost)}, []trap{commit("INSERT", "checkout", "", lost)}},
		"after the commits":                {[]trap{commit("INSERT", "quote", "", happens)}, []trap{commit("INSERT", "checkout", "", happens)}},
		"as the order is tied to it":       {nil, []trap{write("UPDATE", "orders", "OLD.quote_id IS NULL AND NEW.quote_id IS NOT NULL")}},
		"after the card's answer":          {nil, []trap{answer("POST", confirmIntent)}},
		"before the record is committed":   {nil, []trap{commit("UPDATE", "order_payment", turns("AUTHORISED"), lost)}},
		"after the commit, and the card's": {nil, []trap{commit("INSERT", "checkout", "", happens), answer("POST", confirmIntent)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOwed(t, untold)
			lives := func(who person) string {
				return who.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{"name": who.name, "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR"}}).Str("addressCreate.address.id")
			}
			lives(o.hana)
			o.hana.Must(t, `mutation($input: ShippingProfileSetInput!) { shippingProfileSet(input: $input) { shippingProfile { grams } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
				"grams": 900, "offers": []any{apitest.Vars{"kind": "SELLER", "name": "By post", "price": eur(690), "countries": []string{"FR"}}},
			}})
			ask := apitest.Vars{"orderId": o.order, "addressId": lives(o.bilal), "idempotencyKey": "quote"}
			if c.quoting != nil {
				o.dieAt(crashPoint{name, c.quoting}, func() (wait func()) { return o.bilal.sends(quoteOrder, ask) })
				o.ends()
			}
			quote := o.bilal.Must(t, quoteOrder, apitest.Vars{"input": ask}).At("orderQuote.quote")
			if again := o.bilal.Must(t, quoteOrder, apitest.Vars{"input": ask}).At("orderQuote.quote"); again.Str("id") != quote.Str("id") || quote.Str("status") != "OPEN" || quote.Str("total.amount") != "46.90" {
				t.Fatalf("the quote: %s, and again: %s", quote.Raw(), again.Raw())
			}
			yes := apitest.Vars{"quoteId": quote.Str("id"), "total": eur(4690), "walletAmount": eur(1500), "cardId": o.card, "idempotencyKey": "yes"}
			o.dieAt(crashPoint{name, c.confirming}, func() (wait func()) { return o.bilal.sends(confirmQuote, yes) })
			o.hana, o.bilal = o.hana.at(o.server), o.bilal.at(o.server)
			for range 2 {
				if got := o.bilal.Must(t, confirmQuote, apitest.Vars{"input": yes}); got.Str("checkoutConfirm.orders.0.id") != o.order {
					t.Fatalf("the retry: %s", got.Raw())
				}
			}
			o.ends()
			if n := o.count(`SELECT count(*) FROM quote`) + o.count(`SELECT count(*) FROM checkout`) + o.count(`SELECT count(*) FROM order_payment WHERE status = 'AUTHORISED'`); n != 3 || o.count(`SELECT total::int FROM orders`) != 4690 {
				t.Errorf("%d quotes, checkouts and payments", n)
			}
			o.checkLedger()
			o.hana.Must(t, tour(t, "Ship it"), apitest.Vars{"input": o.ships()})
			o.must("PAID SENT")
			o.charged(2000, 3190)
			if available, held := o.bilal.wallet(t); available != 500 || held != 0 {
				t.Errorf("the wallet has %d and %d held", available, held)
			}
			o.checkBooks()
		})
	}
}

// Killed while a cart in dollars is quoted in euros and paid from the wallet of those: the rate is fixed once, and what it gives is taken and paid once.
func TestKilledWhilePayingInAnotherCurrency(t *testing.T) {
	t.Parallel()
	c := newCrashSite(t)
	hana, bilal := c.server.signUp("Hana", "SELLER"), c.server.signUp("Bilal", "BUYER")
	bilal.topUp(t, 300)
	house := bilal.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{"name": "Bilal", "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR"}}).Str("addressCreate.address.id")
	eventually(t, "the rates", func() bool { return c.count(`SELECT count(*) FROM fx_rate`) > 0 })
	const quoteBoth = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id exchangeTotal { amount minor } } userErrors { code } } }`
	paid := 0
	for i, held := range []struct{ quoting, confirming trap }{
		{commit("INSERT", "quote_exchange", "", lost), commit("INSERT", "checkout", "", lost)},
		{commit("INSERT", "quote_exchange", "", happens), write("INSERT", "order_payment", "")},
		{write("INSERT", "quote_exchange", ""), commit("INSERT", "checkout", "", happens)},
	} {
		n := string('1' + rune(i))
		pot := hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
			"title": "A pot " + n, "condition": "GOOD", "price": apitest.Vars{"amount": "20.00", "currencyCode": "USD"}, "photoIds": []string{hana.sendPhoto(t)},
		}}).Str("listingCreate.listing.variants.0.id")
		bilal.Must(t, tour(t, "Put something into the cart"), apitest.Vars{"add": apitest.Vars{"variantId": pot}})
		ask := apitest.Vars{"addressId": house, "payCurrency": "EUR", "idempotencyKey": "quote-" + n}
		c.dieAt(at("quoting", held.quoting), func() (wait func()) { return bilal.sends(quoteBoth, ask) })
		hana, bilal = hana.at(c.server), bilal.at(c.server)
		quote := bilal.Must(t, quoteBoth, apitest.Vars{"input": ask}).At("checkoutQuote.quote")
		costs := cents(t, quote.Str("exchangeTotal.minor"))
		yes := apitest.Vars{"quoteId": quote.Str("id"), "total": apitest.Vars{"amount": "20.00", "currencyCode": "USD"}, "exchangeTotal": eur(costs), "idempotencyKey": "yes-" + n}
		c.dieAt(at("confirming", held.confirming), func() (wait func()) { return bilal.sends(confirmQuote, yes) })
		hana, bilal = hana.at(c.server), bilal.at(c.server)
		order := ""
		for range 2 {
			got := bilal.Must(t, confirmQuote, apitest.Vars{"input": yes})
			if now := got.Str("checkoutConfirm.orders.0.id"); got.Str("checkoutConfirm.orders.0.payment") != "PAID" || order != "" && now != order {
				t.Fatalf("the retry: %s", got.Raw())
			} else {
				order = now
			}
		}
		paid += costs
		if left := c.count(`SELECT sum(b.balance)::int FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id WHERE a.kind = 'wallet' AND a.currency = 'EUR'`); left != 300_00-paid {
			t.Errorf("of 300 euros %d cents are left, after %d", left, paid)
		}
		if n := c.count(`SELECT count(*) FROM quote_exchange`); n != i+1 || c.count(`SELECT count(*) FROM orders WHERE payment = 'PAID'`) != i+1 {
			t.Errorf("%d rates were fixed for %d quotes", n, i+1)
		}
		c.checkOrders()
		c.checkLedger()
	}
	c.checkBooks()
}
