package moneytest

import (
	"github.com/souklive/souk/internal/money"
)

// heard is that all of Stripe's events come, in turn.
func heard() will { return will{"not heard": false, "backwards": false} }

// disputesAll has the holder of a card complain to the bank about all of a charge.
func (m *machine) disputesAll(of *charge, first int, w will) *dispute {
	m.do(w.with(will{"charge": func(d *dispute) bool { return d.of == of }, "amount": int64(0), "asks first": first}), m.dispute)
	return last(m.disputes)
}

// disputedSale is a dispute about what a card paid of an order.
func (m *machine) disputedSale(s *sale) *dispute { return m.disputesAll(&s.paid.charge, 0, heard()) }

func (m *machine) decides(d *dispute, outcome string) {
	m.do(heard().with(will{"dispute": d, "outcome": outcome}), m.decideDispute)
}

func disputeScenes() []scene {
	const tells, inquires = 0, 3
	return []scene{
		{name: "top-ups are disputed, and won", meets: []string{
			"disputed", "evidence submitted", "chargeback of a top-up CLOSED", "chargeback of a top-up UNDER_REVIEW", "chargeback of a top-up WON", "refused WALLET_FREEZE_HELD",
		}, play: func(m *machine) {
			buyer := m.guest()
			m.decides(m.disputesAll(&m.topsUp(buyer, pays).charge, inquires, heard()), "warning_closed")
			d := m.disputesAll(&m.topsUp(buyer, pays).charge, tells, heard())
			m.do(nil, func() { m.unfreeze(buyer) })
			m.do(heard().with(will{"dispute": d}), m.answerDispute)
			m.decides(d, "won")
		}},
		{name: "top-ups are disputed, and lost", meets: []string{
			"chargeback of a top-up LOST", "a loss is covered", "a loss is covered in part", "a loss is the platform's", "unfrozen after a loss",
		}, play: func(m *machine) {
			for _, left := range []int64{60_00, 20_00, 0} {
				buyer := m.guest()
				top := m.topsUp(buyer, pays)
				m.do(will{"buyer": buyer, "currencies": [2]money.Currency{"EUR", "JPY"}, "amount": m.books.free(buyer, "EUR") - left, "minimum": 0}, m.exchange)
				m.decides(m.disputesAll(&top.charge, tells, heard()), "lost")
				if left == 0 {
					m.do(nil, func() { m.unfreeze(buyer) })
				}
			}
		}},
		{name: "a refund of what is disputed", meets: []string{"a refund of what is disputed is refused"}, play: func(m *machine) {
			buyer := m.guest()
			m.disputesAll(&m.topsUp(buyer, pays).charge, tells, will{"not heard": true})
			m.do(fine().with(will{"buyer": buyer, "currency": money.Currency("EUR"), "amount": int64(20_00)}), m.withdraw)
		}},
		{name: "orders are disputed before the release", meets: []string{
			"chargeback of an order, before the release WON", "chargeback of an order, before the release LOST", "an order is charged back", "refused ORDER_DISPUTED",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			s := m.deal50(seller, buyer, 10_00, sent)
			d := m.disputedSale(s)
			m.do(will{"sale": s, "as": "seller", "in part": 0}, m.actOnDisputed)
			m.decides(d, "won")
			m.decides(m.disputedSale(m.deal50(seller, buyer, 0, sent)), "lost")
		}},
		{name: "orders are disputed after the release", meets: []string{
			"chargeback of an order, after the release WON", "chargeback of an order, after the release LOST", "a loss is the platform's",
		}, play: func(m *machine) {
			seller, buyer := m.keeper(), m.guest()
			for _, outcome := range []string{"won", "lost"} {
				s := m.deal50(seller, buyer, 0, sent)
				m.do(will{"sale": s}, m.receive)
				m.decides(m.disputedSale(s), outcome)
			}
		}},
	}
}
