package moneytest

import (
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/payment"
)

// topUp is money on its way into a wallet, as the rules have it.
type topUp struct {
	charge

	input  payment.TopUpInput
	holder string // what the holder did: succeed, fail, or nothing yet
	old    bool   // more than a day went by while it was open
	status payment.TopUpStatus
}

func newTopUp(id, user uuid.UUID, in payment.TopUpInput, card string) *topUp {
	return &topUp{charge: charge{id: id, user: user, card: card, gave: in.Amount}, input: in, status: payment.Processing}
}

func (top *topUp) final() bool {
	return top.status == payment.TopUpSucceeded || top.status == payment.TopUpFailed
}

func (top *topUp) open() bool { return !top.final() }

// waiting says that the card's holder is asked and has not answered.
func (top *topUp) waiting() bool { return top.status == payment.RequiresAction && top.holder == "" }

// may says whether a status can follow from what happened.
func (top *topUp) may(status payment.TopUpStatus) bool {
	succeeds := top.card != declines && (top.card != asks || top.holder == "succeed")
	switch status {
	case payment.Processing:
		return top.status == payment.Processing // what is known is not forgotten
	case payment.RequiresAction:
		return top.card == asks && !top.final()
	case payment.TopUpSucceeded:
		return succeeds
	case payment.TopUpFailed:
		// What nobody completed in a day is given up, unless the holder's word says that the card was charged.
		return !succeeds && top.card != asks || top.holder == "fail" || top.old && top.holder != "succeed"
	}
	return false
}

func (m *machine) topUpActions() []action {
	always := func() bool { return true }
	retry := action{"top up again", some(&m.topUps, each[*topUp]), m.topUpAgain}
	look := action{"look", some(&m.topUps, (*topUp).open), m.look}
	rivals := action{"look, N at once", some(&m.topUps, (*topUp).open), m.lookAtOnce}
	holder := action{"holder", some(&m.topUps, (*topUp).waiting), m.holder}
	topUp := action{"top up", always, m.topUp}
	return []action{topUp, topUp, topUp, retry, look, look, rivals, holder, holder}
}

// topUp pays into a wallet from a card.
func (m *machine) topUp() {
	user := anyOf(m, m.buyers, "buyer")
	kind := draw(m, rapid.SampledFrom([]string{pays, pays, pends, returns, declines, asks}), "card")
	in := payment.TopUpInput{
		Amount: m.drawAmount(), PaymentMethod: draw(m, rapid.SampledFrom(cards[kind]), "method"), IdempotencyKey: uuid.NewString(),
	}
	if bad := draw(m, rapid.IntRange(0, 9), "nonsense"); bad == 9 {
		m.badTopUp(user, in)
		return
	}
	var (
		top payment.TopUp
		err error
	)
	fired := m.troubled(func() { top, err = m.Payment.TopUp(m.Ctx(), user, in) }, creating, confirming)
	mine := newTopUp(top.ID, user, in, kind)
	m.topUps = append(m.topUps, mine)
	m.answered(mine, top, err)
	if top.Status == payment.Processing && !fired {
		m.t.Fatal("a top-up is open although nothing went wrong")
	}
	m.seen.add("top-up " + string(top.Status))
}

// answered insists that an answer can follow from what happened.
func (m *machine) answered(mine *topUp, top payment.TopUp, err error) {
	if top.ID != mine.id || (err != nil) != (top.Status == payment.TopUpFailed) || (err != nil && domaintest.Code(err) != *top.RefusalCode()) {
		m.t.Fatalf("%+v, %v", top, err)
	}
	if top.Status != mine.status && !mine.may(top.Status) {
		m.t.Fatalf("answered %s, the model: %+v", top.Status, *mine)
	}
}

func (m *machine) badTopUp(user uuid.UUID, in payment.TopUpInput) {
	code := draw(m, rapid.SampledFrom([]string{"TOP_UP_TOO_SMALL", "TOP_UP_TOO_LARGE", "CURRENCY_UNSUPPORTED", "CARD_NOT_FOUND", "IDEMPOTENCY_KEY_INVALID"}), "bad")
	switch code {
	case "TOP_UP_TOO_SMALL":
		in.Amount.Minor = draw(m, rapid.Int64Range(-1, 49), "too small")
	case "TOP_UP_TOO_LARGE":
		in.Amount.Minor = 1 << 40
	case "CURRENCY_UNSUPPORTED":
		in.Amount.Currency = "CHF"
	case "CARD_NOT_FOUND":
		card := uuid.New()
		in.Card, in.PaymentMethod = &card, ""
	case "IDEMPOTENCY_KEY_INVALID":
		in.IdempotencyKey = "\x00"
	}
	m.refused(code, func() error { _, err := m.Payment.TopUp(m.Ctx(), user, in); return err })
}

// topUpAgain is a client's retry: of the same, N at once, or of something else with the same key.
func (m *machine) topUpAgain() {
	mine := anyOf(m, m.topUps, "top-up")
	in := mine.input
	if draw(m, rapid.Bool(), "other input") {
		in.Amount.Minor += 10
		m.refused("IDEMPOTENCY_KEY_REUSED", func() error { _, err := m.Payment.TopUp(m.Ctx(), mine.user, in); return err })
		return
	}
	m.observe()
	before := m.digest()
	answers := make([]payment.TopUp, 2)
	errs := domaintest.AtOnce(len(answers), func(i int) (err error) {
		answers[i], err = m.Payment.TopUp(m.Ctx(), mine.user, in)
		return err
	})
	for i, top := range answers {
		m.answered(mine, top, errs[i])
	}
	if m.digest() != before {
		m.t.Fatal("a retry left a trace")
	}
	m.seen.add("top-up retried")
}

// look asks what has become of a top-up.
func (m *machine) look() {
	mine := pick(m, m.topUps, "top-up", (*topUp).open)
	var (
		top payment.TopUp
		err error
	)
	m.troubled(func() { top, err = m.Payment.RefreshTopUp(m.Ctx(), mine.user, mine.id) }, creating, confirming, looking, looking)
	m.answered(mine, top, err)
	m.seen.add("looked")
}

// lookAtOnce has N resolvers at one top-up, of whom one posts.
func (m *machine) lookAtOnce() {
	mine := pick(m, m.topUps, "top-up", (*topUp).open)
	for _, err := range domaintest.AtOnce(4, func(int) error { _, err := m.Payment.Resolve(m.Ctx(), mine.id); return err }) {
		m.Must(err)
	}
	m.seen.add("resolvers at once")
}

// holder passes or fails at their bank.
func (m *machine) holder() {
	mine := pick(m, m.topUps, "top-up", (*topUp).waiting)
	top, err := m.Payment.TopUpOf(m.Ctx(), mine.user, mine.id)
	m.Must(err)
	outcome := draw(m, rapid.SampledFrom([]string{"succeed", "succeed", "fail"}), "outcome")
	m.authenticate(*top.NextActionURL(), outcome)
	mine.holder = outcome
	m.seen.add("3-D Secure " + outcome)
}

// observeTopUps takes in what became of the top-ups that were open.
func (m *machine) observeTopUps() {
	found := m.statuses(`SELECT id, status FROM top_up WHERE user_id = ANY ($1)`)
	if len(found) != len(m.topUps) {
		m.t.Fatalf("there are %d top-ups, %d were asked for", len(found), len(m.topUps))
	}
	for _, top := range m.topUps {
		status := payment.TopUpStatus(found[top.id])
		if status == top.status {
			continue
		}
		if top.final() || !top.may(status) {
			m.t.Fatalf("a top-up becomes %s; the model: %+v", status, *top)
		}
		if top.status = status; status == payment.TopUpSucceeded {
			m.credit(top)
		}
	}
}

// credit is a top-up that succeeded.
func (m *machine) credit(top *topUp) {
	m.books.move(append(top.atStripe(), leg(ledger.Wallet, top.user, top.gave))...)
}
