package moneytest

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// lot is an auction as one would play it with coins on a table.
type lot struct {
	id      uuid.UUID
	seller  uuid.UUID
	price   int64
	maximum int64 // the leader's, which is set aside
	leader  uuid.UUID
	bids    int     // that were taken, raises among them
	numbers []int32 // that they were given; 0: a raise
	closed  bool
	inputs  []auction.PlaceInput // of the bids that were taken
	bidders []uuid.UUID
}

func (l *lot) open() bool { return !l.closed }

func (l *lot) sold() bool { return !l.closed && l.bids > 0 }

func (m *machine) lotActions() []action {
	offer := action{"offer", func() bool { return len(m.lots) < 6 }, m.offer}
	bid := action{"bid", some(&m.lots, (*lot).open), func() { m.bid((*lot).open) }}
	late := action{"bid, late", some(&m.lots, each[*lot]), func() { m.bid(each) }}
	retry := action{"bid again", some(&m.lots, func(l *lot) bool { return l.bids > 0 }), m.bidAgain}
	rivals := action{"bids at once", some(&m.lots, (*lot).open), m.bidsAtOnce}
	leads := action{"bid, leading", some(&m.lots, (*lot).sold), m.bidLeading}
	sell := action{"close", some(&m.lots, (*lot).sold), func() { m.close((*lot).sold) }}
	end := action{"close, unsold", some(&m.lots, (*lot).open), func() { m.close((*lot).open) }}
	return []action{offer, bid, bid, bid, bid, late, leads, retry, rivals, sell, sell, sell, end}
}

// eur is euro cents.
func eur(cents int64) money.Amount { return money.New(cents, "EUR") }

// step is the least step over a price, from the table of euros.
func step(price int64) int64 {
	switch {
	case price < 50_00:
		return 1_00
	case price < 100_00:
		return 2_50
	default:
		return 5_00
	}
}

func (l *lot) minimum() int64 {
	if l.bids == 0 {
		return 10_00
	}
	return l.price + step(l.price)
}

// judge gives the code of the refusal, or "".
func (m *machine) judge(l *lot, who uuid.UUID, cents int64) string {
	switch {
	case l.closed:
		return "AUCTION_CLOSED"
	case who == l.seller:
		return "BID_ON_OWN_LOT"
	case who == l.leader && cents <= l.maximum:
		return "ALREADY_LEADING"
	case who != l.leader && cents < l.minimum():
		return "BID_TOO_LOW"
	case m.isFrozen(who):
		return "WALLET_FROZEN"
	case cents > m.books.free(who, "EUR")+l.heldOf(who):
		return "INSUFFICIENT_FUNDS"
	}
	return ""
}

// heldOf is what a bidder has in the lot.
func (l *lot) heldOf(who uuid.UUID) int64 {
	if who == l.leader {
		return l.maximum
	}
	return 0
}

// take is a bid that counts: the leader's maximum is set aside, and that of whom it outbids is free again.
func (m *machine) take(l *lot, who uuid.UUID, in auction.PlaceInput) {
	leader, held, cents, number := l.leader, l.maximum, in.Amount.Minor, int32(0)
	for _, n := range l.numbers {
		number = max(number, n)
	}
	switch number++; {
	case l.bids == 0:
		l.price, l.leader, l.maximum = 10_00, who, cents
	case who == l.leader:
		l.maximum, number = cents, 0
	case cents > l.maximum:
		l.price = min(cents, l.maximum+step(l.maximum))
		l.leader, l.maximum = who, cents
	default:
		l.price = min(l.maximum, cents+step(cents))
	}
	m.books.move(leg(ledger.WalletHeld, leader, eur(-held)), leg(ledger.Wallet, leader, eur(held)))
	m.books.move(leg(ledger.Wallet, l.leader, eur(-l.maximum)), leg(ledger.WalletHeld, l.leader, eur(l.maximum)))
	l.bids++
	l.inputs, l.bidders, l.numbers = append(l.inputs, in), append(l.bidders, who), append(l.numbers, number)
}

// offer opens a lot.
func (m *machine) offer() {
	seller := anyOf(m, m.sellers, "seller")
	a, err := m.Auctions.Start(m.Ctx(), seller, auction.StartInput{Listing: m.Listing(seller), StartPrice: eur(10_00), Duration: time.Hour})
	m.allowed("lot opened", err)
	m.lots = append(m.lots, &lot{id: a.ID, seller: seller})
}

// bid bids around what is needed, and around what the bidder has.
func (m *machine) bid(on func(*lot) bool) {
	l := pick(m, m.lots, "lot", on)
	who := anyOf(m, append(slices.Clip(m.buyers), l.seller), "bidder")
	in := m.drawBid(l)
	if code := m.judge(l, who, in.Amount.Minor); code != "" {
		m.refused(code, func() error { _, err := m.Auctions.Place(m.Ctx(), who, in); return err })
		return
	}
	_, err := m.Auctions.Place(m.Ctx(), who, in)
	m.allowed("bid taken", err)
	m.take(l, who, in)
}

// bidLeading is the leader's bid on what they lead already: chance alone rarely has one.
func (m *machine) bidLeading() {
	l := pick(m, m.lots, "lot", (*lot).sold)
	in := auction.PlaceInput{Auction: l.id, Amount: eur(l.maximum), IdempotencyKey: uuid.NewString()}
	m.refused(m.judge(l, l.leader, in.Amount.Minor), func() error { _, err := m.Auctions.Place(m.Ctx(), l.leader, in); return err })
}

func (m *machine) drawBid(l *lot) auction.PlaceInput {
	over := draw(m, rapid.SampledFrom([]int64{-1, 0, 0, 0, 1, 20_00, 300_00}), "over the minimum")
	return auction.PlaceInput{Auction: l.id, Amount: eur(l.minimum() + over), IdempotencyKey: uuid.NewString()}
}

// bidAgain is a client's retry, of the same or of something else with the same key.
func (m *machine) bidAgain() {
	l := pick(m, m.lots, "lot", func(l *lot) bool { return l.bids > 0 })
	n := draw(m, rapid.IntRange(0, len(l.inputs)-1), "bid")
	in := l.inputs[n]
	if draw(m, rapid.Bool(), "other input") {
		in.Amount.Minor++
		m.refused("IDEMPOTENCY_KEY_REUSED", func() error { _, err := m.Auctions.Place(m.Ctx(), l.bidders[n], in); return err })
		return
	}
	before := m.digest()
	placed, err := m.Auctions.Place(m.Ctx(), l.bidders[n], in)
	m.allowed("bid retried", err)
	number := int32(0)
	if placed.Bid.Number != nil {
		number = *placed.Bid.Number
	}
	if number != l.numbers[n] || placed.Bid.Amount.Minor > in.Amount.Minor || m.digest() != before {
		m.t.Fatalf("the retried bid is %+v, it was number %d of %v", placed.Bid, l.numbers[n], in.Amount)
	}
}

// bidsAtOnce has everybody bid the same at once; who comes first is the database's to say.
func (m *machine) bidsAtOnce() {
	l := pick(m, m.lots, "lot", (*lot).open)
	cents := l.minimum()
	able := 0
	for _, who := range m.buyers {
		if m.judge(l, who, cents) == "" {
			able++
		}
	}
	inputs, placed := make([]auction.PlaceInput, len(m.buyers)), make([]auction.Placed, len(m.buyers))
	for i := range inputs {
		inputs[i] = auction.PlaceInput{Auction: l.id, Amount: eur(cents), IdempotencyKey: uuid.NewString()}
	}
	errs := domaintest.AtOnce(len(m.buyers), func(i int) (err error) {
		placed[i], err = m.Auctions.Place(m.Ctx(), m.buyers[i], inputs[i])
		return err
	})
	// One comes first. A second one is taken only where the first was the leader's raise, which it equals.
	won, raised := 0, 0
	for _, number := range []bool{false, true} {
		for i, err := range errs {
			if err != nil || (placed[i].Bid.Number != nil) != number {
				continue
			}
			if won++; !number {
				raised++
			}
			m.take(l, m.buyers[i], inputs[i])
		}
	}
	if won < min(able, 1) || won > 1+raised {
		m.t.Fatalf("of equal bids at once, %d of whom %d could pay, %d were taken: %v", len(errs), able, won, errs)
	}
	m.seen.add("bids at once")
}

// close ends a lot, N at once; its leader's order is paid by what was set aside.
func (m *machine) close(which func(*lot) bool) {
	l := pick(m, m.lots, "lot", which)
	m.End(l.id)
	closed := make([]bool, 3)
	for _, err := range domaintest.AtOnce(len(closed), func(i int) (err error) {
		closed[i], err = m.Auctions.Close(m.Ctx(), l.id)
		return err
	}) {
		m.Must(err)
	}
	m.seen.add("lot closed")
	n := 0
	for _, did := range closed {
		if did {
			n++
		}
	}
	if n != 1 {
		m.t.Fatalf("%d closed the lot", n)
	}
	if l.closed = true; l.bids == 0 {
		return
	}
	s := m.sold(l.id, l.leader, l.seller, eur(l.price))
	s.paid = &try{sale: s, wallet: s.total, charge: charge{user: s.buyer, gave: eur(0)}}
	m.books.move(leg(ledger.WalletHeld, s.buyer, eur(-l.maximum)), leg(ledger.Escrow, s.id, s.total), leg(ledger.Wallet, s.buyer, eur(l.maximum-l.price)))
}
