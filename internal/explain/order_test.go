package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// sold is an order by card and wallet of a shirt, as a checkout makes it; its seller sends as these offers say.
func sold(t *testing.T, w *domaintest.CardWorld, offers ...shipping.Offer) order.Order {
	t.Helper()
	seller, buyer, listing, shirt := w.User(identity.Seller), w.Buyer(100_00), id.New(), id.New()
	w.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A cotton shirt', '', 'NEW')`, listing, seller)
	w.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, 1000, 'EUR')`, shirt, listing, seller)
	if len(offers) > 0 {
		w.Must2(w.Shipping.SetProfile(t.Context(), seller, 200, offers))
	}
	place, err := w.Inventory.AddLocation(t.Context(), seller, "Home", "FR")
	w.Must(err)
	w.Must2(w.Inventory.Receive(t.Context(), seller, inventory.ChangeInput{Variant: shirt, Location: place.ID, Quantity: 9, IdempotencyKey: "k"}))
	_, _, err = w.Carts.Add(t.Context(), cart.Owner{User: buyer}, shirt, 3)
	w.Must(err)
	home, err := w.Addresses.Create(t.Context(), buyer, address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"}, false)
	w.Must(err)
	q, err := w.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: &home.ID, IdempotencyKey: "k"})
	w.Must(err)
	card := w.Card(buyer, "pm_card_visa")
	orders, err := w.Checkout.Confirm(t.Context(), buyer, checkout.ConfirmInput{
		Quote: q.ID, Total: q.Total, Card: &card, Wallet: new(domaintest.EUR(5_00)), IdempotencyKey: "k",
	})
	w.Must(err)
	return orders[0]
}

// All that happened to an order is told, in the order of time, and nothing of where its buyer lives.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	defer w.Audited()
	o := sold(t, w)
	w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, "LX 1"))
	admin := w.User(identity.Admin)
	w.Must2(w.Orders.Refund(t.Context(), order.Actor{User: admin, Admin: true}, order.RefundInput{Order: o.ID, Amount: new(domaintest.EUR(6_00)), Reason: "A stain", IdempotencyKey: "k"}))
	w.Must2(w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	all, err := explain.New(w.Pool).Order(t.Context(), o.ID)
	w.Must(err)
	if !slices.IsSortedFunc(all, func(a, b explain.Happening) int { return a.At.Compare(b.At) }) {
		t.Error("not in the order of time")
	}
	at := -1
	for _, want := range []string{
		"STOCK reservation", "QUOTE quote", "confirmed: 500 from the wallet, 2500 by card", "ORDER made over 3000 EUR with a fee of 255: 3 × A cotton shirt at 1000",
		"ORDER CREATED: PENDING and PENDING (version 1)", "begun: 500 from the wallet, 2500 by card", "MONEY hold", "ORDER AUTHORISED", "is to be captured", "ORDER SENT: PAID and SENT",
		"STAFF ORDER_REFUNDED", "REFUND 100 to the wallet, 500 to the card", "ORDER REFUNDED", "ORDER RECEIVED: SETTLED and RECEIVED", "MONEY release",
	} {
		i := slices.IndexFunc(all, func(h explain.Happening) bool { return strings.Contains(string(h.Part)+" "+h.What, want) })
		if i < at || i < 0 {
			t.Errorf("%q is number %d, after %d", want, i, at)
		}
		at = i
	}
	for _, h := range all {
		if strings.Contains(h.What, "Paix") || strings.Contains(h.What, "Amal") {
			t.Errorf("it tells where its buyer lives: %s", h.What)
		}
		if t.Failed() {
			t.Log(h.At.Format("05.000000"), h.Part, h.What)
		}
	}
	if _, err := explain.New(w.Pool).Order(t.Context(), uuid.New()); domaintest.Code(err) != "ORDER_NOT_FOUND" {
		t.Errorf("of none: %v", err)
	}
}

// How a parcel is brought is told, as it was chosen.
func TestOrderTellsHowItIsBrought(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	defer w.Audited()
	o := sold(t, w, shipping.Offer{Kind: shipping.BySeller, Name: "By bike", Price: new(domaintest.EUR(4_00))}, shipping.Offer{Kind: shipping.BySeller, Name: "By van", Price: new(domaintest.EUR(9_00))})
	all, err := explain.New(w.Pool).Order(t.Context(), o.ID)
	w.Must(err)
	if !slices.ContainsFunc(all, func(h explain.Happening) bool {
		return h.Part == explain.Quote && h.What == "chosen of 2: SELLER/0 (By bike), 400 EUR for 600 g"
	}) {
		t.Errorf("%+v", all)
	}
}

// What an order was told to cost in another currency is told with what was exchanged for it.
func TestOrderInAnotherCurrency(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	defer w.Audited()
	seller, buyer := w.User(identity.Seller), w.User(identity.Buyer)
	w.Fund(buyer, money.New(100_00, "USD"))
	listing := w.Listing(seller)
	w.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, listing)
	_, _, err := w.Carts.Add(t.Context(), cart.Owner{User: buyer}, listing, 1)
	w.Must(err)
	home, err := w.Addresses.Create(t.Context(), buyer, address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"}, false)
	w.Must(err)
	q, err := w.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: &home.ID, PayCurrency: "USD", IdempotencyKey: "k"})
	w.Must(err)
	total, err := q.ExchangeTotal()
	w.Must(err)
	orders, err := w.Checkout.Confirm(t.Context(), buyer, checkout.ConfirmInput{Quote: q.ID, Total: q.Total, Exchange: total, IdempotencyKey: "k"})
	w.Must(err)
	all, err := explain.New(w.Pool).Order(t.Context(), orders[0].ID)
	w.Must(err)
	for _, want := range []string{
		"QUOTE told in USD: 1096 USD, which give 1000 EUR at 0.91743119266 by fixed of ", "confirmed: 1000 from the wallet, 0 by card, 1096 USD exchanged for it",
		"MONEY exchange (exchange:", "wallet -1096 USD, fx -1000 EUR, wallet 1000 EUR, fx 1096 USD", "MONEY purchase",
	} {
		if !slices.ContainsFunc(all, func(h explain.Happening) bool { return strings.Contains(string(h.Part)+" "+h.What, want) }) {
			t.Errorf("%q is not told: %v", want, all)
		}
	}
}

// What a checkout adds to what was won is told when it was added, and the order's beginning as it was then.
func TestOrderThatWasWon(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	defer w.Audited()
	o, _ := w.Owed(20_00, 100_00, "pm_card_visa")
	w.Must2(w.Shipping.SetProfile(t.Context(), o.SellerID, 500, []shipping.Offer{{Kind: shipping.BySeller, Name: "By bike", Price: new(domaintest.EUR(4_00))}}))
	home, err := w.Addresses.Create(t.Context(), o.BuyerID, address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"}, false)
	w.Must(err)
	q, err := w.Checkout.QuoteOrder(t.Context(), o.BuyerID, checkout.OrderQuoteInput{Order: o.ID, Address: &home.ID, IdempotencyKey: "k"})
	w.Must(err)
	w.Must2(w.Checkout.Confirm(t.Context(), o.BuyerID, checkout.ConfirmInput{Quote: q.ID, Total: q.Total, IdempotencyKey: "k"}))
	all, err := explain.New(w.Pool).Order(t.Context(), o.ID)
	w.Must(err)
	at := -1
	for _, want := range []string{
		"ORDER made over 2000 EUR with a fee of 170: 1 × A thing at 2000", "ORDER charge 1: PLATFORM_FEE of 170", "ORDER CREATED", "QUOTE quote",
		"confirmed: 2400 from the wallet, 0 by card", "ORDER charge 2: SHIPPING (By bike) of 400, borne by the buyer", "ORDER CHECKED_OUT", "ORDER PAID", "MONEY purchase",
	} {
		i := slices.IndexFunc(all, func(h explain.Happening) bool { return strings.Contains(string(h.Part)+" "+h.What, want) })
		if i <= at {
			t.Errorf("%q is number %d, after %d: %+v", want, i, at, all)
		}
		at = i
	}
}
