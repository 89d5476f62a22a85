package moneytest

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/stripefake"
)

// scene arranges what chance has too rarely, so that all runs together meet each kind for certain. What it does not decide is drawn
// as ever, and its people stay for what the run does at random afterwards.
type scene struct {
	name  string
	meets []string // before it is over
	later []string // before the run is
	play  func(*machine)
}

// scenes is every scene there is. What they meet, all together, is what the runs prove.
func scenes() []scene {
	return slices.Concat(walletScenes(), lotScenes(), payScenes(), saleScenes(), refundScenes(), checkoutScenes(), returnScenes(), giftScenes(), wonScenes(), disputeScenes(), referralScenes())
}

// plays has a scene played, and insists that it met what it is there for.
func (m *machine) plays(s scene) {
	before := m.seen.copy()
	s.play(m)
	for _, what := range s.meets {
		if m.seen.count(what) == before[what] {
			m.t.Fatalf("the scene %q did not meet: %s", s.name, what)
		}
	}
}

// played insists on what scenes were to meet by the run's end.
func (m *machine) played(all []scene) {
	for _, s := range all {
		for _, what := range s.later {
			if m.seen.count(what) == 0 {
				m.t.Fatalf("after the scene %q the run has not met: %s", s.name, what)
			}
		}
	}
}

// turn is the scenes that the next run begins with: each run has its share of them. Until a run has ended well it is the same
// again, so that rapid can make it smaller.
func (s *stage) turn() (turn []scene) {
	for i, each := range s.scenes {
		if s.ended >= s.first && i%s.shares == s.ended%s.shares {
			turn = append(turn, each)
		}
	}
	return turn
}

// fine is a call in which nothing goes wrong.
func fine() will { return will{"all goes well": true} }

// guest is somebody new, who has some money that no card has paid in.
func (m *machine) guest() uuid.UUID {
	guest := m.User(identity.Buyer)
	m.buyers = append(m.buyers, guest)
	m.gives(guest, eur(200_00), money.New(100_000, "TND"), money.New(40_000, "JPY"))
	return guest
}

// gives puts cash into a wallet.
func (m *machine) gives(user uuid.UUID, all ...money.Amount) {
	for _, cash := range all {
		m.Fund(user, cash)
		m.books.move(leg(ledger.Bank, uuid.Nil, minus(cash)), leg(ledger.Wallet, user, cash))
	}
}

// keeper is somebody new who sells.
func (m *machine) keeper() uuid.UUID {
	keeper := m.User(identity.Seller)
	m.sellers = append(m.sellers, keeper)
	return keeper
}

func last[T any](all []T) T { return all[len(all)-1] }

// pays60 is a top-up of sixty euros.
func pays60(buyer uuid.UUID, card string) will {
	return fine().with(will{"buyer": buyer, "card": card, "nonsense": 0, "currency": money.Currency("EUR"), "cents": int64(60_00)})
}

func (m *machine) topsUp(buyer uuid.UUID, card string) *topUp {
	m.do(pays60(buyer, card), m.topUp)
	return last(m.topUps)
}

func walletScenes() []scene {
	troubles := []string{"top-up PROCESSING", "resolvers at once", "resolved while the answer was late", "webhooks while the answer was late"}
	for _, fault := range stripefake.Faults() {
		troubles = append(troubles, "fault "+string(fault))
	}
	return []scene{
		{name: "cards of all kinds top up", meets: []string{
			"top-up SUCCEEDED", "top-up FAILED", "top-up REQUIRES_ACTION", "top-up retried", "refused IDEMPOTENCY_KEY_REUSED", "looked", "3-D Secure succeed", "3-D Secure fail",
		}, play: func(m *machine) {
			buyer := m.guest()
			m.topsUp(buyer, declines)
			m.do(will{"top-up": m.topsUp(buyer, pays), "other input": false}, m.topUpAgain)
			m.do(will{"top-up": last(m.topUps), "other input": true}, m.topUpAgain)
			for _, outcome := range []string{"fail", "succeed"} {
				m.do(will{"top-up": m.topsUp(buyer, asks), "outcome": outcome}, m.holder)
				m.do(fine().with(will{"top-up": last(m.topUps)}), m.look)
			}
		}},
		{name: "everything goes wrong that can", meets: troubles, play: func(m *machine) {
			buyer := m.guest()
			late := map[stripefake.Fault]string{stripefake.Delay: "resolvers", stripefake.DelayAfter: "webhooks"}
			for _, fault := range stripefake.Faults() {
				w := pays60(buyer, pays).with(will{"all goes well": false, "spot": confirming, "fault": fault})
				if what, is := late[fault]; is {
					w["meanwhile"] = what
				} else {
					w["times"] = 1
				}
				m.do(w, m.topUp)
				if top := last(m.topUps); top.open() {
					m.do(will{"top-up": top}, m.lookAtOnce)
				}
			}
		}},
		{name: "webhooks come as they please", meets: []string{"mishap duplicate", "mishap reorder", "mishap late", "mishap drop"}, play: func(m *machine) {
			m.topsUp(m.guest(), pays)
			m.do(will{"event": len(m.collect()) - 1, "delivery": "duplicate"}, m.webhook)
			m.do(will{"event": 0, "delivery": "drop"}, m.webhook)
			m.do(nil, m.oldWebhook)
		}},
		{name: "money leaves a wallet", meets: []string{
			"withdrawn", "withdrawals at once", "refund left", "refund pushed at once", "refused WITHDRAWAL_NOT_FUNDED_BY_CARD",
		}, later: []string{"refund sent back"}, play: func(m *machine) {
			buyer := m.guest()
			m.topsUp(buyer, pays)
			w := will{"buyer": buyer, "currency": money.Currency("EUR"), "amount": int64(20_00)}
			m.do(w.with(fine()), m.withdraw)
			m.do(will{"refund": last(m.refunds)}, m.pushAtOnce)
			m.do(w.with(will{"amount": int64(40_01)}), m.withdraw)
			m.do(will{"buyer": buyer}, m.withdrawAtOnce)
			m.topsUp(buyer, returns)
			m.do(w.with(fine()), m.withdraw)
			m.topsUp(buyer, pays)
			m.do(w.with(will{"all goes well": false, "spot": refunding, "fault": stripefake.CutAfter, "times": 1}), m.withdraw)
		}},
		{name: "money changes", meets: []string{"exchanged", "exchange retried", "refused EXCHANGE_TOO_SMALL"}, play: func(m *machine) {
			w := will{"buyer": m.guest(), "currencies": [2]money.Currency{"JPY", "EUR"}, "amount": int64(1_000), "minimum": 0}
			m.do(w, m.exchange)
			m.do(nil, m.exchangeAgain)
			m.do(w.with(will{"amount": int64(1)}), m.exchange)
		}},
		{name: "a wallet is frozen", meets: []string{"frozen", "refused WALLET_FROZEN", "unfrozen"}, play: func(m *machine) {
			buyer := m.guest()
			m.do(will{"buyer": buyer}, m.freeze)
			m.do(will{"buyer": buyer, "currencies": [2]money.Currency{"JPY", "EUR"}, "amount": int64(1_000), "minimum": 0}, m.exchange)
			m.do(nil, func() { m.unfreeze(buyer) })
		}},
		{name: "the jobs are lost", meets: []string{"jobs lost", "a day passed"}, play: func(m *machine) {
			m.topsUp(m.guest(), asks)
			m.do(will{"time": 25 * time.Hour}, m.timePasses)
			m.do(will{"the jobs are lost": true, "faults in the jobs' requests": 1}, m.finish)
		}},
	}
}

func lotScenes() []scene {
	return []scene{{name: "a lot is bid on and sold", meets: []string{
		"lot opened", "bid taken", "bid retried", "bids at once", "lot closed", "shipped",
		"refused BID_TOO_LOW", "refused BID_ON_OWN_LOT", "refused ALREADY_LEADING", "refused AUCTION_CLOSED",
	}, play: func(m *machine) {
		buyer, other, seller := m.guest(), m.guest(), m.keeper()
		m.do(will{"seller": seller}, m.offer)
		l := last(m.lots)
		bids := func(who uuid.UUID, over int64) {
			m.do(will{"lot": l, "bidder": who, "over the minimum": over}, func() { m.bid(each) })
		}
		bids(buyer, 0)
		bids(other, -1)
		bids(seller, 0)
		m.do(will{"lot": l}, m.bidLeading)
		m.do(will{"lot": l, "bid": 0, "other input": false}, m.bidAgain)
		m.do(will{"lot": l}, m.bidsAtOnce)
		m.do(will{"lot": l}, func() { m.close((*lot).sold) })
		bids(buyer, 0)
		m.do(fine().with(will{"sale": last(m.sales)}), m.ship)
	}}}
}
