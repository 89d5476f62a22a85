package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// bargain is a pot at 20 euros that its seller gives for 15. In the buyer's wallet are 50.
type bargain struct {
	*crashSite
	hana, bilal         person
	house, offer, quote string
}

func newBargain(t *testing.T) *bargain {
	t.Helper()
	c := newCrashSite(t)
	b := &bargain{crashSite: c, hana: c.server.signUp("Hana", "SELLER"), bilal: c.server.signUp("Bilal", "BUYER")}
	b.bilal.topUp(t, 50)
	b.house = b.bilal.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{
		"name": "Bilal", "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR",
	}}).Str("addressCreate.address.id")
	variant := b.hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
		"title": "A brass pot", "condition": "GOOD", "price": eur(2000), "photoIds": []string{b.hana.sendPhoto(t)},
	}}).Str("listingCreate.listing.variants.0.id")
	b.offer = b.bilal.Must(t, tour(t, "Would you take less?"), apitest.Vars{"make": apitest.Vars{"variantId": variant, "price": eur(1500)}}).Str("offerMake.offer.id")
	b.hana.Must(t, tour(t, "Agreed"), apitest.Vars{"accept": apitest.Vars{"offerId": b.offer, "version": 1}})
	return b
}

func (b *bargain) asks() apitest.Vars {
	return apitest.Vars{"offerId": b.offer, "addressId": b.house, "idempotencyKey": "quote"}
}

func (b *bargain) confirms() apitest.Vars {
	return apitest.Vars{"quoteId": b.quote, "total": eur(1500), "idempotencyKey": "yes"}
}

// quoted asks for the quote, which is the same each time.
func (b *bargain) quoted() {
	b.t.Helper()
	b.bilal = b.bilal.at(b.server)
	for range 2 {
		got := b.bilal.Must(b.t, quoteCart, apitest.Vars{"input": b.asks()})
		quote := got.Str("checkoutQuote.quote.id")
		if got.Str("checkoutQuote.quote.status") != "OPEN" || b.quote != "" && quote != b.quote {
			b.t.Fatalf("the quote: %s", got.Raw())
		}
		b.quote = quote
	}
}

// confirmed confirms it, which makes one order, however often.
func (b *bargain) confirmed() {
	b.t.Helper()
	b.bilal = b.bilal.at(b.server)
	order := ""
	for range 2 {
		got := b.bilal.Must(b.t, confirmQuote, apitest.Vars{"input": b.confirms()})
		made := got.Str("checkoutConfirm.orders.0.id")
		if made == "" || order != "" && made != order {
			b.t.Fatalf("the retry: %s", got.Raw())
		}
		order = made
	}
	for what, c := range map[string]struct {
		query string
		want  int
	}{
		"orders":               {`SELECT count(*) FROM orders WHERE payment = 'PAID' AND total = 1500`, 1},
		"offers used":          {`SELECT count(*) FROM price_offer f JOIN orders o ON o.id = f.order_id WHERE f.status = 'USED'`, 1},
		"steps of the offer":   {`SELECT count(*) FROM price_offer_step`, 3},
		"things sold":          {`SELECT count(*) FROM listing WHERE status = 'SOLD'`, 1},
		"reservations":         {`SELECT count(*) FROM reservation`, 1},
		"reservations left":    {`SELECT count(*) FROM reservation WHERE status <> 'CONSUMED'`, 0},
		"quotes and checkouts": {`SELECT (SELECT count(*) FROM quote) + (SELECT count(*) FROM checkout)`, 2},
	} {
		if n := b.count(c.query); n != c.want {
			b.t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
	if available, held := b.bilal.wallet(b.t); available != 3500 || held != 0 {
		b.t.Errorf("the wallet has %d and %d held", available, held)
	}
	b.checkBooks()
}

// Killed around each step of an offer's quote and of its confirmation, the retry finds what was done or does it: one quote, one order at the price, and the offer is used once.
func TestKilledWhileAnOfferIsCheckedOut(t *testing.T) {
	t.Parallel()
	for _, point := range []crashPoint{
		at("when the goods are set aside", commit("INSERT", "reservation", "", happens)),
		at("before the quote is noted with the offer", write("UPDATE", "price_offer", "NEW.quoted_until IS NOT NULL AND NEW.status = 'ACCEPTED'")),
		at("before the quote is committed", commit("INSERT", "quote", "", lost)),
		at("when the quote is committed, before the client is answered", commit("INSERT", "quote", "", happens)),
	} {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			b := newBargain(t)
			b.dieAt(point, func() (wait func()) { return b.bilal.sends(quoteCart, b.asks()) })
			b.quoted()
			b.confirmed()
		})
	}
	for _, point := range []crashPoint{
		at("before the offer is used", write("UPDATE", "price_offer", "NEW.status = 'USED'")),
		at("before the goods are taken", write("UPDATE", "reservation", "NEW.status = 'CONSUMED'")),
		at("before the order is made", write("INSERT", "orders", "")),
		at("before the commit", commit("INSERT", "checkout", "", lost)),
		at("when all is committed, before the client is answered", commit("INSERT", "checkout", "", happens)),
	} {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			b := newBargain(t)
			b.quoted()
			b.dieAt(point, func() (wait func()) { return b.bilal.sends(confirmQuote, b.confirms()) })
			b.confirmed()
		})
	}
}
