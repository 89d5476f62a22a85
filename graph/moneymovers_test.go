package graph_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/show"
)

// mover is one use of a mutation that moves money.
type mover struct {
	name   string
	who    graphtest.Person
	fields apitest.Vars
	other  apitest.Vars // some fields with another value
	answer string       // what is asked for
	first  string       // the answer, byte for byte
}

func (m mover) query() string {
	return `mutation($input: ` + string(m.name[0]-'a'+'A') + m.name[1:] + `Input!) { ` + m.name + `(input: $input) { ` + m.answer + ` ` + userErrors + ` } }`
}

// input has one key for all: a key belongs to its user and its mutation. But a buy now is a bid, and its key one of theirs.
func (m mover) input() apitest.Vars {
	key := "once"
	if m.name == "auctionBuyNow" {
		key = "now"
	}
	return input(with(m.fields, "idempotencyKey", key))
}

// movers makes, one after the other, what each mutation that moves money needs, and hands it over to be sent.
func (b *bazaarByCard) movers(send func(mover)) {
	b.t.Helper()
	rival, admin, support := b.Funded(500), b.Person(identity.Admin), b.Person(identity.Support)
	host := b.Person(identity.Seller)
	const order, lot = `order { id payment fulfilment version }`, `lot { id status version }`

	send(mover{
		name: "walletTopUp", who: b.buyer, fields: apitest.Vars{"amount": eur("200"), "paymentMethod": "pm_card_visa"},
		other: apitest.Vars{"amount": eur("201")}, answer: `topUp { id status createdAt }`,
	})
	send(mover{
		name: "walletExchange", who: b.buyer, fields: apitest.Vars{"from": eur("1"), "to": "JPY"}, other: apitest.Vars{"to": "USD"}, answer: `exchange { id rate }`,
	})
	send(mover{name: "walletWithdraw", who: b.buyer, fields: apitest.Vars{"amount": eur("1")}, other: apitest.Vars{"amount": eur("2")}, answer: `withdrawal { id status }`})
	top := b.support(support, b.Funded(1))
	send(mover{
		name: "ledgerEntryReverse", who: admin, fields: apitest.Vars{"entryId": top, "reason": "why"}, other: apitest.Vars{"reason": "because"}, answer: `entry { id flow }`,
	})

	send(mover{
		name: "promotionCreate", who: admin, other: apitest.Vars{"title": "Another"}, answer: `promotion { id byPlatform code budget { amount } }`,
		fields: apitest.Vars{"byPlatform": true, "reason": "Eid", "code": "eid-5", "title": "Eid", "kind": "AMOUNT", "amount": eur("5"), "currency": "EUR", "budget": eur("50")},
	})
	gift := id.Promotion.Encode(uuid.MustParse(b.Texts(`SELECT id::text FROM promotion`)[0]))
	send(mover{
		name: "promotionChange", who: admin, fields: apitest.Vars{"promotionId": gift, "reason": "more", "budget": eur("60")}, other: apitest.Vars{"budget": eur("70")},
		answer: `promotion { id budget { amount } spent { amount } }`,
	})

	bids := b.Lot(b.seller, nil)
	send(mover{
		name: "bidPlace", who: b.buyer, fields: apitest.Vars{"auctionId": bids.NodeID().String(), "amount": eur("12")},
		other: apitest.Vars{"amount": eur("13")}, answer: `leading bid { id number } auction { version }`,
	})
	bid := b.Texts(`SELECT id::text FROM bid WHERE auction_id = $1`, bids.ID)[0]
	send(mover{
		name: "bidCancel", who: support, fields: apitest.Vars{"bidId": id.Bid.Encode(uuid.MustParse(bid)), "reason": "A slip"},
		other: apitest.Vars{"reason": "Another"}, answer: `bid { id cancelledAt } auction { version bidCount }`,
	})
	now := b.lot(b.seller, auction.StartInput{BuyNow: euros(30)})
	send(mover{
		name: "auctionBuyNow", who: b.buyer, fields: apitest.Vars{"auctionId": now.NodeID().String()},
		other: apitest.Vars{"auctionId": bids.NodeID().String()}, answer: `bid { id } auction { status version }`,
	})

	set := b.reservedCode()
	send(mover{
		name: "reservationPay", who: b.buyer, fields: apitest.Vars{"reservationId": set, "total": eur("9")}, other: apitest.Vars{"total": eur("10")},
		answer: `orders { id payment fulfilment version codes { id } }`,
	})

	send(mover{
		name: "checkoutConfirm", who: b.buyer, fields: apitest.Vars{"quoteId": b.quotedCode(), "total": eur("9")}, other: apitest.Vars{"total": eur("10")},
		answer: `orders { id payment fulfilment version lines { title amount { amount } } }`,
	})

	send(mover{name: "shipmentCreate", who: b.seller, fields: b.parcel(), other: apitest.Vars{"grams": 901}, answer: `shipment { id status trackingNumber }`})

	live := b.live(host)
	sold, unsold := b.lot(host, auction.StartInput{Show: &live.ID}), b.lot(host, auction.StartInput{Show: &live.ID, Reserve: euros(90)})
	b.Bid(rival, sold, 10)
	b.Bid(rival, unsold, 10)
	for name, l := range map[string]auction.Auction{"lotClose": sold, "lotPass": unsold} {
		send(mover{name: name, who: host, fields: apitest.Vars{"lotId": l.NodeID().String()}, other: apitest.Vars{"lotId": bids.NodeID().String()}, answer: lot})
	}

	b.orders(order, send)

	owed := b.owedAfter(rival, 20)
	b.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE id = $1`, owed)
	if done, err := b.Resolver.Auctions.ExpireOrder(b.t.Context(), owed); err != nil || !done {
		b.t.Fatalf("expire an order: %t, %v", done, err)
	}
	chance := uuid.MustParse(b.Texts(`SELECT id::text FROM second_chance`)[0])
	send(mover{
		name: "secondChanceAccept", who: rival, fields: apitest.Vars{"secondChanceId": id.SecondChance.Encode(chance)},
		other: apitest.Vars{"cardId": b.card}, answer: `secondChance { id status } ` + order,
	})
}

// reservedCode is a code for 9 euros that the buyer has set aside.
func (b *bazaarByCard) reservedCode() (reservation string) {
	b.t.Helper()
	game := gameOf(b.t, b.API, b.seller, "9")
	b.seller.Must(b.t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "A-CODE", "idempotencyKey": b.key()}))
	return reserved(b.t, b.buyer.Client, game, 1)
}

// parcel is what a label is bought for, of an order that the buyer has paid.
func (b *bazaarByCard) parcel() apitest.Vars {
	b.t.Helper()
	b.seller.Must(b.t, addressCreate, input(parisOf("A Seller")))
	home := b.buyer.Must(b.t, addressCreate, input(parisOf("A Buyer"))).Str("addressCreate.address.id")
	b.buyer.Must(b.t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(b.Listing(b.seller, "A brass pot").ID)}))
	quote := b.buyer.Must(b.t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": b.key()})).Str("checkoutQuote.quote.id")
	orders := b.buyer.Must(b.t, checkoutConfirm, input(apitest.Vars{"quoteId": quote, "total": eur("20"), "idempotencyKey": b.key()}))
	return apitest.Vars{"orderId": orders.Str("checkoutConfirm.orders.0.id"), "carrier": "MONDIAL_RELAY", "product": "24R", "pickupPointId": aRelay, "grams": 900}
}

// quotedCode is a quote of a code for 9 euros in the buyer's cart.
func (b *bazaarByCard) quotedCode() (quote string) {
	b.t.Helper()
	game := gameOf(b.t, b.API, b.seller, "9")
	b.seller.Must(b.t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ANOTHER-CODE", "idempotencyKey": b.key()}))
	b.buyer.Must(b.t, cartAdd, input(apitest.Vars{"variantId": game, "quantity": 1}))
	return b.buyer.Must(b.t, checkoutQuote, input(apitest.Vars{"idempotencyKey": b.key()})).Str("checkoutQuote.quote.id")
}

// orders are the movers of an order.
func (b *bazaarByCard) orders(order string, send func(mover)) {
	b.t.Helper()
	one, two := b.owed(20), b.owed(30)
	in := apitest.Vars{"orderId": one}
	send(mover{
		name: "orderPay", who: b.buyer, fields: with(with(in, "cardId", b.card), "walletAmount", eur("5")),
		other: apitest.Vars{"walletAmount": eur("6")}, answer: order + ` orderPayment { id status }`,
	})
	send(mover{name: "orderShip", who: b.seller, fields: in, other: apitest.Vars{"tracking": "T"}, answer: order})
	send(mover{name: "orderConfirmReceipt", who: b.buyer, fields: in, other: apitest.Vars{"orderId": two}, answer: order})
	send(mover{name: "orderRefund", who: b.seller, fields: with(in, "amount", eur("3")), other: apitest.Vars{"amount": eur("4")}, answer: order})
	b.buyer.Must(b.t, returnRequest, input(with(in, "text", "It is too small.")))
	b.seller.Must(b.t, returnAccept, input(with(in, "text", "Send it back.")))
	b.buyer.Must(b.t, addressCreate, input(parisOf("Amal")))
	b.seller.Must(b.t, addressCreate, input(parisOf("Le Marché")))
	b.Exec(`INSERT INTO shipping_profile (seller_id, grams, offers) VALUES ($1, 500, '[{"kind": "CARRIER", "carrier": "FEDEX", "product": "FEDEX_REGIONAL_ECONOMY"}]')`, b.seller.ID)
	send(mover{
		name: "orderReturnLabel", who: b.buyer, fields: in, other: apitest.Vars{"carrier": "FEDEX"}, answer: `shipment { id status attempts trackingNumber }`,
	})
	b.Exec(`DELETE FROM shipping_profile`) // with which lots would go through a checkout
	send(mover{
		name: "orderReturnReceived", who: b.seller, fields: with(in, "lines", []apitest.Vars{{"number": 1, "quantity": 1}}), other: apitest.Vars{"text": "why"}, answer: order,
	})
	if paid := b.buyer.Must(b.t, orderPay, input(apitest.Vars{"orderId": two, "idempotencyKey": b.key()})); paid.Str("orderPay.order.payment") != "PAID" {
		b.t.Fatalf("got %s", paid.Raw())
	}
	three := b.owed(20)
	b.buyer.Must(b.t, orderPay, input(apitest.Vars{"orderId": three, "cardId": b.card, "idempotencyKey": b.key()}))
	code := b.buyer.Must(b.t, handOverCode, apitest.Vars{"id": three}).Str("order.handOverCode")
	send(mover{name: "orderHandOver", who: b.seller, fields: apitest.Vars{"orderId": three, "code": code}, other: apitest.Vars{"code": wrongOf(code)}, answer: order})
	send(mover{name: "orderCancel", who: b.seller, fields: apitest.Vars{"orderId": two}, other: apitest.Vars{"reason": "why"}, answer: order})
}

// support is the entry that somebody's wallet was filled by.
func (b *bazaarByCard) support(support, p graphtest.Person) string {
	b.t.Helper()
	got := support.Must(b.t, oneAccount, apitest.Vars{"kind": "WALLET", "owner": id.User.Encode(p.ID), "first": 1})
	return got.Str("ledgerAccount.postings.nodes.0.entry.id")
}

// lot is an open lot from 10 euros, for an hour.
func (b *bazaarByCard) lot(seller graphtest.Person, in auction.StartInput) auction.Auction {
	b.t.Helper()
	in.Listing, in.StartPrice, in.Duration = b.Listing(seller, "A lot").ID, graphtest.Euros(10), time.Hour
	lot, err := b.Resolver.Auctions.Start(b.t.Context(), seller.ID, in)
	if err != nil {
		b.t.Fatal(err)
	}
	return lot
}

func (b *bazaarByCard) live(host graphtest.Person) show.Show {
	b.t.Helper()
	s, err := b.Resolver.Shows.Create(b.t.Context(), host.ID, show.Draft{Title: "A show", StartsAt: b.Resolver.Clock.Now()})
	if err == nil {
		s, err = b.Resolver.Shows.Start(b.t.Context(), host.ID, s.ID)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// owedAfter is the order of a lot on which somebody bid so many euros, and the buyer more.
func (b *bazaarByCard) owedAfter(rival graphtest.Person, bid int64) uuid.UUID {
	b.t.Helper()
	lot := b.lot(b.seller, auction.StartInput{Backing: auction.ByCard})
	for who, in := range map[*graphtest.Person]struct {
		card  string
		euros int64
	}{&rival: {b.saved(rival, "pm_card_mastercard"), bid}, &b.buyer: {b.card, bid + 10}} {
		who.Must(b.t, bidByCard, input(apitest.Vars{
			"auctionId": lot.NodeID().String(), "amount": eur(strconv.FormatInt(in.euros, 10)), "cardId": in.card, "idempotencyKey": b.key(),
		}))
	}
	return b.Close(lot).UUID
}

func euros(n int64) *money.Amount { return new(graphtest.Euros(n)) }

// Every mutation that moves money is sent once, and moves some. Then the domains are taken away: what comes again came
// from the key alone.
func TestEveryMoneyMoverIsAnsweredByteForByte(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	var sent []mover
	b.movers(func(m mover) {
		b.t.Helper()
		before := b.Int(`SELECT count(*) FROM ledger.entry`)
		m.first = body(t, m.who.Client, m.query(), m.input())
		if moved := b.Int(`SELECT count(*) FROM ledger.entry`) - before; moved == 0 {
			t.Errorf("%s has moved nothing: %s", m.name, m.first)
		}
		sent = append(sent, m)
	})
	for _, name := range moneyMovers {
		if !slices.ContainsFunc(sent, func(m mover) bool { return m.name == name }) {
			t.Errorf("%s was not sent", name)
		}
	}
	entries := b.Int(`SELECT count(*) FROM ledger.entry`)
	r := b.Resolver
	r.Payment, r.Orders, r.Auctions, r.Books, r.Catalog = nil, nil, nil, nil, nil
	for _, m := range sent {
		same(t, m.name+" again", m.first, m.who.Client, m.query(), m.input())
		changed := m.input()
		for name, value := range m.other {
			changed = input(with(changed["input"].(apitest.Vars), name, value))
		}
		if code := codeOf(t, m.who.Client, m.query(), changed); code != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("%s with other input: %s", m.name, code)
		}
	}
	if now := b.Int(`SELECT count(*) FROM ledger.entry`); now != entries {
		t.Errorf("%d entries became %d", entries, now)
	}
}
