package moneytest

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

// repaid is money of an order that somebody gave back.
type repaid struct {
	id    uuid.UUID
	by    order.Actor
	input *order.RefundInput // nil where it was cancelled
}

func (s *sale) refunded() bool { return slices.ContainsFunc(s.refunds, byRequest) }

func byRequest(r repaid) bool { return r.input != nil }

// drawActor is one of an order's parties, or an admin.
func (m *machine) drawActor(s *sale) (as string, who order.Actor) {
	as = draw(m, rapid.SampledFrom([]string{"buyer", "seller", "seller", "admin", "admin"}), "as")
	return as, map[string]order.Actor{"buyer": {User: s.buyer}, "seller": {User: s.seller}, "admin": {User: m.admin, Admin: true}}[as]
}

// judgeCancel gives the code of the refusal, or "".
func (s *sale) judgeCancel(as string) string {
	switch p := s.live(); {
	case s.cancelled: // that it is done already is no refusal
		return ""
	case s.sent, as == "buyer" && !s.owed():
		return "ORDER_ACTION_NOT_AVAILABLE"
	case p != nil && p.status == payment.OrderCapturing:
		return "CAPTURE_IN_PROGRESS"
	}
	return ""
}

// cancel ends an order that is not sent. Each source has back what it gave: the wallet at once, the card when Stripe says so.
func (m *machine) cancel(which func(*sale) bool) {
	s := pick(m, m.sales, "sale", which)
	as, who := m.drawActor(s)
	if code := s.judgeCancel(as); code != "" {
		m.refused(code, func() error { _, err := m.Orders.Cancel(m.Ctx(), who, s.id, "The model wants it."); return err })
		return
	}
	if s.cancelled {
		m.cancelAgain(s, who)
		return
	}
	p, others := s.live(), len(m.tried(func(p *try) bool { return p.sale == s && p.status == payment.OrderVoiding }))
	var err error
	fired := m.troubled(func() { _, err = m.Orders.Cancel(m.Ctx(), who, s.id, "The model wants it.") }, cancelling, cancelling, looking, refunding)
	m.allowed("cancelled by "+as, err)
	m.cancelled(s)
	if m.observe(); p != nil && p.status != payment.OrderVoided && others == 0 && !fired {
		m.t.Fatalf("a card is not let go although nothing went wrong: %+v", *p)
	}
}

// cancelAgain is a retry, N at once, which changes nothing.
func (m *machine) cancelAgain(s *sale, who order.Actor) {
	before := m.digest()
	for _, err := range domaintest.AtOnce(2, func(int) error { _, err := m.Orders.Cancel(m.Ctx(), who, s.id, ""); return err }) {
		m.allowed("cancelled again", err)
	}
	if m.digest() != before {
		m.t.Fatal("what was cancelled again left a trace")
	}
}

// cancelled gives everything back.
func (m *machine) cancelled(s *sale) {
	s.cancelled = true
	if s.paid != nil {
		m.givesBack(s, s.left(), repaid{})
		m.seen.add("cancelled when it was paid")
		return
	}
	m.books.move(leg(ledger.Escrow, s.id, s.of(-s.subsidy)), leg(ledger.PromoBudget, s.campaign, s.of(s.subsidy)))
	if p := s.live(); p != nil {
		m.seen.add("cancelled when it was " + string(p.status))
		m.giveUp(p)
	}
}

// shipOrCancel has the seller ship while an admin cancels: one of them comes first, and the other too late.
func (m *machine) shipOrCancel() {
	s := pick(m, m.sales, "sale", (*sale).ready)
	p := s.live()
	if p != nil && (p.shipping || p.age >= asideFor) {
		return // there the seller is not the only one who may win, or nobody does
	}
	m.shipsOrCancels(s, 0, 0)
}

// shipsOrCancels has one of the two, the seller or the admin, wait for a moment.
func (m *machine) shipsOrCancels(s *sale, late int, by time.Duration) {
	p := s.live()
	errs := domaintest.AtOnce(2, func(i int) (err error) {
		if i == late {
			time.Sleep(by)
		}
		if i == 0 {
			_, err = m.Orders.Ship(m.Ctx(), s.seller, s.id, "")
		} else {
			_, err = m.Orders.Cancel(m.Ctx(), order.Actor{User: m.admin, Admin: true}, s.id, "The model wants it.")
		}
		return err
	})
	switch {
	case (errs[0] == nil) == (errs[1] == nil):
		m.t.Fatalf("shipped and cancelled: %v", errs)
	case errs[1] == nil:
		m.cancelled(s)
		m.seen.add("cancelled before it could be shipped")
	default:
		if p == nil {
			s.sent = true
		} else {
			p.shipping = true
		}
		m.seen.add("shipped before it could be cancelled")
	}
}

// judgeRefund gives the code of the refusal, or "".
func (s *sale) judgeRefund(as string, amount int64) string {
	switch {
	case as == "buyer", !s.funded():
		return "ORDER_ACTION_NOT_AVAILABLE"
	case s.disputed():
		return "ORDER_DISPUTED"
	case amount <= 0:
		return "AMOUNT_NOT_POSITIVE"
	case amount > s.left():
		return "REFUND_TOO_LARGE"
	case s.onCard() > 0 && amount != s.left() && amount%cardStep(s.total.Currency) != 0:
		return "AMOUNT_TOO_PRECISE"
	}
	return ""
}

// refund gives an amount of an order back, or all that is left.
func (m *machine) refund(which func(*sale) bool) {
	s := pick(m, m.sales, "sale", which)
	as, who := m.drawActor(s)
	in := order.RefundInput{Order: s.id, Reason: "The model wants it.", IdempotencyKey: uuid.NewString()}
	amount := s.left()
	if draw(m, rapid.IntRange(0, 3), "in part") > 0 {
		amount = draw(m, rapid.SampledFrom([]int64{amount / 2, amount / 3, amount + 1, amount, 1, amount - 1, 0}), "amount")
		if draw(m, rapid.IntRange(0, 4), "for cards") > 0 {
			amount -= amount % cardStep(s.total.Currency)
		}
		part := s.of(amount)
		in.Amount = &part
	}
	var err error
	give := func() { _, err = m.Orders.Refund(m.Ctx(), who, in) }
	if code := s.judgeRefund(as, amount); code != "" {
		m.refused(code, func() error { give(); return err })
		return
	}
	m.troubled(give, refunding, refunding, searching)
	m.allowed("refunded by "+as, err)
	m.givesBack(s, amount, repaid{by: who, input: &in})
}

// givesBack is a refund that was made: each source has its share of what is left before, less its share of what is left after.
// Of what was earned already, seller and platform give theirs back first.
func (m *machine) givesBack(s *sale, amount int64, r repaid) {
	before, after := s.split(s.left()), s.split(s.left()-amount)
	toCard, toWallet := before.card-after.card, before.wallet-after.wallet
	known := make([]uuid.UUID, len(s.refunds))
	for i, other := range s.refunds {
		known[i] = other.id
	}
	ids := m.ids(`SELECT id FROM order_refund WHERE order_id = $1 AND id <> ALL ($2)`, s.id, known)
	if len(ids) != 1 {
		m.t.Fatalf("one refund was made, and there are %d", len(ids))
	}
	r.id = ids[0]
	legs := []ledger.Leg{leg(ledger.Wallet, s.buyer, s.of(toWallet)), leg(ledger.RefundInFlight, r.id, s.of(toCard)), leg(ledger.PromoBudget, s.campaign, s.of(before.subsidy-after.subsidy))}
	when := "before"
	if s.received {
		when = "after"
		legs = append(legs, leg(ledger.PlatformFees, uuid.Nil, s.of(after.fee-before.fee)), leg(ledger.TaxPayable, uuid.Nil, s.of(after.tax-before.tax)))
		legs = append(legs, m.gets(s, after.earned-before.earned)...)
	} else {
		legs = append(legs, leg(ledger.Escrow, s.id, s.of(-amount-before.subsidy+after.subsidy)))
	}
	m.books.move(legs...)
	if toCard > 0 {
		m.refunds = append(m.refunds, &refund{id: r.id, of: &s.paid.charge, amount: s.of(toCard), status: payment.RefundProcessing})
		when += " the release, to the card"
		if s.total.Currency == "TND" && s.paid.wallet.Minor > 0 && s.left() > amount {
			m.seen.add("refunded in part, in dinars")
		}
	} else {
		when += " the release, to the wallet"
	}
	s.refunds, s.back = append(s.refunds, r), s.back+amount
	if s.left() > 0 {
		m.seen.add("refunded in part " + when)
		return
	}
	s.cancelled = s.cancelled || !s.sent
	m.undoes(s)
	m.seen.add("refunded in full " + when)
}

// refundAgain is a client's retry.
func (m *machine) refundAgain() {
	s := pick(m, m.sales, "sale", (*sale).refunded)
	r := pick(m, s.refunds, "refund", byRequest)
	in := *r.input
	if draw(m, rapid.Bool(), "other input") {
		other := money.New(s.total.Minor+1, s.total.Currency)
		in.Amount = &other
		m.refused("IDEMPOTENCY_KEY_REUSED", func() error { _, err := m.Orders.Refund(m.Ctx(), r.by, in); return err })
		return
	}
	before := m.digest()
	for _, err := range domaintest.AtOnce(2, func(int) error { _, err := m.Orders.Refund(m.Ctx(), r.by, in); return err }) {
		m.allowed("refund retried", err)
	}
	if m.digest() != before {
		m.t.Fatal("a retried refund left a trace")
	}
}

// refundsAtOnce has seller and admin give back more than half of what is left: one does.
func (m *machine) refundsAtOnce() {
	s := pick(m, m.sales, "sale", (*sale).givable)
	amount := s.left()/2 + 1
	if step := cardStep(s.total.Currency); amount%step != 0 {
		amount = min(amount+step-amount%step, s.left())
	}
	part := s.of(amount)
	gives := []repaid{{by: order.Actor{User: s.seller}}, {by: order.Actor{User: m.admin, Admin: true}}}
	for i := range gives {
		gives[i].input = &order.RefundInput{Order: s.id, Amount: &part, Reason: "The model wants it.", IdempotencyKey: uuid.NewString()}
	}
	errs := domaintest.AtOnce(len(gives), func(i int) error { _, err := m.Orders.Refund(m.Ctx(), gives[i].by, *gives[i].input); return err })
	first := slices.Index(errs, nil)
	if first < 0 || errs[1-first] == nil {
		m.t.Fatalf("more than half of what is left was refunded twice at once: %v", errs)
	}
	m.givesBack(s, amount, gives[first])
	m.seen.add("refunds at once")
}
