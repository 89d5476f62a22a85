package checkout_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/shipping"
)

// unasked is a saved card that no provider knows: bids name it, and nothing asks it for money.
func (s *shop) unasked(user uuid.UUID) *uuid.UUID {
	s.T.Helper()
	card := id.New()
	s.Exec(`INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
		VALUES ($1, $2, 'stripe', $3, 'visa', '4242', 12, 2040)`, card, user, "pm_"+card.String())
	return &card
}

// wonBy is the order of a lot of the seller's, backed by a card, that a buyer has won: at 20 euros, or just above what others bid before, 12 euros and more.
func (s *shop) wonBy(buyer uuid.UUID, card *uuid.UUID, others ...uuid.UUID) order.Order {
	s.T.Helper()
	in := auction.StartInput{Listing: s.Listing(s.seller), Backing: auction.ByCard, StartPrice: domaintest.EUR(20_00), Duration: time.Hour}
	if len(others) > 0 {
		in.StartPrice = domaintest.EUR(10_00)
	}
	lot, err := s.Auctions.Start(s.Ctx(), s.seller, in)
	s.Must(err)
	for i, who := range append(others, buyer) {
		with, price := card, domaintest.EUR(20_00)
		if i < len(others) {
			with, price = s.unasked(who), domaintest.EUR(12_00+int64(i)*100)
		}
		s.Must2(s.Auctions.Place(s.Ctx(), who, auction.PlaceInput{Auction: lot.ID, Amount: price, Card: with, IdempotencyKey: uuid.NewString()}))
	}
	s.Close(lot.ID)
	return s.OrderOf(lot.ID, buyer)
}

// won is such an order of a new buyer with so many cents.
func (s *shop) won(cents int64) order.Order {
	s.T.Helper()
	buyer := s.Buyer(cents)
	return s.wonBy(buyer, s.unasked(buyer))
}

// asks is what a buyer asks for an order of theirs, brought to Paris.
func (s *shop) asks(o order.Order, code string) checkout.OrderQuoteInput {
	s.T.Helper()
	in := checkout.OrderQuoteInput{Order: o.ID, Address: s.home(o.BuyerID), IdempotencyKey: uuid.NewString()}
	if code != "" {
		in.Shipping = []checkout.Choice{{Seller: s.seller, Choice: shipping.Choice{Option: code}}}
	}
	return in
}

// priced is a quote of an order.
func (s *shop) priced(o order.Order) checkout.Quote {
	s.T.Helper()
	q, err := s.Checkout.QuoteOrder(s.Ctx(), o.BuyerID, s.asks(o, ""))
	s.Must(err)
	return q
}

// What was won is quoted with shipping and tax beside the price that was bid, and goes its way as every order does, once it is confirmed.
func TestWhatWasWonIsCheckedOut(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	s.sends(byVan(), byHand(7_00, "FR"))
	s.registers(s.seller, "FR", "FR 83 404 833 048")
	o := s.won(100_00)
	if _, _, err := s.Orders.Pay(t.Context(), o.BuyerID, order.PayInput{Order: o.ID, IdempotencyKey: "k"}); domaintest.Code(err) != "CHECKOUT_REQUIRED" {
		t.Errorf("without a quote: %v", err)
	}
	in := s.asks(o, "")
	q, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, in)
	s.Must(err)
	if q.Status != checkout.QuoteOpen || q.Total != domaintest.EUR(24_00) || q.Due() != q.Total || *q.Order != o.ID || q.ShipTo.City != "Paris" || q.ExpiresAt.After(*o.PayBy) {
		t.Errorf("%+v", q)
	}
	var kinds []order.ChargeKind
	for _, c := range q.Groups[0].Charges {
		kinds = append(kinds, c.Kind)
	}
	if !slices.Equal(kinds, []order.ChargeKind{order.PlatformFee, order.Shipping, order.Tax}) || taxesOf(q)[0].Amount.Minor != 3_33 {
		t.Errorf("%+v", q.Groups[0].Charges)
	}
	if again, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, in); err != nil || again.ID != q.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	dearer, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, s.asks(o, q.Groups[0].Parcels[0].Options[1].Code))
	if s.Must(err); dearer.Total != domaintest.EUR(27_00) {
		t.Errorf("by hand: %+v", dearer)
	}
	s.sends(byHand(99_00, "FR")) // which changes nothing
	yes := agreed(q)
	orders, err := s.Checkout.Confirm(t.Context(), o.BuyerID, yes)
	if s.Must(err); len(orders) != 1 || orders[0].ID != o.ID || orders[0].Payment != order.Paid || orders[0].Total != q.Total || orders[0].Tax.Minor != 3_33 || orders[0].Shipping.Minor != 4_00 || orders[0].Fee != o.Fee {
		t.Fatalf("%+v", orders)
	}
	s.WantEvents(o.ID, "CREATED CHECKED_OUT PAID")
	s.WantWallet(o.BuyerID, 76_00, 0)
	if got := s.Balance(ledger.Escrow, o.ID); got != 24_00 {
		t.Errorf("escrow holds %d", got)
	}
	for code, in := range map[string]checkout.ConfirmInput{"": yes, "QUOTE_CONFIRMED": agreed(q), "QUOTE_OVER": agreed(dearer)} {
		if _, err := s.Checkout.Confirm(t.Context(), o.BuyerID, in); domaintest.Code(err) != code {
			t.Errorf("again: %v, want %s", err, code)
		}
	}
	if now, err := s.Checkout.GetQuote(t.Context(), o.BuyerID, dearer.ID); err != nil || now.Status != checkout.QuoteOver {
		t.Errorf("the other: %+v, %v", now, err)
	}
	if _, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, s.asks(o, "")); domaintest.Code(err) != "ORDER_NOT_QUOTABLE" {
		t.Errorf("once more: %v", err)
	}
	to, err := s.Checkout.ShipTo(t.Context(), []uuid.UUID{o.ID})
	if s.Must(err); to[o.ID].PostalCode != "75002" {
		t.Errorf("sent to %+v", to)
	}
	plans, err := s.Shipping.PlansOf(t.Context(), []uuid.UUID{o.ID})
	if s.Must(err); len(plans[o.ID]) != 1 || plans[o.ID][0].Choice().Product != "24R" {
		t.Errorf("brought by %+v", plans)
	}
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	if got := s.Earned(s.seller); got != 20_00-o.Fee.Minor-3_33 {
		t.Errorf("the seller has %d", got)
	}
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: o.ID, Amount: new(domaintest.EUR(12_00)), IdempotencyKey: "k"}))
	s.WantWallet(o.BuyerID, 88_00, 0)
}

// What was won is told in yen with all that is added to it, and paid in them at the rate of its quote, once; its order stays in euros.
func TestWhatWasWonIsPaidInYen(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	s.sends(byVan())
	o := s.won(0)
	s.Fund(o.BuyerID, money.New(20_000, "JPY"))
	in := s.asks(o, "")
	for code, c := range map[string]money.Currency{"FX_CURRENCY_UNSUPPORTED": "XXX", "": "EUR"} { // its own is exchanged into nothing
		other := s.asks(o, "")
		other.PayCurrency = c
		q, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, other)
		if total, _ := q.ExchangeTotal(); domaintest.Code(err) != code || total != nil {
			t.Errorf("in %s: %+v, %v", c, q, err)
		}
	}
	plain := s.priced(o)
	in.PayCurrency = "JPY"
	q, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, in)
	if s.Must(err); q.Total != domaintest.EUR(24_00) || q.Groups[0].Exchange == nil || q.Groups[0].Exchange.From != money.New(3920, "JPY") { // 24 euros and the half percent that the platform keeps, at 162.5
		t.Fatalf("%+v", q)
	}
	without := in
	without.PayCurrency = ""
	if _, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, without); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the same key without yen: %v", err)
	}
	s.Exec(`UPDATE fx_rate SET rate = (rate::numeric / 3)::numeric(20, 12)::text WHERE currency = 'JPY'`)
	yes := exchanged(t, q)
	card, less, none := yes, yes, agreed(plain)
	card.Card, less.Exchange, none.Exchange = s.unasked(o.BuyerID), new(money.New(3919, "JPY")), yes.Exchange
	for code, in := range map[string]checkout.ConfirmInput{"EXCHANGE_PAYS_ALL": card, "PRICE_CHANGED": less, "QUOTE_NOT_EXCHANGED": none, "INSUFFICIENT_FUNDS": agreed(q)} {
		if _, err := s.Checkout.Confirm(t.Context(), o.BuyerID, in); domaintest.Code(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	for range 2 {
		orders, err := s.Checkout.Confirm(t.Context(), o.BuyerID, yes)
		if s.Must(err); orders[0].ID != o.ID || orders[0].Payment != order.Paid || orders[0].Total != q.Total {
			t.Fatalf("%+v", orders)
		}
	}
	gives := q.Groups[0].Exchange.To.Minor
	if yen, cents := s.wallet(o.BuyerID, "JPY"), s.wallet(o.BuyerID, "EUR"); yen != 20_000-3920 || cents != gives-24_00 || s.position("JPY") != 3920 || s.position("EUR") != -gives {
		t.Errorf("the buyer has %d yen and %d cents", yen, cents)
	}
	told, err := s.Checkout.Exchanges(t.Context(), []uuid.UUID{o.ID})
	if s.Must(err); told[o.ID].From.Minor != 3920 || !told[o.ID].Paid || s.Balance(ledger.Escrow, o.ID) != 24_00 {
		t.Errorf("the order keeps %+v", told[o.ID])
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: s.seller}, o.ID, "It broke")) // and its money goes back in euros
	s.WantWallet(o.BuyerID, gives, 0)

	free := byVan() // what is paid already takes nothing, in any currency
	free.Free = true
	s.sends(free)
	paid := s.SaleBy(s.seller, s.Buyer(20_00), 20_00)
	in = s.asks(paid, "")
	in.PayCurrency = "JPY"
	if q, err := s.Checkout.QuoteOrder(t.Context(), paid.BuyerID, in); err != nil || !q.Paid || q.Groups[0].Exchange != nil {
		t.Errorf("%+v, %v", q, err)
	}
}

// A card that is refused leaves what was checked out to be paid at what it comes to; one that says yes is charged that. Nothing of it outlives a cancellation.
func TestWhatWasWonIsPaidByCard(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	s, _ := drives(&shop{World: w.World})
	defer s.Audited()
	s.sends(byVan())
	buyer := s.Buyer(5_00)
	declines, visa := w.Card(buyer, "pm_card_chargeCustomerFail"), w.Card(buyer, "pm_card_visa")
	o := s.wonBy(buyer, &declines)
	in := agreed(s.priced(o))
	in.Card, in.Wallet = &declines, new(domaintest.EUR(5_00))
	orders, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if domaintest.Code(err) != "CARD_DECLINED" || len(orders) != 1 || orders[0].Payment != order.PaymentPending || orders[0].Total.Minor != 24_00 || orders[0].PayBy == nil {
		t.Fatalf("%+v, %v", orders, err)
	}
	s.WantWallet(buyer, 5_00, 0)
	now, p, err := w.Pay(orders[0], visa, 5_00)
	if s.Must(err); now.Payment != order.Authorised || p.CardAmount != domaintest.EUR(19_00) {
		t.Errorf("%+v, %+v", now, p)
	}
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	s.WantWallet(buyer, 0, 0)
	if got := s.Balance(ledger.Escrow, o.ID); got != 24_00 {
		t.Errorf("escrow holds %d", got)
	}

	// What waits for the card's holder is given up for the checkout.
	holder := s.Buyer(0)
	asks := w.Card(holder, "pm_card_authenticationRequired")
	s.Must2(s.Shipping.SetProfile(t.Context(), s.seller, 500, nil)) // until they say how they send, orderPay does
	other := s.wonBy(holder, &asks)
	if got, _, err := w.Pay(other, asks, 0); err != nil || got.Payment != order.PaymentPending {
		t.Fatalf("%+v, %v", got, err)
	}
	s.sends(byVan())
	fine := w.Card(holder, "pm_card_mastercard")
	in = agreed(s.priced(other))
	in.Card = &fine
	orders, err = s.Checkout.Confirm(t.Context(), holder, in)
	if s.Must(err); orders[0].Payment != order.Authorised {
		t.Fatalf("%+v", orders)
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: s.seller}, other.ID, "It broke"))
	w.Works()
	if l, err := s.Catalog.Get(t.Context(), other.ListingID); err != nil || l.Status != "ACTIVE" {
		t.Errorf("%+v, %v", l, err)
	}
}

// What is not paid in time goes to the next bidder, checked out or not; they check it out in turn.
func TestASecondChanceIsCheckedOut(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	s.sends(byVan())
	buyer, next := s.Buyer(0), s.Buyer(100_00)
	o := s.wonBy(buyer, s.unasked(buyer), next)
	q := s.priced(o)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q)); domaintest.Code(err) != "INSUFFICIENT_FUNDS" {
		t.Errorf("an empty wallet: %v", err)
	}
	s.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE id = $1`, o.ID)
	if done, err := s.Auctions.ExpireOrder(t.Context(), o.ID); err != nil || !done {
		t.Fatal(done, err)
	}
	if _, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("after its time: %v", err)
	}
	offers, err := s.Auctions.Chances(t.Context(), next, page.Args{})
	s.Must(err)
	_, second, err := s.Auctions.Accept(t.Context(), next, auction.AcceptInput{Chance: offers.Nodes[0].ID, IdempotencyKey: "k"})
	if s.Must(err); second.Payment != order.PaymentPending {
		t.Fatalf("%+v", second)
	}
	s.WantWallet(next, 100_00, 0)
	orders, err := s.Checkout.Confirm(t.Context(), next, agreed(s.priced(second)))
	if s.Must(err); orders[0].Payment != order.Paid || orders[0].Total.Minor != 16_00 {
		t.Errorf("%+v", orders)
	}
}

// What was paid as its lot closed can be had in ways that cost its buyer nothing more; its seller bears them.
func TestWhatIsPaidAlready(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	s.registers(s.seller, "FR", "FR 83 404 833 048")
	s.sends(byVan())
	o := s.SaleBy(s.seller, s.Buyer(20_00), 20_00)
	if _, err := s.Checkout.QuoteOrder(t.Context(), o.BuyerID, s.asks(o, "")); domaintest.Code(err) != "ORDER_PAID_ALREADY" {
		t.Errorf("what costs: %v", err)
	}
	free := byVan()
	free.Free = true
	s.sends(free, byHand(3_00, "FR"))
	q := s.priced(o)
	if q.Total != o.Total || q.Due().Minor != 0 || !q.Paid {
		t.Errorf("%+v", q)
	}
	for name, change := range map[string]func(*checkout.ConfirmInput){
		"a card":   func(in *checkout.ConfirmInput) { in.Card = s.unasked(o.BuyerID) },
		"a wallet": func(in *checkout.ConfirmInput) { in.Wallet = new(domaintest.EUR(1)) },
	} {
		in := agreed(q)
		change(&in)
		if _, err := s.Checkout.Confirm(t.Context(), o.BuyerID, in); domaintest.Code(err) != "PAYMENT_SPLIT_INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
	orders, err := s.Checkout.Confirm(t.Context(), o.BuyerID, agreed(q))
	if s.Must(err); orders[0].Payment != order.Paid || orders[0].Total != o.Total || orders[0].Shipping.Minor != 4_00 || orders[0].Tax.Minor != 3_33 {
		t.Fatalf("%+v", orders)
	}
	s.WantEvents(o.ID, "CREATED PAID CHECKED_OUT")
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	if got := s.Earned(s.seller); got != 20_00-o.Fee.Minor-4_00-3_33 {
		t.Errorf("the seller has %d", got)
	}
	refunded := s.SaleBy(s.seller, s.Buyer(20_00), 20_00)
	open := s.priced(refunded)
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: refunded.ID, Amount: new(domaintest.EUR(1_00)), IdempotencyKey: "r"}))
	if _, err := s.Checkout.Confirm(t.Context(), refunded.BuyerID, agreed(open)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("of which something was given back: %v", err)
	}
}

// What can't be quoted or confirmed leaves everything as it was.
func TestWonAndRefused(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	s.sends(byVan())
	stranger, o := s.Buyer(100_00), s.won(100_00)
	q := s.priced(o)
	v.set(func(v *van) { v.price.Minor = 900 }) // which changes no quote that there is
	cart := s.Buyer(100_00)
	s.put(cart, 1, s.shirts(s.User(identity.Seller), 1, 9)[0])
	bought, err := s.Checkout.Confirm(t.Context(), cart, agreed(s.quoted(cart)))
	s.Must(err)
	cancelled, late, lapsed := s.won(0), s.won(100_00), s.won(100_00)
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: cancelled.BuyerID}, cancelled.ID, ""))
	s.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE id = $1`, late.ID)
	over := s.priced(lapsed)
	s.Exec(`ALTER TABLE quote DISABLE TRIGGER quote_refuse`)
	s.Exec(`UPDATE quote SET expires_at = clock_timestamp() WHERE id = $1`, over.ID)
	s.Exec(`ALTER TABLE quote ENABLE TRIGGER quote_refuse`)
	with := func(o order.Order, change func(*checkout.OrderQuoteInput)) checkout.OrderQuoteInput {
		in := s.asks(o, "")
		if change != nil {
			change(&in)
		}
		return in
	}
	before := s.Int(`SELECT count(*) FROM quote`)
	for name, c := range map[string]struct {
		who  uuid.UUID
		in   checkout.OrderQuoteInput
		want string
	}{
		"a stranger":        {stranger, with(o, nil), "ORDER_NOT_FOUND"},
		"the seller":        {s.seller, with(o, nil), "ORDER_NOT_FOUND"},
		"no order":          {stranger, with(order.Order{ID: id.New(), BuyerID: stranger}, nil), "ORDER_NOT_FOUND"},
		"of a cart":         {cart, with(bought[0], nil), "ORDER_NOT_QUOTABLE"},
		"cancelled":         {cancelled.BuyerID, with(cancelled, nil), "ORDER_NOT_QUOTABLE"},
		"too late to pay":   {late.BuyerID, with(late, nil), "ORDER_NOT_QUOTABLE"},
		"nowhere":           {o.BuyerID, with(o, func(in *checkout.OrderQuoteInput) { in.Address = nil }), "ADDRESS_REQUIRED"},
		"another's address": {o.BuyerID, with(o, func(in *checkout.OrderQuoteInput) { in.Address = s.home(stranger) }), "ADDRESS_NOT_FOUND"},
		"no such option":    {o.BuyerID, with(o, func(in *checkout.OrderQuoteInput) { in.Shipping = s.asks(o, "nothing").Shipping }), "SHIPPING_OPTION_UNKNOWN"},
		"no key":            {o.BuyerID, with(o, func(in *checkout.OrderQuoteInput) { in.IdempotencyKey = "" }), "IDEMPOTENCY_KEY_INVALID"},
	} {
		if q, err := s.Checkout.QuoteOrder(t.Context(), c.who, c.in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, q, err, c.want)
		}
	}
	if n := s.Int(`SELECT count(*) FROM quote`); n != before {
		t.Errorf("%d quotes were made", n-before)
	}
	for name, c := range map[string]struct {
		who    uuid.UUID
		quote  checkout.Quote
		change func(*checkout.ConfirmInput)
		want   string
	}{
		"another's":     {stranger, q, nil, "QUOTE_NOT_FOUND"},
		"a cent less":   {o.BuyerID, q, func(in *checkout.ConfirmInput) { in.Total.Minor-- }, "PRICE_CHANGED"},
		"the bid alone": {o.BuyerID, q, func(in *checkout.ConfirmInput) { in.Total = o.Total }, "PRICE_CHANGED"},
		"over":          {lapsed.BuyerID, over, nil, "QUOTE_OVER"},
	} {
		in := agreed(c.quote)
		if c.change != nil {
			c.change(&in)
		}
		if _, err := s.Checkout.Confirm(t.Context(), c.who, in); domaintest.Code(err) != c.want {
			t.Errorf("confirm %s: %v, want %s", name, err, c.want)
		}
	}
	// Whoever writes into the database, an order's amounts follow a confirmed quote of its own, once.
	for _, sql := range []string{
		`UPDATE orders SET total = total + 1 WHERE id = $1`,
		`UPDATE orders SET total = total + 400, shipping = 400, quote_id = (SELECT id FROM quote WHERE order_id = $1 LIMIT 1) WHERE id = $1`,
		`UPDATE orders SET tax = 1, quote_id = (SELECT quote_id FROM checkout LIMIT 1) WHERE id = $1`,
	} {
		if _, err := s.Pool.Exec(t.Context(), sql, o.ID); !refusedAs(err, "SK301") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	s.Must2(s.Checkout.Confirm(t.Context(), o.BuyerID, agreed(q)))
}

// One order is confirmed by many keys, by several quotes, paid and cancelled at the same instant: one of them is what happens.
func TestWonAndConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	confirmed := 0
	for round := range 10 {
		o := s.won(100_00)
		q, other := s.priced(o), s.priced(o) // of a seller who has said nothing, so that it costs what was bid
		in := agreed(q)
		errs := domaintest.AtOnce(5, func(i int) (err error) {
			mine := in
			switch {
			case i == 1:
				mine.IdempotencyKey = uuid.NewString()
			case i == 2:
				mine = agreed(other)
			case i == 3 && round%2 == 0:
				_, _, err = s.Orders.Pay(t.Context(), o.BuyerID, order.PayInput{Order: o.ID, IdempotencyKey: uuid.NewString()})
				return err
			case i == 4 && round%3 == 0:
				_, err = s.Orders.Cancel(t.Context(), order.Actor{User: o.BuyerID}, o.ID, "")
				return err
			}
			_, err = s.Checkout.Confirm(t.Context(), o.BuyerID, mine)
			return err
		})
		for i, err := range errs {
			if code := domaintest.Code(err); !slices.Contains([]string{"", "QUOTE_CONFIRMED", "QUOTE_OVER", "ORDER_ACTION_NOT_AVAILABLE"}, code) {
				t.Fatalf("round %d, %d: %v", round, i, err)
			}
		}
		n := s.Int(`SELECT count(*) FROM checkout k JOIN quote q ON q.id = k.quote_id WHERE q.order_id = $1`, o.ID)
		now, err := s.Orders.Get(t.Context(), o.BuyerID, o.ID)
		if s.Must(err); n > 1 || n == 1 && now.Payment != order.Paid {
			t.Fatalf("round %d: %d confirmations, %+v", round, n, now)
		}
		left := int64(100_00)
		if now.Payment == order.Paid {
			left = 80_00
		}
		s.WantWallet(o.BuyerID, left, 0)
		confirmed += int(n)
	}
	t.Logf("%d of ten were confirmed", confirmed)
}

// refusedAs says that the database refuses something for one of its own reasons.
func refusedAs(err error, code string) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == code
}
