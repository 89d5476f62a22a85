package checkout_test

import (
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/shipping"
)

// enters has a buyer come on the stage, with two cards.
func (s *theatre) enters() {
	s.unused, s.buyer.id = 0, s.Buyer(0)
	s.buyer.visa, s.buyer.declines = s.cards.Card(s.buyer.id, "pm_card_visa"), s.cards.Card(s.buyer.id, "pm_card_chargeCustomerFail")
}

// begins an order: of a cart, of a lot that was won, at a price that was agreed on, or over nothing; from the wallet, by card or both, out of yen, or left to be paid.
func (s *theatre) begins(t *rapid.T) *life {
	if s.unused > 30 {
		s.enters()
	}
	l := &life{theatre: s, t: t, seller: s.User(identity.Seller), lines: 2, each: 3, restock: map[int]int{}}
	l.Fund(l.buyer.id, domaintest.EUR(60_00))
	l.start, l.held = l.Balance(ledger.Wallet, l.buyer.id), l.Balance(ledger.WalletHeld, l.buyer.id)
	here := &shop{World: s.World, seller: l.seller}
	kind := rapid.SampledFrom([]string{"cart", "cart", "won", "won, to check out", "offer", "yen", "nothing"}).Draw(t, "begins as")
	l.met["began: "+kind]++
	switch kind {
	case "won", "won, to check out":
		if kind != "won" {
			here.sends(byHand(7_00, "FR"), shipping.Offer{Kind: shipping.BySeller, Name: "By bike", Price: new(domaintest.EUR(2_00)), Free: rapid.Bool().Draw(t, "free")})
		}
		o := here.wonBy(l.buyer.id, &l.buyer.visa)
		l.id, l.lot, l.lines, l.each = o.ID, o.ListingID, 1, 1
	case "offer":
		l.variants, l.lines = here.shirts(l.seller, 1, 9), 1
		l.Exec(`INSERT INTO listing_offers (listing_id, takes) SELECT listing_id, true FROM variant WHERE id = $1`, l.variants[0])
		h := &haggle{here, l.variants[0]}
		agreed := h.accepted(l.buyer.id, l.each)
		l.offer = &agreed.ID
		l.buys(h.quotes(agreed))
	case "yen":
		l.Fund(l.buyer.id, money.New(20_000, "JPY"))
		l.variants = here.shirts(l.seller, 2, 9)
		l.put(l.buyer.id, l.each, l.variants...)
		q := l.quotedIn(l.buyer.id, "JPY")
		in := agreed(q)
		in.Exchange = &q.Groups[0].Exchange.From
		l.start += q.Groups[0].Exchange.To.Minor
		l.confirms(in)
	case "nothing":
		l.variants = here.shirts(l.seller, 2, 9)
		l.put(l.buyer.id, l.each, l.variants...)
		q, err := l.wants(l.buyer.id, *here.offers(func(in *promotion.Input) { in.BasisPoints = new(10_000) }).Code)
		l.must(err)
		l.buys(q)
	default:
		l.variants = here.shirts(l.seller, 2, 9)
		l.put(l.buyer.id, l.each, l.variants...)
		l.buys(l.quoted(l.buyer.id))
	}
	return l
}

// buys confirms a quote in any way.
func (l *life) buys(q checkout.Quote) {
	in := agreed(q)
	switch rapid.SampledFrom([]string{"wallet", "card", "both", "declines"}).Draw(l.t, "first paid by") {
	case "card":
		in.Card = &l.buyer.visa
	case "both":
		if in.Card = &l.buyer.visa; q.Total.Minor > 0 {
			in.Wallet = new(domaintest.EUR(10_00))
		}
	case "declines":
		in.Card = &l.buyer.declines
	}
	l.confirms(in)
}

func (l *life) confirms(in checkout.ConfirmInput) {
	orders, err := l.Checkout.Confirm(l.Ctx(), l.buyer.id, in)
	if code := domaintest.Code(err); code != "" && code != "CARD_DECLINED" {
		l.t.Fatalf("%v", err)
	}
	l.id = orders[0].ID
}

// checkOut quotes an order that was won and confirms that, from the wallet, by card or both, or out of yen.
func (l *life) checkOut(*rapid.T) {
	source := rapid.SampledFrom([]string{"wallet", "card", "both", "declines", "yen"}).Draw(l.t, "checked out by")
	l.tries(order.ActionCheckOut, func(who actor) error {
		ask := checkout.OrderQuoteInput{Order: l.id, Address: l.home(who.User), IdempotencyKey: l.key()}
		if source == "yen" {
			l.Fund(who.User, money.New(20_000, "JPY"))
			ask.PayCurrency = "JPY"
		}
		q, err := l.Checkout.QuoteOrder(l.Ctx(), who.User, ask)
		if err != nil {
			return err
		}
		in := agreed(q)
		exchange := q.Groups[0].Exchange
		switch {
		case q.Paid: // it takes nothing
		case source == "card":
			in.Card = &l.buyer.visa
		case source == "both":
			in.Card, in.Wallet = &l.buyer.visa, new(domaintest.EUR(7_00))
		case source == "declines":
			in.Card = &l.buyer.declines
		case source == "yen":
			in.Exchange = &exchange.From
		}
		_, err = l.Checkout.Confirm(l.Ctx(), who.User, in)
		switch {
		case err != nil && domaintest.Code(err) != "CARD_DECLINED":
			l.unused++
		case err == nil && in.Exchange != nil:
			l.start += exchange.To.Minor
			l.met["checked out in yen"]++
		}
		return err
	}, "CARD_DECLINED", "ORDER_PAID_ALREADY")
}

// useAgain tries to have a price that was used once more, or to take it back.
func (l *life) useAgain(*rapid.T) {
	if l.offer == nil {
		return
	}
	before, err := l.Offers.Get(l.Ctx(), l.seller, *l.offer)
	l.must(err)
	who := rapid.SampledFrom(l.actors()).Draw(l.t, "who")
	if rapid.Bool().Draw(l.t, "quote") {
		_, err = l.Checkout.Quote(l.Ctx(), who.User, checkout.QuoteInput{Offer: l.offer, Address: l.home(who.User), IdempotencyKey: l.key()})
	} else {
		action := rapid.SampledFrom([]offer.Action{offer.Accept, offer.Decline, offer.Withdraw}).Draw(l.t, "action")
		_, err = l.Offers.Move(l.Ctx(), who.User, offer.MoveInput{Offer: *l.offer, Version: before.Version, Action: action})
	}
	if code := domaintest.Code(err); code != "OFFER_OVER" && code != "OFFER_NOT_FOUND" {
		l.t.Fatalf("a used offer, by the %s: %v", who.name, err)
	}
	now, err := l.Offers.Get(l.Ctx(), l.seller, *l.offer)
	l.must(err)
	if now.Version != before.Version || now.LastStatus != offer.Used || *now.OrderID != l.id {
		l.t.Fatalf("the offer is %+v", now)
	}
}

// goods compares what there is of what was sold with what the order says.
func (l *life) goods(now order.Order) {
	sold := int64(l.each)
	if now.Fulfilment == order.Cancelled {
		sold = 0
	}
	for n, v := range l.variants {
		if left := l.onHand(v); left != 9-sold+int64(l.restock[n]) {
			l.t.Fatalf("%s: %d of line %d are there, %d of 9 were sold and %d came back", now.Fulfilment, left, n+1, sold, l.restock[n])
		}
	}
	if l.lot == uuid.Nil {
		return
	}
	want := "SOLD"
	if sold == 0 || l.restock[0] > 0 {
		want = "ACTIVE"
	}
	if got, err := l.Catalog.Get(l.Ctx(), l.lot); err != nil || string(got.Status) != want {
		l.t.Fatalf("%s: what was won is %s, not %s: %v", now.Fulfilment, got.Status, want, err)
	}
}

// given is how many of each line refunds are of.
func (l *life) given() map[int]int {
	rows, err := l.Pool.Query(l.Ctx(), `SELECT x.number, sum(x.quantity) FROM order_refund r CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x (number int, quantity int) WHERE r.order_id = $1 GROUP BY x.number`, l.id)
	l.must(err)
	defer rows.Close()
	given := map[int]int{}
	for rows.Next() {
		var number, quantity int
		l.must(rows.Scan(&number, &quantity))
		given[number-1] = quantity
	}
	l.must(rows.Err())
	return given
}

// nothing insists that an order over nothing is refunded when all of its lines are, and not before.
func (l *life) nothing(now order.Order) {
	if !now.Free() {
		return
	}
	given, left := l.given(), false
	for n := range l.lines {
		if given[n] > l.each {
			l.t.Fatalf("%d of line %d are refunded", given[n], n+1)
		}
		left = left || given[n] < l.each
	}
	if left != (now.Payment != order.Refunded) {
		l.t.Fatalf("%s, and of its lines %v are refunded", now.Payment, given)
	}
	switch {
	case !left:
		l.met["all of nothing"]++
	case len(given) > 0:
		l.met["a part of nothing"]++
	}
	if slices.ContainsFunc([]string{"ledger.entry WHERE cause_id", "order_payment WHERE order_id", "invoice_due WHERE order_id"}, func(from string) bool { return l.Int(`SELECT count(*) FROM `+from+` = $1`, l.id) > 0 }) {
		l.t.Fatal("money moved for nothing")
	}
}
