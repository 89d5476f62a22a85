package moneytest

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/referral"
)

// brought is a user whom another has brought.
type brought struct {
	referrer, referee uuid.UUID

	status referral.Status
	amount money.Amount  // of the commission
	sale   *sale         // that it is on
	age    time.Duration // since it is pending
}

func (b *brought) waiting() bool { return b.status == referral.Waiting }

// due says that the order can be returned no more.
func (b *brought) due() bool {
	return b.status == referral.Pending && b.age >= domaintest.ReturnWindow
}

func (m *machine) referralActions() []action {
	always := func() bool { return true }
	join := action{"sign up", func() bool { return len(m.buyers) < 6 }, m.signUp}
	mistype := action{"mistype a code", always, m.mistype}
	first := action{"first purchase", some(&m.brought, (*brought).waiting), m.firstPurchase}
	two := action{"two first purchases at once", some(&m.brought, (*brought).waiting), m.firstPurchases}
	undo := action{"undo a first purchase", some(&m.sales, m.onPending), func() { m.refund(m.onPending) }}
	late := action{"undo a first purchase, too late", some(&m.sales, m.onMatured), func() { m.refund(m.onMatured) }}
	mature := action{"mature, N at once", some(&m.brought, each[*brought]), m.matureAtOnce}
	passes := action{"the window passes", always, func() { m.pass(domaintest.ReturnWindow) }}
	return []action{first, late, undo, mature, join, two, first, late, undo, passes, mature, mistype}
}

// signUp is somebody new, who names who brought them.
func (m *machine) signUp() {
	referrer := anyOf(m, append(slices.Clip(m.buyers), m.sellers...), "referrer")
	m.join(referrer)
	m.seen.add("signed up by a code")
}

func (m *machine) join(referrer uuid.UUID) {
	code, err := m.Referrals.Code(m.Ctx(), referrer)
	m.Must(err)
	user, err := m.Identity.Register(m.Ctx(), signUpWith(code))
	m.Must(err)
	m.buyers = append(m.buyers, user.ID)
	m.brought = append(m.brought, &brought{referrer: referrer, referee: user.ID, status: referral.Waiting})
}

func signUpWith(code string) identity.SignUpInput {
	return identity.SignUpInput{
		Email: uuid.NewString() + "@souk.example", Name: "Somebody", Password: "correct horse battery", Role: identity.Buyer, ReferralCode: &code,
	}
}

// mistype names a code that nobody has: then there is no account either.
func (m *machine) mistype() {
	m.refused("REFERRAL_CODE_UNKNOWN", func() error { _, err := m.Identity.Register(m.Ctx(), signUpWith("ZZZZ2222")); return err })
}

// firstPurchase has somebody who was brought buy something.
func (m *machine) firstPurchase() {
	if s := m.dealOf(pick(m, m.brought, "referee", (*brought).waiting).referee); s.onWay() {
		m.receives(s)
	}
}

// rush are the orders on their way to somebody whose first purchase is still to come.
func (m *machine) rush(b *brought) (sales []*sale) {
	for _, s := range m.sales {
		if s.buyer == b.referee && s.onWay() && b.waiting() {
			sales = append(sales, s)
		}
	}
	return sales
}

// firstPurchases has two of them received at once: one pays a commission.
func (m *machine) firstPurchases() {
	b := pick(m, m.brought, "referee", (*brought).waiting)
	for len(m.rush(b)) < 2 {
		if s := m.dealOf(b.referee); !s.onWay() {
			return
		}
	}
	two := m.rush(b)[:2]
	for _, err := range domaintest.AtOnce(len(two), func(i int) error { _, err := m.Orders.ConfirmReceipt(m.Ctx(), b.referee, two[i].id); return err }) {
		m.Must(err)
	}
	if first := m.ids(`SELECT order_id FROM referral WHERE referee_id = $1 AND order_id IS NOT NULL`, b.referee); len(first) == 1 && first[0] == two[1].id {
		slices.Reverse(two)
	}
	for _, s := range two {
		m.received(s)
	}
	m.seen.add("two first purchases at once")
}

// onPending says that a commission waits for what becomes of the order.
func (m *machine) onPending(s *sale) bool {
	return s.givable() && slices.ContainsFunc(m.brought, func(b *brought) bool { return b.sale == s && b.status == referral.Pending })
}

// onMatured says that a commission was paid for it.
func (m *machine) onMatured(s *sale) bool {
	return s.givable() && slices.ContainsFunc(m.brought, func(b *brought) bool { return b.sale == s && b.status == referral.Matured })
}

// earns is a purchase that was received: the first one that is worth a commission at all earns it, a hundredth of what is left of the
// price, and never more than the platform does.
func (m *machine) earns(s *sale) {
	at := slices.IndexFunc(m.brought, func(b *brought) bool { return b.referee == s.buyer && b.waiting() })
	if at < 0 {
		return
	}
	b, amount := m.brought[at], share(s.of(s.left()), domaintest.ReferralBP)
	if amount.Minor = min(amount.Minor, s.split(s.left()).fee); amount.Minor == 0 {
		return
	}
	b.status, b.amount, b.sale = referral.Pending, amount, s
	m.books.move(leg(ledger.ReferralCost, uuid.Nil, minus(amount)), leg(ledger.ReferralPending, b.referrer, amount))
	m.seen.add("a commission is pending")
}

// undoes is a purchase that was refunded in full: a commission that is pending is nobody's.
func (m *machine) undoes(s *sale) {
	for _, b := range m.brought {
		switch {
		case b.sale != s:
		case b.status == referral.Matured:
			m.seen.add("a commission has matured, and stays")
		case b.status == referral.Pending:
			b.status = referral.Cancelled
			m.books.move(leg(ledger.ReferralPending, b.referrer, minus(b.amount)), leg(ledger.ReferralCost, uuid.Nil, b.amount))
			m.seen.add("a commission is taken back")
		}
	}
}

// matureAtOnce has N servers pay what is due: each commission once.
func (m *machine) matureAtOnce() {
	if draw(m, rapid.IntRange(0, 2), "the window passes") == 2 {
		m.pass(domaintest.ReturnWindow)
	}
	for _, err := range domaintest.AtOnce(3, func(int) error { return m.Referrals.MatureDue(m.Ctx()) }) {
		m.Must(err)
	}
	m.observeReferrals()
	if slices.ContainsFunc(m.brought, (*brought).due) {
		m.t.Fatal("a commission is due, and is not paid")
	}
	m.seen.add("matured, N at once")
}

// observeReferrals takes in which commissions have matured: of that alone the product chooses the moment.
func (m *machine) observeReferrals() {
	type row struct {
		Referee  uuid.UUID
		Referrer uuid.UUID
		Status   string
	}
	rows, err := m.Admin.Query(m.Ctx(), `SELECT referee_id, referrer_id, status FROM referral WHERE referee_id = ANY ($1)`, m.buyers)
	m.Must(err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	m.Must(err)
	if len(found) != len(m.brought) {
		m.t.Fatalf("%d users were brought, the model has %d", len(found), len(m.brought))
	}
	for _, now := range found {
		b := m.brought[slices.IndexFunc(m.brought, func(b *brought) bool { return b.referee == now.Referee })]
		if referral.Status(now.Status) == referral.Matured && b.due() {
			b.status = referral.Matured
			m.books.move(leg(ledger.ReferralPending, b.referrer, minus(b.amount)), leg(ledger.Wallet, b.referrer, b.amount))
			m.seen.add("a commission has matured")
		}
		if referral.Status(now.Status) != b.status || now.Referrer != b.referrer {
			m.t.Fatalf("a referral is %+v; the model: %+v", now, *b)
		}
	}
}
