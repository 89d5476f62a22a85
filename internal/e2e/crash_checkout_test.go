package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

const (
	quoteCart    = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id status total { amount } } userErrors { code } } }`
	confirmQuote = `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { id payment fulfilment } userErrors { code } } }`
)

// basket is a cart with a pot and a rug of two sellers, at 20 euros each, and a code at 9. In the buyer's wallet are 50.
type basket struct {
	*crashSite
	hana, omar, bilal  person
	card, quote, house string
}

func newBasket(t *testing.T) *basket {
	t.Helper()
	c := newCrashSite(t)
	c.fake.Deliveries().Add(untold)
	b := &basket{crashSite: c, hana: c.server.signUp("Hana", "SELLER"), omar: c.server.signUp("Omar", "SELLER"), bilal: c.server.signUp("Bilal", "BUYER")}
	b.bilal.topUp(t, 50)
	b.card = b.bilal.Must(t, tour(t, "Save a card (buyer)"), apitest.Vars{"input": apitest.Vars{"paymentMethod": "pm_card_visa"}}).
		Str("cardSetupStart.cardSetup.card.id")
	create := `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`
	put := func(seller person, listing apitest.Vars) (variant string) {
		listing["photoIds"] = []string{seller.sendPhoto(t)}
		return seller.Must(t, create, apitest.Vars{"input": listing}).Str("listingCreate.listing.variants.0.id")
	}
	game := put(b.hana, apitest.Vars{"kind": "DIGITAL_CODE", "title": "A game", "variants": []any{apitest.Vars{"price": eur(900)}}})
	b.hana.Must(t, tour(t, "Upload codes"), apitest.Vars{"input": apitest.Vars{"variantId": game, "codes": "ONE\nTWO", "idempotencyKey": "k"}})
	for _, variant := range []string{
		put(b.hana, apitest.Vars{"title": "A brass pot", "condition": "GOOD", "price": eur(2000)}), game,
		put(b.omar, apitest.Vars{"title": "A rug", "condition": "GOOD", "price": eur(2000)}),
	} {
		b.bilal.Must(t, tour(t, "Put something into the cart"), apitest.Vars{"add": apitest.Vars{"variantId": variant}})
	}
	b.house = b.bilal.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{
		"name": "Bilal", "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR",
	}}).Str("addressCreate.address.id")
	return b
}

func (b *basket) asks() apitest.Vars {
	return apitest.Vars{"addressId": b.house, "idempotencyKey": "quote"}
}

// quoted asks for a quote, which is the same each time.
func (b *basket) quoted() {
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

// confirms pays 34 euros from the wallet: the code, the pot, and 5 of the rug, whose other 15 the card pays.
func (b *basket) confirms() apitest.Vars {
	return apitest.Vars{"quoteId": b.quote, "total": eur(4900), "walletAmount": eur(3400), "cardId": b.card, "idempotencyKey": "yes"}
}

// Killed around each step of a quote, the retry finds it or makes it, and nothing is set aside twice.
func TestKilledWhileQuoting(t *testing.T) {
	t.Parallel()
	for _, point := range []crashPoint{
		at("before the cart is set aside", commit("INSERT", "reservation", "", lost)),
		at("when the cart is set aside", commit("INSERT", "reservation", "", happens)),
		at("before the quote is committed", commit("INSERT", "quote", "", lost)),
		at("when the quote is committed, before the client is answered", commit("INSERT", "quote", "", happens)),
	} {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			b := newBasket(t)
			b.dieAt(point, func() (wait func()) { return b.bilal.sends(quoteCart, b.asks()) })
			b.quoted()
			if n := b.count(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`) + b.count(`SELECT count(*) FROM quote`); n != 2 {
				t.Errorf("%d reservations and quotes", n)
			}
			b.checkBooks()
		})
	}
}

// Killed around each step of a confirmation by wallet and card, over two sellers and a code: the retry finds the orders or makes them, the
// card is asked once, and what is sent then is charged once.
func TestKilledWhileConfirming(t *testing.T) {
	t.Parallel()
	points := []crashPoint{
		at("before the goods are taken", write("UPDATE", "reservation", "NEW.status = 'CONSUMED'")),
		at("before it is kept that it was confirmed", write("INSERT", "checkout", "")),
		at("before the orders are made", write("INSERT", "orders", "")),
		at("before the code is given", write("UPDATE", "code", "")),
		at("before the commit", commit("INSERT", "checkout", "", lost)),
		at("after the commit, before the card is asked", commit("INSERT", "checkout", "", happens)),
		at("before create", request("POST", createIntent, lost)),
		at("after create", answer("POST", createIntent)),
		at("before Stripe's id is kept", commit("UPDATE", "order_payment", registered, lost)),
		at("before confirm", request("POST", confirmIntent, lost)),
		at("while confirm is on its way", request("POST", confirmIntent, happens)),
		at("after confirm", answer("POST", confirmIntent)),
		at("before the record is committed", commit("UPDATE", "order_payment", turns("AUTHORISED"), lost)),
		at("when the record is committed, before the client is answered", commit("UPDATE", "order_payment", turns("AUTHORISED"), happens)),
		at("after the commit, and then before and after the resolver's confirm", commit("INSERT", "checkout", "", happens),
			request("POST", confirmIntent, lost), answer("POST", confirmIntent)),
	}
	for _, point := range points {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			b := newBasket(t)
			b.quoted()
			b.dieAt(point, func() (wait func()) { return b.bilal.sends(confirmQuote, b.confirms()) })
			b.bilal, b.hana, b.omar = b.bilal.at(b.server), b.hana.at(b.server), b.omar.at(b.server)
			orders := []string{"", "", ""}
			for range 2 {
				got := b.bilal.Must(t, confirmQuote, apitest.Vars{"input": b.confirms()})
				for i, n := range []string{"0", "1", "2"} {
					order := got.Str("checkoutConfirm.orders." + n + ".id")
					if order == "" || orders[i] != "" && order != orders[i] {
						t.Fatalf("the retry: %s", got.Raw())
					}
					orders[i] = order
				}
			}
			eventually(t, "the card's answer", func() bool { return b.count(`SELECT count(*) FROM order_payment WHERE status = 'PROCESSING'`) == 0 })
			b.agrees()
			for i, seller := range map[int]person{0: b.hana, 2: b.omar} {
				seller.Must(t, tour(t, "Ship it"), apitest.Vars{"input": apitest.Vars{"orderId": orders[i], "tracking": "LX", "idempotencyKey": "ship"}})
			}
			eventually(t, "the capture", func() bool {
				return b.count(`SELECT count(*) FROM orders WHERE payment = 'PAID' AND fulfilment = 'SENT'`) == 3
			})
			if charges := b.movements("charge"); len(charges) != 2 || charges[1].Amount != 1500 {
				t.Errorf("cards were charged %+v", charges)
			}
			if available, held := b.bilal.wallet(t); available != 1600 || held != 0 {
				t.Errorf("the wallet has %d and %d held", available, held)
			}
			b.checkBooks()
		})
	}
}

// agrees insists that orders, stock, wallet and payments say the same: three orders, of which one waits for its seller to be charged.
func (b *basket) agrees() {
	b.t.Helper()
	for what, c := range map[string]struct {
		query string
		want  int
	}{
		"orders":               {`SELECT count(*) FROM orders`, 3},
		"authorised":           {`SELECT count(*) FROM orders WHERE payment = 'AUTHORISED'`, 1},
		"paid":                 {`SELECT count(*) FROM orders WHERE payment = 'PAID'`, 2},
		"payments":             {`SELECT count(*) FROM order_payment`, 3},
		"codes sold":           {`SELECT count(*) FROM code WHERE order_id IS NOT NULL`, 1},
		"things sold":          {`SELECT count(*) FROM listing WHERE status = 'SOLD'`, 2},
		"lines in the cart":    {`SELECT count(*) FROM cart_line`, 0},
		"reservations left":    {`SELECT count(*) FROM reservation WHERE status <> 'CONSUMED'`, 0},
		"cents in escrow":      {`SELECT sum(b.balance)::int FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id WHERE a.kind = 'escrow'`, 2900},
		"cents held for cards": {`SELECT sum(amount)::int FROM hold WHERE status = 'OPEN'`, 500},
	} {
		if n := b.count(c.query); n != c.want {
			b.t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
	b.checkLedger()
}
