package moneytest

import (
	"errors"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

func (m *machine) checkoutActions() []action {
	always := func() bool { return true }
	buy := action{"buy a cart", always, m.buyCart}
	codes := action{"pay a reservation", always, m.payCodes}
	again := action{"confirm again", some(&m.confirmed, each[confirmed]), m.confirmAgain}
	agreed := action{"buy at an accepted price", always, m.buyAtAcceptedPrice}
	won := action{"win a lot and check it out", always, m.winAndCheckOut}
	return append(m.giftActions(), buy, buy, agreed, won, buy, codes, again)
}

// confirmed is a confirmation that was made, with its answer.
type confirmed struct {
	buyer  uuid.UUID
	input  checkout.ConfirmInput
	orders []uuid.UUID
}

// buyCart puts things of one seller or two into a cart, has it quoted, and confirms it in some way.
func (m *machine) buyCart() {
	buyer := anyOf(m, m.buyers, "buyer")
	abroad := draw(m, rapid.IntRange(0, 3), "in California") == 3
	in := checkout.QuoteInput{Address: new(m.home(buyer, map[bool]string{false: "FR", true: "US"}[abroad])), IdempotencyKey: uuid.NewString()}
	m.Exec(`DELETE FROM cart_line WHERE cart_id IN (SELECT id FROM cart WHERE user_id = $1)`, buyer)
	put := func(variant uuid.UUID, n int) {
		_, _, err := m.Carts.Add(m.Ctx(), cart.Owner{User: buyer}, variant, n)
		m.Must(err)
	}
	sellers := m.merchants[2:3]
	if !abroad {
		sellers = m.merchants[:draw(m, rapid.IntRange(1, 2), "sellers")]
	}
	whose := draw(m, rapid.SampledFrom([]string{"nobody's", "the seller's", "the platform's"}), "coupon")
	coupon := whose == "the seller's"
	var (
		sales []*sale
		of    []int64 // what each is of, without postage and tax
		codes int64
	)
	if draw(m, rapid.IntRange(0, 3), "a code too") == 3 {
		codes = 7_00
	}
	offCodes := int64(0)
	for i, seller := range sellers {
		s := m.stallOf(seller)
		price, n := draw(m, rapid.SampledFrom([]int64{1_01, 7_77, 19_99}), "price"), draw(m, rapid.IntRange(1, 3), "how many")
		put(s.goods[price], n)
		goods, theirs := price*int64(n), int64(0)
		if i == 0 {
			theirs = codes
		}
		off, more := s.takesOff(goods, theirs, coupon)
		o := s.sells(buyer, goods-off)
		o.pieces = n
		sales, of, offCodes = append(sales, o), append(of, goods-off), offCodes+more
		if coupon && s.coupon != "" {
			in.Coupons = []string{s.coupon}
		}
	}
	if codes > 0 {
		s := m.stallOf(sellers[0])
		put(s.codes, 1)
		sales, of = append(sales, s.sellsCodes(buyer, codes-offCodes)), append(of, codes-offCodes)
	}
	if whose == "the platform's" {
		in.Coupons = []string{m.platformGives().coupon}
		m.subsidise(sales, of)
	}
	how := draw(m, rapid.SampledFrom([]string{"wallet", "card", "card", "both", "both", "JPY", "TND"}), "paid by")
	if how == "JPY" || how == "TND" {
		in.PayCurrency = money.Currency(how)
	}
	q, err := m.Checkout.Quote(m.Ctx(), buyer, in)
	m.allowed("a cart is quoted", err)
	m.agreesOn(q, sales)
	if draw(m, rapid.IntRange(0, 5), "changes their mind") == 5 {
		return // which leaves the goods aside for the next quote to free
	}
	m.confirm(q, sales, how)
}

// agreesOn insists that a quote costs what the model says.
func (m *machine) agreesOn(q checkout.Quote, sales []*sale) {
	if len(q.Groups) != len(sales) {
		m.t.Fatalf("a quote has %d groups, the model %d", len(q.Groups), len(sales))
	}
	sum := int64(0)
	for i, g := range q.Groups {
		s := sales[i]
		var fee, tax int64
		for _, c := range g.Charges {
			switch c.Kind {
			case order.PlatformFee:
				fee += c.Amount.Minor
			case order.Tax:
				tax += c.Amount.Minor
			case order.Shipping, order.Promotion:
			}
		}
		if s.tax > 0 && q.TaxEstimated() {
			m.seen.add("tax beside the price")
		}
		if s.id = g.OrderID; g.Total != s.total || g.SellerID != s.seller || g.Digital != s.digital || fee != s.fee().Minor || tax != s.tax {
			m.t.Fatalf("a quote's group is %+v; the model: %+v, with a fee of %s and tax of %d", g, *s, s.fee(), s.tax)
		}
		sum += s.total.Minor
	}
	if q.Total != eur(sum) {
		m.t.Fatalf("a quote is over %s, the model says %d", q.Total, sum)
	}
}

// costs is the least in another currency that gives an amount.
func costs(of money.Amount, in money.Currency) money.Amount {
	low, high := int64(0), of.Minor*1_000 // gives less, and enough
	for high-low > 1 {
		if middle := (low + high) / 2; gives(money.New(middle, in), of.Currency).Minor < of.Minor {
			low = middle
		} else {
			high = middle
		}
	}
	return money.New(high, in)
}

// confirm confirms a quote, and says whether that made orders, with things going wrong at Stripe where a card pays of it.
func (m *machine) confirm(q checkout.Quote, sales []*sale, how string) (made bool) {
	in := checkout.ConfirmInput{Quote: q.ID, Total: q.Total, IdempotencyKey: uuid.NewString()}
	buyer, card, byWallet := q.UserID, "", q.Total.Minor
	codes := int64(0)
	for _, s := range sales {
		if s.digital {
			codes += s.total.Minor
		}
	}
	switch how {
	case "card", "both":
		card = draw(m, rapid.SampledFrom([]string{asks, pays, pends, returns, declines}), "card")
		in.Card = new(m.saved(buyer, card))
		if byWallet = codes; how == "both" {
			byWallet = draw(m, rapid.SampledFrom([]int64{q.Total.Minor / 2, q.Total.Minor / 3, q.Total.Minor - 49, codes}), "wallet's part")
			byWallet = max(byWallet, codes)
			in.Wallet = new(eur(byWallet))
		}
	case "JPY", "TND":
		total, err := q.ExchangeTotal()
		m.Must(err)
		in.Exchange = total
	}
	parts := m.wallets(sales, byWallet)
	var (
		orders []order.Order
		err    error
	)
	do := func() { orders, err = m.Checkout.Confirm(m.Ctx(), buyer, in) }
	if codes := m.judgeConfirm(sales, parts, in, how); len(codes) > 0 {
		m.refusedAs(codes, func() error { do(); return err })
		return false
	}
	fired := false
	if card == "" {
		do()
	} else {
		fired = m.troubled(do, creating, confirming)
	}
	if len(orders) != len(sales) || err != nil && card == "" {
		m.t.Fatalf("a confirmation answers %v, %v", orders, err)
	}
	m.confirmed = append(m.confirmed, confirmed{buyer, in, nil})
	for i, s := range sales {
		m.confirmed[len(m.confirmed)-1].orders = append(m.confirmed[len(m.confirmed)-1].orders, s.id)
		if how == "JPY" || how == "TND" {
			m.exchangesFor(s, money.Currency(how))
			m.seen.add("a cart is paid in another currency")
		}
		m.makes(s, parts[i], card, in.Card)
	}
	m.seen.add("a cart is paid by " + how)
	if len(sales) > 1 {
		m.seen.add("a cart of several orders")
	}
	m.observe()
	for _, s := range sales {
		if p := s.live(); p != nil && p.status == payment.OrderProcessing && !fired {
			m.t.Fatal("a payment of a checkout is open although nothing went wrong")
		}
	}
	return true
}

// exchangesFor fills the wallet for an order, out of another.
func (m *machine) exchangesFor(s *sale, c money.Currency) {
	from := costs(s.total, c)
	to := gives(from, s.total.Currency)
	m.books.move(
		leg(ledger.Wallet, s.buyer, minus(from)), leg(ledger.FX, uuid.Nil, from),
		leg(ledger.FX, uuid.Nil, minus(to)), leg(ledger.Wallet, s.buyer, to),
	)
}

// makes is an order of a checkout with its first payment.
func (m *machine) makes(s *sale, wallet int64, card string, saved *uuid.UUID) {
	if !slices.Contains(m.sales, s) { // or it was won before
		m.sales = append(m.sales, s)
	}
	if s.subsidy > 0 {
		m.books.move(leg(ledger.PromoBudget, s.campaign, s.of(-s.subsidy)), leg(ledger.Escrow, s.id, s.of(s.subsidy)))
		m.seen.add("the platform pays a part")
	}
	p := &try{sale: s, charge: charge{user: s.buyer}, wallet: s.of(wallet)}
	p.gave = less(s.total, p.wallet)
	p.input = order.PayInput{Order: s.id, Wallet: &p.wallet, IdempotencyKey: "order:" + s.id.String()}
	if p.gave.Minor > 0 {
		p.card, p.input.Card = card, saved
	}
	ids := m.ids(`SELECT id FROM order_payment WHERE order_id = $1`, s.id)
	if len(ids) != 1 {
		m.t.Fatalf("an order of a checkout has %d payments", len(ids))
	}
	m.begins(p, payment.OrderPayment{ID: ids[0]})
	s.sent = s.digital
}

// wallets is the wallet's part of each: codes first, then order by order.
func (m *machine) wallets(sales []*sale, byWallet int64) []int64 {
	parts := make([]int64, len(sales))
	for i, s := range sales {
		if s.digital {
			parts[i] = s.total.Minor
			byWallet -= parts[i]
		}
	}
	for i, s := range sales {
		if !s.digital {
			parts[i] = min(byWallet, s.total.Minor)
			byWallet -= parts[i]
		}
	}
	return parts
}

// judgeConfirm gives the codes of the refusals that stand against a confirmation; none allows it.
func (m *machine) judgeConfirm(sales []*sale, parts []int64, in checkout.ConfirmInput, how string) (codes []string) {
	buyer, byWallet, byCard := sales[0].buyer, int64(0), int64(0)
	for i, s := range sales {
		rest := s.total.Minor - parts[i]
		if byWallet, byCard = byWallet+parts[i], byCard+rest; rest > 0 && rest < leastOnCard("EUR") {
			return []string{"CARD_AMOUNT_TOO_SMALL"}
		}
	}
	switch {
	case in.Card == nil && byCard > 0:
		return []string{"CARD_REQUIRED"}
	case in.Card != nil && in.Wallet != nil && byCard == 0:
		return []string{"PAYMENT_SPLIT_INVALID"}
	case in.Exchange != nil:
		sum := int64(0)
		for _, s := range sales {
			sum += costs(s.total, in.Exchange.Currency).Minor
		}
		if in.Exchange.Minor != sum {
			m.t.Fatalf("a quote costs %s, the model says %d %s", in.Exchange, sum, how)
		}
		if sum > m.books.free(buyer, in.Exchange.Currency) {
			codes = append(codes, "INSUFFICIENT_FUNDS")
		}
	case byWallet > m.books.free(buyer, "EUR"):
		codes = append(codes, "INSUFFICIENT_FUNDS")
	}
	if m.isFrozen(buyer) && byWallet > 0 {
		codes = append(codes, "WALLET_FROZEN")
	}
	return codes
}

// confirmAgain is a client's retry, or the same quote under another key.
func (m *machine) confirmAgain() {
	c := anyOf(m, m.confirmed, "checkout")
	in := c.input
	if draw(m, rapid.Bool(), "another key") {
		in.IdempotencyKey = uuid.NewString()
		m.refused("QUOTE_CONFIRMED", func() error { _, err := m.Checkout.Confirm(m.Ctx(), c.buyer, in); return err })
		return
	}
	before := m.digest()
	for _, err := range domaintest.AtOnce(2, func(int) error {
		orders, err := m.Checkout.Confirm(m.Ctx(), c.buyer, in)
		if err == nil && (len(orders) != len(c.orders) || orders[0].ID != c.orders[0]) {
			err = errors.New("other orders")
		}
		return err
	}) {
		m.allowed("a confirmation is retried", err)
	}
	if m.digest() != before {
		m.t.Fatal("a retried confirmation left a trace")
	}
}

// payCodes reserves codes and pays the reservation from the wallet.
func (m *machine) payCodes() {
	buyer, s := anyOf(m, m.buyers, "buyer"), m.stallOf(anyOf(m, m.merchants, "seller"))
	n := draw(m, rapid.IntRange(1, 2), "codes")
	r, err := m.Inventory.Reserve(m.Ctx(), buyer, inventory.ReserveInput{IdempotencyKey: uuid.NewString(), Wants: []inventory.Want{{Variant: s.codes, Quantity: int32(n)}}})
	m.Must(err)
	o := s.sellsCodes(buyer, int64(n)*7_00)
	in := checkout.PayInput{Reservation: r.ID, Total: o.total, IdempotencyKey: uuid.NewString()}
	var codes []string
	if o.total.Minor > m.books.free(buyer, "EUR") {
		codes = append(codes, "INSUFFICIENT_FUNDS")
	}
	if m.isFrozen(buyer) {
		codes = append(codes, "WALLET_FROZEN")
	}
	if len(codes) > 0 {
		m.refusedAs(codes, func() error { _, err := m.Checkout.Pay(m.Ctx(), buyer, in); return err })
		_, err := m.Inventory.Release(m.Ctx(), buyer, r.ID)
		m.Must(err)
		return
	}
	orders, err := m.Checkout.Pay(m.Ctx(), buyer, in)
	if m.allowed("a reservation is paid", err); len(orders) != 1 {
		m.t.Fatalf("a reservation of one seller's codes made %d orders", len(orders))
	}
	o.id = orders[0].ID
	m.makes(o, o.total.Minor, "", nil)
}
