package moneytest

import (
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/stripefake"
)

// owing50 is an order over fifty euros that nobody has paid.
func (m *machine) owing50(seller, buyer uuid.UUID) *sale {
	m.do(will{"currency": money.Currency("EUR"), "cents": int64(50_00)}, func() { m.owes(seller, buyer) })
	return last(m.sales)
}

// with50 pays an order over fifty euros by card.
func with50(s *sale, card string) will {
	return fine().with(will{"sale": s, "paid by": "card", "card": card, "nonsense": 0})
}

func (m *machine) payNow() { m.pay(each) }

// How far a deal goes.
const (
	unsent = 2
	sent   = 0
)

// deal50 is an order over fifty euros that is paid, by the card with so many cents of the wallet's.
func (m *machine) deal50(seller, buyer uuid.UUID, cents int64, far int) *sale {
	m.do(will{
		"currency": money.Currency("EUR"), "cents": int64(50_00), "card": pays, "wallet too": true, "wallet's part": cents, "and sent": far,
	}, func() { m.dealWith(seller, buyer) })
	return last(m.sales)
}

// byWallet is a deal that its buyer's wallet pays.
func (m *machine) byWallet(seller, buyer uuid.UUID, far int) *sale {
	m.do(will{"currency": money.Currency("EUR"), "cents": int64(50_00), "card": "", "wallet too": false, "and sent": far}, func() { m.dealWith(seller, buyer) })
	return last(m.sales)
}

func payScenes() []scene {
	return []scene{
		{name: "an order is paid in all ways", meets: []string{
			"bid by card", "paid by wallet", "paid in another way", "payment retried", "payments at once", "payment AUTHORISED", "payment FAILED",
			"3-D Secure of an order succeed", "looked at a payment", "resolvers of a payment at once",
			"refused PAYMENT_SPLIT_INVALID", "refused PAYMENT_IN_PROGRESS", "refused INSUFFICIENT_FUNDS", "refused IDEMPOTENCY_KEY_REUSED",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			byWallet := m.owing50(seller, buyer)
			m.do(will{"sale": byWallet, "paid by": "wallet", "nonsense": 9, "bad": "too much"}, m.payNow)
			m.do(fine().with(will{"sale": byWallet, "paid by": "wallet", "nonsense": 0}), m.payNow)
			for _, other := range []bool{false, true} {
				m.do(will{"payment": byWallet.paid, "other input": other}, m.payAgain)
			}
			asked := m.owing50(seller, buyer)
			m.do(with50(asked, asks), m.payNow)
			m.do(with50(asked, declines), m.payNow)
			m.do(with50(asked, asks), m.payNow)
			m.do(will{"payment": asked.live(), "outcome": "succeed"}, m.holderOfPayment)
			m.do(will{"payment": asked.live()}, m.lookAtPaymentAtOnce)
			lost := m.owing50(seller, buyer)
			m.do(with50(lost, pays).with(will{"all goes well": false, "spot": confirming, "fault": stripefake.CutAfter, "times": 1}), m.payNow)
			m.do(will{"sale": lost, "paid by": "card", "card": pays, "nonsense": 0}, m.payNow)
			m.do(fine().with(will{"payment": lost.live()}), m.lookAtPayment)
			m.do(will{"sale": m.owing50(seller, buyer)}, m.paymentsAtOnce)
			m.do(will{"buyer": buyer, "currencies": [2]money.Currency{"EUR", "JPY"}, "amount": m.books.free(buyer, "EUR"), "minimum": 0}, m.exchange)
			m.do(will{"sale": m.owing50(seller, buyer), "paid by": "wallet", "nonsense": 0}, m.payNow)
		}},
	}
}

func saleScenes() []scene {
	return []scene{
		{name: "what is sent is charged", meets: []string{
			"payment CAPTURED", "captured, in part by wallet", "shipped, the payment CAPTURED", "an authorisation expired", "received",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			s := m.deal50(seller, buyer, 10_00, unsent)
			m.do(fine().with(will{"sale": s}), m.ship)
			m.do(will{"sale": s}, m.receive)
			expires := m.deal50(seller, buyer, 0, unsent)
			m.do(will{"time": asideFor + time.Hour}, m.timePasses)
			if expires.live() != nil {
				m.do(fine().with(will{"sale": expires}), m.ship)
			}
		}},
		{name: "orders are cancelled", meets: []string{
			"cancelled by buyer", "cancelled by seller", "cancelled by admin", "cancelled again", "cancelled when it was AUTHORISED", "cancelled when it was paid", "payment VOIDED",
		}, later: []string{"a card was let go", "each source as before: never paid", "each source as before: refunded"}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			cancels := func(s *sale, as string) {
				m.do(fine().with(will{"sale": s, "as": as}), func() { m.cancel((*sale).unsent) })
			}
			cancels(m.owing50(seller, buyer), "buyer")
			cancels(m.deal50(seller, buyer, 10_00, unsent), "seller")
			s := m.byWallet(seller, buyer, unsent)
			cancels(s, "admin")
			m.do(will{"sale": s, "as": "admin"}, func() { m.cancel(each) })
		}},
		{name: "shipped and cancelled at once", meets: []string{"cancelled before it could be shipped", "shipped before it could be cancelled"}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			for late, first := range []string{"cancelled before it could be shipped", "shipped before it could be cancelled"} {
				before := m.seen.count(first)
				for by := time.Millisecond; m.seen.count(first) == before; by *= 4 { // until it is long enough
					m.gives(buyer, eur(50_00))
					s := m.byWallet(seller, buyer, unsent)
					m.do(nil, func() { m.shipsOrCancels(s, late, by) })
				}
			}
		}},
	}
}

// refunds50 has all of an order refunded, or a part.
func (m *machine) refunds50(s *sale, as string, part int64) {
	w := fine().with(will{"sale": s, "as": as, "in part": 0})
	if part > 0 {
		w = w.with(will{"in part": 1, "amount": part, "for cards": 0})
	}
	m.do(w, func() { m.refund(each) })
}

func refundScenes() []scene {
	return []scene{
		{name: "refunds before the release", meets: []string{
			"refunded by seller", "refunded by admin", "refund retried", "refunds at once", "refused REFUND_TOO_LARGE", "refused AMOUNT_TOO_PRECISE", "refused ORDER_ACTION_NOT_AVAILABLE",
			"refunded in full before the release, to the card", "refunded in part before the release, to the card",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			s := m.deal50(seller, buyer, 10_00, sent)
			refused := func(s *sale, as string, amount int64) {
				m.do(will{"sale": s, "as": as, "in part": 1, "amount": amount, "for cards": 0}, func() { m.refund(each) })
			}
			refused(s, "buyer", 1_00)
			refused(s, "seller", s.left()+1)
			m.refunds50(s, "seller", 20_00)
			m.do(will{"sale": s, "other input": false}, m.refundAgain)
			m.refunds50(s, "admin", 0)
			m.do(will{"sale": m.deal50(seller, buyer, 0, sent)}, m.refundsAtOnce)
			m.do(will{"currency": money.Currency("TND"), "millimes": int64(20_000), "card": pays, "wallet too": false, "and sent": sent}, func() { m.dealWith(seller, buyer) })
			refused(last(m.sales), "seller", 1_001)
		}},
		{name: "refunds after the release", meets: []string{
			"refunded in full after the release, to the card", "refunded in part after the release, to the card", "a seller spent what was earned",
			"a seller owes", "a debt is paid", "earnings have matured",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			receives := func(s *sale) *sale {
				m.do(will{"sale": s}, m.receive)
				return s
			}
			s := receives(m.deal50(seller, buyer, 10_00, sent))
			m.do(will{"seller": seller}, m.sellerSpends)
			m.refunds50(s, "seller", 20_00)
			m.refunds50(s, "admin", 0)
			receives(m.deal50(seller, buyer, 0, sent))
		}},
	}
}

func checkoutScenes() []scene {
	cart := func(buyer uuid.UUID, how string) will {
		return will{
			"buyer": buyer, "sellers": 1, "price": int64(19_99), "how many": 1, "coupon": "nobody's", "in California": 0, "a code too": 0, "paid by": how, "changes their mind": 0,
		}
	}
	return []scene{{name: "carts by all who take a part", meets: []string{"an accepted price is quoted", "an accepted price is paid", "the platform pays a part", "tax beside the price"}, play: func(m *machine) {
		seller, buyer := m.merchants[0], m.guest()
		m.do(will{"buyer": buyer, "seller": seller, "price": int64(9_99), "how many": 1, "paid by": "wallet"}, m.buyAtAcceptedPrice)
		platform := cart(buyer, "wallet").with(will{"coupon": "the platform's", "sellers": 2, "a code too": 3})
		m.do(platform, m.buyCart)
		abroad := cart(buyer, "wallet").with(will{"in California": 3})
		delete(abroad, "sellers")
		m.do(abroad, m.buyCart)
		for _, sold := range m.sales[len(m.sales)-4:] { // what each has a part of goes back in parts
			if !sold.digital {
				m.do(fine().with(will{"sale": sold}), m.ship)
			}
			m.refunds50(sold, "seller", 1_01)
		}
		m.do(will{"sale": last(m.sales)}, m.receive)
		m.refunds50(last(m.sales), "admin", 0)
	}}, {name: "carts", meets: []string{
		"a cart is quoted", "a cart is paid by wallet", "a cart is paid by card", "a cart is paid by both", "a cart is paid in another currency", "a cart of several orders",
		"a confirmation is retried", "refused QUOTE_CONFIRMED", "a reservation is paid",
	}, play: func(m *machine) {
		buyer := m.guest()
		m.do(cart(buyer, "wallet").with(will{"sellers": 2, "coupon": "the seller's", "a code too": 3}), m.buyCart)
		m.do(cart(buyer, "JPY"), m.buyCart)
		for _, other := range []bool{false, true} {
			m.do(will{"checkout": func(c confirmed) bool { return c.buyer == buyer }, "another key": other}, m.confirmAgain)
		}
		card := fine().with(will{"card": pays})
		m.do(cart(buyer, "card").with(card), m.buyCart)
		m.do(cart(buyer, "both").with(card).with(will{"wallet's part": int64(5_00)}), m.buyCart)
		m.do(will{"buyer": buyer, "seller": m.merchants[0], "codes": 1}, m.payCodes)
	}}}
}

func referralScenes() []scene {
	return []scene{
		{name: "somebody is brought", meets: []string{
			"signed up by a code", "refused REFERRAL_CODE_UNKNOWN", "a commission is pending", "a commission is taken back", "a commission has matured", "a commission has matured, and stays",
			"matured, N at once",
		}, play: func(m *machine) {
			m.do(nil, m.mistype)
			for _, matures := range []bool{false, true} {
				m.do(nil, m.signUp)
				m.buys50(last(m.brought), m.firstPurchase)
				if matures {
					m.do(will{"the window passes": 2}, m.matureAtOnce)
				}
				m.refunds50(last(m.sales), "seller", 0)
			}
		}},
		{name: "two first purchases", meets: []string{"two first purchases at once"}, play: func(m *machine) {
			m.do(nil, m.signUp)
			m.buys50(last(m.brought), m.firstPurchases)
		}},
	}
}

// buys50 is a first purchase over fifty euros, or two.
func (m *machine) buys50(b *brought, what func()) {
	m.do(will{"referee": b, "currency": money.Currency("EUR"), "cents": int64(50_00), "card": pays, "wallet too": false, "and sent": sent}, what)
}
