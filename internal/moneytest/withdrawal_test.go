package moneytest

import (
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// refund is money on its way back to a card, as the rules have it.
type refund struct {
	id     uuid.UUID
	of     *charge
	amount money.Amount
	status payment.RefundStatus
	left   bool // our balance at Stripe
}

func (r *refund) onWay() bool { return r.status == payment.RefundProcessing }

// sentBack says that the card's bank does not take the money, which is told after a while.
func (r *refund) sentBack() bool { return r.of.card == returns }

// withdrawal is what a user asked for.
type withdrawal struct {
	id    uuid.UUID
	user  uuid.UUID
	input payment.WithdrawInput
	parts []*refund
}

func (m *machine) withdrawalActions() []action {
	always := func() bool { return true }
	withdraw := action{"withdraw", always, m.withdraw}
	rivals := action{"withdraw, twice at once", always, m.withdrawAtOnce}
	again := action{"withdraw again", some(&m.withdrawals, each[*withdrawal]), m.withdrawAgain}
	push := action{"push a refund", some(&m.refunds, (*refund).onWay), m.pushRefund}
	pushes := action{"push a refund, N at once", some(&m.refunds, each[*refund]), m.pushAtOnce}
	return []action{withdraw, withdraw, withdraw, withdraw, rivals, again, push, push, pushes}
}

// paidIn is what is left of each of a user's top-ups in a currency, the newest first.
func (m *machine) paidIn(user uuid.UUID, currency money.Currency) (tops []*topUp, left map[*topUp]int64, sum int64) {
	left = make(map[*topUp]int64)
	for _, top := range slices.Backward(m.topUps) {
		if top.user != user || top.gave.Currency != currency || top.status != payment.TopUpSucceeded || m.contested(top) {
			continue
		}
		rest := top.gave.Minor
		for _, r := range m.refunds {
			if r.of == &top.charge && r.status != payment.RefundFailed {
				rest -= r.amount.Minor
			}
		}
		if rest > 0 {
			tops, left[top], sum = append(tops, top), rest, sum+rest
		}
	}
	return tops, left, sum
}

// contested says that a top-up's money may be, or is, the bank's: it is not paid out to the card a second time.
func (m *machine) contested(top *topUp) bool {
	return slices.ContainsFunc(m.disputes, func(d *dispute) bool {
		return d.of == &top.charge && (d.pending() || d.known == payment.ChargebackLost)
	})
}

// judgeWithdrawal gives the codes of the refusals that stand against it; none allows it.
func (m *machine) judgeWithdrawal(user uuid.UUID, amount money.Amount) (codes []string) {
	_, _, covered := m.paidIn(user, amount.Currency)
	if amount.Minor > m.books.free(user, amount.Currency) {
		codes = append(codes, "INSUFFICIENT_FUNDS")
	} else if amount.Minor > covered {
		codes = append(codes, "WITHDRAWAL_NOT_FUNDED_BY_CARD")
	}
	if m.isFrozen(user) {
		codes = append(codes, "WALLET_FROZEN")
	}
	return codes
}

// withdraw takes unspent money back to the cards that it came from.
func (m *machine) withdraw() {
	user := anyOf(m, m.buyers, "buyer")
	in := m.drawWithdrawal(user)
	if codes := m.judgeWithdrawal(user, in.Amount); len(codes) > 0 {
		m.refusedAs(codes, func() error { _, err := m.Payment.Withdraw(m.Ctx(), user, in); return err })
		return
	}
	var (
		w   payment.Withdrawal
		err error
	)
	fired := m.troubled(func() { w, err = m.Payment.Withdraw(m.Ctx(), user, in) }, refunding, refunding, refunding, searching)
	m.allowed("withdrawn", err)
	m.leaves(user, in, w)
	for _, r := range w.Refunds {
		if at := slices.IndexFunc(m.refunds, func(mine *refund) bool { return mine.id == r.ID }); !fired && r.Status == payment.RefundProcessing &&
			m.refunds[at].of.card != pends {
			m.t.Fatalf("a refund is open although nothing went wrong: %+v", r)
		}
	}
}

// drawWithdrawal is around what the wallet has, or around what cards have paid in.
func (m *machine) drawWithdrawal(user uuid.UUID) payment.WithdrawInput {
	currency := draw(m, rapid.SampledFrom([]money.Currency{"EUR", "EUR", "JPY"}), "currency")
	_, _, covered := m.paidIn(user, currency)
	free := m.books.free(user, currency)
	amount := draw(m, rapid.SampledFrom([]int64{free + 1, free / 5, free / 4, free / 2, min(free, covered), min(free, covered+1)}), "amount")
	return payment.WithdrawInput{Amount: money.New(max(amount, 1), currency), IdempotencyKey: uuid.NewString()}
}

// leaves is a withdrawal that was taken: the wallet's money is on its way, to the newest top-ups first.
func (m *machine) leaves(user uuid.UUID, in payment.WithdrawInput, w payment.Withdrawal) {
	mine := &withdrawal{id: w.ID, user: user, input: in}
	tops, left, _ := m.paidIn(user, in.Amount.Currency)
	legs, rest := []ledger.Leg{leg(ledger.Wallet, user, minus(in.Amount))}, in.Amount.Minor
	for _, top := range tops {
		part := money.New(min(rest, left[top]), in.Amount.Currency)
		if rest -= part.Minor; part.Minor == 0 {
			break
		}
		at := slices.IndexFunc(w.Refunds, func(r payment.Refund) bool { return r.Amount == part && !m.isKnown(r.ID) && m.sourceOf(r.ID) == top.id })
		if at < 0 {
			m.t.Fatalf("no part of %v goes back to %+v: %+v", part, *top, w.Refunds)
		}
		r := &refund{id: w.Refunds[at].ID, of: &top.charge, amount: part, status: payment.RefundProcessing}
		m.refunds, mine.parts = append(m.refunds, r), append(mine.parts, r)
		legs = append(legs, leg(ledger.RefundInFlight, r.id, part))
	}
	if len(mine.parts) != len(w.Refunds) {
		m.t.Fatalf("%d parts, want %d: %+v", len(w.Refunds), len(mine.parts), w.Refunds)
	}
	m.withdrawals = append(m.withdrawals, mine)
	m.books.move(legs...)
}

func (m *machine) isKnown(id uuid.UUID) bool {
	return slices.ContainsFunc(m.refunds, func(r *refund) bool { return r.id == id })
}

// sourceOf is the charge that a refund is of.
func (m *machine) sourceOf(id uuid.UUID) uuid.UUID {
	return m.ids(`SELECT source_id FROM refund WHERE id = $1`, id)[0]
}

// withdrawAtOnce has two clients empty one wallet: one does.
func (m *machine) withdrawAtOnce() {
	user := anyOf(m, m.buyers, "buyer")
	if slices.ContainsFunc(m.disputes, func(d *dispute) bool { return d.of.user == user && d.taken && !d.withdrawn }) {
		return // what Stripe refuses to pay out comes back at once, and can be withdrawn again
	}
	amount := money.New(max(m.books.free(user, "EUR"), 1), "EUR")
	able := 0
	if len(m.judgeWithdrawal(user, amount)) == 0 {
		able = 1
	}
	inputs, answers := make([]payment.WithdrawInput, 2), make([]payment.Withdrawal, 2)
	for i := range inputs {
		inputs[i] = payment.WithdrawInput{Amount: amount, IdempotencyKey: uuid.NewString()}
	}
	errs := domaintest.AtOnce(len(inputs), func(i int) (err error) {
		answers[i], err = m.Payment.Withdraw(m.Ctx(), user, inputs[i])
		return err
	})
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			m.leaves(user, inputs[i], answers[i])
		}
	}
	if won != able {
		m.t.Fatalf("of two withdrawals of all that there is, %d were made: %v", won, errs)
	}
	m.seen.add("withdrawals at once")
}

// withdrawAgain is a client's retry.
func (m *machine) withdrawAgain() {
	mine := anyOf(m, m.withdrawals, "withdrawal")
	in := mine.input
	if draw(m, rapid.Bool(), "other input") {
		in.Amount.Minor++
		m.refused("IDEMPOTENCY_KEY_REUSED", func() error { _, err := m.Payment.Withdraw(m.Ctx(), mine.user, in); return err })
		return
	}
	before := m.digest()
	w, err := m.Payment.Withdraw(m.Ctx(), mine.user, in)
	m.allowed("withdrawal retried", err)
	if w.ID != mine.id || len(w.Refunds) != len(mine.parts) || m.digest() != before {
		m.t.Fatalf("the retried withdrawal is %+v", w)
	}
}

// pushRefund looks after a refund.
func (m *machine) pushRefund() {
	r := pick(m, m.refunds, "refund", (*refund).onWay)
	var err error
	m.troubled(func() { _, err = m.Payment.PushRefund(m.Ctx(), r.id) }, refunding, searching)
	m.allowed("refund pushed", err)
}

// pushAtOnce has N resolvers at one refund, which is sent once and posted once.
func (m *machine) pushAtOnce() {
	r := anyOf(m, m.refunds, "refund")
	for _, err := range domaintest.AtOnce(4, func(int) error { _, err := m.Payment.PushRefund(m.Ctx(), r.id); return err }) {
		m.Must(err)
	}
	m.seen.add("refund pushed at once")
}

// observeRefunds takes in what became of the refunds.
func (m *machine) observeRefunds() {
	type row struct {
		ID     uuid.UUID
		Status string
		Left   bool
	}
	rows, err := m.Admin.Query(m.Ctx(), `SELECT id, status, settled_at IS NOT NULL AS left FROM refund WHERE user_id = ANY ($1)`, m.buyers)
	m.Must(err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	m.Must(err)
	if len(found) != len(m.refunds) {
		m.t.Fatalf("there are %d refunds, the model has %d", len(found), len(m.refunds))
	}
	for _, now := range found {
		r := m.refunds[slices.IndexFunc(m.refunds, func(r *refund) bool { return r.id == now.ID })]
		if now.Left && !r.left {
			r.left = true
			m.books.move(leg(ledger.RefundInFlight, r.id, minus(r.amount)), leg(ledger.PSPClearing, uuid.Nil, r.amount))
			m.seen.add("refund left")
		}
		m.becomes(r, payment.RefundStatus(now.Status))
	}
}

// isTaken says that a card's bank has taken a charge back, at least for a while: Stripe refunds it no more.
func (m *machine) isTaken(of *charge) bool {
	return slices.ContainsFunc(m.disputes, func(d *dispute) bool { return d.of == of && d.taken })
}

// becomes is a refund's next status: one that left may come back, from such a card alone; one of a charge that is disputed may
// never leave, and is in the wallet.
func (m *machine) becomes(r *refund, status payment.RefundStatus) {
	if r.status == status {
		return
	}
	if !r.left && status == payment.RefundFailed && r.status == payment.RefundProcessing && m.isTaken(r.of) {
		r.status = status
		m.books.move(leg(ledger.RefundInFlight, r.id, minus(r.amount)), leg(ledger.Wallet, r.of.user, r.amount))
		m.seen.add("a refund of what is disputed is refused")
		return
	}
	if r.status == payment.RefundFailed || status == payment.RefundProcessing || !r.left || status == payment.RefundFailed && !r.sentBack() {
		m.t.Fatalf("a refund becomes %s; the model: %+v to %+v", status, *r, *r.of)
	}
	if r.status = status; status == payment.RefundFailed {
		m.books.move(leg(ledger.PSPClearing, uuid.Nil, minus(r.amount)), leg(ledger.Wallet, r.of.user, r.amount))
		m.seen.add("refund sent back")
	}
}
