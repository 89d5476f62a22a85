package checkout_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/shipping"
)

// Each parcel has its options, with what they cost; what is chosen, or the cheapest, is charged, and is what the ledger posts.
func TestShippingInTheQuote(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	buyer, shirts := s.Buyer(1000_00), s.shirts(s.seller, 2, 9)
	s.Exec(`UPDATE variant SET grams = 1500 WHERE id = $1`, shirts[0])
	s.sends(byVan(), toPoint(), byHand(9_00), byHand(3_00, "BE"), fetched())
	s.put(buyer, 2, shirts[0])
	s.put(buyer, 1, shirts[1])
	home := s.home(buyer)
	// The two lie at the same place, as shirts puts all variants of a product there: 3.5 kilograms, 7 euros by van.
	q, err := s.choose(buyer, home, "", nil)
	s.Must(err)
	g := q.Groups[0]
	if len(g.Parcels) != 1 || g.Parcels[0].Grams != 3500 || g.Parcels[0].Choice().Code != "MONDIAL_RELAY/24R" || q.Total != domaintest.EUR(37_00) {
		t.Fatalf("%s: %+v", q.Total, g.Parcels)
	}
	codes := []string{}
	for _, o := range g.Parcels[0].Options {
		codes = append(codes, o.Code+" "+o.Price().String())
	}
	if want := []string{"MONDIAL_RELAY/24R 7.00 EUR", "MONDIAL_RELAY/POINT 2.00 EUR", "SELLER/2 9.00 EUR", "IN_PERSON 0.00 EUR"}; !slices.Equal(codes, want) {
		t.Errorf("%v", codes)
	}
	if c := g.Charges[0]; c.Kind != order.Shipping || c.Bearer != order.AsBuyer || c.Side() != order.WithPlatform || c.Amount != domaintest.EUR(7_00) || c.Label != "By van" || c.Estimated {
		t.Errorf("%+v", c)
	}
	// The quote binds: what the carrier takes by then changes nothing, and the next quote tells it.
	v.set(func(v *van) { v.price = domaintest.EUR(8_00) })
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	o := orders[0]
	if o.Total != domaintest.EUR(37_00) || o.Shipping != domaintest.EUR(7_00) || s.Balance(ledger.Escrow, o.ID) != 37_00 {
		t.Errorf("%+v", o)
	}
	plans, err := s.Shipping.PlansOf(t.Context(), []uuid.UUID{o.ID})
	if s.Must(err); len(plans[o.ID]) != 1 || plans[o.ID][0].Choice().Product != "24R" {
		t.Errorf("%+v", plans)
	}
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: o.ID, Amount: new(domaintest.EUR(10_00)), IdempotencyKey: "k"}))
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, o.ID))
	left := o
	left.Refunded = domaintest.EUR(10_00)
	if got := s.Int(`SELECT sum(p.amount) FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'shipping_income'`); got != left.Parts().Shipping.Minor || got == 0 {
		t.Errorf("the platform has %d for shipping", got)
	}
	// By the seller: it is in their earnings, and the platform's fee is on the goods alone.
	s.put(buyer, 1, shirts[1])
	q, err = s.choose(buyer, home, "SELLER/2", nil)
	s.Must(err)
	if c := q.Groups[0].Charges; c[0].Side() != order.WithSeller || c[0].Amount != domaintest.EUR(9_00) || c[1].Amount != domaintest.EUR(10_00).BasisPoints(domaintest.FeeBasisPoints) || q.Total != domaintest.EUR(19_00) {
		t.Errorf("%+v", c)
	}
	orders, err = s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: s.seller}, orders[0].ID, ""))
	// Free: the seller bears what the van takes.
	free := byVan()
	free.Free = true
	s.sends(free)
	s.put(buyer, 1, shirts[1])
	q = s.quoted(buyer)
	if c := q.Groups[0].Charges[0]; q.Total != domaintest.EUR(10_00) || c.Bearer != order.AsSeller || c.Amount != domaintest.EUR(8_00) {
		t.Errorf("%s, %+v", q.Total, c)
	}
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(q)))
}

// What lies at two places is two parcels, chosen together or each for itself, and free shipping takes both off.
func TestParcelsByPlace(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	buyer, one, two := s.Buyer(1000_00), s.shirts(s.seller, 1, 9)[0], s.shirts(s.seller, 1, 9)[0]
	s.sends(byVan(), byHand(1_50), fetched())
	once := id.New()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'ONE_OFF', 'A pot', '', 'GOOD', 1000, 'EUR')`, once, s.seller)
	s.put(buyer, 1, one, two, once)
	home := s.home(buyer)
	q, err := s.choose(buyer, home, "MONDIAL_RELAY/24R", nil)
	s.Must(err)
	parcels := q.Groups[0].Parcels
	if len(parcels) != 2 || parcels[0].Grams+parcels[1].Grams != 1500 || q.Total != domaintest.EUR(30_00+5_00+4_00) {
		t.Fatalf("%s: %+v", q.Total, parcels)
	}
	if slices.ContainsFunc(parcels[0].Options, func(o shipping.Option) bool { return o.Kind == shipping.InPerson }) {
		t.Error("it is handed over at two places")
	}
	in := checkout.QuoteInput{Address: home, IdempotencyKey: uuid.NewString(), Shipping: []checkout.Choice{
		{Seller: s.seller, Choice: shipping.Choice{Location: parcels[1].Location, Option: "SELLER/1"}}, {Seller: s.seller, Choice: shipping.Choice{Option: "MONDIAL_RELAY/24R"}},
	}}
	q, err = s.Checkout.Quote(t.Context(), buyer, in)
	s.Must(err)
	if c := q.Groups[0].Charges; c[0].Amount != domaintest.EUR(5_00) || c[1].Amount != domaintest.EUR(1_50) || c[0].Side() != order.WithPlatform || c[1].Side() != order.WithSeller || q.Total != domaintest.EUR(36_50) {
		t.Errorf("%+v", c)
	}
	if again, err := s.Checkout.Quote(t.Context(), buyer, in); err != nil || again.ID != q.ID {
		t.Errorf("again: %v", err)
	}
	in.Shipping[0].Option = "MONDIAL_RELAY/24R"
	if _, err := s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the key with another choice: %v", err)
	}
	s.offers(func(in *promotion.Input) { in.Code, in.Kind, in.BasisPoints = nil, promotion.FreeShipping, nil })
	in.IdempotencyKey = uuid.NewString()
	q, err = s.Checkout.Quote(t.Context(), buyer, in)
	s.Must(err)
	if q.Total != domaintest.EUR(30_00) {
		t.Errorf("with free shipping it is %s: %+v", q.Total, q.Groups[0].Charges)
	}
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(q)))
}

// A price that can't be had is a table's, flagged, or none: nothing is set aside for what can't be brought.
func TestShippingThatCannotBeHad(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	shirt, buyer := s.shirts(s.seller, 1, 9)[0], s.Buyer(1000_00)
	home := s.home(buyer)
	brussels := s.lives(buyer, address.Postal{Name: "Amal", Line1: "1 rue Neuve", City: "Bruxelles", PostalCode: "1000", Country: "BE"})
	berlin := s.lives(buyer, address.Postal{Name: "Amal", Line1: "Unter den Linden 1", City: "Berlin", PostalCode: "10117", Country: "DE"})
	s.put(buyer, 1, shirt)
	s.sends(byVan(), toPoint(), fetched())
	v.set(func(v *van) { v.down = true })
	q, err := s.choose(buyer, home, "", nil)
	s.Must(err)
	if c := q.Groups[0].Charges[0]; !c.Estimated || c.Amount != domaintest.EUR(4_59) || q.TaxEstimated() || q.Total != domaintest.EUR(14_59) {
		t.Errorf("%+v", q)
	}
	if n := len(q.Groups[0].Parcels[0].Options); n != 2 { // no table has what points cost
		t.Errorf("%d options", n)
	}
	dollars := byHand(1)
	dollars.Price.Currency = "USD"
	for name, c := range map[string]struct {
		offers []shipping.Offer
		change func(*van)
		to     *uuid.UUID
		code   string
		point  *string
		want   string
	}{
		"down, and there is no table":         {[]shipping.Offer{toPoint()}, func(v *van) { v.down = true }, home, "", nil, "CARRIER_UNAVAILABLE"},
		"a point, and nobody can say":         {[]shipping.Offer{byVan(), toPoint()}, func(v *van) { v.down = true }, home, "MONDIAL_RELAY/POINT", new("1"), "CARRIER_UNAVAILABLE"},
		"it brings nothing there":             {[]shipping.Offer{byVan()}, func(v *van) { v.none = true }, home, "", nil, "SHIPPING_NO_RATE"},
		"in another currency":                 {[]shipping.Offer{byVan()}, func(v *van) { v.price.Currency = "GBP" }, home, "", nil, "SHIPPING_CURRENCY"},
		"by the seller in another":            {[]shipping.Offer{dollars}, nil, home, "", nil, "SHIPPING_CURRENCY"},
		"a country that nobody serves":        {[]shipping.Offer{byVan(), byHand(1, "FR")}, nil, berlin, "", nil, "COUNTRY_NOT_SERVED"},
		"a point in a country without":        {[]shipping.Offer{byVan(), toPoint()}, nil, brussels, "MONDIAL_RELAY/POINT", nil, "COUNTRY_NOT_SERVED"},
		"too heavy":                           {[]shipping.Offer{byVan()}, nil, home, "", nil, "PARCEL_WEIGHT"},
		"unknown":                             {[]shipping.Offer{byVan()}, nil, home, "SELLER/0", nil, "SHIPPING_OPTION_UNKNOWN"},
		"a point that closed":                 {[]shipping.Offer{toPoint()}, func(v *van) { v.closed = true }, home, "MONDIAL_RELAY/POINT", new("1"), "PICKUP_POINT_CLOSED"},
		"a point that can't be":               {[]shipping.Offer{toPoint()}, nil, home, "MONDIAL_RELAY/POINT", new("../1"), "PICKUP_POINT_CLOSED"},
		"a point for what comes home":         {[]shipping.Offer{byVan()}, nil, home, "MONDIAL_RELAY/24R", new("1"), "CARRIER_WITHOUT_POINTS"},
		"in person alone":                     {[]shipping.Offer{fetched()}, nil, home, "", nil, "IN_PERSON_ONLY"},
		"nowhere":                             {[]shipping.Offer{byVan(), fetched()}, nil, nil, "", nil, "ADDRESS_REQUIRED"},
		"by van to nowhere":                   {[]shipping.Offer{byVan(), fetched()}, nil, nil, "MONDIAL_RELAY/24R", nil, "ADDRESS_REQUIRED"},
		"what the seller offers no more":      {[]shipping.Offer{byVan()}, nil, home, "IN_PERSON", nil, "SHIPPING_OPTION_UNKNOWN"},
		"where nothing is offered any more":   {nil, nil, home, "MONDIAL_RELAY/24R", nil, "SHIPPING_OPTION_UNKNOWN"},
		"a price that takes all that is paid": {[]shipping.Offer{byHand(1<<63 - 1)}, nil, home, "", nil, "AMOUNT_OUT_OF_RANGE"},
	} {
		v.set(func(v *van) {
			v.price, v.down, v.none, v.closed = domaintest.EUR(4_00), false, false, false
			if c.change != nil {
				c.change(v)
			}
		})
		s.letGo(buyer)
		grams := 500
		if name == "too heavy" {
			grams = 30_001
		}
		s.Must2(s.Shipping.SetProfile(t.Context(), s.seller, grams, c.offers))
		if _, err := s.choose(buyer, c.to, c.code, c.point); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		left := int64(0)
		if c.want == "CARRIER_UNAVAILABLE" { // for the retry
			left = 1
		}
		if n := s.Int(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`); n != left {
			t.Errorf("%s: %d reservations are open", name, n)
		}
	}
	other := s.User(identity.Seller)
	v.set(func(v *van) { v.price, v.down, v.none, v.closed = domaintest.EUR(4_00), false, false, false })
	s.sends(byVan())
	for name, c := range map[string]checkout.Choice{
		"another seller's": {Seller: other, Choice: shipping.Choice{Option: "MONDIAL_RELAY/24R"}},
		"another place's":  {Seller: s.seller, Choice: shipping.Choice{Option: "MONDIAL_RELAY/24R", Location: new(uuid.New())}},
	} {
		if _, err := s.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: home, Shipping: []checkout.Choice{c}, IdempotencyKey: uuid.NewString()}); domaintest.Code(err) != "SHIPPING_OPTION_UNKNOWN" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A quote that was refused as its carrier was down is made by the same key once it is back; what was set aside meanwhile is its.
func TestQuoteOnceTheCarrierIsBack(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	shirt, buyer := s.shirts(s.seller, 1, 1)[0], s.Buyer(100_00)
	s.sends(toPoint())
	s.put(buyer, 1, shirt)
	in := checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: "k"}
	v.set(func(v *van) { v.down = true })
	for range 2 {
		if _, err := s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != "CARRIER_UNAVAILABLE" {
			t.Error(err)
		}
	}
	v.set(func(v *van) { v.down = false })
	q, err := s.Checkout.Quote(t.Context(), buyer, in)
	if s.Must(err); q.Total != domaintest.EUR(12_00) || q.Status != checkout.QuoteOpen {
		t.Errorf("%+v", q)
	}
}

// A pickup point that closes before it is paid refuses the confirmation, and nothing is done; a carrier that is down refuses nothing.
func TestPointClosesBeforeItIsPaid(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	shirt, buyer := s.shirts(s.seller, 1, 9)[0], s.Buyer(1000_00)
	home := s.home(buyer)
	s.sends(toPoint())
	s.put(buyer, 1, shirt)
	q, err := s.choose(buyer, home, "", nil)
	s.Must(err)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q)); domaintest.Code(err) != "PICKUP_POINT_REQUIRED" {
		t.Errorf("without one: %v", err)
	}
	q, err = s.choose(buyer, home, "MONDIAL_RELAY/POINT", new("000123"))
	s.Must(err)
	if p := q.Groups[0].Parcels[0].Point; p == nil || p.Name != "A shop" || q.Total != domaintest.EUR(12_00) {
		t.Fatalf("%+v", q)
	}
	v.set(func(v *van) { v.closed = true })
	agree := agreed(q)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, agree); domaintest.Code(err) != "PICKUP_POINT_CLOSED" {
		t.Errorf("closed: %v", err)
	}
	s.WantWallet(buyer, 1000_00, 0)
	if q, err := s.Checkout.GetQuote(t.Context(), buyer, q.ID); err != nil || q.Status != checkout.QuoteOpen {
		t.Errorf("%v, %v", q.Status, err)
	}
	v.set(func(v *van) { v.closed, v.down = false, true })
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agree)
	s.Must(err)
	v.set(func(v *van) { v.closed, v.down = true, false })
	if again, err := s.Checkout.Confirm(t.Context(), buyer, agree); err != nil || again[0].ID != orders[0].ID { // what is done is answered
		t.Errorf("again: %v", err)
	}
	s.WantWallet(buyer, 988_00, 0)
}

// What is fetched in person costs nothing to bring, needs no address and tells its seller none; a seller who is registered charges tax as at home.
func TestFetchedInPerson(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	shirt, code, buyer := s.shirts(s.seller, 1, 9)[0], s.stocked(1, 9)[0], s.Buyer(1000_00)
	s.registers(s.seller, "FR", "FR83404833048")
	s.sends(byVan(), fetched())
	s.put(buyer, 1, shirt, code)
	q, err := s.choose(buyer, nil, "IN_PERSON", nil)
	s.Must(err)
	tax := slices.IndexFunc(q.Groups[0].Charges, func(c order.Charge) bool { return c.Kind == order.Tax })
	if q.ShipTo != nil || q.Total != domaintest.EUR(20_00) || !q.Groups[0].InPerson() || tax < 0 || q.Groups[0].Charges[tax].Amount != domaintest.EUR(1_67) || v.asked != 0 {
		t.Fatalf("%+v, the van was asked %d times", q, v.asked)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	// With an address, for what else is bought, the seller of this is not told it.
	other := s.User(identity.Seller)
	s.put(buyer, 1, shirt, s.shirts(other, 1, 1)[0])
	q, err = s.choose(buyer, s.home(buyer), "IN_PERSON", nil)
	s.Must(err)
	more, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	told, err := s.Checkout.ShipTo(t.Context(), []uuid.UUID{orders[0].ID, more[0].ID, more[1].ID})
	s.Must(err)
	if _, ok := told[more[1].ID]; len(told) != 1 || !ok || more[1].SellerID != other {
		t.Errorf("%+v", told)
	}
	if _, err := s.Shipping.Create(t.Context(), s.seller, shipping.CreateInput{Order: more[0].ID, Carrier: "MONDIAL_RELAY", Product: "24R", Grams: 500}); domaintest.Code(err) != "ORDER_IN_PERSON" {
		t.Errorf("sent all the same: %v", err)
	}
}

// A profile is refused field by field.
func TestProfilesThatAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	homeless := s.User(identity.Seller)
	for name, c := range map[string]struct {
		who    uuid.UUID
		grams  int
		offers []shipping.Offer
		want   string
	}{
		"no weight":          {s.seller, 0, nil, "GRAMS_INVALID"},
		"too much":           {s.seller, 1_000_001, nil, "GRAMS_INVALID"},
		"eleven":             {s.seller, 1, slices.Repeat([]shipping.Offer{byHand(1)}, 11), "SHIPPING_OFFERS"},
		"one of them twice":  {s.seller, 1, []shipping.Offer{byVan(), byVan()}, "SHIPPING_OFFERS"},
		"no such carrier":    {s.seller, 1, []shipping.Offer{{Kind: shipping.ByCarrier, Carrier: "PIGEON", Product: "24R"}}, "CARRIER_UNKNOWN"},
		"no such product":    {s.seller, 1, []shipping.Offer{{Kind: shipping.ByCarrier, Carrier: "MONDIAL_RELAY", Product: "25R"}}, "CARRIER_PRODUCT_UNKNOWN"},
		"without a name":     {s.seller, 1, []shipping.Offer{{Kind: shipping.BySeller, Price: new(domaintest.EUR(1))}}, "SHIPPING_OFFER_TEXT"},
		"without a price":    {s.seller, 1, []shipping.Offer{{Kind: shipping.BySeller, Name: "By hand"}}, "SHIPPING_OFFER_PRICE"},
		"below nothing":      {s.seller, 1, []shipping.Offer{byHand(-1)}, "SHIPPING_OFFER_PRICE"},
		"to no country":      {s.seller, 1, []shipping.Offer{byHand(1, "XX")}, "ADDRESS_COUNTRY"},
		"nowhere in person":  {s.seller, 1, []shipping.Offer{{Kind: shipping.InPerson}}, "SHIPPING_OFFER_TEXT"},
		"without an address": {homeless, 1, []shipping.Offer{byVan()}, "SENDER_ADDRESS_REQUIRED"},
	} {
		if _, err := s.Shipping.SetProfile(t.Context(), c.who, c.grams, c.offers); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if p, err := s.Shipping.Profile(t.Context(), s.seller); p != nil || err != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// The same quote, asked for by two at once and by two servers, is one, whatever carriers answer meanwhile.
func TestShippingQuotedAtOnce(t *testing.T) {
	t.Parallel()
	s, v := withVan(t)
	defer s.Audited()
	shirt, buyer := s.shirts(s.seller, 1, 99)[0], s.Buyer(1000_00)
	home := s.home(buyer)
	s.sends(byVan())
	for range 5 {
		s.put(buyer, 1, shirt)
		in := checkout.QuoteInput{Address: home, IdempotencyKey: uuid.NewString()}
		quotes := make([]checkout.Quote, 8)
		codes := domaintest.Codes(domaintest.AtOnce(8, func(i int) (err error) {
			v.set(func(v *van) { v.price.Minor++ })
			quotes[i], err = s.Checkout.Quote(t.Context(), buyer, in)
			return err
		}))
		if codes[""] != 8 {
			t.Fatalf("%v", codes)
		}
		for _, q := range quotes[1:] {
			if q.ID != quotes[0].ID || q.Total != quotes[0].Total {
				t.Errorf("%s and %s", q.Total, quotes[0].Total)
			}
		}
		s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(quotes[0])))
	}
	if n := s.Int(`SELECT count(*) FROM stock_movement WHERE kind = 'SOLD'`); n != 5 {
		t.Errorf("%d were sold", n)
	}
}
