package moneytest

import (
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// dispute is a payment that a card's bank takes back, or asks about.
type dispute struct {
	stripe string // its id there
	of     *charge
	sale   *sale // nil for a top-up

	// As Stripe has it, by itself.
	state  string
	amount money.Amount
	taken  bool // the money was, ever

	// As we know it.
	id        uuid.UUID
	known     payment.ChargebackStatus
	withdrawn bool
	covered   int64 // of a lost one
	freezes   bool  // the user's wallets
}

// meaning is what a chargeback's status is where Stripe has told everything.
var meaning = map[string]payment.ChargebackStatus{
	"warning_needs_response": payment.ChargebackInquiry, "warning_under_review": payment.ChargebackInquiry,
	"warning_closed": payment.ChargebackClosed, "needs_response": payment.ChargebackNeedsResponse,
	"under_review": payment.ChargebackUnderReview, "won": payment.ChargebackWon, "lost": payment.ChargebackLost,
}

// steps is how far a chargeback has come.
var steps = map[payment.ChargebackStatus]int{
	"": 0, payment.ChargebackInquiry: 1, payment.ChargebackNeedsResponse: 2, payment.ChargebackUnderReview: 3,
	payment.ChargebackWon: 4, payment.ChargebackLost: 4, payment.ChargebackClosed: 4,
}

// undecided says that the card's bank has the last word still.
func (d *dispute) undecided() bool { return !meaning[d.state].Decided() }

// pending says that the money is gone, and that we know of no decision.
func (d *dispute) pending() bool { return d.withdrawn && !d.known.Decided() }

// may says whether a status can follow from what happened.
func (d *dispute) may(status payment.ChargebackStatus) bool {
	there := meaning[d.state]
	return steps[d.known] < steps[status] && (status == there || !status.Decided() && steps[status] <= steps[there]) &&
		(d.taken || status == payment.ChargebackInquiry || status == payment.ChargebackClosed)
}

func (m *machine) disputeActions() []action {
	open := action{"dispute", m.any(each), m.dispute}
	answer := action{"answer a dispute", some(&m.disputes, (*dispute).undecided), m.answerDispute}
	decide := action{"decide a dispute", some(&m.disputes, (*dispute).undecided), m.decideDispute}
	blocked := action{"act on a disputed order", some(&m.sales, (*sale).disputed), m.actOnDisputed}
	deal := action{"deal", func() bool { return true }, m.deal}
	unpaid := func(d *dispute) bool { return d.freezes && d.known == payment.ChargebackLost }
	owes := func(user uuid.UUID) bool {
		return !m.isHeld(user) && slices.ContainsFunc(m.disputes, func(d *dispute) bool { return d.of.user == user && unpaid(d) })
	}
	return []action{m.unfreezing(owes), open, decide, m.unfreezing(owes), deal, open, decide, blocked, answer}
}

// disputable are the charges that Stripe may have taken, and that no bank has or has had.
func (m *machine) disputable() (all []*dispute) {
	for _, top := range m.topUps {
		if top.status != payment.TopUpFailed {
			all = append(all, &dispute{of: &top.charge})
		}
	}
	for _, p := range m.tried(func(p *try) bool {
		return p.card != "" && (p.status == payment.OrderCaptured || p.status == payment.OrderCapturing)
	}) {
		all = append(all, &dispute{of: &p.charge, sale: p.sale}, &dispute{of: &p.charge, sale: p.sale}) // they are rarer
	}
	return slices.DeleteFunc(all, func(d *dispute) bool {
		return slices.ContainsFunc(m.disputes, func(other *dispute) bool {
			return other.of == d.of && (other.undecided() || other.known == payment.ChargebackLost || other.state == "lost")
		})
	})
}

// dispute is a card's holder who complains to the bank.
func (m *machine) dispute() {
	all := m.disputable()
	if len(all) == 0 {
		return
	}
	d := anyOf(m, slices.Clone(all), "charge")
	var intent struct {
		Status string
		Charge string `json:"latest_charge"`
	}
	for _, id := range m.texts(`SELECT provider_id FROM top_up WHERE id = $1 AND provider_id IS NOT NULL
		UNION ALL SELECT provider_id FROM order_payment WHERE id = $1 AND provider_id IS NOT NULL`, d.of.id) {
		m.stripe(http.MethodGet, "/v1/payment_intents/"+id, "", &intent)
	}
	if intent.Status != "succeeded" {
		return // Stripe has taken nothing
	}
	third := d.of.gave.Minor / 3
	amount := draw(m, rapid.SampledFrom([]int64{0, third - third%cardStep(d.of.gave.Currency)}), "amount")
	opened, err := m.fake.OpenDispute(intent.Charge, "fraudulent", amount, draw(m, rapid.IntRange(0, 3), "asks first") == 3)
	if err != nil {
		return // nothing is left of the charge
	}
	d.stripe = opened.ID
	if m.disputes = append(m.disputes, d); d.sale != nil {
		d.sale.disputes = append(d.sale.disputes, d)
	}
	m.seen.add("disputed")
	m.perhapsHear()
}

// answerDispute is ours: there is evidence.
func (m *machine) answerDispute() {
	d := pick(m, m.disputes, "dispute", (*dispute).undecided)
	if d.state == "needs_response" || d.state == "warning_needs_response" {
		var answer struct{}
		m.stripe(http.MethodPost, "/v1/disputes/"+d.stripe, "evidence[uncategorized_text]=It+was+delivered.&submit=true", &answer)
		m.seen.add("evidence submitted")
	}
	m.perhapsHear()
}

// decideDispute is the bank's decision.
func (m *machine) decideDispute() {
	m.decide(pick(m, m.disputes, "dispute", (*dispute).undecided))
	m.perhapsHear()
}

func (m *machine) decide(d *dispute) {
	outcomes := []string{"lost", "won"}
	if meaning[d.state] == payment.ChargebackInquiry {
		outcomes = []string{"needs_response", "warning_closed"}
	}
	m.Must(m.fake.DecideDispute(d.stripe, draw(m, rapid.SampledFrom(outcomes), "outcome")))
}

// perhapsHear has all of Stripe's events come at once, as often as not: in turn or backwards, and the last one twice.
func (m *machine) perhapsHear() {
	if draw(m, rapid.Bool(), "not heard") {
		return
	}
	all := slices.Clone(m.collect())
	if len(all) == 0 {
		return
	}
	if draw(m, rapid.Bool(), "backwards") {
		slices.Reverse(all)
		m.seen.add("mishap reorder")
	}
	m.post.waiting, m.post.delivered = nil, append(m.post.delivered, all...)
	for _, e := range append(all, all[len(all)-1:]...) {
		m.hand(e)
	}
}

// actOnDisputed is what may not be done while the bank has the money, and after it has taken it from the platform.
func (m *machine) actOnDisputed() {
	s := pick(m, m.sales, "sale", (*sale).disputed)
	if s.sent && !s.received && s.funded() {
		m.refused("ORDER_DISPUTED", func() error { _, err := m.Orders.ConfirmReceipt(m.Ctx(), s.buyer, s.id); return err })
	}
	m.refund((*sale).disputed)
}

// lookAtDisputes fetches how the disputes stand at Stripe.
func (m *machine) lookAtDisputes() {
	for _, d := range m.disputes {
		if d.state != "" && !d.undecided() {
			continue
		}
		var now struct {
			Status   string
			Amount   int64
			Currency string
			Moved    []struct{} `json:"balance_transactions"`
		}
		m.stripe(http.MethodGet, "/v1/disputes/"+d.stripe, "", &now)
		d.state, d.amount, d.taken = now.Status, money.New(now.Amount, d.of.gave.Currency), len(now.Moved) > 0
	}
}

// observeDisputes takes in what became of the chargebacks; before are the books as they were when the other news came in.
func (m *machine) observeDisputes(before books) {
	type row struct {
		ID        uuid.UUID
		Dispute   string
		Status    string
		Amount    int64
		Withdrawn bool
		Covered   *int64
	}
	rows, err := m.Admin.Query(m.Ctx(), `SELECT id, dispute_id, status, amount, withdrawn_txn_id IS NOT NULL, covered FROM chargeback
		WHERE user_id = ANY ($1) ORDER BY changed_at`, m.buyers)
	m.Must(err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	m.Must(err)
	lost := make(map[ledger.Account]loss)
	for _, now := range found {
		at := slices.IndexFunc(m.disputes, func(d *dispute) bool { return d.stripe == now.Dispute })
		if at < 0 {
			m.t.Fatalf("nobody has disputed %+v", now)
		}
		d := m.disputes[at]
		d.id = now.ID
		if now.Withdrawn && !d.withdrawn {
			m.withdraws(d)
		}
		if status := payment.ChargebackStatus(now.Status); status != d.known {
			if !d.may(status) {
				m.t.Fatalf("a chargeback becomes %s; the model: %+v", status, *d)
			}
			d.known = status
			m.seen.add("chargeback " + d.what() + " " + now.Status)
			if now.Covered != nil {
				d.covered = *now.Covered
			}
			m.decided(d, lost)
		}
		if now.Amount != d.amount.Minor && d.withdrawn {
			m.t.Fatalf("a chargeback is over %d; the model: %+v", now.Amount, *d)
		}
	}
	m.bear(before, lost)
}

func (d *dispute) what() string {
	switch {
	case d.sale == nil:
		return "of a top-up"
	case d.sale.received:
		return "of an order, after the release"
	}
	return "of an order, before the release"
}

// withdraws is the money that Stripe has taken, and its fee for it. A wallet that it had come into is frozen.
func (m *machine) withdraws(d *dispute) {
	if !d.taken {
		m.t.Fatalf("a chargeback is withdrawn that Stripe has not taken: %+v", *d)
	}
	d.withdrawn, d.freezes = true, d.sale == nil
	fee := money.New(map[money.Currency]int64{"EUR": 20_00, "JPY": 1_300, "TND": 60_000}[d.amount.Currency], d.amount.Currency)
	m.books.move(
		leg(ledger.Chargeback, d.id, minus(d.amount)),
		leg(ledger.PSPClearing, uuid.Nil, money.New(d.amount.Minor+fee.Minor, fee.Currency)), leg(ledger.PSPFees, uuid.Nil, minus(fee)),
	)
}

// loss is what chargebacks that were lost together took of one wallet, and how much they were over.
type loss struct{ covered, amount int64 }

// decided is what a decision means for the money.
func (m *machine) decided(d *dispute, lost map[ledger.Account]loss) {
	switch d.known {
	case payment.ChargebackWon:
		d.freezes = false
		m.books.move(leg(ledger.Chargeback, d.id, d.amount), leg(ledger.PSPClearing, uuid.Nil, minus(d.amount)))
	case payment.ChargebackLost:
		if d.sale != nil {
			m.takesFromEscrow(d)
			break
		}
		wallet := account(ledger.Wallet, d.of.user, d.amount.Currency)
		lost[wallet] = loss{lost[wallet].covered + d.covered, lost[wallet].amount + d.amount.Minor}
		d.freezes = d.covered < d.amount.Minor
		m.loses(d, leg(ledger.Wallet, d.of.user, money.New(-d.covered, d.amount.Currency)))
	case payment.ChargebackInquiry, payment.ChargebackNeedsResponse, payment.ChargebackUnderReview, payment.ChargebackClosed:
	}
}

// loses books a chargeback that is lost: what is taken, and the rest from the platform.
func (m *machine) loses(d *dispute, taken ledger.Leg) {
	rest := money.New(-d.amount.Minor-taken.Amount, d.amount.Currency)
	m.books.move(taken, leg(ledger.Chargeback, d.id, d.amount), leg(ledger.ChargebackLoss, uuid.Nil, rest))
	switch {
	case rest.Minor == 0:
		m.seen.add("a loss is covered")
	case taken.Amount < 0:
		m.seen.add("a loss is covered in part")
	default:
		m.seen.add("a loss is the platform's")
	}
}

// takesFromEscrow is an order's chargeback that is lost: the bank has what is left of the card's part, while it is in escrow.
func (m *machine) takesFromEscrow(d *dispute) {
	s := d.sale
	left := s.paid.gave.Minor - s.charged
	for _, r := range m.refunds {
		if r.of == d.of {
			left -= r.amount.Minor
		}
	}
	if want := max(0, min(d.amount.Minor, left, m.books[account(ledger.Escrow, s.id, d.amount.Currency)])); d.covered != want {
		m.t.Fatalf("a lost chargeback took %d out of escrow, the model says %d: %+v of %+v", d.covered, want, *d, *s)
	}
	before := s.split(s.left()).subsidy
	s.charged += d.covered
	shift := s.of(before - s.split(s.left()).subsidy) // which is the platform's own, and no campaign's
	m.books.move(leg(ledger.Escrow, s.id, minus(shift)), leg(ledger.Promotions, uuid.Nil, shift))
	s.borne = s.borne || d.covered == 0 && s.settled()
	s.lost = true
	if s.left() == 0 && d.covered > 0 {
		s.chargedBack = true
		m.seen.add("an order is charged back")
	}
	m.loses(d, leg(ledger.Escrow, s.id, s.of(-d.covered)))
}

// bear insists that each wallet paid for what was lost of its top-ups as far as it could. What came in at the same time may have been
// counted or not.
func (m *machine) bear(before books, lost map[ledger.Account]loss) {
	for wallet, l := range lost {
		least, most := min(l.amount, before[wallet]), min(l.amount, m.books[wallet]+l.covered)
		if l.covered < min(least, most) || l.covered > max(least, most) {
			m.t.Fatalf("lost chargebacks over %d took %d of a wallet that had %d, and then %d", l.amount, l.covered, before[wallet], m.books[wallet]+l.covered)
		}
	}
}

// isFrozen says that nothing leaves a user's wallets.
func (m *machine) isFrozen(user uuid.UUID) bool {
	return m.frozen[user] || slices.ContainsFunc(m.disputes, func(d *dispute) bool { return d.of.user == user && d.freezes })
}

// isHeld says that no admin may change that: the bank has not decided.
func (m *machine) isHeld(user uuid.UUID) bool {
	return slices.ContainsFunc(m.disputes, func(d *dispute) bool { return d.of.user == user && d.freezes && d.pending() })
}
