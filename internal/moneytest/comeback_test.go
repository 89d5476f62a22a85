package moneytest

import (
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
)

// here says how many pieces of a sale its buyer has not sent back.
func (s *sale) here() int { return max(s.pieces, 1) - s.returns }

// returnable says that something of it can come back, and be refunded.
func (s *sale) returnable() bool {
	return s.sent && !s.digital && s.givable() && s.here() > 0 && !s.matured && s.age < domaintest.ReturnWindow
}

func (m *machine) returnActions() []action {
	back := action{"send goods back", some(&m.sales, (*sale).returnable), func() { m.sendBack(pick(m, m.sales, "sale", (*sale).returnable)) }}
	return []action{back, back}
}

// sendBack has a buyer send pieces back, with a label of a carrier's or without, and the seller receive them. Who bears the label pays for it: the seller when it
// is scanned, the buyer out of the refund, of which the seller hands on what would have been theirs.
func (m *machine) sendBack(s *sale) {
	n := draw(m, rapid.IntRange(1, s.here()), "pieces")
	reason := draw(m, rapid.SampledFrom([]order.ClaimReason{order.ChangedMind, order.Damaged}), "reason")
	sellerBears := reason != order.ChangedMind || draw(m, rapid.IntRange(0, 3), "the seller bears it all the same") == 3
	label := s.of(draw(m, rapid.SampledFrom([]int64{0, 4_50, 30_00}), "label"))
	lines := []order.ReturnedLine{{Number: 1, Quantity: n}}
	m.Must2(m.Orders.RequestReturn(m.Ctx(), s.buyer, s.id, reason, "The model wants it.", lines))
	m.Must2(m.Orders.AcceptReturn(m.Ctx(), order.Actor{User: s.seller}, s.id, "Send it back.", reason == order.ChangedMind && sellerBears))
	if label.Minor > 0 {
		m.carriesBack(s, label)
		if sellerBears {
			m.paysForLabel(s, label)
			m.seen.add("a label back is the seller's")
		}
	} else {
		m.Must2(m.Orders.SendReturn(m.Ctx(), s.buyer, s.id, ""))
	}
	m.agree(m.t)
	lines[0].Restock = draw(m, rapid.Bool(), "may be sold again")
	in := order.ReceivedInput{Order: s.id, Lines: lines, IdempotencyKey: uuid.NewString()}
	for _, err := range domaintest.AtOnce(2, func(int) error {
		_, err := m.Orders.ReceiveReturn(m.Ctx(), order.Actor{User: s.seller}, in)
		return err
	}) {
		m.allowed("goods come back", err)
	}
	s.returns += n
	amount := min(s.total.Minor*int64(n)/int64(max(s.pieces, 1)), s.left())
	kept := int64(0)
	if !sellerBears {
		kept = min(label.Minor, amount)
	}
	if refund := s.forCards(amount - kept); refund > 0 {
		m.givesBack(s, refund, repaid{})
	}
	if kept > 0 {
		m.paysForLabel(s, s.of(s.split(s.left()).earned-s.split(s.left()-kept).earned))
		m.seen.add("a label back is the buyer's")
	}
}

// forCards is what of an amount a card takes, where it takes any of it and that is not all.
func (s *sale) forCards(amount int64) int64 {
	if s.onCard() > 0 && amount != s.left() {
		amount -= amount % cardStep(s.total.Currency)
	}
	return amount
}

// carriesBack is a carrier's label, which the platform owes it for, and its word that the goods are there.
func (m *machine) carriesBack(s *sale, cost money.Amount) {
	shipment := id.New()
	claim := m.ids(`SELECT id FROM order_claim WHERE order_id = $1 AND ended_at IS NULL`, s.id)[0]
	number := strings.ToUpper(strings.ReplaceAll(shipment.String(), "-", ""))
	m.Exec(`INSERT INTO shipment (id, order_id, seller_id, claim_id, carrier, product, reference, grams, ship_from, ship_to, losses, status, next_try_at, carrier_number, label_key, cost, currency, labelled_at, delivered_at)
		VALUES ($1, $2, $3, $4, 'MODEL', 'PARCEL', $5, 500, '{}', '{}', '[]', 'DELIVERED', NULL, $6, $6, $7, $8, clock_timestamp(), clock_timestamp())`,
		shipment, s.id, s.seller, claim, number[len(number)-15:], number, cost.Minor, string(cost.Currency))
	legs := []ledger.Leg{leg(ledger.CarrierCost, uuid.Nil, minus(cost)), leg(ledger.CarrierPayable, uuid.Nil, cost)}
	m.Must(postgres.InTx(m.Ctx(), m.Pool, func(tx pgx.Tx) error {
		_, err := m.Orders.ReturnCarriedTx(m.Ctx(), tx, s.id, claim, true)
		if err == nil {
			_, err = ledger.PostTx(m.Ctx(), tx, ledger.Entry{
				Key: "shipment:" + shipment.String() + ":label", Flow: ledger.FlowLabel, Cause: ledger.Cause{Kind: "shipment", ID: shipment}, Legs: legs,
			})
		}
		return err
	}))
	m.books.move(legs...)
}

// paysForLabel is the seller's: out of what they have, and the rest they owe. What waits of their sales is not touched.
func (m *machine) paysForLabel(s *sale, cost money.Amount) {
	theirs := min(cost.Minor, m.books[account(ledger.SellerAvailable, s.seller, cost.Currency)])
	m.books.move(
		leg(ledger.SellerAvailable, s.seller, s.of(-theirs)), leg(ledger.SellerDebt, s.seller, s.of(theirs-cost.Minor)), leg(ledger.ShippingIncome, uuid.Nil, cost),
	)
}

func returnScenes() []scene {
	return []scene{{name: "goods come back", meets: []string{"goods come back", "a label back is the seller's", "a label back is the buyer's"}, play: func(m *machine) {
		seller, buyer := m.keeper(), m.guest()
		w := will{"reason": order.ChangedMind, "the seller bears it all the same": 0, "label": int64(4_50)}
		for _, w := range []will{w, w.with(will{"the seller bears it all the same": 3}), {"reason": order.Damaged, "label": int64(0)}} {
			s := m.deal50(seller, buyer, 10_00, sent)
			m.do(w, func() { m.sendBack(s) })
		}
		m.do(will{"currency": money.Currency("TND"), "millimes": int64(20_005), "card": pays, "wallet too": false, "and sent": sent}, func() { m.dealWith(seller, buyer) })
		dinars := last(m.sales) // of which cards take no odd millimes
		m.do(w.with(will{"label": int64(30_00)}), func() { m.sendBack(dinars) })
	}}}
}
