package moneytest

import (
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
)

// sale is an order, as its parties would keep it in a notebook.
type sale struct {
	id, buyer, seller uuid.UUID

	total   money.Amount
	kept    *int64 // the platform's fee of all of it; nil: its share of the total
	tax     int64  // within the total
	digital bool   // codes, which are sent with their payment
	pieces  int    // of one thing, where they are not one
	returns int    // of those

	// What the platform's campaign pays beside the total.
	subsidy  int64
	campaign uuid.UUID

	tries   []*try
	paid    *try  // what put the money into escrow
	back    int64 // what was refunded
	charged int64 // what the card's bank took
	refunds []repaid

	sent, received, cancelled bool

	waits   int64         // of what it earned, for its return window
	age     time.Duration // since it was received
	matured bool

	// By chargebacks: one was lost; one was lost after the release, so that the platform bears it; nothing was left after one.
	lost, borne, chargedBack bool
	disputes                 []*dispute
}

func (s *sale) left() int64 { return s.total.Minor - s.back - s.charged }

// fee is the platform's of all of it.
func (s *sale) fee() money.Amount {
	if s.kept != nil {
		return s.of(*s.kept)
	}
	return share(s.total, domaintest.FeeBasisPoints)
}

// unpaid says that nobody has the money.
func (s *sale) unpaid() bool { return s.paid == nil && !s.cancelled }

// live is the payment that is under way.
func (s *sale) live() *try {
	for _, p := range s.tries {
		if p.open() && !p.givenUp {
			return p
		}
	}
	return nil
}

// authorised says that the money is set aside.
func (s *sale) authorised() bool {
	p := s.live()
	return s.unpaid() && p != nil && (p.status == payment.OrderAuthorised || p.status == payment.OrderCapturing)
}

// owed says that its buyer is to pay.
func (s *sale) owed() bool { return s.unpaid() && !s.authorised() }

func (s *sale) funded() bool  { return s.paid != nil && s.left() > 0 }
func (s *sale) ready() bool   { return !s.sent && !s.cancelled && (s.paid != nil || s.authorised()) }
func (s *sale) unsent() bool  { return !s.sent && !s.cancelled }
func (s *sale) onWay() bool   { return s.sent && !s.received && s.funded() && !s.disputed() }
func (s *sale) settled() bool { return s.received && s.funded() }

// disputed says that nothing is done with its money: the bank has it, or has taken it from the platform.
func (s *sale) disputed() bool {
	return s.borne || slices.ContainsFunc(s.disputes, (*dispute).pending)
}

// givable says that money of it can be given back.
func (s *sale) givable() bool { return s.funded() && !s.disputed() }

// onCard is what the card has given and takes back. After a chargeback that was lost it takes nothing any more.
func (s *sale) onCard() int64 {
	if s.lost {
		return 0
	}
	return s.paid.gave.Minor
}

// split is how what is left of a sale is divided: by who paid it, and by who earns it.
type split struct{ card, wallet, subsidy, fee, tax, earned int64 }

// split gives each their share of what is left: the card and the platform rounded down, to what a card takes, and the tax its share of what the platform leaves,
// rounded down; the others have the rest. What a campaign pays gets less as what is left does, and is divided with it.
func (s *sale) split(left int64) split {
	of := func(whole, left, total, step int64) int64 {
		exact := new(big.Rat).Mul(big.NewRat(whole, total), big.NewRat(left, step))
		return step * new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
	}
	total := s.total.Minor
	card, subsidy := of(s.onCard(), left, total, cardStep(s.total.Currency)), of(s.subsidy, left, total, 1)
	all := left + subsidy
	fee := of(s.fee().Minor, all, total+s.subsidy, 1)
	tax := of(s.tax, all-fee, total+s.subsidy-s.fee().Minor, 1)
	return split{card: card, wallet: left - card, subsidy: subsidy, fee: fee, tax: tax, earned: all - fee - tax}
}

// cardStep is what cards are charged in: dinars in ten millimes.
func cardStep(c money.Currency) int64 {
	if c == "TND" {
		return 10
	}
	return 1
}

func (m *machine) saleActions() []action {
	always := func() bool { return true }
	deal := action{"deal", always, m.deal}
	ship := action{"ship", some(&m.sales, (*sale).ready), m.ship}
	mature := action{"mature", always, m.mature}
	receive := action{"receive", some(&m.sales, (*sale).onWay), m.receive}
	cancel := action{"cancel", some(&m.sales, (*sale).unsent), func() { m.cancel((*sale).unsent) }}
	late := action{"cancel, late", some(&m.sales, each[*sale]), func() { m.cancel(each) }}
	capturing := func(s *sale) bool { return s.live() != nil && s.live().status == payment.OrderCapturing }
	charging := action{"cancel what is being charged", some(&m.sales, capturing), func() { m.cancel(capturing) }}
	is := func(s *sale) bool { return s.cancelled }
	cancelAgain := action{"cancel again", some(&m.sales, is), func() { m.cancel(is) }}
	rivals := action{"ship and cancel at once", some(&m.sales, (*sale).ready), m.shipOrCancel}
	refund := action{"refund", some(&m.sales, (*sale).givable), func() { m.refund((*sale).givable) }}
	underWay := action{"refund of what is on its way", some(&m.sales, (*sale).onWay), func() { m.refund((*sale).onWay) }}
	settled := action{"refund of what is settled", some(&m.sales, (*sale).settled), func() { m.refund((*sale).settled) }}
	whatever := action{"refund, whatever", some(&m.sales, each[*sale]), func() { m.refund(each) }}
	again := action{"refund again", some(&m.sales, (*sale).refunded), m.refundAgain}
	twice := action{"refunds at once", some(&m.sales, (*sale).givable), m.refundsAtOnce}
	outOfTurn := action{"act out of turn", some(&m.sales, each[*sale]), m.outOfTurn}
	spend := action{"a seller spends", m.sellersHave, m.sellerSpends}
	return []action{
		deal, spend, underWay, settled, receive, ship, cancel, rivals, again, deal, deal, underWay, settled, receive, spend, ship, cancel, twice, charging,
		refund, cancelAgain, late, whatever, outOfTurn, mature,
	}
}

func (m *machine) count(fits func(*sale) bool) (n int) {
	for _, s := range m.sales {
		if fits(s) {
			n++
		}
	}
	return n
}

// deal is an order that goes as it should, for a while, so that there is something for others to go wrong with.
func (m *machine) deal() {
	if s := m.dealOf(anyOf(m, m.buyers, "buyer")); s.onWay() && draw(m, rapid.Bool(), "and received") {
		m.receives(s)
	}
}

func (m *machine) dealOf(buyer uuid.UUID) *sale { return m.dealWith(m.needy(), buyer) }

func (m *machine) dealWith(seller, buyer uuid.UUID) *sale {
	s := m.owes(seller, buyer)
	p := &try{sale: s, charge: charge{user: s.buyer}, input: order.PayInput{Order: s.id, IdempotencyKey: uuid.NewString()}}
	if card := draw(m, rapid.SampledFrom([]string{pays, pends, returns, ""}), "card"); card != "" {
		m.useCard(p, card)
	}
	if p.wallet = s.of(s.total.Minor % cardStep(s.total.Currency)); draw(m, rapid.Bool(), "wallet too") {
		p.wallet = s.of(m.drawWalletPart(s))
	}
	if p.card == "" {
		p.wallet = s.total
	}
	p.input.Wallet, p.gave = &p.wallet, less(s.total, p.wallet)
	if len(m.judgePayment(p)) > 0 {
		return s
	}
	_, now, err := m.Orders.Pay(m.Ctx(), p.user, p.input)
	m.allowed("deal", err)
	m.begins(p, now)
	if m.observe(); draw(m, rapid.IntRange(0, 2), "and sent") == 2 {
		return s
	}
	_, err = m.Orders.Ship(m.Ctx(), s.seller, s.id, "")
	m.allowed("deal, sent", err)
	p.shipping, s.sent = true, true
	m.observe()
	return s
}

// owe has a buyer win a lot that cards stand behind.
func (m *machine) owe() { m.owes(m.needy(), anyOf(m, m.buyers, "buyer")) }

// needy is a seller: who owes something sells first.
func (m *machine) needy() uuid.UUID {
	if i := slices.IndexFunc(m.sellers, m.owing); i >= 0 {
		return m.sellers[i]
	}
	return anyOf(m, m.sellers, "seller")
}

func (m *machine) owes(seller, buyer uuid.UUID) *sale {
	price := m.drawPrice()
	card := m.saved(buyer, pays)
	a, err := m.Auctions.Start(m.Ctx(), seller, auction.StartInput{
		Listing: m.Listing(seller), Backing: auction.ByCard, StartPrice: price, Duration: time.Hour,
	})
	m.Must(err)
	_, err = m.Auctions.Place(m.Ctx(), buyer, auction.PlaceInput{Auction: a.ID, Amount: price, Card: &card, IdempotencyKey: uuid.NewString()})
	m.allowed("bid by card", err)
	m.Close(a.ID)
	return m.sold(a.ID, buyer, seller, price)
}

// sold writes down the order of a lot that is sold.
func (m *machine) sold(lot, buyer, seller uuid.UUID, total money.Amount) *sale {
	s := &sale{id: m.OrderOf(lot, buyer).ID, buyer: buyer, seller: seller, total: total}
	m.sales = append(m.sales, s)
	return s
}

// ship is the seller's. What is set aside on a card is taken with it, if the card still has it.
func (m *machine) ship() {
	s := pick(m, m.sales, "sale", (*sale).ready)
	p := s.live()
	var err error
	fired := m.troubled(func() { _, err = m.Orders.Ship(m.Ctx(), s.seller, s.id, "") }, capturing, capturing, looking)
	if p == nil {
		m.allowed("shipped", err)
		s.sent = true
		return
	}
	p.shipping = true
	m.observe()
	switch code := domaintest.Code(err); {
	case (code == "CAPTURE_FAILED") != (p.status == payment.OrderFailed), code != "" && code != "CAPTURE_FAILED":
		m.t.Fatalf("shipping answers %v, and the payment is %s", err, p.status)
	case p.status == payment.OrderCapturing && !fired:
		m.t.Fatal("a capture is open although nothing went wrong")
	}
	m.seen.add("shipped, the payment " + string(p.status))
}

// receive is the buyer's.
func (m *machine) receive() { m.receives(pick(m, m.sales, "sale", (*sale).onWay)) }

// receives is N at once: what is left in escrow goes to the seller less the platform's share, once.
func (m *machine) receives(s *sale) {
	for _, err := range domaintest.AtOnce(2, func(int) error { _, err := m.Orders.ConfirmReceipt(m.Ctx(), s.buyer, s.id); return err }) {
		m.Must(err)
	}
	m.received(s)
}

// received is what has become of the money then.
func (m *machine) received(s *sale) {
	m.seen.add("received")
	s.received = true
	m.earns(s)
	to := s.split(s.left())
	m.books.move(append(m.gets(s, to.earned), leg(ledger.Escrow, s.id, s.of(-s.left()-to.subsidy)), leg(ledger.PlatformFees, uuid.Nil, s.of(to.fee)), leg(ledger.TaxPayable, uuid.Nil, s.of(to.tax)))...)
}

// of is an amount in the sale's currency.
func (s *sale) of(minor int64) money.Amount { return money.New(minor, s.total.Currency) }

// gets is what a sale's seller earns, or gives back. What they earn pays what they owe first, and waits for the sale to mature. They give what waits of
// it, then what they have, and owe the rest.
func (m *machine) gets(s *sale, minor int64) []ledger.Leg {
	c := s.total.Currency
	owes, has := -m.books[account(ledger.SellerDebt, s.seller, c)], m.books[account(ledger.SellerAvailable, s.seller, c)]
	var waits, theirs, debt int64
	if minor > 0 {
		debt = min(minor, owes)
		waits = minor - debt
	} else {
		waits = max(minor, -s.waits)
		theirs = max(minor-waits, -has)
		debt = minor - waits - theirs
	}
	if debt > 0 {
		m.seen.add("a debt is paid")
	}
	if debt < 0 {
		m.seen.add("a seller owes")
	}
	s.waits += waits
	return []ledger.Leg{
		leg(ledger.SellerPending, s.seller, s.of(waits)), leg(ledger.SellerAvailable, s.seller, s.of(theirs)), leg(ledger.SellerDebt, s.seller, s.of(debt)),
	}
}

// mature has N servers make what is due its sellers': each sale's once, when its return window is over and no bank decides.
func (m *machine) mature() {
	for _, err := range domaintest.AtOnce(3, func(int) error { return m.Orders.MatureDue(m.Ctx()) }) {
		m.Must(err)
	}
	for _, s := range m.sales {
		if !s.received || s.matured || !s.funded() || s.age < domaintest.ReturnWindow {
			continue
		}
		if slices.ContainsFunc(s.disputes, (*dispute).pending) {
			m.seen.add("earnings wait for a bank")
			continue
		}
		owes := -m.books[account(ledger.SellerDebt, s.seller, s.total.Currency)]
		toDebt := min(s.waits, owes)
		m.books.move(leg(ledger.SellerPending, s.seller, s.of(-s.waits)), leg(ledger.SellerAvailable, s.seller, s.of(s.waits-toDebt)), leg(ledger.SellerDebt, s.seller, s.of(toDebt)))
		s.matured, s.waits = true, 0
		m.seen.add("earnings have matured")
	}
}

// has is what a seller has earned in euros.
func (m *machine) has(seller uuid.UUID) int64 {
	return m.books[account(ledger.SellerAvailable, seller, "EUR")]
}

// owing says that a seller has to pay something back, in euros.
func (m *machine) owing(seller uuid.UUID) bool {
	return m.books[account(ledger.SellerDebt, seller, "EUR")] < 0
}

// earned says that a seller has something, or will when it has matured.
func (m *machine) earned(seller uuid.UUID) bool {
	return m.has(seller) > 0 || m.books[account(ledger.SellerPending, seller, "EUR")] > 0
}

func (m *machine) sellersHave() bool {
	return slices.ContainsFunc(slices.Concat(m.sellers, m.merchants), m.earned)
}

// sellerSpends is a payout that does not exist yet: what was earned is gone.
func (m *machine) sellerSpends() {
	seller := pick(m, slices.Concat(m.sellers, m.merchants), "seller", m.earned)
	m.Exec("UPDATE orders SET mature_by = clock_timestamp() WHERE seller_id = $1 AND mature_by > clock_timestamp()", seller)
	for _, s := range m.sales {
		if s.seller == seller && s.received {
			s.age = domaintest.ReturnWindow
		}
	}
	m.mature()
	amount := eur(m.has(seller))
	if amount.Minor == 0 {
		return
	}
	legs := []ledger.Leg{leg(ledger.SellerAvailable, seller, minus(amount)), leg(ledger.Bank, uuid.Nil, amount)}
	m.Must(postgres.InTx(m.Ctx(), m.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(m.Ctx(), tx, ledger.Entry{
			Key: "payout:" + uuid.NewString(), Flow: "test", Cause: ledger.Cause{Kind: "test", ID: seller}, Legs: legs,
		})
		return err
	}))
	m.books.move(legs...)
	m.seen.add("a seller spent what was earned")
}

// outOfTurn is what may not be done with an order: by the wrong side, too early, or too late.
func (m *machine) outOfTurn() {
	s := anyOf(m, m.sales, "sale")
	m.refused("ORDER_ACTION_NOT_AVAILABLE", func() error { _, err := m.Orders.Ship(m.Ctx(), s.buyer, s.id, ""); return err })
	m.refused("ORDER_NOT_FOUND", func() error { _, err := m.Orders.Ship(m.Ctx(), uuid.New(), s.id, ""); return err })
	if !s.sent {
		m.refused("ORDER_ACTION_NOT_AVAILABLE", func() error { _, err := m.Orders.ConfirmReceipt(m.Ctx(), s.buyer, s.id); return err })
	}
	if s.received || s.cancelled || s.owed() {
		m.refused("ORDER_ACTION_NOT_AVAILABLE", func() error { _, err := m.Orders.Ship(m.Ctx(), s.seller, s.id, ""); return err })
	}
}

// goHome ends what would go on when the run is over, and move money of its people in the next one's world.
func (m *machine) goHome() {
	for _, d := range m.disputes {
		for ; d.undecided(); m.lookAtDisputes() {
			m.decide(d)
		}
	}
	for _, s := range m.sales {
		if !s.unpaid() || s.judgeCancel("admin") != "" {
			continue
		}
		_, err := m.Orders.Cancel(m.Ctx(), order.Actor{User: m.admin, Admin: true}, s.id, "The market closes.")
		m.allowed("cancelled in the end", err)
		m.cancelled(s)
	}
	m.pass(domaintest.ReturnWindow)
}

// stands is how an order has to look. One that is cancelled shows how it was paid until its cards are let go.
func (s *sale) stands() (payments []order.Payment, fulfilment order.Fulfilment) {
	switch {
	case s.chargedBack:
		payments = []order.Payment{order.ChargedBack}
	case s.paid != nil && s.left() == 0:
		payments = []order.Payment{order.Refunded}
	case s.received:
		payments = []order.Payment{order.Settled}
	case s.paid != nil:
		payments = []order.Payment{order.Paid}
	case s.cancelled && slices.ContainsFunc(s.tries, func(p *try) bool { return p.status == payment.OrderVoiding }):
		payments = []order.Payment{order.PaymentPending, order.Authorised}
	case s.cancelled:
		payments = []order.Payment{order.Voided}
	case s.authorised():
		payments = []order.Payment{order.Authorised}
	default:
		payments = []order.Payment{order.PaymentPending}
	}
	switch {
	case s.cancelled:
		return payments, order.Cancelled
	case s.received:
		return payments, order.Received
	case s.sent:
		return payments, order.Sent
	}
	return payments, order.FulfilmentPending
}

// observeSales insists that each order is as the model has it.
func (m *machine) observeSales() {
	type row struct {
		ID                  uuid.UUID
		Payment, Fulfilment string
		Refunded, Charged   int64
		Disputed            bool
	}
	rows, err := m.Admin.Query(m.Ctx(), `SELECT id, payment, fulfilment, refunded, charged_back, disputed FROM orders WHERE buyer_id = ANY ($1)`, m.buyers)
	m.Must(err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	m.Must(err)
	if len(found) != len(m.sales)+len(m.gifts) {
		m.t.Fatalf("there are %d orders, the model has %d", len(found), len(m.sales)+len(m.gifts))
	}
	for _, now := range found {
		if g := m.giftOf(now.ID); g != nil {
			if now.Payment != string(g.payment) || now.Fulfilment != string(g.fulfilment) || now.Refunded+now.Charged != 0 || now.Disputed {
				m.t.Fatalf("an order over nothing is %+v, the model has it as %+v", now, *g)
			}
			continue
		}
		s := m.sales[slices.IndexFunc(m.sales, func(s *sale) bool { return s.id == now.ID })]
		payments, fulfilment := s.stands()
		if !slices.Contains(payments, order.Payment(now.Payment)) || order.Fulfilment(now.Fulfilment) != fulfilment ||
			now.Refunded != s.back || now.Charged != s.charged || now.Disputed != s.disputed() {
			m.t.Fatalf("an order is %+v, the model has it as %v and %s: %+v", now, payments, fulfilment, *s)
		}
	}
}

// drawPrice is what a lot goes for; mostly in euros, and in dinars by the millime, which cards are not charged in.
func (m *machine) drawPrice() money.Amount {
	switch currency := draw(m, rapid.SampledFrom([]money.Currency{"EUR", "TND", "EUR", "JPY"}), "currency"); currency {
	case "JPY":
		return money.New(draw(m, rapid.Int64Range(150, 20_000), "yen"), currency)
	case "TND":
		return money.New(draw(m, rapid.Int64Range(3_000, 40_000), "millimes"), currency)
	default:
		return money.New(draw(m, rapid.Int64Range(1_00, 120_00), "cents"), currency)
	}
}
