package moneytest

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/shipping"
)

// stall is what a seller sells for a fixed price: it is sent for 3 euros. Of three sellers the first charges tax, which is a fifth of what it is on and within
// the price, and gives a tenth of the goods to who has their coupon; the third adds California's tax to the price, and is in a cart of its own. One more gives
// all of it to who has their coupon, and sends it for nothing.
type stall struct {
	seller uuid.UUID
	place  uuid.UUID
	goods  map[int64]uuid.UUID // variants by their price
	codes  uuid.UUID           // at 7 euros
	taxed  string              // in which country
	coupon string
}

// postage is what sending costs in the stalls.
const postage = 3_00

func (m *machine) checkoutActions() []action {
	always := func() bool { return true }
	buy := action{"buy a cart", always, m.buyCart}
	codes := action{"pay a reservation", always, m.payCodes}
	again := action{"confirm again", some(&m.confirmed, each[confirmed]), m.confirmAgain}
	agreed := action{"buy at an accepted price", always, m.buyAtAcceptedPrice}
	won := action{"win a lot and check it out", always, m.winAndCheckOut}
	return append(m.giftActions(), buy, buy, agreed, won, buy, codes, again)
}

// stallOf is a seller's stall, which they set up with their first sale.
func (m *machine) stallOf(seller uuid.UUID) *stall {
	if s, ok := m.stalls[seller]; ok {
		return s
	}
	s := &stall{seller: seller, goods: make(map[int64]uuid.UUID), taxed: map[uuid.UUID]string{m.merchants[0]: "DE", m.merchants[2]: "US"}[seller]}
	m.stalls[seller] = s
	m.home(seller, s.country())
	place, err := m.Inventory.AddLocation(m.Ctx(), seller, "Home", s.country())
	m.Must(err)
	s.place = place.ID
	for _, cents := range []int64{1_01, 7_77, 19_99} {
		_, s.goods[cents] = m.puts(s, "RETAIL", cents)
	}
	_, s.codes = m.puts(s, "DIGITAL_CODE", 7_00)
	lines := make([]string, 300)
	for i := range lines {
		lines[i] = uuid.NewString()
	}
	m.Must2(m.Codes.Upload(m.Ctx(), seller, code.UploadInput{Variant: s.codes, Text: strings.Join(lines, "\n"), IdempotencyKey: "codes"}))
	m.Must2(m.Shipping.SetProfile(m.Ctx(), seller, 500, []shipping.Offer{{Kind: shipping.BySeller, Name: "By hand", Price: new(eur(m.postageOf(seller)))}}))
	switch s.taxed {
	case "US":
		m.Must2(m.Taxes.Register(m.Ctx(), seller, "US", "12-3456789"))
	case "DE":
		m.Must2(m.Taxes.Register(m.Ctx(), seller, "DE", "DE136695976"))
		m.offers(s, "A tenth", 10_00)
	}
	if seller == m.merchants[3] {
		m.offers(s, "All of it", 100_00)
	}
	return s
}

// postageOf is what sending costs in a seller's stall.
func (m *machine) postageOf(seller uuid.UUID) int64 {
	if seller == m.merchants[3] {
		return 0
	}
	return postage
}

// offers has a seller give a part to who has their coupon.
func (m *machine) offers(s *stall, title string, basisPoints int) {
	s.coupon = "part-" + strings.ReplaceAll(uuid.NewString(), "-", "")
	m.Must2(m.Promotions.Create(m.Ctx(), promotion.Actor{User: s.seller}, promotion.Input{
		Title: title, Kind: promotion.Percent, BasisPoints: &basisPoints, Code: &s.coupon, Currency: "EUR", IdempotencyKey: uuid.NewString(),
	}))
}

// puts something into a stall.
func (m *machine) puts(s *stall, kind string, cents int64) (listing, variant uuid.UUID) {
	listing, variant = id.New(), id.New()
	m.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, option_names) VALUES ($1, $2, $3, 'A thing', '', 'NEW', '{Edition}')`, listing, s.seller, kind)
	m.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency, option_values) VALUES ($1, $2, $3, $4, 'EUR', '{one}')`, variant, listing, s.seller, cents)
	if kind == "RETAIL" {
		m.Must2(m.Inventory.Receive(m.Ctx(), s.seller, inventory.ChangeInput{Variant: variant, Location: s.place, Quantity: 10_000, IdempotencyKey: uuid.NewString()}))
	}
	return listing, variant
}

// bargain is something new in a stall, whose price may be talked about.
func (m *machine) bargain(s *stall) uuid.UUID {
	listing, variant := m.puts(s, "RETAIL", 19_99)
	m.Must(m.Offers.SetTaken(m.Ctx(), s.seller, listing, true))
	return variant
}

// country is where a stall sends to.
func (s *stall) country() string {
	if s.taxed == "US" {
		return "US"
	}
	return "FR"
}

// resident is somebody in a country.
type resident struct {
	user    uuid.UUID
	country string
}

// home is where somebody lives in a country.
func (m *machine) home(user uuid.UUID, country string) uuid.UUID {
	who := resident{user, country}
	if at, ok := m.homes[who]; ok {
		return at
	}
	a, err := m.Addresses.Create(m.Ctx(), user, map[string]address.Postal{
		"FR": {Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"},
		"US": {Name: "Amal Haddad", Line1: "1 Market Street", City: "San Francisco", Region: "CA", PostalCode: "94105", Country: "US"},
	}[country], true)
	m.Must(err)
	m.homes[who] = a.ID
	return a.ID
}

// nearest is a part of a whole of an amount, half a cent and more rounded up.
func nearest(amount, part, whole int64) int64 { return (2*amount*part + whole) / (2 * whole) }

// takesOff is what the coupon takes off of goods and of codes: a tenth of both, of which goods have their share, rounded down.
func (s *stall) takesOff(goods, codes int64, coupon bool) (offGoods, offCodes int64) {
	if !coupon || s.coupon == "" {
		return 0, 0
	}
	off := nearest(goods+codes, 1, 10)
	offGoods = off * goods / (goods + codes)
	return offGoods, off - offGoods
}

// sells is an order of a stall's, as it is charged.
func (s *stall) sells(buyer uuid.UUID, goods int64) *sale {
	o := &sale{buyer: buyer, seller: s.seller, total: eur(goods + postage)}
	o.kept = new(share(eur(goods), domaintest.FeeBasisPoints).Minor)
	switch s.taxed {
	case "DE":
		o.tax = nearest(goods+postage, 20, 120)
	case "US":
		o.tax = nearest(goods+postage, 725, 100_00)
		o.total.Minor += o.tax
	}
	return o
}

// campaign is the platform's: a twentieth of the goods, and of codes, to who has its coupon. It has money for all of a run.
type campaign struct {
	id     uuid.UUID
	coupon string
}

// campaigns is the platform's campaign, which begins with its first coupon.
func (m *machine) platformGives() campaign {
	if m.campaign.coupon == "" {
		coupon, budget := "platform-"+strings.ReplaceAll(uuid.NewString(), "-", ""), eur(1_000_00)
		p, err := m.Promotions.Create(m.Ctx(), promotion.Actor{User: m.admin, Admin: true, Reason: "The model wants it."}, promotion.Input{
			ByPlatform: true, Title: "A twentieth", Kind: promotion.Percent, BasisPoints: new(500), Code: &coupon, Currency: "EUR", Budget: &budget, IdempotencyKey: uuid.NewString(),
		})
		m.Must(err)
		m.campaign = campaign{p.ID, coupon}
		m.books.move(leg(ledger.Promotions, uuid.Nil, minus(budget)), leg(ledger.PromoBudget, p.ID, budget))
	}
	return m.campaign
}

// subsidise has the platform pay a twentieth of what the orders of a cart are of: all together rounded once, and order by order its share of that.
func (m *machine) subsidise(sales []*sale, goods []int64) {
	whole := int64(0)
	for _, cents := range goods {
		whole += cents
	}
	off := nearest(whole, 1, 20)
	for i, s := range sales {
		s.campaign, s.subsidy = m.campaign.id, off*goods[i]/whole
		s.total.Minor -= s.subsidy
		off, whole = off-s.subsidy, whole-goods[i]
	}
}

// sellsCodes is an order of codes, which bear neither postage nor tax.
func (s *stall) sellsCodes(buyer uuid.UUID, cents int64) *sale {
	return &sale{buyer: buyer, seller: s.seller, total: eur(cents), kept: new(share(eur(cents), domaintest.FeeBasisPoints).Minor), digital: true}
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
