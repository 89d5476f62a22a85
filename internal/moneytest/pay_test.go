package moneytest

import (
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

const (
	patience = 23 * time.Hour     // for a card's holder, and for a request whose answer was lost
	asideFor = 7 * 24 * time.Hour // for which a card keeps money aside
)

// try is one way in which a buyer pays an order, or tried to: a charge for the card's part, and the wallet's beside it.
type try struct {
	charge

	sale   *sale
	input  order.PayInput
	wallet money.Amount
	status payment.OrderPaymentStatus

	holder   string        // what the holder did: succeed, fail, or nothing yet
	age      time.Duration // since it was begun
	aside    time.Duration // since the money was known to be set aside
	shipping bool          // the goods are on their way, and the card is to be charged
	givenUp  bool          // for another payment, or with the order
}

func (p *try) open() bool {
	switch p.status {
	case payment.OrderProcessing, payment.OrderRequiresAction, payment.OrderAuthorised, payment.OrderCapturing:
		return true
	case payment.OrderCaptured, payment.OrderVoiding, payment.OrderVoided, payment.OrderFailed:
	}
	return false
}

// undecided says that something at Stripe is still to come.
func (p *try) undecided() bool { return p.open() || p.status == payment.OrderVoiding }

// waiting says that the card's holder is asked and has not answered.
func (p *try) waiting() bool { return p.status == payment.OrderRequiresAction && p.holder == "" }

// may says whether a status can follow from what happened.
func (p *try) may(status payment.OrderPaymentStatus) bool {
	begun := p.status == payment.OrderProcessing || p.status == payment.OrderRequiresAction
	aside := p.status == payment.OrderAuthorised || p.status == payment.OrderCapturing
	succeeds := p.card != declines && (p.card != asks || p.holder == "succeed")
	switch status {
	case payment.OrderRequiresAction:
		return p.card == asks && begun && !p.givenUp
	case payment.OrderAuthorised:
		return succeeds && begun && !p.givenUp
	case payment.OrderCapturing, payment.OrderCaptured:
		return succeeds && aside && p.shipping
	case payment.OrderVoiding:
		return p.givenUp
	case payment.OrderVoided:
		return p.givenUp
	case payment.OrderFailed:
		never := p.card == declines || p.holder == "fail" || p.age >= patience && p.holder != "succeed"
		return !p.givenUp && (begun && never || p.age >= asideFor)
	case payment.OrderProcessing: // what is known is not forgotten
	}
	return false
}

func (m *machine) payActions() []action {
	owe := action{"owe", func() bool { return m.count((*sale).unpaid) < 4 }, m.owe}
	pay := action{"pay", some(&m.sales, (*sale).unpaid), func() { m.pay((*sale).unpaid) }}
	other := action{"pay in another way", some(&m.sales, (*sale).tangled), func() { m.pay((*sale).tangled) }}
	late := action{"pay, late", some(&m.sales, each[*sale]), func() { m.pay(each) }}
	rivals := action{"payments at once", some(&m.sales, (*sale).fresh), m.paymentsAtOnce}
	again := action{"pay again", m.any(each[*try]), m.payAgain}
	look := action{"look at a payment", m.any((*try).undecided), m.lookAtPayment}
	looks := action{"look at a payment, N at once", m.any((*try).undecided), m.lookAtPaymentAtOnce}
	holder := action{"holder, for an order", m.any((*try).waiting), m.holderOfPayment}
	return []action{holder, holder, pay, owe, pay, look, other, other, pay, owe, owe, holder, look, looks, rivals, again, late}
}

// tried are the payments that fit.
func (m *machine) tried(fits func(*try) bool) (tries []*try) {
	for _, s := range m.sales {
		for _, p := range s.tries {
			if fits(p) {
				tries = append(tries, p)
			}
		}
	}
	return tries
}

// any says, when it is asked, whether there is a payment that fits.
func (m *machine) any(fits func(*try) bool) func() bool {
	return func() bool { return len(m.tried(fits)) > 0 }
}

// fresh says that it is owed and nothing is under way.
func (s *sale) fresh() bool { return s.owed() && s.live() == nil }

// tangled says that it is owed and a payment of it is under way.
func (s *sale) tangled() bool { return s.owed() && s.live() != nil }

// drawPayment draws how an order is paid: by wallet, by card, or by both.
func (m *machine) drawPayment(s *sale) *try {
	p := &try{sale: s, charge: charge{user: s.buyer}, wallet: s.total, input: order.PayInput{Order: s.id, IdempotencyKey: uuid.NewString()}}
	how := draw(m, rapid.SampledFrom([]string{"wallet", "card", "card", "both", "both", "both"}), "paid by")
	if how != "wallet" {
		m.useCard(p, draw(m, rapid.SampledFrom([]string{asks, pays, pends, returns, declines}), "card"))
	}
	switch how {
	case "card":
		p.wallet = s.of(0)
	case "both":
		p.wallet = s.of(m.drawWalletPart(s))
		p.input.Wallet = &p.wallet
	}
	if draw(m, rapid.IntRange(0, 9), "nonsense") == 9 {
		m.spoil(p)
	}
	p.gave = less(s.total, p.wallet)
	return p
}

// useCard has a payment made with one of its buyer's cards.
func (m *machine) useCard(p *try, kind string) {
	card := m.saved(p.sale.buyer, kind)
	p.card, p.input.Card = kind, &card
}

// drawWalletPart is around what the wallet has, in such a way that the card's part is mostly one that cards can be charged.
func (m *machine) drawWalletPart(s *sale) int64 {
	free, total, step := m.books.free(s.buyer, s.total.Currency), s.total.Minor, cardStep(s.total.Currency)
	part := draw(m, rapid.SampledFrom([]int64{free, free / 2, free + 1, total / 2, total / 3, total / 3, 1}), "wallet's part")
	part = min(part, total-leastOnCard(s.total.Currency))
	return max(part+(total-part)%step, 0)
}

// leastOnCard is the least that Stripe charges a card.
func leastOnCard(c money.Currency) int64 {
	return map[money.Currency]int64{"EUR": 50, "JPY": 50, "TND": 1_600}[c]
}

// spoil makes a payment one that nobody can make.
func (m *machine) spoil(p *try) {
	total, part := p.sale.total.Minor, int64(0)
	switch draw(m, rapid.SampledFrom([]string{"negative", "too much", "all and a card", "almost all", "no card"}), "bad") {
	case "negative":
		part = -1
	case "too much":
		part = total + 1
	case "all and a card":
		m.useCard(p, pays)
		part = total
	case "almost all":
		m.useCard(p, pays)
		part = total - 1
	case "no card":
		p.card, p.input.Card = "", nil
		part = total / 2
	}
	p.wallet = p.sale.of(part)
	p.input.Wallet = &p.wallet
}

// judgePayment gives the codes of the refusals that stand against a payment; none allows it.
func (m *machine) judgePayment(p *try) []string {
	s, c := p.sale, p.wallet.Currency
	last := s.live()
	switch byCard := p.card != ""; {
	case p.wallet.Minor < 0, p.gave.Minor < 0, byCard && p.gave.Minor == 0:
		return []string{"PAYMENT_SPLIT_INVALID"}
	case !byCard && p.gave.Minor > 0:
		return []string{"CARD_REQUIRED"}
	case byCard && p.gave.Minor < leastOnCard(c):
		return []string{"CARD_AMOUNT_TOO_SMALL"}
	case byCard && p.gave.Minor%cardStep(c) != 0:
		return []string{"AMOUNT_TOO_PRECISE"}
	case !s.owed():
		return []string{"ORDER_ACTION_NOT_AVAILABLE"}
	case last != nil && last.status == payment.OrderProcessing:
		return []string{"PAYMENT_IN_PROGRESS"}
	}
	freed := int64(0)
	if last != nil { // it is given up for this one
		freed = last.wallet.Minor
	}
	var codes []string
	if p.wallet.Minor > m.books.free(s.buyer, c)+freed {
		codes = append(codes, "INSUFFICIENT_FUNDS")
	}
	if m.isFrozen(s.buyer) && (p.card == "" || p.wallet.Minor > freed) {
		codes = append(codes, "WALLET_FROZEN")
	}
	return codes
}

// pay pays an order.
func (m *machine) pay(which func(*sale) bool) {
	p := m.drawPayment(pick(m, m.sales, "sale", which))
	var (
		now payment.OrderPayment
		err error
	)
	pay := func() { _, now, err = m.Orders.Pay(m.Ctx(), p.user, p.input) }
	if codes := m.judgePayment(p); len(codes) > 0 {
		m.refusedAs(codes, func() error { pay(); return err })
		return
	}
	fired := m.troubled(pay, creating, confirming)
	m.begins(p, now)
	m.paymentAnswered(p, now, err)
	if now.Status == payment.OrderProcessing && !fired {
		m.t.Fatal("a payment is open although nothing went wrong")
	}
}

// begins is a payment that was taken up: by the wallet alone it is made, and beside a card the wallet's part is set aside.
func (m *machine) begins(p *try, now payment.OrderPayment) {
	s := p.sale
	if last := s.live(); last != nil {
		m.giveUp(last)
		m.seen.add("paid in another way")
	}
	p.id, s.tries = now.ID, append(s.tries, p)
	if p.card == "" {
		p.status, s.paid = payment.OrderCaptured, p
		m.books.move(leg(ledger.Wallet, p.user, minus(p.wallet)), leg(ledger.Escrow, s.id, p.wallet))
		m.seen.add("paid by wallet")
		return
	}
	p.status = payment.OrderProcessing
	m.books.move(leg(ledger.Wallet, p.user, minus(p.wallet)), leg(ledger.WalletHeld, p.user, p.wallet))
}

// giveUp ends a payment that is not made; the wallet has its part back at once.
func (m *machine) giveUp(p *try) {
	p.givenUp = true
	m.unhold(p)
}

func (m *machine) unhold(p *try) {
	m.books.move(leg(ledger.WalletHeld, p.user, minus(p.wallet)), leg(ledger.Wallet, p.user, p.wallet))
}

// paymentAnswered insists that an answer can follow from what happened.
func (m *machine) paymentAnswered(p *try, now payment.OrderPayment, err error) {
	if now.ID != p.id || now.WalletAmount != p.wallet || now.CardAmount != p.gave || (err != nil) != (now.Status == payment.OrderFailed) ||
		(err != nil && domaintest.Code(err) != *now.RefusalCode()) {
		m.t.Fatalf("%+v, %v; the model: %+v", now, err, *p)
	}
	if now.Status != p.status && !p.may(now.Status) {
		m.t.Fatalf("answered %s, the model: %+v", now.Status, *p)
	}
}

// payAgain is a client's retry: of the same, N at once, or of something else with the same key.
func (m *machine) payAgain() {
	p := anyOf(m, m.tried(each), "payment")
	in := p.input
	if draw(m, rapid.Bool(), "other input") {
		other := money.New(p.wallet.Minor+1, p.wallet.Currency)
		in.Wallet = &other
		m.refused("IDEMPOTENCY_KEY_REUSED", func() error { _, _, err := m.Orders.Pay(m.Ctx(), p.user, in); return err })
		return
	}
	before := m.digest()
	answers := make([]payment.OrderPayment, 2)
	errs := domaintest.AtOnce(len(answers), func(i int) (err error) {
		_, answers[i], err = m.Orders.Pay(m.Ctx(), p.user, in)
		return err
	})
	for i, now := range answers {
		m.paymentAnswered(p, now, errs[i])
	}
	if m.digest() != before {
		m.t.Fatal("a retried payment left a trace")
	}
	m.seen.add("payment retried")
}

// paymentsAtOnce has a buyer pay an order in two windows: one pays.
func (m *machine) paymentsAtOnce() {
	s := pick(m, m.sales, "sale", (*sale).fresh)
	rivals := make([]*try, 2)
	for i := range rivals {
		rivals[i] = &try{sale: s, charge: charge{user: s.buyer, gave: s.total}, wallet: s.of(0), input: order.PayInput{Order: s.id, IdempotencyKey: uuid.NewString()}}
		m.useCard(rivals[i], pays)
		if odd := s.total.Minor % cardStep(s.total.Currency); odd > 0 {
			rivals[i].wallet, rivals[i].gave = s.of(odd), s.of(s.total.Minor-odd)
			rivals[i].input.Wallet = &rivals[i].wallet
		}
	}
	able := 0
	if len(m.judgePayment(rivals[0])) == 0 {
		able = 1
	}
	answers := make([]payment.OrderPayment, len(rivals))
	errs := domaintest.AtOnce(len(rivals), func(i int) (err error) {
		_, answers[i], err = m.Orders.Pay(m.Ctx(), s.buyer, rivals[i].input)
		return err
	})
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			m.begins(rivals[i], answers[i])
		}
	}
	if won != able {
		m.t.Fatalf("of two payments at once, %d were taken up: %v", won, errs)
	}
	m.seen.add("payments at once")
}

// lookAtPayment asks what has become of a payment.
func (m *machine) lookAtPayment() {
	p := anyOf(m, m.tried((*try).undecided), "payment")
	var (
		now payment.OrderPayment
		err error
	)
	m.troubled(func() { now, err = m.Payment.RefreshOrderPayment(m.Ctx(), p.user, p.id) },
		creating, confirming, looking, looking, capturing, cancelling)
	m.paymentAnswered(p, now, err)
	m.seen.add("looked at a payment")
}

// lookAtPaymentAtOnce has N resolvers at one payment, of whom one posts.
func (m *machine) lookAtPaymentAtOnce() {
	p := anyOf(m, m.tried((*try).undecided), "payment")
	for _, err := range domaintest.AtOnce(4, func(int) error { _, err := m.Payment.AdvanceOrderPayment(m.Ctx(), p.id); return err }) {
		m.Must(err)
	}
	m.seen.add("resolvers of a payment at once")
}

// holderOfPayment passes or fails at their bank.
func (m *machine) holderOfPayment() {
	p := anyOf(m, m.tried((*try).waiting), "payment")
	now, err := m.Payment.OrderPaymentOf(m.Ctx(), p.user, p.id)
	m.Must(err)
	p.holder = draw(m, rapid.SampledFrom([]string{"succeed", "fail", "succeed"}), "outcome")
	m.authenticate(*now.NextActionURL(), p.holder)
	m.seen.add("3-D Secure of an order " + p.holder)
}

// observePayments takes in what became of the orders' payments.
func (m *machine) observePayments() {
	found := m.statuses(`SELECT id, status FROM order_payment WHERE user_id = ANY ($1) AND idempotency_key IS NOT NULL`)
	tries := m.tried(each)
	if len(found) != len(tries) {
		m.t.Fatalf("there are %d payments of orders, the model has %d", len(found), len(tries))
	}
	for _, p := range tries {
		if status := payment.OrderPaymentStatus(found[p.id]); status != p.status {
			if !p.may(status) {
				m.t.Fatalf("a payment becomes %s; the model: %+v", status, *p)
			}
			p.status = status
			m.seen.add("payment " + string(status))
			m.follows(p)
		}
		if p.givenUp && p.open() || p.shipping && p.status == payment.OrderAuthorised {
			m.t.Fatalf("a payment stays %s; the model: %+v", p.status, *p)
		}
	}
}

// follows is what a payment's new status means for the money.
func (m *machine) follows(p *try) {
	s := p.sale
	switch p.status {
	case payment.OrderFailed:
		m.unhold(p)
		if p.age >= asideFor {
			m.seen.add("an authorisation expired")
		}
	case payment.OrderCaptured:
		s.paid, s.sent = p, true
		m.books.move(append(p.atStripe(), leg(ledger.WalletHeld, p.user, minus(p.wallet)), leg(ledger.Escrow, s.id, s.total))...)
		if p.wallet.Minor > 0 {
			m.seen.add("captured, in part by wallet")
		}
	case payment.OrderProcessing, payment.OrderRequiresAction, payment.OrderAuthorised, payment.OrderCapturing, payment.OrderVoiding, payment.OrderVoided:
	}
}
