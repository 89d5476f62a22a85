package moneytest

import (
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/order"
)

// gift is an order over nothing, for which no money ever moves.
type gift struct {
	id, buyer, seller uuid.UUID
	payment           order.Payment
	fulfilment        order.Fulfilment
}

func (m *machine) giftOf(id uuid.UUID) *gift {
	i := slices.IndexFunc(m.gifts, func(g *gift) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return m.gifts[i]
}

func (g *gift) unsent() bool {
	return g.payment == order.Paid && g.fulfilment == order.FulfilmentPending
}

func (g *gift) onWay() bool { return g.payment == order.Paid && g.fulfilment == order.Sent }

func (g *gift) kept() bool { return g.payment == order.Paid || g.payment == order.Settled }

func (m *machine) giftActions() []action {
	return []action{
		{"buy for nothing", func() bool { return len(m.gifts) < 8 }, m.buyForNothing},
		{"ship a gift", some(&m.gifts, (*gift).unsent), m.shipGift},
		{"cancel a gift", some(&m.gifts, (*gift).unsent), m.cancelGift},
		{"receive a gift", some(&m.gifts, (*gift).onWay), m.receiveGift},
		{"refund a gift", some(&m.gifts, (*gift).kept), m.refundGift},
	}
}

// buyForNothing buys what a seller's coupon takes all of, and names a card or a wallet all the same.
func (m *machine) buyForNothing() {
	buyer, s := anyOf(m, m.buyers, "buyer"), m.stallOf(m.merchants[3])
	m.Exec(`DELETE FROM cart_line WHERE cart_id IN (SELECT id FROM cart WHERE user_id = $1)`, buyer)
	code := draw(m, rapid.Bool(), "a code")
	variant := s.goods[19_99]
	if code {
		variant = s.codes
	}
	_, _, err := m.Carts.Add(m.Ctx(), cart.Owner{User: buyer}, variant, 1)
	m.Must(err)
	q, err := m.Checkout.Quote(m.Ctx(), buyer, checkout.QuoteInput{Address: new(m.home(buyer, "FR")), Coupons: []string{s.coupon}, IdempotencyKey: uuid.NewString()})
	m.allowed("nothing is quoted", err)
	if len(q.Groups) != 1 || q.Total != eur(0) {
		m.t.Fatalf("a quote over nothing is over %s: %+v", q.Total, q.Groups)
	}
	in := checkout.ConfirmInput{Quote: q.ID, Total: q.Total, IdempotencyKey: uuid.NewString()}
	if draw(m, rapid.Bool(), "with a card") {
		in.Card = new(m.saved(buyer, declines))
	}
	orders, err := m.Checkout.Confirm(m.Ctx(), buyer, in)
	if m.allowed("an order over nothing", err); len(orders) != 1 {
		m.t.Fatalf("a quote of one group made %d orders", len(orders))
	}
	g := &gift{id: orders[0].ID, buyer: buyer, seller: s.seller, payment: order.Paid, fulfilment: order.FulfilmentPending}
	if code {
		g.fulfilment = order.Sent
	}
	m.gifts = append(m.gifts, g)
	m.confirmed = append(m.confirmed, confirmed{buyer, in, []uuid.UUID{g.id}})
}

func (m *machine) shipGift() {
	g := pick(m, m.gifts, "gift", (*gift).unsent)
	_, err := m.Orders.Ship(m.Ctx(), g.seller, g.id, "")
	m.allowed("a gift is shipped", err)
	g.fulfilment = order.Sent
}

func (m *machine) cancelGift() {
	g := pick(m, m.gifts, "gift", (*gift).unsent)
	_, err := m.Orders.Cancel(m.Ctx(), order.Actor{User: g.seller}, g.id, "The model wants it.")
	m.allowed("a gift is cancelled", err)
	g.payment, g.fulfilment = order.Refunded, order.Cancelled
}

func (m *machine) receiveGift() {
	g := pick(m, m.gifts, "gift", (*gift).onWay)
	_, err := m.Orders.ConfirmReceipt(m.Ctx(), g.buyer, g.id)
	m.allowed("a gift is received", err)
	g.payment, g.fulfilment = order.Settled, order.Received
}

// refundGift ends it; there is nothing to give back.
func (m *machine) refundGift() {
	g := pick(m, m.gifts, "gift", (*gift).kept)
	in := order.RefundInput{Order: g.id, Reason: "The model wants it.", IdempotencyKey: uuid.NewString()}
	_, err := m.Orders.Refund(m.Ctx(), order.Actor{User: g.seller}, in)
	m.allowed("a gift is refunded", err)
	if g.payment = order.Refunded; g.fulfilment == order.FulfilmentPending {
		g.fulfilment = order.Cancelled
	}
}

func giftScenes() []scene {
	return []scene{{name: "orders over nothing", meets: []string{
		"nothing is quoted", "an order over nothing", "a gift is shipped", "a gift is received", "a gift is cancelled", "a gift is refunded",
	}, play: func(m *machine) {
		buyer := m.guest()
		buys := func(code, card bool) will {
			m.do(will{"buyer": buyer, "a code": code, "with a card": card}, m.buyForNothing)
			return will{"gift": last(m.gifts)}
		}
		sent := buys(false, true)
		m.do(sent, m.shipGift)
		m.do(sent, m.receiveGift)
		m.do(sent, m.refundGift)
		m.do(buys(false, false), m.cancelGift)
		m.do(buys(true, false), m.refundGift)
	}}}
}
