package moneytest

import (
	"strings"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/ledger"
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
