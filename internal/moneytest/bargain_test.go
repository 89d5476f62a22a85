package moneytest

import (
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/offer"
)

// buyAtAcceptedPrice has a buyer and a seller agree on a price, at which the buyer checks out.
func (m *machine) buyAtAcceptedPrice() {
	buyer := anyOf(m, m.buyers, "buyer")
	s := m.stallOf(anyOf(m, m.merchants[:2], "seller"))
	price, n := draw(m, rapid.SampledFrom([]int64{5_01, 9_99, 19_98}), "price"), draw(m, rapid.IntRange(1, 3), "how many")
	o, err := m.Offers.Make(m.Ctx(), buyer, offer.MakeInput{Variant: m.bargain(s), Quantity: n, Price: eur(price)})
	m.Must(err)
	m.Must2(m.Offers.Move(m.Ctx(), s.seller, offer.MoveInput{Offer: o.ID, Version: o.Version, Action: offer.Accept}))
	sold := s.sells(buyer, price*int64(n))
	sold.pieces = n
	how := draw(m, rapid.SampledFrom([]string{"wallet", "card", "both"}), "paid by")
	q, err := m.Checkout.Quote(m.Ctx(), buyer, checkout.QuoteInput{Offer: &o.ID, Address: new(m.home(buyer, s.country())), IdempotencyKey: uuid.NewString()})
	m.allowed("an accepted price is quoted", err)
	m.agreesOn(q, []*sale{sold})
	if m.confirm(q, []*sale{sold}, how) {
		m.seen.add("an accepted price is paid")
	}
}
