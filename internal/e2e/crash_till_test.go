package e2e

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

// till is a seller of shirts at 20 euros in two sizes, who asks 6.90 for sending one and nothing for handing it over, is registered for tax, and gives a coupon of a tenth
// and one of all of it. Each purchase has another buyer, with 100 euros in the wallet and a card.
type till struct {
	*crashSite
	hana  person
	shirt string
	n     int // of purchases
}

func newTill(t *testing.T) *till {
	t.Helper()
	c := newCrashSite(t)
	c.fake.Deliveries().Add(untold)
	s := &till{crashSite: c, hana: c.server.signUp("Hana", "SELLER")}
	s.hana.Must(t, tour(t, "Add an address"), apitest.Vars{"create": apitest.Vars{"name": "Hana", "line1": "1 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR"}})
	for _, mutation := range []struct {
		query string
		input apitest.Vars
	}{
		{`mutation($input: ShippingProfileSetInput!) { shippingProfileSet(input: $input) { userErrors { code } } }`, apitest.Vars{"grams": 900, "offers": []any{
			apitest.Vars{"kind": "SELLER", "name": "By post", "price": eur(690), "countries": []string{"FR"}}, apitest.Vars{"kind": "IN_PERSON", "place": "At the shop"},
		}}},
		{`mutation($input: TaxRegistrationSetInput!) { taxRegistrationSet(input: $input) { userErrors { code } } }`, apitest.Vars{"country": "FR", "number": "FR83404833048"}},
		{couponCreate, apitest.Vars{"code": "TENTH", "title": "A tenth", "kind": "PERCENT", "basisPoints": 1_000, "currency": "EUR", "idempotencyKey": "tenth"}},
		{couponCreate, apitest.Vars{"code": "ALL", "title": "All of it", "kind": "PERCENT", "basisPoints": 10_000, "currency": "EUR", "idempotencyKey": "all"}},
	} {
		if got := s.hana.Must(t, mutation.query, apitest.Vars{"input": mutation.input}); !strings.Contains(string(got.Raw()), `"userErrors":[]`) {
			t.Fatalf("%s", got.Raw())
		}
	}
	shirt := s.hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
		"kind": "RETAIL", "title": "A shirt", "condition": "NEW", "photoIds": []string{s.hana.sendPhoto(t)}, "optionNames": []string{"Size"},
		"variants": []any{apitest.Vars{"price": eur(2000), "options": []string{"M"}}, apitest.Vars{"price": eur(2000), "options": []string{"L"}}},
	}})
	s.shirt = shirt.Str("listingCreate.listing.variants.1.id")
	place := s.hana.Must(t, tour(t, "Where stock lies"), apitest.Vars{"input": apitest.Vars{"name": "Home", "region": "FR"}}).Str("locationCreate.location.id")
	s.hana.Must(t, tour(t, "Receive stock"), apitest.Vars{"input": apitest.Vars{"variantId": s.shirt, "locationId": place, "quantity": 50, "idempotencyKey": "k"}})
	return s
}

const couponCreate = `mutation($input: PromotionCreateInput!) { promotionCreate(input: $input) { userErrors { code } } }`

// purchase is what one buyer has in the cart, and means to pay.
type purchase struct {
	*till
	bilal             person
	card, house       string
	quote, total, key string
}

func (s *till) begins(card string) *purchase {
	s.t.Helper()
	s.n++
	p := &purchase{till: s, bilal: s.server.signUp("Buyer"+strconv.Itoa(s.n), "BUYER"), key: strconv.Itoa(s.n)}
	p.bilal.topUp(s.t, 100)
	p.card = p.bilal.Must(s.t, tour(s.t, "Save a card (buyer)"), apitest.Vars{"input": apitest.Vars{"paymentMethod": card}}).Str("cardSetupStart.cardSetup.card.id")
	p.house = p.bilal.Must(s.t, tour(s.t, "Add an address"), apitest.Vars{"create": apitest.Vars{"name": p.bilal.name, "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "75002", "country": "FR"}}).Str("addressCreate.address.id")
	p.bilal.Must(s.t, tour(s.t, "Put something into the cart"), apitest.Vars{"add": apitest.Vars{"variantId": s.shirt}})
	return p
}

func (p *purchase) asks(more apitest.Vars) apitest.Vars {
	ask := apitest.Vars{"addressId": p.house, "idempotencyKey": "quote-" + p.key}
	maps.Copy(ask, more)
	return ask
}

func (p *purchase) quoted(more apitest.Vars) {
	p.t.Helper()
	got := p.bilal.Must(p.t, quoteCart, apitest.Vars{"input": p.asks(more)})
	p.quote, p.total = got.Str("checkoutQuote.quote.id"), got.Str("checkoutQuote.quote.total.amount")
}

// confirmed has it confirmed while the server is killed, and then twice more: one order of one shirt, in that state.
func (p *purchase) confirmed(point crashPoint, more apitest.Vars, want string) {
	p.t.Helper()
	sold := p.count(`SELECT 50 - sum(on_hand)::int FROM stock`)
	yes := apitest.Vars{"quoteId": p.quote, "total": apitest.Vars{"amount": p.total, "currencyCode": "EUR"}, "idempotencyKey": "yes-" + p.key}
	maps.Copy(yes, more)
	p.dieAt(point, func() (wait func()) { return p.bilal.sends(confirmQuote, yes) })
	p.hana, p.bilal = p.hana.at(p.server), p.bilal.at(p.server)
	order := ""
	for range 2 {
		now := p.bilal.Must(p.t, confirmQuote, apitest.Vars{"input": yes}).Str("checkoutConfirm.orders.0.id")
		if now == "" || order != "" && now != order {
			p.t.Fatalf("%s: the retry finds %q after %q", point.name, now, order)
		}
		order = now
	}
	which, err := id.Order.Decode(order)
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the card's answer", func() bool { return p.count(`SELECT count(*) FROM order_payment WHERE status = 'PROCESSING'`) == 0 })
	p.is(point, which, want)
	if n := p.count(`SELECT 50 - sum(on_hand)::int FROM stock`); n != sold+1 {
		p.t.Errorf("%s: %d shirts were sold", point.name, n-sold)
	}
}

// is insists on an order's state.
func (s *till) is(point crashPoint, order uuid.UUID, want string) {
	s.t.Helper()
	if n := s.count(`SELECT count(*) FROM orders WHERE id = $1 AND payment || ' ' || fulfilment = $2`, order, want); n != 1 {
		s.t.Errorf("%s: the order is not %s", point.name, want)
	}
}

// agrees insists that the buyer's wallet has this, that nothing is set aside, and that orders and books hold.
func (p *purchase) agrees(point crashPoint, available int) {
	p.t.Helper()
	if has, held := p.bilal.wallet(p.t); has != available || held != 0 {
		p.t.Errorf("%s: the wallet has %d and %d held, want %d", point.name, has, held, available)
	}
	if n := p.count(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`); n != 0 {
		p.t.Errorf("%s: %d reservations are open", point.name, n)
	}
	p.checkOrders()
}

// Killed around a confirmation by card alone, by the wallet alone and over nothing, with an option, a coupon, tax and sending: one order comes of each, paid once.
func TestKilledAtTheTill(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	coupon := func(code string) apitest.Vars { return apitest.Vars{"couponCodes": []string{code}} }
	inPerson := func(code string) apitest.Vars {
		more := coupon(code)
		more["shipping"] = []any{apitest.Vars{"sellerId": s.hana.Must(t, `{ viewer { user { id } } }`, nil).Str("viewer.user.id"), "optionCode": "IN_PERSON"}}
		return more
	}
	for _, c := range []struct {
		point     crashPoint
		quote     apitest.Vars
		card      bool
		total     string
		state     string
		available int
	}{
		// 20.00 less a tenth, and 6.90 for sending; tax of 20 % is in it.
		{at("by card, before the commit", commit("INSERT", "checkout", "", lost)), coupon("TENTH"), true, "24.90", "AUTHORISED PENDING", 10000},
		{at("by card, after the commit", commit("INSERT", "checkout", "", happens)), coupon("TENTH"), true, "24.90", "AUTHORISED PENDING", 10000},
		{at("by card, after the card's answer", answer("POST", confirmIntent)), nil, true, "26.90", "AUTHORISED PENDING", 10000},
		{at("from the wallet, as the order is made", write("INSERT", "order_charge", "")), coupon("TENTH"), false, "24.90", "PAID PENDING", 7510},
		{at("from the wallet, as it is paid", write("INSERT", "order_payment", "")), nil, false, "26.90", "PAID PENDING", 7310},
		{at("from the wallet, after the commit", commit("INSERT", "checkout", "", happens)), coupon("TENTH"), false, "24.90", "PAID PENDING", 7510},
		{at("over nothing, before the commit", commit("INSERT", "checkout", "", lost)), inPerson("ALL"), false, "0.00", "PAID PENDING", 10000},
		{at("over nothing, after the commit", commit("INSERT", "checkout", "", happens)), inPerson("ALL"), true, "0.00", "PAID PENDING", 10000},
	} {
		p := s.begins("pm_card_visa")
		if p.quoted(c.quote); p.total != c.total {
			t.Errorf("%s: %s, want %s", c.point.name, p.total, c.total)
		}
		yes := apitest.Vars{}
		if c.card {
			yes["cardId"] = p.card
		}
		p.confirmed(c.point, yes, c.state)
		p.agrees(c.point, c.available)
	}
	s.checkBooks()
}

// Killed while a cart is quoted once more, the quote before holds its goods still, or the next one does; and what runs out is given back.
func TestKilledWhileQuotingAnew(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for _, point := range []crashPoint{
		at("before the goods change hands", write("INSERT", "reservation_line", "")),
		at("before the commit", commit("INSERT", "quote", "", lost)),
		at("after the commit", commit("INSERT", "quote", "", happens)),
	} {
		p := s.begins("pm_card_visa")
		p.quoted(nil)
		first := p.quote
		p.key += "-anew"
		p.dieAt(point, func() (wait func()) {
			return p.bilal.sends(quoteCart, p.asks(apitest.Vars{"couponCodes": []string{"TENTH"}}))
		})
		s.hana, p.bilal = s.hana.at(s.server), p.bilal.at(s.server)
		if n := s.count(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`); n != 1 || s.count(`SELECT sum(reserved)::int FROM stock`) != 1 {
			t.Errorf("%s: %d reservations are open", point.name, n)
		}
		p.quoted(apitest.Vars{"couponCodes": []string{"TENTH"}})
		if p.quote == first || p.total != "24.90" {
			t.Errorf("%s: the next is %s over %s", point.name, p.quote, p.total)
		}
		p.confirmed(at("the next, after the commit", commit("INSERT", "checkout", "", happens)), nil, "PAID PENDING")
		p.agrees(point, 7510)
	}
	s.checkBooks()
}

// Killed as what nobody paid in time is given back: a reservation's goods, and an order whose card was refused with what of it came from the wallet. Each is given back once.
func TestKilledAsTimeIsOver(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	const expired = "OLD.status = 'OPEN' AND NEW.status = 'EXPIRED'"
	const cancelled = "OLD.fulfilment <> 'CANCELLED' AND NEW.fulfilment = 'CANCELLED'"
	for _, point := range []crashPoint{
		at("as a reservation ends", write("UPDATE", "reservation", expired)),
		at("before that is committed", commit("UPDATE", "reservation", expired, lost)),
		at("after that is committed", commit("UPDATE", "reservation", expired, happens)),
	} {
		p := s.begins("pm_card_visa")
		p.quoted(nil)
		p.dieAt(point, func() (wait func()) {
			p.count(`WITH r AS (UPDATE reservation SET expires_at = clock_timestamp() WHERE status = 'OPEN' RETURNING 1) SELECT count(*) FROM r`)
			return func() {}
		})
		s.hana, p.bilal = s.hana.at(s.server), p.bilal.at(s.server)
		eventually(t, "what was reserved", func() bool { return s.count(`SELECT sum(reserved)::int FROM stock`) == 0 })
		p.agrees(point, 10000)
	}
	for _, point := range []crashPoint{
		at("as an order is cancelled", write("UPDATE", "orders", cancelled)),
		at("before that is committed", commit("UPDATE", "orders", cancelled, lost)),
		at("after that is committed", commit("UPDATE", "orders", cancelled, happens)),
	} {
		p := s.begins("pm_card_chargeCustomerFail")
		p.quoted(nil)
		yes := apitest.Vars{"quoteId": p.quote, "total": apitest.Vars{"amount": p.total, "currencyCode": "EUR"}, "cardId": p.card, "walletAmount": eur(1000), "idempotencyKey": "yes-" + p.key}
		if got := p.bilal.Must(t, confirmQuote, apitest.Vars{"input": yes}); got.Str("checkoutConfirm.orders.0.payment") != "PENDING" {
			t.Fatalf("the refused card: %s", got.Raw())
		}
		sold := s.count(`SELECT 50 - sum(on_hand)::int FROM stock`)
		p.dieAt(point, func() (wait func()) {
			p.count(`WITH o AS (UPDATE orders SET pay_by = clock_timestamp() WHERE payment = 'PENDING' AND fulfilment = 'PENDING' RETURNING 1) SELECT count(*) FROM o`)
			return func() {}
		})
		s.hana, p.bilal = s.hana.at(s.server), p.bilal.at(s.server)
		eventually(t, "the order's end", func() bool {
			return s.count(`SELECT count(*) FROM orders WHERE fulfilment = 'PENDING'`) == 0 && s.count(`SELECT 50 - sum(on_hand)::int FROM stock`) == sold-1
		})
		p.agrees(point, 10000)
	}
	s.checkBooks()
}
