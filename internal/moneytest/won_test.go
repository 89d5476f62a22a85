package moneytest

import (
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/order"
)

// winAndCheckOut has a buyer win a lot of a seller who charges for sending it: it is paid by a checkout alone, which adds that, and the tax.
func (m *machine) winAndCheckOut() {
	buyer, s := anyOf(m, m.buyers, "buyer"), m.stallOf(anyOf(m, m.merchants[:2], "seller"))
	price := draw(m, rapid.Int64Range(1_00, 120_00), "price")
	card := m.saved(buyer, pays)
	a, err := m.Auctions.Start(m.Ctx(), s.seller, auction.StartInput{Listing: m.Listing(s.seller), Backing: auction.ByCard, StartPrice: eur(price), Duration: time.Hour})
	m.Must(err)
	m.Must2(m.Auctions.Place(m.Ctx(), buyer, auction.PlaceInput{Auction: a.ID, Amount: eur(price), Card: &card, IdempotencyKey: uuid.NewString()}))
	m.Close(a.ID)
	sold := m.sold(a.ID, buyer, s.seller, eur(price))
	m.refused("CHECKOUT_REQUIRED", func() error {
		_, _, err := m.Orders.Pay(m.Ctx(), buyer, order.PayInput{Order: sold.id, IdempotencyKey: uuid.NewString()})
		return err
	})
	how := draw(m, rapid.SampledFrom([]string{"wallet", "card", "both"}), "paid by")
	q, err := m.Checkout.QuoteOrder(m.Ctx(), buyer, checkout.OrderQuoteInput{Order: sold.id, Address: new(m.home(buyer, s.country())), IdempotencyKey: uuid.NewString()})
	m.allowed("a won lot is quoted", err)
	asked := *sold
	*sold = *s.sells(buyer, price)
	m.agreesOn(q, []*sale{sold})
	if m.confirm(q, []*sale{sold}, how) {
		m.seen.add("a won lot is checked out")
		return
	}
	*sold = asked
	_, err = m.Orders.Cancel(m.Ctx(), order.Actor{User: m.admin, Admin: true}, sold.id, "The model wants it.")
	m.allowed("cancelled by admin", err)
	m.cancelled(sold)
}

func wonScenes() []scene {
	return []scene{{name: "won lots are checked out", meets: []string{"refused CHECKOUT_REQUIRED", "a won lot is quoted", "a won lot is checked out"}, play: func(m *machine) {
		buyer := m.guest()
		w := will{"buyer": buyer, "price": int64(20_03), "paid by": "wallet"}
		m.do(w.with(will{"seller": m.merchants[0]}), m.winAndCheckOut)
		m.do(w.with(fine()).with(will{"seller": m.merchants[1], "paid by": "card", "card": pays}), m.winAndCheckOut)
		m.do(fine().with(will{"sale": last(m.sales)}), m.ship)
		m.refunds50(last(m.sales), "seller", 1_01)
	}}}
}
